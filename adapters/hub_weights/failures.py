"""Errors of the hub, its client and the disk, mapped to domain errors."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from domain.errors import ModelUnavailable, SpeechError

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""The disk, the quota or the process's limit for one file is used up."""

_TRANSIENT = (408, 429, 500, 502, 503, 504)


def is_transient(error: Exception) -> bool:
    """Return whether the same request may succeed later."""
    import httpx
    from huggingface_hub.errors import HfHubHTTPError

    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in _TRANSIENT
    return isinstance(error, httpx.TransportError)


@contextmanager
def map_hub_errors(name: str) -> Iterator[None]:
    """Map every exception of the hub's client in the block; OSError of the disk passes through.

    Args:
        name: The repository or file that the messages name.

    Raises:
        ModelUnavailable: instead of the exception.
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
    """Return the message for an answer with an HTTP error."""
    if status in (401, 403):
        return (
            f"the hub refuses {name} (HTTP {status}); set HF_TOKEN to a token that may read it, and"
            " accept the repository's licence on its page if it asks for that"
        )
    if status == 404:
        return f"the hub has no {name}; check HF_ENDPOINT: the mirror may not carry it"
    if status in _TRANSIENT:
        return (
            f"the hub is failing or overloaded and does not give {name} (HTTP {status});"
            " run indextts-runpod download again later: it goes on where it stopped"
        )
    return f"the hub does not give {name} (HTTP {status}); check HF_ENDPOINT"


@contextmanager
def map_file_errors(needed_bytes: int) -> Iterator[None]:
    """Map every error of the disk in the block, and a missing client of the hub.

    Args:
        needed_bytes: Bytes still to write; the message of a full disk names them.

    Raises:
        ModelUnavailable: instead of OSError and ImportError.
    """
    try:
        yield
    except ImportError as error:
        raise ModelUnavailable(
            "the package huggingface-hub is missing or broken; install the extra indextts",
            extras=("indextts",),
        ) from error
    except OSError as error:
        if error.errno in _DISK_FULL:
            raise disk_full(needed_bytes) from error
        reason = (error.strerror or "an unknown fault").lower()
        raise ModelUnavailable(
            f"the checkpoints folder cannot be used ({reason}); check its rights, or set"
            " CHECKPOINTS_DIR to another folder"
        ) from error


def disk_full(needed_bytes: int, free_bytes: int | None = None) -> ModelUnavailable:
    """Return the error of a folder that cannot take ``needed_bytes`` more."""
    free = "" if free_bytes is None else f" and has {free_bytes / 1e6:,.1f} MB"
    return ModelUnavailable(
        f"the disk is full: the checkpoints folder needs {needed_bytes / 1e6:,.1f} MB more{free};"
        " make room, use a larger volume, or set CHECKPOINTS_DIR to another folder"
    )
