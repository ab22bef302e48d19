"""What the application needs of the world, and in which words.

An adapter keeps the promises written here and raises nothing but ``domain.errors.SpeechError``.
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from domain.audio import AudioFormat, Samples, StreamFormat, Waveform
from domain.delivery import Delivery
from domain.voice import Recording


class ModelState(Enum):
    """How far a speech model is from speaking."""

    MISSING_PACKAGE = "missing_package"
    MISSING_WEIGHTS = "missing_weights"
    NO_GPU = "no_gpu"
    NOT_LOADED = "not_loaded"
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"

    @property
    def can_speak(self) -> bool:
        """Whether a request would be spoken, if only after loading."""
        return self in (ModelState.NOT_LOADED, ModelState.LOADING, ModelState.READY)


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """A model's state, and what to do about it where it cannot speak.

    ``extras`` are the optional parts of this product that would have to be installed.
    """

    state: ModelState
    missing_files: tuple[str, ...] = ()
    advice: str = ""
    extras: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class SpokenPart:
    """A stretch of one chunk's audio.

    Parts come in the order of the chunks and, within a chunk, in time; the last part of a chunk
    has ``ends_chunk`` set, and every chunk has such a part, if only an empty one.
    ``warnings`` are sentences for the caller; ``emotion_weights`` are the eight weights that the
    model used where it found them itself (emotion from words), on any one part.
    """

    chunk: int
    samples: Samples
    ends_chunk: bool
    warnings: tuple[str, ...] = ()
    emotion_weights: tuple[float, ...] | None = None


class SpeechModel(Protocol):
    """Text to speech in the voice of a recording."""

    @property
    def engine(self) -> str:
        """Its name in results: ``indextts2``, ``preview``."""

    @property
    def device(self) -> str:
        """Where it computes: ``cpu``, ``cuda:0``."""

    @property
    def clones_voices(self) -> bool:
        """Whether recordings, emotion and sampling controls change what it speaks."""

    @property
    def sample_rate_hz(self) -> int:
        """The rate of every part; known without loading."""

    def status(self) -> ModelStatus:
        """How far it is from speaking; answers at once, in any thread, and never raises."""

    def load(self) -> None:
        """Make ready to speak; does nothing when it already is.

        Raises:
            ModelUnavailable: package, weights or accelerator missing, or weights unloadable.
            OutOfMemory: the accelerator is too small.
            DeviceLost: the accelerator failed; see ``speak``.
        """

    def speak(
        self, chunks: Sequence[str], *, voice: Recording, delivery: Delivery
    ) -> Generator[SpokenPart, None, None]:
        """Speak all ``chunks`` of one request, lazily; loads the model when that is still to do.

        All chunks come at once so that an adapter may batch them. The same arguments give the
        same samples. Closing the generator stops the work and frees what it held.

        Raises:
            InvalidRequest: the engine cannot speak this text or these controls; before any part.
            ModelUnavailable, OutOfMemory, SynthesisFailed: on the part they happen.
            DeviceLost: the accelerator failed; from then on the model's state is ``FAILED``, and
                every request is refused at once with ModelUnavailable.
        """


@dataclass(frozen=True, slots=True)
class EncodedAudio:
    """A finished file: ``content`` is seekable and stands at its start.

    ``duration_seconds`` is what a decoder gets out of it. Closing it frees the bytes.
    """

    content: BinaryIO
    size_bytes: int
    sample_rate_hz: int
    duration_seconds: float
    codec: str
    bitrate_kbps: int | None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.content.close()


class AudioEncoder(Protocol):
    """Samples to a file of one of the formats."""

    def encode(
        self,
        samples: Iterable[Samples],
        *,
        sample_rate_hz: int,
        audio_format: AudioFormat,
        bitrate_kbps: int,
    ) -> EncodedAudio:
        """Encode ``samples`` as they come, holding no more of them than the codec needs.

        ``bitrate_kbps`` is for the lossy formats only. An error that ``samples`` raises passes
        through unchanged.

        Raises:
            SynthesisFailed: no samples at all, or one that is not finite.
        """


class AudioStreamEncoder(Protocol):
    """Samples to the bytes of one format, as the samples come."""

    def encode(
        self,
        samples: Iterable[Samples],
        *,
        sample_rate_hz: int,
        stream_format: StreamFormat,
        bitrate_kbps: int,
    ) -> Generator[bytes, None, bytes]:
        """Yield the encoded bytes, never empty, holding back no more than the codec needs.

        Nothing is yielded before the first sample. The bytes never have to be taken back: where a
        format's head names the length, it says "unknown". ``bitrate_kbps`` is for the lossy
        formats only. An error that ``samples`` raises passes through unchanged.

        Returns:
            The first bytes anew, with the length in them, for a sink that can seek; empty where
            the format's head names no length.

        Raises:
            SynthesisFailed: no samples at all, or one that is not finite.
        """


class AudioDecoder(Protocol):
    """Bytes of a recording to samples."""

    def decode(self, content: bytes, *, name: str, limit_seconds: float) -> Waveform:
        """Decode by content, whatever the name ends in; several channels become their mean.

        At most ``limit_seconds`` are decoded and kept. The rate stays the recording's own.

        Raises:
            BadReference: no audio in ``content``, or beyond ``domain.recording_limits``; the
                message calls it ``name``.
            SynthesisFailed: this machine cannot decode recordings at all.
        """

    def duration_seconds(self, content: bytes, *, name: str, limit_seconds: float) -> float:
        """Count the seconds of audio, up to ``limit_seconds``, without decoding them.

        What is damaged further on ends the count. Encoders' padding may be counted, up to 0.1 s.

        Raises:
            BadReference: no audio in ``content``; the message calls it ``name``.
            SynthesisFailed: this machine cannot decode recordings at all.
        """


@dataclass(frozen=True, slots=True)
class FileVersion:
    """What tells a changed file from the one it was, without reading it."""

    etag: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class VoiceFile:
    """A recording as it lies in the voices folder: its name, its path there, its bytes."""

    name: str
    file: str
    content: bytes


class VoiceReader(Protocol):
    """The recordings that may be cloned."""

    def list(self) -> Sequence[str]:
        """The files of all voices, relative to the folder, sorted; the bundled voice among them.

        One file for each name: the one that the name means. Files that ``read`` refuses as a
        ``BadReference`` are among them; nothing is raised.
        """

    def read(self, name: str) -> VoiceFile:
        """The recording that ``name`` means, with or without its extension.

        Raises:
            UnknownVoice: no such recording inside the folder, whatever there is outside of it.
            BadReference: it is there and cannot be read, or is too large.
        """

    def version(self, file: str) -> FileVersion | None:
        """What changes when the content of ``file`` does; None where that cannot be told.

        Nothing is read but the file's metadata, and nothing is raised.
        """


class VoiceRepository(VoiceReader, Protocol):
    """The recordings that may be cloned, and what an operator does with them."""

    def shadowed(self) -> Mapping[str, str]:
        """Files whose name means another file, each with that other; sorted."""

    def add(self, file: str, content: bytes, *, replaces: bool = False) -> None:
        """Put a recording under ``file``, whole or not at all.

        With ``replaces`` it takes the place of every file of its voice, whatever their endings.

        Raises:
            InvalidRequest: ``file`` is no name for a recording, or its voice exists already.
            StorageFailed: the folder cannot be written.
        """

    def remove(self, name: str) -> str:
        """Remove the recording that ``name`` means, and return its file.

        Raises:
            UnknownVoice: no such recording inside the folder.
            InvalidRequest: ``name`` means the bundled voice.
            StorageFailed: the folder cannot be written.
        """

    def rename(self, name: str, new_name: str) -> str:
        """Give the recording that ``name`` means another name, at once, and return its new file.

        Raises:
            UnknownVoice: no such recording inside the folder.
            InvalidRequest: ``name`` means the bundled voice, or ``new_name`` cannot be used or is
                taken.
            StorageFailed: the folder cannot be written.
        """


@dataclass(frozen=True, slots=True)
class StoredObject:
    """Where a finished file is: its key in the store and a URL that anyone may read."""

    key: str
    url: str


class ObjectStore(Protocol):
    """Keeps finished files, each under a key that belongs to one job."""

    @property
    def kind(self) -> str:
        """``s3``, ``filesystem``."""

    def is_reachable(self) -> bool:
        """Whether an object could be stored now; never raises."""

    def claim(self, key: str, *, owner: str) -> None:
        """Check, before any work, that ``owner`` may store under ``key``.

        Raises:
            Conflict: another owner's object is there.
            StorageFailed: the store cannot be reached or written.
        """

    def put(self, key: str, content: BinaryIO, *, owner: str, content_type: str) -> StoredObject:
        """Store ``content`` (seekable, read from its start) under ``key``, whole or not at all.

        An object of the same owner is replaced, another owner's never.

        Raises:
            Conflict: another owner's object appeared since ``claim``.
            StorageFailed: the store refused or could not be reached.
        """


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file elsewhere: its path below the place that is watched, and its version."""

    file: str
    version: FileVersion


