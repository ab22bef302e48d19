"""An object store that keeps the audio in a second store when a write fails."""

import uuid
from typing import BinaryIO

from application.ports.storage import InlineObject, ObjectStore, StoredObject
from domain.errors import Conflict, SpeechError, StorageFailed


class FallbackStore:
    """Stores objects in ``store``; if that fails, keeps them in ``fallback``.

    Speech costs minutes of a GPU, so an unreachable bucket, or a file that is too large for the
    store, must not destroy it. The job fails all the same, and the error's message names the object
    and the place of the fallback.

    Args:
        store: The store of the settings.
        fallback: A store that does not depend on a network.
        fallback_place: Where the fallback keeps objects, as error messages call it.
    """

    def __init__(self, *, store: ObjectStore, fallback: ObjectStore, fallback_place: str) -> None:
        self._store = store
        self._fallback = fallback
        self._fallback_place = fallback_place

    @property
    def kind(self) -> str:
        return self._store.kind

    @property
    def largest_bytes(self) -> int | None:
        return self._store.largest_bytes

    def is_reachable(self) -> bool:
        return self._store.is_reachable()

    def claim(self, key: str, *, owner: str) -> None:
        self._store.claim(key, owner=owner)

    def put(
        self, key: str, content: BinaryIO, *, owner: str, content_type: str
    ) -> StoredObject | InlineObject:
        try:
            return self._store.put(key, content, owner=owner, content_type=content_type)
        except StorageFailed as error:
            try:
                name = self._keep(key, content, owner=owner, content_type=content_type)
            except SpeechError as lost:
                raise StorageFailed(
                    f"{error.message}; the audio is lost, for {lost.message}"
                ) from error
            raise StorageFailed(
                f"{error.message}; the audio is kept as {name} in {self._fallback_place}"
            ) from error

    def _keep(self, key: str, content: BinaryIO, *, owner: str, content_type: str) -> str:
        """Store ``content`` in the fallback and return the key that it has there."""
        try:
            self._fallback.put(key, content, owner=owner, content_type=content_type)
        except Conflict:  # the fallback has audio of another job under this key
            key = f"{uuid.uuid4().hex}-{key}"
            self._fallback.put(key, content, owner=owner, content_type=content_type)
        return key
