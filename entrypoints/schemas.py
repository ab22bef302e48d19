"""The input of a job: its fields, types, ranges and rules."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from application.speech_request import (
    BITRATE_KBPS,
    CHUNK_CHARS,
    CROSSFADE_MS,
    LOWEST_BITRATE_KBPS,
    PAUSE_MS,
    SESSION_PATTERN,
    STREAM_CHUNK_CHARS,
    SpeechRequest,
)
from domain.audio import AudioFormat
from domain.delivery import Sampling
from domain.emotion import Emotion, RecordedEmotion, VectorEmotion, WordsEmotion
from domain.joins.crossfade import Crossfade
from domain.joins.end_to_end import EndToEnd
from domain.joins.join import Join
from domain.joins.pause import Pause
from domain.voice_choice import VoiceChoice
from domain.warnings import SpeechWarning, WarningCode
from entrypoints.field_types import (
    ChunkBound,
    Integer,
    Milliseconds,
    Number,
    ReferenceAudio,
    SpokenText,
    Text,
    Weight,
)
from entrypoints.problems import LANGUAGE_PATTERN
from entrypoints.reference_audio import reference_audio

_SAMPLING_FIELDS = {field.name for field in fields(Sampling)}


class SpeechInput(BaseModel):
    """What a client may ask to be spoken. Unknown fields are refused, types are strict."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    text: SpokenText = Field(description="what to speak")
    speaker_voice: Text | None = Field(
        default=None, description="voice to clone: a name in the voices folder"
    )
    speaker_audio: ReferenceAudio | None = Field(
        default=None,
        description="recording to clone instead: base64, a data: URI, or an https URL of a host in"
        " VOICE_URL_HOSTS",
    )
    emo_audio_prompt: Text | None = Field(
        default=None, description="recording whose emotion is copied: a name in the voices folder"
    )
    emo_audio: ReferenceAudio | None = Field(
        default=None, description="recording whose emotion is copied, given like speaker_audio"
    )
    emo_vector: Annotated[list[Weight], Field(min_length=8, max_length=8)] | None = Field(
        default=None,
        description="emotion by 8 numbers of 0 to 1: happy, angry, sad, afraid, disgusted,"
        " melancholic, surprised, calm",
    )
    emo_alpha: Weight = Field(default=1.0, description="emotion strength")
    use_emo_text: bool = Field(default=False, description="take the emotion from words")
    emo_text: Annotated[str, Field(min_length=1, max_length=500)] | None = Field(
        default=None, description="words that describe the emotion; the text itself by default"
    )
    use_random: bool = Field(default=False, description="draw the emotion's exemplar at random")
    enable_chunking: bool = Field(default=True, description="split long text")
    max_chars_per_chunk: ChunkBound = Field(
        default=CHUNK_CHARS, description="upper bound of a chunk"
    )
    enable_crossfade: bool = Field(default=True, description="blend chunk joins")
    crossfade_ms: Milliseconds = Field(default=CROSSFADE_MS, description="length of the blend")
    chunk_pause_ms: Milliseconds = Field(default=PAUSE_MS, description="silence between chunks")
    stream: bool = Field(default=False, description="give the audio out while it is spoken")
    output_format: Literal["pcm_16"] = Field(
        default="pcm_16", description="format of streamed audio"
    )
    stream_max_chars_per_chunk: ChunkBound | None = Field(
        default=None,
        description="chunk bound of a stream; smaller is earlier first audio"
        f" [{STREAM_CHUNK_CHARS}]",
    )
    stream_crossfade_ms: Milliseconds | None = Field(
        default=None, description="blend of a stream [crossfade_ms]"
    )
    session_id: Annotated[Text, Field(pattern=SESSION_PATTERN)] | None = Field(
        default=None, description="names the stored file"
    )
    seed: Annotated[Integer, Field(ge=0, le=2**63 - 1)] | None = Field(
        default=None, description="same seed, same request, same audio"
    )
    audio_format: Literal["opus", "mp3", "wav", "flac", "m4a"] = Field(
        default="opus", description="container and codec of the finished file"
    )
    bitrate_kbps: Annotated[Integer, Field(ge=LOWEST_BITRATE_KBPS, le=320)] = Field(
        default=BITRATE_KBPS, description="bit rate of a lossy format"
    )
    language: Annotated[Text, Field(pattern=LANGUAGE_PATTERN), AfterValidator(str.lower)] | None = (
        Field(default=None, description="BCP 47 primary tag; by default judged by the script")
    )
    speed: Annotated[Number, Field(ge=0.25, le=4)] = Field(
        default=1.0, description="speed of the speech, with the same pitch"
    )
    temperature: Annotated[Number, Field(ge=0.01, le=2)] | None = Field(
        default=None, description="sampling temperature [0.8]"
    )
    top_p: Annotated[Number, Field(ge=0.01, le=1)] | None = Field(
        default=None, description="nucleus of the sampling [0.8]"
    )
    top_k: Annotated[Integer, Field(ge=1, le=1000)] | None = Field(
        default=None, description="candidates of the sampling [30]"
    )
    num_beams: Annotated[Integer, Field(ge=1, le=10)] | None = Field(
        default=None, description="beams of the search [3]"
    )
    repetition_penalty: Annotated[Number, Field(ge=1, le=20)] | None = Field(
        default=None, description="penalty on repeated codes [10]"
    )
    max_mel_tokens: Annotated[Integer, Field(ge=1, le=1815)] | None = Field(
        default=None, description="most codes of a segment, about 50 a second [1500]"
    )
    diffusion_steps: Annotated[Integer, Field(ge=1, le=100)] | None = Field(
        default=None, description="Euler steps of the flow matching [25]"
    )
    inference_cfg_rate: Annotated[Number, Field(ge=0, le=2)] | None = Field(
        default=None, description="strength of the flow matching's guidance [0.7]"
    )

    action: None = Field(default=None, description="null: a synthesis; else a question")

    @model_validator(mode="after")
    def _rules_between_fields(self) -> "SpeechInput":
        sources = [
            name
            for name, is_given in (
                ("emo_vector", self.emo_vector is not None),
                ("emo_audio_prompt", self.emo_audio_prompt is not None),
                ("emo_audio", self.emo_audio is not None),
                ("use_emo_text", self.use_emo_text),
            )
            if is_given
        ]
        if len(sources) > 1:
            raise InvalidFieldError(sources[1], f"excludes {sources[0]}; give one emotion source")
        if self.speaker_voice is not None and self.speaker_audio is not None:
            raise InvalidFieldError("speaker_audio", "excludes speaker_voice; give one voice")
        if self.emo_text is not None and not self.use_emo_text:
            raise InvalidFieldError("emo_text", "has no effect without use_emo_text: true")
        is_lossless = not AudioFormat(self.audio_format).is_lossy
        if "bitrate_kbps" in self.model_fields_set and is_lossless:
            raise InvalidFieldError("bitrate_kbps", f"does not go with {self.audio_format}")
        return self

    def to_request(self) -> SpeechRequest:
        """Return the use case's request, with the bounds of a stream in stream mode."""
        emotion = self._emotion()
        return SpeechRequest(
            text=self.text,
            speaker_voice=self._voice(),
            emotion=emotion,
            emo_alpha=self.emo_alpha,
            max_chars_per_chunk=self._chunk_bound() if self.enable_chunking else None,
            join=self._join(),
            seed=self.seed,
            sampling=Sampling(**self.model_dump(include=_SAMPLING_FIELDS)),
            language=self.language,
            speed=self.speed,
            audio_format=AudioFormat(self.audio_format),
            bitrate_kbps=self.bitrate_kbps,
            session_id=self.session_id,
            warnings=tuple(
                SpeechWarning(WarningCode.OPTION_IGNORED, sentence)
                for sentence in self._ignored_fields(emotion)
            ),
        )

    def _ignored_fields(self, emotion: Emotion | None) -> Iterator[str]:
        """Yield a sentence for each field of the emotion that changes nothing here."""
        if emotion is None and self.emo_alpha != 1.0:
            yield "emo_alpha had no effect: it goes with a vector, a recording or words"
        if self.use_random and not isinstance(emotion, VectorEmotion | WordsEmotion):
            yield "use_random had no effect: it goes with emo_vector or use_emo_text"

    def _voice(self) -> VoiceChoice | None:
        if self.speaker_audio is not None:
            return reference_audio("speaker_audio", self.speaker_audio)
        return self.speaker_voice

    def _emotion(self) -> Emotion | None:
        if self.emo_vector is not None:
            return VectorEmotion(tuple(self.emo_vector), self.emo_alpha, self.use_random)
        if self.emo_audio_prompt is not None:
            return RecordedEmotion(self.emo_audio_prompt, self.emo_alpha)
        if self.emo_audio is not None:
            return RecordedEmotion(reference_audio("emo_audio", self.emo_audio), self.emo_alpha)
        if self.use_emo_text:
            return WordsEmotion(self.emo_text, self.emo_alpha, self.use_random)
        return None

    def _chunk_bound(self) -> int:
        if not self.stream:
            return self.max_chars_per_chunk
        if self.stream_max_chars_per_chunk is not None:
            return self.stream_max_chars_per_chunk
        is_set = "max_chars_per_chunk" in self.model_fields_set
        return self.max_chars_per_chunk if is_set else STREAM_CHUNK_CHARS

    def _join(self) -> Join:
        """Return the pause if there is one, else the crossfade if it is on."""
        if self.chunk_pause_ms > 0:
            return Pause(self.chunk_pause_ms)
        crossfade_ms = self.crossfade_ms
        if self.stream and self.stream_crossfade_ms is not None:
            crossfade_ms = self.stream_crossfade_ms
        return Crossfade(crossfade_ms) if self.enable_crossfade and crossfade_ms else EndToEnd()


class Question(BaseModel):
    """What a client may ask instead of a synthesis."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    action: Literal["health_check", "list_voices"] = Field(
        description="a question instead of a synthesis"
    )


class InvalidFieldError(ValueError):
    """A rule between fields is broken; the message belongs to ``field``."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field = field
