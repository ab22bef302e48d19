"""Options of the command line, made from the fields of a job's input."""

import json
import types
from collections.abc import Callable
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import click
from pydantic.fields import FieldInfo

from entrypoints.schemas import SpeechInput

_NAMES = {"speaker_voice": "--voice", "audio_format": "--format"}
"""Options that a person knows by a shorter name than the field's."""

_NOT_OPTIONS = ("text", "action")


def field_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give ``command`` one option for each field of ``SpeechInput`` that is no argument or command.

    An option that is not on the command line is not passed on: its value is None.
    """
    for name, field in reversed(SpeechInput.model_fields.items()):
        if name not in _NOT_OPTIONS:
            command = _option(name, field)(command)
    return command


def _option(name: str, field: FieldInfo) -> Callable[[Any], Any]:
    flag = _NAMES.get(name, "--" + name.replace("_", "-"))
    kind = _bare(field.annotation)
    default = f" [{field.default}]" if field.default not in (None, False, True) else ""
    help_text = f"{field.description}{default}"
    if kind is bool:
        negated = f"{flag}/--no-{flag.removeprefix('--')}" if field.default else flag
        return click.option(negated, name, default=None, is_flag=True, help=help_text)
    return click.option(flag, name, type=_parameter(kind), help=help_text)


def _parameter(kind: Any) -> Any:
    """What click takes as the type of an option whose field has the type ``kind``."""
    if get_origin(kind) is Literal:
        return click.Choice(get_args(kind))
    return _NumberList() if get_origin(kind) is list else kind


def _bare(annotation: Any) -> Any:
    """``annotation`` without its bounds and without None."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return _bare(next(kind for kind in get_args(annotation) if kind is not type(None)))
    return annotation


class _NumberList(click.ParamType[list[float], str]):
    name = "numbers"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> list[float]:
        try:
            numbers = json.loads(f"[{str(value).strip('[] ')}]")
        except json.JSONDecodeError:
            numbers = None
        if not isinstance(numbers, list):
            self.fail(f"{value!r} is not a list of numbers like 0,0.8,0,0,0,0,0,0", param, ctx)
        return numbers
