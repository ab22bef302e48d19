"""Questions to a Hugging Face hub, or a mirror of one: what a repository holds, and its bytes.

Bytes come by plain HTTPS with a byte range, through huggingface_hub's client session: a file then
grows from front to back and can be gone on with. The library's own functions are not called:
for downloads they hand large files to its xet client, which writes out of order into a cache of its
own, and check sizes only; with every question they describe this machine to the hub in a header,
and ask it in a request of its own how to. So neither xet nor telemetry has to be switched off for
the whole process.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from adapters.hub_weights.failures import asking_for, is_passing
from adapters.hub_weights.hub_file import HubFile
from domain.errors import ModelUnavailable

_USER_AGENT = "indextts-runpod"
_TIMEOUT_SECONDS = 30.0
_PARTIAL_CONTENT = 206


class Hub:
    """One hub, as one holder of a token sees it.

    Args:
        endpoint: its address, without a path; empty for the library's own, the public hub.
        token: empty for none; a token that the machine has stored elsewhere is not used.
        waits_seconds: how long to wait before each further try where nothing is gained.
    """

    def __init__(self, *, endpoint: str, token: str, waits_seconds: Sequence[float]) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._token = token
        self._waits_seconds = tuple(waits_seconds)

    def listing(self, repository: str, revision: str) -> tuple[HubFile, ...] | None:
        """All files of ``repository`` at ``revision``; None where it has no such revision.

        Raises:
            ModelUnavailable: no such repository, or none that may be read.
        """
        from huggingface_hub.errors import RevisionNotFoundError

        patience = _Patience(self._waits_seconds)
        with asking_for(repository):
            while True:
                try:
                    return self._listing(repository, revision)
                except RevisionNotFoundError:
                    return None
                except Exception as error:
                    if not is_passing(error):
                        raise
                    patience.spend(error)

    def fetch(self, file: HubFile, partial: Path, report: Callable[[int], None]) -> None:
        """Bring ``partial`` to the length of ``file``, beginning where it ends.

        Tries again where the connection breaks, as long as bytes come. Tells ``report`` how many
        bytes are there. The bytes are on the disk afterwards, and not yet verified.

        Raises:
            ModelUnavailable: the hub does not give the bytes.
            OSError: they cannot be written.
        """
        patience = _Patience(self._waits_seconds)
        partial.touch()
        furthest = held = partial.stat().st_size
        with asking_for(file.name):
            while held < file.size_bytes:
                try:
                    self._append(file, partial, held, report)
                    failure: Exception = ModelUnavailable(
                        f"{file.name} ends early at the hub; check HF_ENDPOINT"
                    )
                except Exception as error:
                    if not is_passing(error):
                        raise
                    failure = error
                held = partial.stat().st_size
                if held > furthest:
                    furthest = held
                    patience = _Patience(self._waits_seconds)
                elif held < file.size_bytes:
                    patience.spend(failure)

    def _listing(self, repository: str, revision: str) -> tuple[HubFile, ...]:
        from huggingface_hub import constants, get_session, hf_raise_for_status

        answer = get_session().get(
            f"{self._endpoint or constants.ENDPOINT}/api/models/{repository}/revision/{revision}",
            params={"blobs": "true"},
            headers=self._headers(),
            timeout=_TIMEOUT_SECONDS,
        )
        hf_raise_for_status(answer)
        known = answer.json()
        return tuple(
            HubFile(
                repository=repository,
                commit=str(known["sha"]),
                path=str(file["rfilename"]),
                size_bytes=int((file.get("lfs") or file)["size"]),
                blob_id=str(file["blobId"]),
                sha256=str(file["lfs"]["sha256"]) if file.get("lfs") else None,
            )
            for file in known["siblings"]
        )

    def _append(
        self, file: HubFile, partial: Path, held: int, report: Callable[[int], None]
    ) -> None:
        from huggingface_hub import get_session, hf_hub_url, hf_raise_for_status

        url = hf_hub_url(
            file.repository, file.path, revision=file.commit, endpoint=self._endpoint or None
        )
        headers = self._headers()
        if held:
            headers["range"] = f"bytes={held}-"
        with get_session().stream("GET", url, headers=headers, timeout=_TIMEOUT_SECONDS) as answer:
            hf_raise_for_status(answer)
            with partial.open("r+b") as sink:
                if answer.status_code == _PARTIAL_CONTENT:
                    sink.seek(held)
                elif held:
                    sink.truncate()
                for block in answer.iter_bytes():
                    sink.write(block)
                    report(sink.tell())

    def _headers(self) -> dict[str, str]:
        # A packed answer has no ranges, and its length is not the file's.
        headers = {"user-agent": _USER_AGENT, "accept-encoding": "identity"}
        if self._token:
            headers["authorization"] = f"Bearer {self._token}"
        return headers


class _Patience:
    """The waits between tries that gain nothing."""

    def __init__(self, waits_seconds: Sequence[float]) -> None:
        self._left = iter(waits_seconds)

    def spend(self, failure: Exception) -> None:
        """Wait; raise ``failure`` when no patience is left."""
        wait_seconds = next(self._left, None)
        if wait_seconds is None:
            raise failure
        time.sleep(wait_seconds)
