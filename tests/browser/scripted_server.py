"""The HTTP server with a model that follows words in the text, and two voices.

``tests/models/scripted_worker.py`` lists the words.

Usage: ``python -m tests.browser.scripted_server PORT GATE``
"""

import sys
import wave
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
    with wave.open(str(voices / "alice.wav"), "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(16_000)
        recording.writeframes(b"\x10\x20" * 16_000)
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
