"""Recordings at URLs that requests name."""

from typing import Protocol

from domain.errors import BadReference
from domain.voice_choice import LinkedRecording

LONGEST_FETCH_SECONDS = 20.0
"""Seconds for a recording, look-ups and redirects included. The engine is not used meanwhile."""


class RecordingLinks(Protocol):
    """Fetches recordings from the public places that the operator allows."""

    def fetch(self, link: LinkedRecording) -> bytes:
        """Return the content, of at most ``MOST_SENT_BYTES``, in ``LONGEST_FETCH_SECONDS``.

        Raises:
            BadReference: it was not fetched. It is the error of ``not_fetched``, whatever the
                reason: an answer that differs would show what the worker's own network holds.
        """


def not_fetched(link: LinkedRecording) -> BadReference:
    """Return the one error for every recording that is not fetched."""
    return BadReference(
        f"{link.sent_as}: the recording cannot be fetched from this URL; it must be an https URL of"
        " a host that the worker's VOICE_URL_HOSTS allows, and give at most 10 MiB within"
        f" {LONGEST_FETCH_SECONDS:.0f} s; the recording itself can be sent as base64 instead"
    )
