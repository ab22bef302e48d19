"""The HTTP server with the model of ``scripted_worker``.

Usage: ``python -m tests.models.scripted_server HOST PORT``; ``SCRIPTED_GATE`` is the gate's file.
"""

import os
import sys
from pathlib import Path

from dependency_injector import providers

from entrypoints.container import Container
from entrypoints.http.server import serve_http
from entrypoints.logs import configure_logs
from entrypoints.settings.settings import ServerSettings, load_settings
from tests.models.scripted_worker import ScriptedModel

if __name__ == "__main__":
    settings = load_settings(ServerSettings)
    configure_logs(settings)
    container = Container(settings=settings)
    container.model.override(
        providers.Object(
            ScriptedModel(state="ready", gate=Path(os.environ.get("SCRIPTED_GATE", "/none")))
        )
    )
    host, port = sys.argv[1], int(sys.argv[2])
    sys.exit(serve_http(container, host=host, port=port, on_listening=lambda: print("listening")))
