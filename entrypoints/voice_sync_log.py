"""The log of syncs that requests for unknown voices began."""

from dataclasses import asdict

import structlog

from application.voice_sync import VoiceSyncReport
from domain.errors import StorageFailed

log = structlog.get_logger()


def log_voice_sync(result: VoiceSyncReport | StorageFailed) -> None:
    """Log the result of a sync, or its failure, under the events of the sync at the start."""
    if isinstance(result, StorageFailed):
        log.error("voice_sync_failed", error=str(result))
    else:
        log.info("voice_sync", **asdict(result))
