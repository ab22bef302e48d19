"""The lines of a worker's start, on standard output and in a file on its volume."""

import json
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import Literal, Protocol


class LineLog(Protocol):
    """A place that keeps lines."""

    def append(self, line: str) -> None:
        """Keep ``line`` if possible; raise nothing."""


class StartUpLog:
    """Tells each step of the start at once; nothing that goes wrong with that stops the worker.

    Args:
        file: Keeps plain lines.
        log_format: ``json`` prints each line as an object with the event ``start_up``.
    """

    def __init__(self, *, file: LineLog, log_format: Literal["json", "console"]) -> None:
        self._file = file
        self._log_format = log_format

    def tell(self, step: str, message: str) -> None:
        """Print and keep one line (a ``Tell``)."""
        moment = datetime.now(UTC)
        plain = f"{moment:%Y-%m-%dT%H:%M:%SZ} {step}: {message}"
        self._file.append(plain)
        shown = plain
        if self._log_format == "json":
            event = {"event": "start_up", "step": step, "message": message}
            shown = json.dumps(event | {"level": "info", "timestamp": moment.isoformat()})
        with suppress(OSError, ValueError):  # nobody reads it, or it is closed
            sys.stdout.write(f"{shown}\n")
            sys.stdout.flush()
