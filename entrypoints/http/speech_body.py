"""The body of ``POST /v1/audio/speech``: OpenAI's fields, and the fields of a job."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.audio import StreamFormat
from domain.errors import InvalidRequest
from entrypoints.field_types import Integer, Text
from entrypoints.parsing import parse
from entrypoints.schemas import SpeechInput

LONGEST_EMO_TEXT = 500
"""Characters of ``instructions`` that are used, which is the most that ``emo_text`` takes."""

_WITHOUT_MEANING = frozenset(
    {"action", "audio_format", "output_format", "session_id", "stream", "text"}
)
"""Fields of a job that this route decides itself."""

_EMOTION_SOURCES = ("emo_vector", "emo_audio_prompt", "emo_audio", "use_emo_text", "emo_text")

_FILE_FORMATS = {StreamFormat.AAC: "m4a", StreamFormat.PCM: "wav"}
"""The job's format that has the codec of a stream, for the rules of bit rates."""


class VoiceId(BaseModel):
    """A voice as OpenAI's API names custom ones."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    id: Text


class SpeechBody(BaseModel):
    """OpenAI's fields, and three of our own; every field of a job goes beside them."""

    model_config = ConfigDict(strict=True, frozen=True)

    input: Text = Field(description="what to speak")
    model: Text = Field(default="", description="any name: the server has one model")
    voice: Text | VoiceId | None = Field(default=None, description="name of a voice, or its id")
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = Field(
        default="mp3", description="container and codec of the audio"
    )
    instructions: Text = Field(default="", description="words that describe the emotion")
    stream_format: Literal["audio", "sse"] = Field(
        default="audio", description="bytes, or server-sent events with the bytes in base64"
    )
    ref_audio: Text | None = Field(default=None, description="another name of speaker_audio")
    sample_rate: Annotated[Integer, Field(ge=8_000, le=48_000)] | None = Field(
        default=None, description="rate of pcm and wav in hertz"
    )


@dataclass(frozen=True, slots=True)
class SpeechOrder:
    """A checked request.

    Attributes:
        job: What to speak, as a job of the worker says it.
        stream_format: Format of the bytes.
        is_sse: Whether the bytes go in server-sent events.
        sample_rate_hz: Rate of pcm and wav; None is the format's usual one.
        ignored: Fields without any effect.
        names: The caller's name of a field of the job, where it is another one.
    """

    job: SpeechInput
    stream_format: StreamFormat
    is_sse: bool
    sample_rate_hz: int | None
    ignored: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)

    def named(self, job_field: str) -> str:
        """Return the caller's name of a field of the job."""
        return self.names.get(job_field, job_field)


def parse_speech(content: bytes, *, max_text_chars: int) -> SpeechOrder:
    """Return the body of a request, checked.

    Raises:
        InvalidRequest: it is no JSON object, or a field is wrong; the fields have the caller's
            names.
    """
    given = _given_fields(content)
    body_fields = {name: given[name] for name in SpeechBody.model_fields if name in given}
    if "input" not in given and "text" in given:
        body_fields["input"] = given["text"]
    body = parse(SpeechBody, body_fields)
    job_fields = {
        name: given[name]
        for name in SpeechInput.model_fields
        if name in given and name not in _WITHOUT_MEANING
    }
    names = {"text": "input" if "input" in given else "text"}
    ignored = [name for name in given if name not in body_fields and name not in job_fields]
    if "text" in ignored and "input" not in given:
        ignored.remove("text")
    stream_format = StreamFormat(body.response_format)
    job_fields |= {
        "text": body.input,
        "stream": True,
        "audio_format": _FILE_FORMATS.get(stream_format, stream_format.value),
    }
    _choose_voice(body, job_fields, names)
    if _describe_emotion(body, job_fields, names):
        ignored.append("instructions")
    try:
        job = parse(SpeechInput, job_fields, max_text_chars=max_text_chars)
    except InvalidRequest as error:
        problems = [(names.get(name, name), problem) for name, problem in error.problems]
        raise InvalidRequest.of(problems) from error
    if body.sample_rate and stream_format not in (StreamFormat.PCM, StreamFormat.WAV):
        raise InvalidRequest("sample_rate", "goes with response_format pcm and wav")
    return SpeechOrder(
        job=job,
        stream_format=stream_format,
        is_sse=body.stream_format == "sse",
        sample_rate_hz=body.sample_rate,
        ignored=tuple(ignored),
        names=names,
    )


def _given_fields(content: bytes) -> dict[str, Any]:
    """Return the fields that have a value; those of ``extra_params`` count where no other does.

    Raises:
        InvalidRequest: the body is no JSON object.
    """
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise InvalidRequest("body", "must be JSON") from None
    if not isinstance(value, dict):
        raise InvalidRequest("body", "must be a JSON object with at least input and voice")
    extra = value.pop("extra_params", None)
    if extra is not None and not isinstance(extra, dict):
        raise InvalidRequest("extra_params", "must be an object")
    return {name: given for name, given in {**(extra or {}), **value}.items() if given is not None}


def _choose_voice(body: SpeechBody, job_fields: dict[str, Any], names: dict[str, str]) -> None:
    """Put ``voice`` or ``ref_audio`` among the fields of the job.

    OpenAI's clients always send a voice: a recording, or the field ``speaker_voice``, goes before.
    """
    if body.ref_audio is not None and "speaker_audio" not in job_fields:
        job_fields["speaker_audio"] = body.ref_audio
        names["speaker_audio"] = "ref_audio"
    if body.voice is None or job_fields.keys() & {"speaker_voice", "speaker_audio"}:
        return
    job_fields["speaker_voice"] = body.voice.id if isinstance(body.voice, VoiceId) else body.voice
    names["speaker_voice"] = "voice"


def _describe_emotion(body: SpeechBody, job_fields: dict[str, Any], names: dict[str, str]) -> bool:
    """Take the emotion from ``instructions``; return whether they have no effect.

    Home Assistant sends the word "None" where a person gave none.
    """
    words = body.instructions.strip()
    if not words or words == "None":
        return False
    if any(job_fields.get(name) for name in _EMOTION_SOURCES):
        return True
    job_fields |= {"use_emo_text": True, "emo_text": words[:LONGEST_EMO_TEXT]}
    names |= {"use_emo_text": "instructions", "emo_text": "instructions"}
    return False
