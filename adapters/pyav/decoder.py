"""Recordings decoded with PyAV (FFmpeg's decoders), in a process of their own."""

import threading
import weakref
from collections.abc import Generator
from contextlib import contextmanager

import numpy as np

from adapters.pyav.messages import BLOCK, COUNT, DECODE, FLOAT64, REFUSED, SECONDS
from adapters.pyav.process import Answer, CrashedError, DecodingProcess, NotStartedError
from domain.audio import Samples, Waveform
from domain.errors import BadReference, SynthesisFailed
from domain.recording_limits import (
    LARGEST_FILE_BYTES,
    channels_problem,
    rate_problem,
)

_PROCESSES = 2
"""Two, so that a job can be decoded while a long list of voices is read."""


class PyavDecoder:
    """A decoder of wav, flac, mp3, m4a, ogg, opus, webm and aac.

    Decoders are native code that hostile bytes may crash, so they run in child processes that are
    limited in memory and time: such bytes are a ``BadReference``, and the next recording gets a new
    process. The first one starts with the first recording and stays. Safe to use from several
    threads.

    Args:
        module: The program of the child process.
    """

    def __init__(self, *, module: str = "adapters.pyav.child") -> None:
        self._module = module
        self._idle: list[DecodingProcess] = []
        self._free = threading.BoundedSemaphore(_PROCESSES)
        weakref.finalize(self, _stop_all, self._idle)

    def decode(self, content: bytes, *, name: str, limit_seconds: float) -> Waveform:
        """Implement ``AudioDecoder.decode``."""
        parts: list[Samples] = []
        rate_hz = 0
        for answer in self._answers(DECODE, content, name=name, limit_seconds=limit_seconds):
            if answer.kind == BLOCK:
                rate_hz = answer.rate_hz
                parts.append(_mean_of_channels(answer))
        samples = np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)
        if not len(samples):
            raise BadReference(f"{name} holds no audio")
        if not np.isfinite(samples).all():
            raise BadReference(f"{name} holds samples that are not numbers")
        return Waveform(samples, rate_hz)

    def duration_seconds(self, content: bytes, *, name: str, limit_seconds: float) -> float:
        """Implement ``AudioDecoder.duration_seconds``."""
        *_, last = self._answers(COUNT, content, name=name, limit_seconds=limit_seconds)
        if last.kind != SECONDS or len(last.body) != FLOAT64.size:
            raise BadReference(_CRASHED.format(name=name))
        seconds: float = FLOAT64.unpack(last.body)[0]
        return seconds

    def _answers(
        self, operation: bytes, content: bytes, *, name: str, limit_seconds: float
    ) -> Generator[Answer, None, None]:
        if not content:
            raise BadReference(f"{name} is empty")
        if len(content) > LARGEST_FILE_BYTES:
            raise BadReference(f"{name} is no recording of at most 64 MB")
        try:
            with self._process() as process:
                for answer in process.ask(operation, limit_seconds=limit_seconds, content=content):
                    if answer.kind == BLOCK:
                        _check_block(answer)
                    yield answer
        except CrashedError as error:
            raise BadReference((_LATE if error.is_late else _CRASHED).format(name=name)) from error
        except NotStartedError as error:
            raise SynthesisFailed(
                "recordings cannot be decoded on this machine: the decoding process does not start"
            ) from error
        if answer.kind == REFUSED:
            raise BadReference(f"{name} {answer.body.decode(errors='replace')}")

    @contextmanager
    def _process(self) -> Generator[DecodingProcess, None, None]:
        """Yield a process; it is kept for the next recording unless an exception is raised."""
        with self._free:
            process = self._taken() or DecodingProcess(self._module)
            try:
                yield process
            except BaseException:
                process.stop()
                raise
            self._idle.append(process)

    def _taken(self) -> DecodingProcess | None:
        """Return an idle process that is alive, or None."""
        while True:
            try:
                process = self._idle.pop()
            except IndexError:
                return None
            if process.is_alive:
                return process
            process.stop()


_LATE = "{name} takes too long to decode; export it anew, for example as wav"
_CRASHED = "{name} makes its decoder crash; export it anew, for example as wav"


def _check_block(answer: Answer) -> None:
    if (
        channels_problem(answer.channels)
        or rate_problem(answer.rate_hz)
        or len(answer.body) % (4 * answer.channels)
    ):
        raise CrashedError(is_late=False)


def _mean_of_channels(answer: Answer) -> Samples:
    """Return the mean of the channels, shape (n,).

    The channels are added one after another, which is as fast for two channels as for one.
    """
    channels = np.frombuffer(answer.body, dtype="<f4").reshape(-1, answer.channels)
    mean: Samples = channels[:, 0].copy()
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused by name
        for number in range(1, answer.channels):
            mean += channels[:, number]
        mean /= np.float32(answer.channels)
    return mean


def _stop_all(idle: list[DecodingProcess]) -> None:
    while idle:
        idle.pop().stop()
