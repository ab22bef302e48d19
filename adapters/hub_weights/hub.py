"""Requests to a Hugging Face hub or a mirror of one: the files of a repository, and their bytes.

Bytes come by plain HTTPS with a byte range, through the client session of huggingface_hub. A file
then grows from front to back, and an interrupted download can continue at its end.

The library's own download functions are not used, for two reasons. They pass large files to the xet
client, which writes out of order into its own cache, and they verify sizes only. And every call
sends a description of this machine to the hub, and makes a request of its own to find out how.
With the plain session, neither xet nor telemetry has to be switched off for the whole process.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from adapters.hub_weights.failures import is_transient, map_hub_errors
from adapters.hub_weights.hub_file import HubFile
from domain.errors import ModelUnavailable

_USER_AGENT = "indextts-runpod"
_TIMEOUT_SECONDS = 30.0
"""For each phase of a request: connecting, sending, and the wait for the next bytes."""

_PARTIAL_CONTENT = 206


class Hub:
    """One hub, accessed with one token.

    Args:
        endpoint: The address, without a path; empty for the library's default, the public hub.
        token: Empty for none; a token that is stored elsewhere on the machine is not used.
        waits_seconds: Seconds to wait before each further attempt after one that brought nothing.
    """

    def __init__(self, *, endpoint: str, token: str, waits_seconds: Sequence[float]) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._token = token
        self._waits_seconds = tuple(waits_seconds)

    def list_files(self, repository: str, revision: str) -> tuple[HubFile, ...] | None:
        """Return all files of ``repository`` at ``revision``; None if it has no such revision.

        Raises:
            ModelUnavailable: the repository does not exist or may not be read, or the hub does not
                answer.
        """
        from huggingface_hub.errors import RevisionNotFoundError

        retries = _Retries(self._waits_seconds)
        with map_hub_errors(repository):
            while True:
                try:
                    return self._request_files(repository, revision)
                except RevisionNotFoundError:
                    return None
                except Exception as error:
                    if not is_transient(error):
                        raise
                    retries.wait_or_raise(error)

    def fetch(self, file: HubFile, partial: Path, report: Callable[[int], None]) -> None:
        """Append to ``partial`` until it has the length of ``file``; the bytes are not verified.

        After a broken connection the download continues where it stopped. It fails only after
        several attempts that brought no byte.

        Args:
            file: The file to download.
            partial: The file on the disk; made if it is not there.
            report: Called with the number of bytes that are on the disk.

        Raises:
            ModelUnavailable: the hub does not give the bytes.
            OSError: the bytes cannot be written.
        """
        retries = _Retries(self._waits_seconds)
        partial.touch()
        furthest = held = partial.stat().st_size
        with map_hub_errors(file.name):
            while held < file.size_bytes:
                try:
                    self._append(file, partial, held, report)
                    failure: Exception = ModelUnavailable(
                        f"{file.name} ends early at the hub; check HF_ENDPOINT"
                    )
                except Exception as error:
                    if not is_transient(error):
                        raise
                    failure = error
                held = partial.stat().st_size
                if held > furthest:
                    furthest = held
                    retries = _Retries(self._waits_seconds)
                elif held < file.size_bytes:
                    retries.wait_or_raise(failure)

    def _request_files(self, repository: str, revision: str) -> tuple[HubFile, ...]:
        from huggingface_hub import constants, get_session, hf_raise_for_status

        answer = get_session().get(
            f"{self._endpoint or constants.ENDPOINT}/api/models/{repository}/revision/{revision}",
            params={"blobs": "true"},
            headers=self._headers(),
            timeout=_TIMEOUT_SECONDS,
        )
        hf_raise_for_status(answer)
        description = answer.json()
        return tuple(
            HubFile(
                repository=repository,
                commit=str(description["sha"]),
                path=str(file["rfilename"]),
                size_bytes=int((file.get("lfs") or file)["size"]),
                blob_id=str(file["blobId"]),
                sha256=str(file["lfs"]["sha256"]) if file.get("lfs") else None,
            )
            for file in description["siblings"]
        )

    def _append(
        self, file: HubFile, partial: Path, held: int, report: Callable[[int], None]
    ) -> None:
        """Request the bytes from ``held`` on; a hub that ignores ranges sends all of them."""
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
        # A compressed answer has no byte ranges, and its length is not the file's.
        headers = {"user-agent": _USER_AGENT, "accept-encoding": "identity"}
        if self._token:
            headers["authorization"] = f"Bearer {self._token}"
        return headers


class _Retries:
    """The waits that are left between attempts that bring nothing."""

    def __init__(self, waits_seconds: Sequence[float]) -> None:
        self._left = iter(waits_seconds)

    def wait_or_raise(self, failure: Exception) -> None:
        """Wait before the next attempt, or raise ``failure`` if no attempt is left."""
        wait_seconds = next(self._left, None)
        if wait_seconds is None:
            raise failure
        time.sleep(wait_seconds)
