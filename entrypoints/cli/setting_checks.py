"""Checks of ``doctor`` on the settings: each with its value and where that comes from."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import AliasChoices, SecretStr
from pydantic.fields import FieldInfo

from application.ports.examination import Finding, Mark
from entrypoints.exit_codes import SettingsError
from entrypoints.settings.settings import Settings, load_settings

_MASK = "********"
_USER = re.compile(r"//[^/@\s]*@")
"""User name and password in a URL."""


def check_settings(kind: type[Settings]) -> tuple[Settings | None, list[Finding]]:
    """Return the settings and a finding on each; None and the wrong ones where some are wrong."""
    try:
        settings = load_settings(kind)
    except SettingsError as error:
        return None, [_wrong(line) for line in str(error).splitlines()]
    return settings, list(_findings(settings))


def _wrong(line: str) -> Finding:
    name, _, problem = line.partition(": ")
    return Finding(subject=f"setting {name}", found=problem, mark=Mark.PROBLEM)


def _findings(settings: Settings) -> Iterator[Finding]:
    set_here = {name.upper() for name, value in os.environ.items() if value}
    for field, info in type(settings).model_fields.items():
        given = next((name for name in _variables(field, info) if name in set_here), None)
        source = f"from {given}" if given else "default"
        yield Finding(
            subject=f"setting {field.upper()}",
            found=f"{_shown(getattr(settings, field))} ({source})",
        )


def _variables(field: str, info: FieldInfo) -> list[str]:
    """Return the names of the variables that are read for ``field``, the preferred one first."""
    alias = info.validation_alias
    if isinstance(alias, AliasChoices):
        return [str(choice).upper() for choice in alias.choices]
    return [(alias if isinstance(alias, str) else field).upper()]


def _shown(value: Any) -> str:
    """Return ``value`` as a person would write it, without what is secret."""
    if isinstance(value, SecretStr):
        return _MASK if value.get_secret_value() else "not set"
    if value is None or value in ("", (), {}):
        return "not set"
    if isinstance(value, bool):
        return str(value).lower()
    if value == sys.maxsize:
        return "no limit"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dict):
        return ", ".join(f"{name}={meaning}" for name, meaning in value.items())
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(value) if isinstance(value, Path) else _USER.sub(f"//{_MASK}@", str(value))
