"""The mapping of foreign exceptions to the domain's, the only ones that leave the adapter."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from adapters.indextts2.upstream import EXTRA
from domain.errors import (
    DeviceLost,
    ModelUnavailable,
    OutOfMemory,
    SpeechError,
    SynthesisFailed,
)

_ALLOCATION = (
    "out of memory",
    "can't allocate memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "ALLOCATION_FAILED",  # cuDNN 9 tells host from device memory
    "CUFFT_ALLOC_FAILED",
    "CUSPARSE_STATUS_ALLOC_FAILED",
    "CUSOLVER_STATUS_ALLOC_FAILED",
)
"""Parts of the messages of torch and the libraries below it about a failed allocation."""

_DEVICE = ("CUDA error", "CUDA driver error", "cuDNN error", "cuFFT error", "Error [CUDA]")
"""The beginnings of messages of torch and Triton about the accelerator."""

_SURVIVED = (
    "invalid argument",
    "invalid configuration argument",
    "too many resources requested for launch",
    "captur",  # a CUDA graph that cannot be captured, in several sentences
    "_STATUS_NOT_SUPPORTED",
    "_STATUS_INVALID_VALUE",
    "_STATUS_BAD_PARAM",
)
"""Errors of a call that was refused before it ran. After every other one the CUDA context returns
the same error to every call (CUDA Runtime API, ``cudaError_t``: "the process must be terminated and
relaunched"). An error that is not in this list is taken for one of those."""


@contextmanager
def reading(label: str) -> Iterator[None]:
    """Map every error in the block to one about the file called ``label``.

    Raises:
        ModelUnavailable, OutOfMemory, DeviceLost: instead of any other exception.
    """
    try:
        yield
    except SpeechError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise OutOfMemory(f"not enough memory to load {label}; use a larger GPU") from error
        if _is_device_lost(error):
            raise _device_lost() from error
        raise ModelUnavailable(
            f"{label} cannot be used: it is damaged, incomplete, or of another model;"
            " delete it, then run indextts-runpod download"
        ) from error


@contextmanager
def loading() -> Iterator[None]:
    """Map every error in the block to one about a model that cannot be loaded.

    Raises:
        ModelUnavailable, OutOfMemory, DeviceLost: instead of any other exception.
    """
    try:
        yield
    except SpeechError:
        raise
    except ImportError as error:
        raise ModelUnavailable(
            f"the Python package {error.name or 'of the model'} is missing or broken;"
            f" install the extra {EXTRA}",
            extras=(EXTRA,),
        ) from error
    except Exception as error:
        if is_out_of_memory(error):
            raise OutOfMemory("not enough memory to load the model; use a larger GPU") from error
        if _is_device_lost(error):
            raise _device_lost() from error
        raise ModelUnavailable(
            f"the model cannot be loaded ({type(error).__name__}); the log has the details"
        ) from error


@contextmanager
def speaking() -> Iterator[None]:
    """Map every error in the block to one about a text that was not spoken.

    Raises:
        OutOfMemory, DeviceLost, SynthesisFailed: instead of any exception that is not the
            domain's.
    """
    try:
        yield
    except SpeechError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise OutOfMemory(
                "the model ran out of memory; send shorter chunks or use a larger GPU"
            ) from error
        if _is_device_lost(error):
            raise _device_lost() from error
        raise SynthesisFailed(
            f"the model failed while speaking ({type(error).__name__}); try again, or try"
            " another text or voice"
        ) from error


def is_out_of_memory(error: Exception) -> bool:
    """Return whether an allocation failed, on the accelerator or beside it, under any name."""
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _ALLOCATION)


def _is_device_lost(error: Exception) -> bool:
    """Return whether nothing more can be computed on the accelerator by this process.

    Only the message shows it: torch's ``AcceleratorError`` (2.8 and later) is a RuntimeError that
    also stands for refused calls.
    """
    if not isinstance(error, RuntimeError):
        return False
    message = str(error).partition("\n")[0]
    return any(words in message for words in _DEVICE) and not any(
        words in message for words in _SURVIVED
    )


def _device_lost() -> DeviceLost:
    return DeviceLost(
        "the GPU failed and cannot be used by this worker any more; send the job again: another"
        " worker takes it"
    )