class VoiceSource(Protocol):
    """The place that the voices folder is kept up to date with."""

    def list(self) -> Sequence[RemoteFile]:
        """All files there, of whatever name.

        Raises:
            StorageFailed: the place cannot be reached or read.
        """

    def read(self, remote: RemoteFile) -> bytes:
        """The content of that version.

        Raises:
            StorageFailed: it cannot be read, or has changed since.
        """


class VoiceMirror(Protocol):
    """The voices folder, as a copy of a ``VoiceSource``."""

    def versions(self) -> Mapping[str, FileVersion]:
        """Which version of each file is here; files that came another way are not named."""

    def replace(self, remote: RemoteFile, content: bytes) -> None:
        """Put ``content`` in the place of what is there, whole or not at all, and remember it.

        Raises:
            StorageFailed: the folder cannot be written, or the name leads out of it.
        """


@dataclass(frozen=True, slots=True)
class RemovedFiles:
    """How much a cleanup took away."""

    count: int
    size_bytes: int


class ExpiringFiles(Protocol):
    """Finished files that are kept for a while only."""

    def remove_before(self, moment: float) -> RemovedFiles:
        """Remove what was last written before ``moment``, in seconds since the epoch.

        Raises:
            StorageFailed: the files cannot be removed.
        """


class WeightState(Enum):
    """What became of one file of the model, or how it was found."""

    WHOLE = "whole"
    COPIED = "copied"
    FETCHED = "fetched"
    MISSING = "missing"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One file of the model: ``name`` is ``ORG/REPOSITORY/path``, as the hub calls it."""

    name: str
    size_bytes: int
    state: WeightState


class WeightStep(Enum):
    """What takes time on the way to the weights."""

    WAITING = "waiting"
    VERIFYING = "verifying"
    COPYING = "copying"
    FETCHING = "fetching"


@dataclass(frozen=True, slots=True)
class WeightProgress:
    """How far one step of one file is; while waiting for another process there is no file."""

    step: WeightStep
    name: str = ""
    done_bytes: int = 0
    total_bytes: int = 0


WeightWatcher = Callable[[WeightProgress], None]


class WeightSource(Protocol):
    """Where the model's files come from."""

    def check(self, watch: WeightWatcher) -> Sequence[WeightFile]:
        """Compare every byte that is here with what the source has; changes nothing.

        Every file is whole, missing or damaged.

        Raises:
            ModelUnavailable: the source cannot be asked.
        """

    def fetch(self, watch: WeightWatcher) -> Sequence[WeightFile]:
        """Make every file whole: found here, copied from another place of this machine, or fetched.

        An interrupted fetch goes on where it stopped. A file appears under its name only when it
        is whole, and only one process at a time works on a folder; another waits.

        Raises:
            ModelUnavailable: a file cannot be had, or not be kept; the message says what to do.
        """
