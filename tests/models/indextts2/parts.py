"""An engine with other parts."""

from dataclasses import fields, replace
from typing import Any

from adapters.indextts2.engine.engine import Engine


def with_parts(engine: Engine, **parts: Any) -> Engine:
    """Return ``engine`` with the fields of its frontend and synthesizer that ``parts`` names."""
    names = {field.name for field in fields(engine.frontend)}
    frontend = {name: part for name, part in parts.items() if name in names}
    synthesizer = {name: part for name, part in parts.items() if name not in names}
    return Engine(
        frontend=replace(engine.frontend, **frontend),
        synthesizer=replace(engine.synthesizer, **synthesizer),
    )
