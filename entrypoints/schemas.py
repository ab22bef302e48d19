"""The input of a job: its fields, types, ranges and rules."""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from application.speech_request import (
    BITRATE_KBPS,
    CHUNK_CHARS,
    CROSSFADE_MS,
    MAX_TEXT_CHARS,
    PAUSE_MS,
    SESSION_PATTERN,
    STREAM_CHUNK_CHARS,
    SpeechRequest,
)
from domain.audio import AudioFormat
from domain.delivery import Sampling
from domain.emotion import Emotion, RecordedEmotion, VectorEmotion, WordsEmotion
from domain.errors import InvalidRequest, printable
from domain.joins.crossfade import Crossfade
from domain.joins.end_to_end import EndToEnd
from domain.joins.join import Join
from domain.joins.pause import Pause
from domain.warnings import SpeechWarning, WarningCode
from entrypoints.problems import HALF_A_PAIR, LANGUAGE_PATTERN, describe

REPORTED = 10
"""Problems that one error names: more of them help nobody to mend the first ones."""

_SAMPLING_FIELDS = {field.name for field in fields(Sampling)}

_LONGEST_TYPO = 64
"""Characters of an unknown field that is taken for a misspelt one; the longest known has 26."""


def _whole(value: Any) -> Any:
    """JSON has one kind of number: 140.0 is a whole one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _spoken_text(text: str, info: ValidationInfo) -> str:
    trimmed = text.strip()
    limit = (info.context or {}).get("max_text_chars", MAX_TEXT_CHARS)
    if len(trimmed) > limit:
        raise ValueError(
            f"has {len(trimmed)} characters; at most {limit} are accepted:"
            " send it in parts, or raise MAX_TEXT_CHARS where it is spoken"
        )
    if not any(char.isalnum() for char in trimmed):
        raise ValueError("has no letter or digit to speak")
    return trimmed


def _unicode(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(HALF_A_PAIR) from None
    return text


Text = Annotated[str, AfterValidator(_unicode)]
Whole = Annotated[int, BeforeValidator(_whole)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Milliseconds = Annotated[Whole, Field(ge=0, le=2000)]
ChunkBound = Annotated[Whole, Field(ge=50, le=1000)]
Weight = Annotated[Number, Field(ge=0, le=1)]


class SpeechInput(BaseModel):
    """What a client may ask to be spoken. Unknown fields are refused, types are strict."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    text: Annotated[Text, AfterValidator(_spoken_text)] = Field(description="what to speak")
    speaker_voice: Text | None = Field(
        default=None, description="voice to clone: a name in the voices folder"
    )
    emo_audio_prompt: Text | None = Field(
        default=None, description="recording whose emotion is copied: a name in the voices folder"
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
    seed: Annotated[Whole, Field(ge=0, le=2**63 - 1)] | None = Field(
        default=None, description="same seed, same request, same audio"
    )
    audio_format: Literal["opus", "mp3", "wav", "flac", "m4a"] = Field(
        default="opus", description="container and codec of the finished file"
    )
    bitrate_kbps: Annotated[Whole, Field(ge=16, le=320)] = Field(
        default=BITRATE_KBPS, description="bit rate of a lossy format"
    )
    language: Annotated[Text, Field(pattern=LANGUAGE_PATTERN), AfterValidator(str.lower)] | None = (
        Field(default=None, description="BCP 47 primary tag; by default judged by the script")
    )
    temperature: Annotated[Number, Field(ge=0.01, le=2)] | None = Field(
        default=None, description="sampling temperature [0.8]"
    )
    top_p: Annotated[Number, Field(ge=0.01, le=1)] | None = Field(
        default=None, description="nucleus of the sampling [0.8]"
    )
    top_k: Annotated[Whole, Field(ge=1, le=1000)] | None = Field(
        default=None, description="candidates of the sampling [30]"
    )
    num_beams: Annotated[Whole, Field(ge=1, le=10)] | None = Field(
        default=None, description="beams of the search [3]"
    )
    repetition_penalty: Annotated[Number, Field(ge=1, le=20)] | None = Field(
        default=None, description="penalty on repeated codes [10]"
    )
    max_mel_tokens: Annotated[Whole, Field(ge=1, le=1815)] | None = Field(
        default=None, description="most codes of a segment, about 50 a second [1500]"
    )
    diffusion_steps: Annotated[Whole, Field(ge=1, le=100)] | None = Field(
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
                ("use_emo_text", self.use_emo_text),
            )
            if is_given
        ]
        if len(sources) > 1:
            raise InvalidFieldError(sources[1], f"excludes {sources[0]}; give one emotion source")
        if self.emo_text is not None and not self.use_emo_text:
            raise InvalidFieldError("emo_text", "has no effect without use_emo_text: true")
        is_lossless = not AudioFormat(self.audio_format).is_lossy
        if "bitrate_kbps" in self.model_fields_set and is_lossless:
            raise InvalidFieldError("bitrate_kbps", f"does not go with {self.audio_format}")
        return self

    def to_request(self) -> SpeechRequest:
        """The use case's words for this input, stream mode's own bounds applied."""
        return SpeechRequest(
            text=self.text,
            speaker_voice=self.speaker_voice,
            emotion=self._emotion(),
            emo_alpha=self.emo_alpha,
            max_chars_per_chunk=self._chunk_bound() if self.enable_chunking else None,
            join=self._join(),
            seed=self.seed,
            sampling=Sampling(**self.model_dump(include=_SAMPLING_FIELDS)),
            language=self.language,
            audio_format=AudioFormat(self.audio_format),
            bitrate_kbps=self.bitrate_kbps,
            session_id=self.session_id,
            warnings=tuple(
                SpeechWarning(WarningCode.OPTION_IGNORED, sentence)
                for sentence in self._idle_fields()
            ),
        )

    def _idle_fields(self) -> Iterator[str]:
        """Warnings for fields that go with an emotion where there is none for them."""
        emotion = self._emotion()
        if emotion is None and self.emo_alpha != 1.0:
            yield "emo_alpha had no effect: it goes with a vector, a recording or words"
        if self.use_random and not isinstance(emotion, VectorEmotion | WordsEmotion):
            yield "use_random had no effect: it goes with emo_vector or use_emo_text"

    def _emotion(self) -> Emotion | None:
        if self.emo_vector is not None:
            return VectorEmotion(tuple(self.emo_vector), self.emo_alpha, self.use_random)
        if self.emo_audio_prompt is not None:
            return RecordedEmotion(self.emo_audio_prompt, self.emo_alpha)
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


