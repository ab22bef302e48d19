"""Finished files that travel in the job's answer, where there is no place to store them."""

from typing import BinaryIO

from application.ports.storage import InlineObject
from domain.errors import StorageFailed

LARGEST_BYTES = 6_000_000
"""6 MB: base64 makes 8 MB of it, and RunPod carries an answer of at most 10 MB."""


class InlineStore:
    """An object store that keeps nothing and returns the content."""

    @property
    def kind(self) -> str:
        return "inline"

    @property
    def largest_bytes(self) -> int:
        return LARGEST_BYTES

    def is_reachable(self) -> bool:
        return True

    def claim(self, key: str, *, owner: str) -> None:
        """Do nothing: no object of another job can be there."""

    def put(self, key: str, content: BinaryIO, *, owner: str, content_type: str) -> InlineObject:
        """Implement ``ObjectStore.put``.

        Raises:
            StorageFailed: the content is larger than ``largest_bytes``.
        """
        content.seek(0)
        whole = content.read(LARGEST_BYTES + 1)
        if len(whole) > LARGEST_BYTES:
            raise StorageFailed(
                "the audio has more than 6 MB, which is the most that an answer carries with"
                " OBJECT_STORE=inline; choose a lower bitrate_kbps or send the text in parts"
            )
        return InlineObject(whole)
