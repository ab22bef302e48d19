"""Structured logs on standard error."""

import logging
import sys

import structlog

from entrypoints.settings.settings import Settings


def configure_logs(settings: Settings) -> None:
    """Log lines of JSON for machines, or coloured lines for a person, as ``log_format`` chooses."""
    renderer: structlog.typing.Processor
    if settings.log_format == "json":
        renderer = structlog.processors.JSONRenderer()
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[settings.log_level]
        ),
        # A line and its end in one write: another thread's line may come at any moment.
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
