"""Foreign exceptions become the domain's: nothing else leaves the adapter."""

from collections.abc import Iterator
from contextlib import contextmanager

from adapters.indextts2.package import EXTRA
from domain.errors import ModelUnavailable, OutOfMemory, SpeechError, SynthesisFailed


@contextmanager
def reading(label: str) -> Iterator[None]:
    """Whatever goes wrong inside means that the file called ``label`` cannot be used.

    Raises:
        ModelUnavailable, OutOfMemory: instead of any other exception.
    """
    try:
        yield
    except SpeechError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise OutOfMemory(f"not enough memory to load {label}; use a larger GPU") from error
        raise ModelUnavailable(
            f"{label} cannot be used: it is damaged, incomplete, or of another model;"
            " delete it, then run indextts-runpod download"
        ) from error


@contextmanager
def loading() -> Iterator[None]:
    """Whatever goes wrong inside means that the model cannot be had.

    Raises:
        ModelUnavailable, OutOfMemory: instead of any other exception.
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
        raise ModelUnavailable(
            f"the model cannot be loaded ({type(error).__name__}); the log has the details"
        ) from error


@contextmanager
def speaking() -> Iterator[None]:
    """Whatever goes wrong inside means that this text was not spoken.

    Raises:
        OutOfMemory, SynthesisFailed: instead of any exception that is not the domain's.
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
        raise SynthesisFailed(
            f"the model failed while speaking ({type(error).__name__}); try again, or try"
            " another text or voice"
        ) from error


def is_out_of_memory(error: Exception) -> bool:
    import torch

    return isinstance(error, MemoryError | torch.OutOfMemoryError)
