"""The HTTP application with a scripted model, behind uvicorn; it counts the requests."""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dependency_injector import providers
from starlette.types import Receive, Scope, Send

from entrypoints.container import Container
from entrypoints.http.app import build_app
from entrypoints.settings.settings import LocalSettings
from tests.loopback.http_server import served
from tests.models.scripted_worker import ScriptedModel

SPEECH, VOICES = ("POST", "/v1/audio/speech"), ("POST", "/v1/audio/voices")


@dataclass(frozen=True, slots=True)
class CountingServer:
    """A running server; ``asked`` counts methods and paths, ``gate`` is the gate's file."""

    url: str
    asked: Counter[tuple[str, str]]
    gate: Path


@contextmanager
def counting_server(folder: Path) -> Generator[CountingServer, None, None]:
    """Serve the application, whose files are in ``folder``."""
    container = Container(
        settings=LocalSettings(output_audio_dir=folder / "out", audio_voices_dir=folder / "voices")
    )
    gate = folder / "gate"
    container.model.override(providers.Object(ScriptedModel(state="ready", gate=gate)))
    app = build_app(container)
    asked: Counter[tuple[str, str]] = Counter()

    async def counted(scope: Scope, receive: Receive, send: Send) -> None:
        asked[scope["method"], scope["path"]] += 1
        await app(scope, receive, send)

    with served(counted) as url:
        yield CountingServer(url, asked, gate)