InputT = TypeVar("InputT", bound=BaseModel)


def parse(kind: type[InputT], value: object, *, max_text_chars: int = MAX_TEXT_CHARS) -> InputT:
    """Check a JSON value against ``kind``.

    The time that it takes does not grow with the number of unknown fields.

    Raises:
        InvalidRequest: names the fields that are wrong, ``REPORTED`` at most, and counts the rest.
    """
    if not isinstance(value, dict):
        raise InvalidRequest("input", "must be a JSON object with at least a text")
    known = {name: value[name] for name in kind.model_fields if name in value}
    unknown = [str(name) for name in value if name not in known]
    problems: list[tuple[str, str]] = []
    try:
        parsed = kind.model_validate(known, context={"max_text_chars": max_text_chars})
    except ValidationError as error:
        problems = [_field_and_problem(dict(found)) for found in error.errors(include_url=False)]
    else:
        if not unknown:
            return parsed
    total = len(problems) + len(unknown)
    problems = problems[:REPORTED]
    problems += [
        _unknown_field(name, known=kind.model_fields)
        for name in unknown[: REPORTED - len(problems)]
    ]
    raise InvalidRequest.of(problems, unlisted=total - len(problems))


def parse_job(value: object, *, max_text_chars: int = MAX_TEXT_CHARS) -> SpeechInput | Question:
    """Check a job's input, whichever of the two it is.

    Raises:
        InvalidRequest: names every field that is wrong.
    """
    if isinstance(value, dict) and value.get("action") is not None:
        return parse(Question, value)
    return parse(SpeechInput, value, max_text_chars=max_text_chars)


def _field_and_problem(error: dict[str, Any]) -> tuple[str, str]:
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, InvalidFieldError):
        return cause.field, str(cause)
    place = [part for part in error["loc"] if isinstance(part, str | int)]
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)[1:]
    return field, "is missing" if error["type"] == "missing" else describe(error)


def _unknown_field(name: str, *, known: Iterable[str]) -> tuple[str, str]:
    if name in SpeechInput.model_fields:
        return name, "does not go with an action"
    if len(name) > _LONGEST_TYPO:
        return printable(name), "is not a field"
    [nearest] = difflib.get_close_matches(name, known, n=1, cutoff=0)
    return printable(name), f"is not a field; did you mean {nearest}?"
