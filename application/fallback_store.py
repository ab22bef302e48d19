"""Speech that cost minutes of a GPU is not thrown away because a bucket is down."""

import uuid
from typing import BinaryIO

from application.ports.storage import ObjectStore, StoredObject
from domain.errors import Conflict, SpeechError, StorageFailed


class FallbackStore:
    """``store``, and what it failed to take is kept in ``spare``.

    Keeping it does not make the job a success: the error stays, and says where the audio is.
    """

    def __init__(self, *, store: ObjectStore, spare: ObjectStore) -> None:
        self._store = store
        self._spare = spare

    @property
    def kind(self) -> str:
        return self._store.kind

    def is_reachable(self) -> bool:
        return self._store.is_reachable()

    def claim(self, key: str, *, owner: str) -> None:
        self._store.claim(key, owner=owner)

    def put(self, key: str, content: BinaryIO, *, owner: str, content_type: str) -> StoredObject:
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
                f"{error.message}; the audio is kept as {name} in the worker's OUTPUT_AUDIO_DIR"
            ) from error

    def _keep(self, key: str, content: BinaryIO, *, owner: str, content_type: str) -> str:
        try:
            return self._spare.put(key, content, owner=owner, content_type=content_type).key
        except Conflict:  # another job's audio waits there under this name
            name = f"{uuid.uuid4().hex}-{key}"
            return self._spare.put(name, content, owner=owner, content_type=content_type).key
