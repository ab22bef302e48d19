"""Foreign exceptions become the domain's: nothing else leaves the adapter."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from domain.errors import ModelUnavailable, SpeechError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""The disk, the quota or the process's limit is used up."""

_PASSING = (408, 429, 500, 502, 503, 504)


def is_passing(error: Exception) -> bool:
    """Whether asking the hub again may help."""
    import httpx
    from huggingface_hub.errors import HfHubHTTPError

    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in _PASSING
    return isinstance(error, httpx.TransportError)


@contextmanager
def asking_for(name: str) -> Iterator[None]:
    """Whatever the hub does wrong inside is said of ``name``; OSError of the disk passes through.

    Raises:
        ModelUnavailable: instead of any exception of the hub's client.
    """
    import httpx
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        yield
    except SpeechError:
        raise
    except HfHubHTTPError as error:
        raise ModelUnavailable(_refusal(name, error.response.status_code)) from error
    except OfflineModeIsEnabled as error:
        raise ModelUnavailable(
            f"{name} cannot be fetched: HF_HUB_OFFLINE is set; unset it, or put the files in place"
        ) from error
    except httpx.TransportError as error:
        raise ModelUnavailable(
            f"the hub cannot be reached for {name}; check the network and HF_ENDPOINT, then run"
            " indextts-runpod download again: it goes on where it stopped"
        ) from error
    except OSError:
        raise
    except Exception as error:
        raise ModelUnavailable(
            f"what answered for {name} is no Hugging Face hub; check HF_ENDPOINT"
        ) from error


def _refusal(name: str, status: int) -> str:
    if status in (401, 403):
        return (
            f"the hub refuses {name} (HTTP {status}); set HF_TOKEN to a token that may read it, and"
            " accept the repository's licence on its page if it asks for that"
        )
    if status == 404:
        return f"the hub has no {name}; check HF_ENDPOINT: the mirror may not carry it"
    if status in _PASSING:
        return (
            f"the hub has no time for {name} (HTTP {status}); run indextts-runpod download again"
            " later: it goes on where it stopped"
        )
    return f"the hub does not give {name} (HTTP {status}); check HF_ENDPOINT"


@contextmanager
def keeping_files(needed_bytes: int) -> Iterator[None]:
    """What the disk does wrong inside; ``needed_bytes`` is what the whole work has still to write.

    Raises:
        ModelUnavailable: instead of OSError, and of ImportError for the hub's client.
    """
    try:
        yield
    except ImportError as error:
        raise ModelUnavailable(
            "the package huggingface-hub is missing or broken; install the extra indextts",
            extras=("indextts",),
        ) from error
    except OSError as error:
        if error.errno in NO_ROOM:
            raise no_room(needed_bytes) from error
        reason = (error.strerror or "an unknown fault").lower()
        raise ModelUnavailable(
            f"the checkpoints folder cannot be used ({reason}); check its rights, or set"
            " CHECKPOINTS_DIR to another folder"
        ) from error


def no_room(needed_bytes: int, free_bytes: int | None = None) -> ModelUnavailable:
    """The error of a folder that cannot take ``needed_bytes`` more."""
    free = "" if free_bytes is None else f" and has {free_bytes / 1e6:,.1f} MB"
    return ModelUnavailable(
        f"the disk is full: the checkpoints folder needs {needed_bytes / 1e6:,.1f} MB more{free};"
        " make room, use a larger volume, or set CHECKPOINTS_DIR to another folder"
    )
