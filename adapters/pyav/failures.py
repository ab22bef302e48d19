"""FFmpeg's errors as the domain's."""

from collections.abc import Generator
from contextlib import contextmanager

from domain.errors import SynthesisFailed


@contextmanager
def own_errors() -> Generator[None, None, None]:
    """Raise SynthesisFailed where FFmpeg fails inside the block."""
    import av

    try:
        yield
    except av.error.FFmpegError as error:
        raise SynthesisFailed("the audio could not be encoded in this format") from error
