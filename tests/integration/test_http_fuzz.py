"""Requests of every shape: the server answers each with an error of its own, or with success."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import schemathesis
from dependency_injector import providers
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode

from entrypoints.container import Container
from entrypoints.http.app import build_app
from entrypoints.settings.settings import LocalSettings
from tests.models.tone import ToneModel

ROOT = Path(__file__).parents[2]
EXAMPLES = 60
"""Requests of each kind, right and wrong, for each route."""


def test_no_request_that_the_description_allows_or_forbids_is_a_fault(tmp_path: Path) -> None:
    container = Container(
        settings=LocalSettings(
            checkpoints_dir=tmp_path / "checkpoints",
            output_audio_dir=tmp_path / "out",
            audio_voices_dir=tmp_path / "voices",
        )
    )
    container.model.override(providers.Object(ToneModel(seconds=0.01, edge_seconds=0)))
    described = schemathesis.openapi.from_asgi("/openapi.json", build_app(container))
    for found in described.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        for mode in GenerationMode:
            with suppress(Unsatisfiable):  # a route without a parameter cannot be asked wrongly
                _check(operation.as_strategy(generation_mode=mode))


def _check(cases: SearchStrategy[schemathesis.Case[Any]]) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def send(case: schemathesis.Case[Any]) -> None:
        answer = case.call()
        assert answer.status_code < 500
        assert b"Traceback" not in answer.content
        assert str(ROOT).encode() not in answer.content
        if answer.status_code >= 400:
            assert set(answer.json()["error"]) == {"message", "type", "param", "code"}

    send()
