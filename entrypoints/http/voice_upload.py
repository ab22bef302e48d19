"""A recording that is uploaded as a new voice."""

from collections.abc import Collection
from dataclasses import dataclass, field

from fastapi import Request
from starlette.datastructures import UploadFile

from application.references import References
from application.voice_library import VoiceLibrary
from domain.errors import BadReference, Conflict, InvalidRequest, printable
from domain.recording_kind import ending_of
from domain.recording_limits import MOST_SENT_BYTES
from domain.voice import BUNDLED_VOICE, is_voice_file, is_voice_name, voice_name
from entrypoints.http.errors import NO_RETRY, ApiError, api_error
from entrypoints.recording_warnings import recording_warnings

_MOST_FIELDS = 10
_REFUSALS = frozenset({"", "0", "false", "no", "off"})
"""Values of ``consent`` that are none. OpenAI's clients send the id of a recorded consent."""
_LONGEST_PART_BYTES = 250
"""Bytes of a folder or file name that every file system takes, with the ending."""


@dataclass(frozen=True, slots=True)
class Upload:
    """What was sent."""

    name: str
    content: bytes = field(repr=False)
    replaces: bool


@dataclass(frozen=True, slots=True)
class NewVoice:
    """A voice that was added; ``used_seconds`` of its recording are used."""

    name: str
    used_seconds: float
    warnings: tuple[str, ...]


async def read_upload(request: Request) -> Upload:
    """Read a form with ``name``, ``audio_sample``, ``consent`` and, if wanted, ``replace``.

    Raises:
        InvalidRequest: a field is missing or wrong.
        ApiError: the recording is too large.
    """
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise InvalidRequest("body", "must be a form: Content-Type: multipart/form-data")
    async with request.form(max_files=1, max_fields=_MOST_FIELDS) as form:
        sample, name, consent = form.get("audio_sample"), form.get("name"), form.get("consent")
        if not isinstance(name, str) or not name.strip():
            raise InvalidRequest("name", "is missing")
        if not isinstance(consent, str) or consent.strip().lower() in _REFUSALS:
            raise InvalidRequest(
                "consent", "must be true: the person whose voice it is agrees to be cloned"
            )
        if not isinstance(sample, UploadFile):
            raise InvalidRequest("audio_sample", "is missing: send the recording as a file")
        content = await sample.read(MOST_SENT_BYTES + 1)
        if len(content) > MOST_SENT_BYTES:
            raise ApiError(
                413,
                "audio_sample: has more than 10 MiB, of which 15 s are used; send a shorter one",
                code="body_too_large",
                param="audio_sample",
                headers=NO_RETRY,
            )
        return Upload(name.strip(), content, str(form.get("replace", "")).lower() == "true")


def add_voice(
    upload: Upload,
    *,
    references: References,
    library: VoiceLibrary,
    aliases: Collection[str],
) -> NewVoice:
    """Check the recording, and add it to the voices under the ending of its format.

    Raises:
        InvalidRequest: the name cannot be a voice's.
        ApiError: the voice exists, or the recording cannot be used.
        StorageFailed: the recording cannot be kept.
    """
    name = voice_name(upload.name) if is_voice_file(upload.name) else upload.name
    _require_usable(name)
    if name in aliases:
        raise _conflict(name, "is an alias of another voice; choose another name")
    if name == BUNDLED_VOICE:
        raise _conflict(name, "is the bundled voice; choose another name")
    try:
        ending = _ending_of(upload.content)
        reference = references.examine(upload.content, name=name, file="audio_sample")
    except BadReference as error:
        raise api_error(error, param="audio_sample") from error
    try:
        library.add(f"{name}{ending}", upload.content, replaces=upload.replaces)
    except Conflict as error:
        what = "is a voice already; choose another name, or send replace=true"
        raise _conflict(name, what) from error
    return NewVoice(
        name, reference.recording.waveform.duration_seconds, tuple(recording_warnings(reference))
    )


def _ending_of(content: bytes) -> str:
    ending = ending_of(content)
    if ending is None:
        raise BadReference("audio_sample is in no format that a voice can have")
    return ending


def _require_usable(name: str) -> None:
    parts = name.split("/")
    is_short = all(len(part.encode(errors="replace")) <= _LONGEST_PART_BYTES for part in parts)
    if not is_voice_name(name) or not is_short:
        raise InvalidRequest("name", f"{printable(name)} cannot name a voice")


def _conflict(name: str, what: str) -> ApiError:
    return ApiError(
        409, f"name: {printable(name)} {what}", code="conflict", param="name", headers=NO_RETRY
    )
