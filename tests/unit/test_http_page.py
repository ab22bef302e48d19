"""The reference of HTTP names the routes and fields that there are."""

import re
from pathlib import Path

from entrypoints.container import Container
from entrypoints.http.app import build_app
from entrypoints.http.speech_body import SpeechBody
from entrypoints.settings.settings import LocalSettings

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "http.md").read_text()


def test_every_route_is_on_the_page() -> None:
    app = build_app(Container(settings=LocalSettings(tts_engine="preview")))
    routes = {path.replace("{name:path}", "{name}") for path in app.openapi()["paths"]}
    written = set(re.findall(r"(/[\w/{}.]*)`", PAGE))
    assert {route.replace("models/{name}", "models/{id}") for route in routes} <= written


def test_every_field_of_the_body_is_on_the_page() -> None:
    rows = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
    assert set(SpeechBody.model_fields) <= rows
