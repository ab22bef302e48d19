"""What everything promises that fetches recordings from URLs."""

from abc import ABC, abstractmethod

import pytest

from application.ports.links import RecordingLinks, not_fetched
from domain.errors import BadReference
from domain.recording_limits import MOST_SENT_BYTES
from domain.voice_choice import LinkedRecording


def refusal(links: RecordingLinks, url: str) -> str:
    """Return the error of a recording that is not fetched."""
    with pytest.raises(BadReference) as refused:
        links.fetch(LinkedRecording("speaker_audio", url))
    return str(refused.value)


def the_one_refusal(field: str = "speaker_audio") -> str:
    """Return the error that every refusal must equal."""
    return str(not_fetched(LinkedRecording(field, "")))


class RecordingLinksContract(ABC):
    @pytest.fixture
    @abstractmethod
    def links(self) -> RecordingLinks: ...

    @abstractmethod
    def publish(self, links: RecordingLinks, content: bytes) -> str:
        """Put ``content`` where it may be fetched, and return its URL."""

    @pytest.mark.parametrize("size", [0, 1, 100_000, MOST_SENT_BYTES])
    def test_fetches_what_is_there(self, links: RecordingLinks, size: int) -> None:
        content = bytes(range(256)) * (size // 256) + bytes(size % 256)
        url = self.publish(links, content)

        assert links.fetch(LinkedRecording("speaker_audio", url)) == content

    def test_refuses_what_is_too_large_and_what_is_not_there_alike(
        self, links: RecordingLinks
    ) -> None:
        url = self.publish(links, bytes(MOST_SENT_BYTES + 1))

        assert refusal(links, url) == refusal(links, f"{url}-gone") == the_one_refusal()

    def test_the_refusal_names_the_field_and_not_the_url(self, links: RecordingLinks) -> None:
        url = f"{self.publish(links, b'x')}-gone"

        with pytest.raises(BadReference) as refused:
            links.fetch(LinkedRecording("emo_audio", url))

        assert str(refused.value) == the_one_refusal("emo_audio")
        assert url not in str(refused.value)
