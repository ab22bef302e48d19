"""uvicorn's own messages in the product's log."""

import asyncio
import logging

import structlog

from entrypoints.http.errors import BrokenOff

log = structlog.get_logger()

_INTENDED = (BrokenOff, asyncio.CancelledError)
"""Ends of a response that are no fault: it was broken off, or the server stopped."""


def log_uvicorn() -> None:
    """Send what uvicorn warns of to the product's log, and nothing of it elsewhere."""
    logger = logging.getLogger("uvicorn")
    logger.handlers = [_ToStructlog()]
    logger.propagate = False
    logger.setLevel(logging.WARNING)


class _ToStructlog(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and isinstance(record.exc_info[1], _INTENDED):
            return
        message = record.getMessage().strip()
        if record.levelno >= logging.ERROR:
            log.error("http_server", message=message, exc_info=record.exc_info)
        else:
            log.warning("http_server", message=message)
