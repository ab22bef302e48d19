"""The HTTP server with a model that follows words in the text, and two voices.

``tests/models/scripted_worker.py`` lists the words.

Usage: ``python -m tests.browser.scripted_server PORT GATE``
"""

import sys
from importlib.resources import files
from pathlib import Path

from dependency_injector import providers

from entrypoints.container import Container
from entrypoints.http.server import serve_http
from entrypoints.settings.settings import LocalSettings
from tests.models.scripted_worker import ScriptedModel


def main() -> None:
    port, gate = int(sys.argv[1]), Path(sys.argv[2])
    voices = gate.parent / "voices"
    voices.mkdir()
    bundled = files("adapters.filesystem").joinpath("bundled_voices", "default.ogg")
    (voices / "alice.ogg").write_bytes(bundled.read_bytes())
    container = Container(
        settings=LocalSettings(
            audio_voices_dir=voices,
            output_audio_dir=gate.parent / "output",
            checkpoints_dir=gate.parent / "checkpoints",
        )
    )
    container.model.override(providers.Object(ScriptedModel(state="ready", gate=gate)))
    serve_http(container, host="127.0.0.1", port=port)


if __name__ == "__main__":
    main()
