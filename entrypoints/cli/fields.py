"""Options of the command line, made from the fields of a job's input."""

import difflib
import json
import types
from collections.abc import Callable
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import click
from pydantic.fields import FieldInfo

from domain.emotion import EMOTIONS
from entrypoints.cli.help_groups import GroupedOption
from entrypoints.schemas import SpeechInput

_NAMES = {"speaker_voice": ("--voice", "-v"), "audio_format": ("--format",)}
"""Options whose names are shorter than the field's."""

_NOT_OPTIONS = ("text", "action")
_HIDDEN = ("output_format",)
"""Options that the help omits, because they have one value only."""

VOICE, EMOTION, TEXT, OUTPUT, SAMPLING = (
    *("Voice", "Emotion", "Text and chunks", "Output", "Sampling"),
)
_GROUPS = {
    VOICE: ("speaker_voice", "speaker_audio"),
    EMOTION: (
        *("emo_audio_prompt", "emo_audio", "emo_vector", "emo_alpha"),
        *("use_emo_text", "emo_text", "use_random"),
    ),
    TEXT: (
        *("language", "speed", "enable_chunking", "max_chars_per_chunk", "chunk_pause_ms"),
        *("enable_crossfade", "crossfade_ms"),
    ),
    OUTPUT: (
        *("audio_format", "bitrate_kbps", "session_id", "stream", "output_format"),
        *("stream_max_chars_per_chunk", "stream_crossfade_ms"),
    ),
    SAMPLING: (
        *("seed", "temperature", "top_p", "top_k", "num_beams", "repetition_penalty"),
        *("max_mel_tokens", "diffusion_steps", "inference_cfg_rate"),
    ),
}
_GROUP_OF = {name: group for group, names in _GROUPS.items() for name in names}


def field_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give ``command`` one option for each field of ``SpeechInput`` that is no argument or command.

    The value of an option that is not on the command line is None.
    """
    fields = SpeechInput.model_fields
    known = [name for name in _GROUP_OF if name in fields]
    others = [name for name in fields if name not in _GROUP_OF and name not in _NOT_OPTIONS]
    for name in reversed(known + others):
        command = _option(name, fields[name])(command)
    return command


def option_of(field: str) -> str:
    """Return the option of ``field``; an item of a list gets its number, from 1."""
    if field == "text":
        return "TEXT"
    field, _, index = field.partition("[")
    if index:
        return f"{option_of(field)}: number {int(index.rstrip(']')) + 1}"
    return _NAMES.get(field, (f"--{field.replace('_', '-')}",))[0]


def _option(name: str, field: FieldInfo) -> Callable[[Any], Any]:
    flags = _NAMES.get(name, (option_of(name),))
    kind = _bare(field.annotation)
    shape: dict[str, Any]
    default = f" [{field.default}]" if field.default not in (None, False, True) else ""
    help_text = f"{field.description}{default}"
    if kind is bool:
        negated = f"{flags[0]}/--no-{flags[0].removeprefix('--')}" if field.default else flags[0]
        flags, shape = (negated,), {"default": None, "is_flag": True}
    else:
        shape = {"type": _parameter(kind, field), "hidden": name in _HIDDEN}
    return click.option(
        *flags,
        name,
        cls=GroupedOption,
        group=_GROUP_OF.get(name, "Options"),
        help=help_text,
        **shape,
    )


def _parameter(kind: Any, field: FieldInfo) -> Any:
    """Return click's type for an option whose field has the type ``kind``."""
    if get_origin(kind) is Literal:
        return _Choice(get_args(kind))
    return _NumberList(str(field.description)) if get_origin(kind) is list else kind


def _bare(annotation: Any) -> Any:
    """Return ``annotation`` without its bounds and without None."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return _bare(next(kind for kind in get_args(annotation) if kind is not type(None)))
    return annotation


class _Choice(click.Choice[str]):
    """A choice whose error message suggests the nearest value."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        message = super().get_invalid_choice_message(value, ctx)
        nearest = difflib.get_close_matches(str(value).lower(), self.choices, n=1)
        return f"{message} Did you mean {nearest[0]!r}?" if nearest else message


class _NumberList(click.ParamType[list[float], str]):
    """Numbers between commas, as many as an emotion has weights."""

    name = "numbers"

    def __init__(self, meaning: str) -> None:
        self._meaning = meaning

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> list[float]:
        try:
            numbers = json.loads(f"[{str(value).strip('[] ')}]")
        except json.JSONDecodeError:
            numbers = None
        if not isinstance(numbers, list) or len(numbers) != len(EMOTIONS):
            self.fail(
                f"{value!r} is not a list of {len(EMOTIONS)} numbers like 0,0.8,0,0,0,0,0,0:"
                f" {self._meaning}",
                param,
                ctx,
            )
        return numbers
