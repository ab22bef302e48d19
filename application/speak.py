"""The main use case: speak a text in a voice, into the store or sample by sample."""

import secrets
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass

from application.ports.audio import AudioEncoder, TimeStretch
from application.ports.speech_model import SpeechModel
from application.ports.storage import InlineObject, ObjectStore, StoredObject
from application.references import CheckedRecording, References
from application.size_limit import require_fitting
from application.speech_report import SpeechReport
from application.speech_request import SpeechRequest, is_session_id
from application.utterance import Checkpoint, ChunkWatcher, Clock, Utterance
from domain.delivery import Delivery, Sampling
from domain.emotion import Emotion, RecordedEmotion
from domain.errors import RecordingError
from domain.text.chunking import Chunk, plan_chunks, whole_text
from domain.warnings import SpeechWarning, WarningCode

SEED_BITS = 63
"""Bits of a seed, which is an integer of 0 or more that a signed 64-bit number can hold."""


@dataclass(frozen=True, slots=True)
class StoredSpeech:
    """A finished file in the store, or its content where the store keeps nothing.

    ``sample_rate_hz``, ``duration_seconds`` and ``codec`` describe the file, ``report`` the speech.
    """

    filename: str
    stored: StoredObject | InlineObject
    report: SpeechReport
    sample_rate_hz: int
    duration_seconds: float
    codec: str
    bitrate_kbps: int | None
    encoding_seconds: float
    storage_seconds: float


class Speak:
    """Speak requests, into the object store or sample by sample.

    Args:
        default_voice: Name of the voice for requests that name none.
        draw_seed: Return the seed of a request without one.
        clock: Measures the timings of reports.
    """

    def __init__(
        self,
        *,
        model: SpeechModel,
        references: References,
        encoder: AudioEncoder,
        stretch: TimeStretch,
        store: ObjectStore,
        default_voice: str,
        draw_seed: Callable[[], int] = lambda: secrets.randbits(SEED_BITS),
        clock: Clock = time.perf_counter,
    ) -> None:
        self._model = model
        self._references = references
        self._encoder = encoder
        self._stretch = stretch
        self._store = store
        self._default_voice = default_voice
        self._draw_seed = draw_seed
        self._clock = clock

    def utterance(self, request: SpeechRequest) -> Utterance:
        """Plan ``request``: find its recordings and cut its text into chunks.

        The model is not called.

        Raises:
            UnknownVoice, BadReference: a recording that the request names cannot be used.
        """
        voice = self._references.choose(request.speaker_voice or self._default_voice)
        emotion = self._emotion_recording(request.emotion)
        return Utterance(
            model=self._model,
            characters=len(request.text),
            chunks=_chunks_of(request),
            voice=voice.recording,
            delivery=Delivery(
                seed=self._draw_seed() if request.seed is None else request.seed,
                emotion=request.emotion,
                emotion_recording=emotion.recording if emotion else None,
                sampling=request.sampling,
                language=request.language,
            ),
            join=request.join,
            stretch=self._stretch,
            speed=request.speed,
            emo_alpha=request.emo_alpha,
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

        Recordings, store and the likely size of the file are checked before the model is called.

        Raises:
            SpeechError: the speech or its storage failed; see the subclasses.
            Whatever ``checkpoint`` raises.
        """
        filename = (request.session_id or _session_of(job_id)) + request.audio_format.extension
        utterance = self.utterance(request)
        require_fitting(request, utterance, store=self._store, encoder=self._encoder)
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
        timings = utterance.report().timings
        return StoredSpeech(
            filename=filename,
            stored=stored,
            report=utterance.report(),
            sample_rate_hz=encoded.sample_rate_hz,
            duration_seconds=encoded.duration_seconds,
            codec=encoded.codec,
            bitrate_kbps=encoded.bitrate_kbps,
            encoding_seconds=spoken - began - timings.load - timings.synthesis,
            storage_seconds=self._clock() - spoken,
        )

    def _emotion_recording(self, emotion: Emotion | None) -> CheckedRecording | None:
        if not isinstance(emotion, RecordedEmotion):
            return None
        try:
            return self._references.choose(emotion.voice)
        except RecordingError as error:
            error.concerns_emotion = True
            raise

    def _ignored_options(self, request: SpeechRequest) -> list[SpeechWarning]:
        """Return a warning for each option that an engine with a single voice ignores."""
        if self._model.info.clones_voices:
            return []
        voice = request.speaker_voice
        voice_field = "speaker_voice" if isinstance(voice, str | None) else voice.sent_as
        options = {
            voice_field: voice is not None,
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


def _chunks_of(request: SpeechRequest) -> Sequence[Chunk]:
    limit = request.max_chars_per_chunk
    if limit is None:
        return whole_text(request.text)
    return plan_chunks(request.text, limit=limit, language=request.language)


def _session_of(job_id: str) -> str:
    return job_id if is_session_id(job_id) else uuid.uuid4().hex
