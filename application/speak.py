"""The one use case: a text and a voice in, speech out."""

import re
import secrets
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from application.ports.audio import AudioEncoder
from application.ports.speech_model import SpeechModel
from application.ports.storage import ObjectStore, StoredObject
from application.references import CheckedRecording, References
from application.speech_report import SpeechReport
from application.utterance import Checkpoint, ChunkWatcher, Clock, Utterance
from domain.audio import AudioFormat
from domain.delivery import Delivery, Sampling
from domain.emotion import Emotion, RecordedEmotion
from domain.joins.join import Join
from domain.joins.pause import Pause
from domain.text.chunking import plan_chunks, whole_text
from domain.warnings import SpeechWarning, WarningCode

SEED_BITS = 63
"""Seeds are whole numbers below 2**63."""

SESSION_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"
"""A name of at most 128 characters that is safe as a file name, an object key and in a URL."""


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """What a caller wants spoken, and how.

    ``speaker_voice`` None is the default voice; ``max_chars_per_chunk`` None leaves the text
    whole; ``seed`` None draws one; ``session_id`` None names the object after the job where its id
    can be a name, else with a new one. ``warnings`` are sentences for the report.
    """

    text: str
    speaker_voice: str | None = None
    emotion: Emotion | None = None
    max_chars_per_chunk: int | None = 300
    join: Join = Pause(300)
    seed: int | None = None
    sampling: Sampling = Sampling()
    language: str | None = None
    audio_format: AudioFormat = AudioFormat.OPUS
    bitrate_kbps: int = 128
    session_id: str | None = None
    warnings: tuple[SpeechWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredSpeech:
    """A finished file in the store, and what is in it.

    ``sample_rate_hz``, ``duration_seconds`` and ``codec`` are the file's own.
    """

    filename: str
    stored: StoredObject
    report: SpeechReport
    sample_rate_hz: int
    duration_seconds: float
    codec: str
    bitrate_kbps: int | None
    encoding_seconds: float
    storage_seconds: float


class Speak:
    """Speaks requests, into the object store or sample by sample.

    Args:
        default_voice: Name of the voice for requests that name none.
        draw_seed: Gives a seed to a request without one.
        clock: Measures the timings of reports.
    """

    def __init__(
        self,
        *,
        model: SpeechModel,
        references: References,
        encoder: AudioEncoder,
        store: ObjectStore,
        default_voice: str,
        draw_seed: Callable[[], int] = lambda: secrets.randbits(SEED_BITS),
        clock: Clock = time.perf_counter,
    ) -> None:
        self._model = model
        self._references = references
        self._encoder = encoder
        self._store = store
        self._default_voice = default_voice
        self._draw_seed = draw_seed
        self._clock = clock

    def utterance(self, request: SpeechRequest) -> Utterance:
        """Plan ``request``: find its recordings and cut its text. Nothing is spoken yet.

        Raises:
            UnknownVoice, BadReference: a recording that the request names cannot be used.
        """
        voice = self._references.find(request.speaker_voice or self._default_voice)
        emotion = self._emotion_reference(request.emotion)
        return Utterance(
            model=self._model,
            characters=len(request.text),
            chunks=(
                whole_text(request.text)
                if request.max_chars_per_chunk is None
                else plan_chunks(
                    request.text, limit=request.max_chars_per_chunk, language=request.language
                )
            ),
            voice=voice.recording,
            delivery=Delivery(
                seed=self._draw_seed() if request.seed is None else request.seed,
                emotion=request.emotion,
                emotion_recording=emotion.recording if emotion else None,
                sampling=request.sampling,
                language=request.language,
            ),
            join=request.join,
            warnings=(
                *request.warnings,
                *self._ignored_options(request),
                *voice.warnings,
                *(emotion.warnings if emotion else ()),
            ),
            clock=self._clock,
        )

    def into_store(
        self,
        request: SpeechRequest,
        *,
        job_id: str,
        watch: ChunkWatcher | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> StoredSpeech:
        """Speak ``request`` into a file, encoded as it is spoken, and store it.

        Recordings and store are checked before the model is asked.

        Raises:
            SpeechError: the class says what failed.
            Whatever ``checkpoint`` raises.
        """
        filename = (request.session_id or _session_of(job_id)) + request.audio_format.extension
        utterance = self.utterance(request)
        self._store.claim(filename, owner=job_id)
        began = self._clock()
        with (
            closing(utterance.samples(watch, checkpoint=checkpoint)) as samples,
            self._encoder.encode(
                samples,
                sample_rate_hz=utterance.sample_rate_hz,
                audio_format=request.audio_format,
                bitrate_kbps=request.bitrate_kbps,
            ) as encoded,
        ):
            spoken = self._clock()
            stored = self._store.put(
                filename,
                encoded.content,
                owner=job_id,
                content_type=request.audio_format.content_type,
            )
        report = utterance.report()
        in_model = report.timings.load + report.timings.synthesis
        return StoredSpeech(
            filename=filename,
            stored=stored,
            report=report,
            sample_rate_hz=encoded.sample_rate_hz,
            duration_seconds=encoded.duration_seconds,
            codec=encoded.codec,
            bitrate_kbps=encoded.bitrate_kbps,
            encoding_seconds=spoken - began - in_model,
            storage_seconds=self._clock() - spoken,
        )

    def _emotion_reference(self, emotion: Emotion | None) -> CheckedRecording | None:
        if isinstance(emotion, RecordedEmotion):
            return self._references.find(emotion.voice)
        return None

    def _ignored_options(self, request: SpeechRequest) -> list[SpeechWarning]:
        """Warnings for what an engine with one voice of its own cannot do."""
        if self._model.info.clones_voices:
            return []
        options = {
            "speaker_voice": request.speaker_voice is not None,
            "the emotion": request.emotion is not None,
            "use_random": getattr(request.emotion, "draw_exemplar", False),
            "the sampling controls": request.sampling != Sampling(),
        }
        return [
            SpeechWarning(
                WarningCode.OPTION_IGNORED,
                f"engine {self._model.info.name} has one voice of its own: {option} had no effect",
            )
            for option, is_given in options.items()
            if is_given
        ]


def is_session_id(name: str) -> bool:
    """Return whether ``name`` can name a stored object."""
    return re.fullmatch(SESSION_PATTERN, name) is not None


def _session_of(job_id: str) -> str:
    return job_id if is_session_id(job_id) else uuid.uuid4().hex
