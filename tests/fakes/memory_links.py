"""Recordings at URLs, in memory."""

from application.ports.links import not_fetched
from domain.recording_limits import MOST_SENT_BYTES
from domain.voice_choice import LinkedRecording


class MemoryLinks:
    """Knows the URLs in ``contents``, and no other; ``fetched`` lists those that were asked for."""

    def __init__(self, contents: dict[str, bytes] | None = None) -> None:
        self.contents = contents or {}
        self.fetched: list[str] = []

    def fetch(self, link: LinkedRecording) -> bytes:
        self.fetched.append(link.url)
        content = self.contents.get(link.url)
        if content is None or len(content) > MOST_SENT_BYTES:
            raise not_fetched(link)
        return content
