"""Voices that are kept in a store, of which the voices folder is a copy."""

from collections.abc import Sequence
from contextlib import suppress

from application.ports.voices import VoiceMirror, VoiceRepository, VoiceStore
from application.voice_library import (
    recordings_in,
    recordings_of,
    remove_recordings,
    voice_exists,
)
from application.voice_sync import VoiceSync
from domain.errors import SpeechError, StorageFailed
from domain.voice import choose_file, is_voice_file, is_voice_name, voice_name


class SharedLibrary:
    """The voices of a store and of the folder that mirrors it, changed together.

    The store is changed first: what it refuses leaves the folder as it was. No sync of this process
    runs meanwhile, which could copy a recording that is being removed.

    Args:
        store: The place that several servers share.
        folder: The voices folder of this server.
        mirror: The same folder, as a copy of the store.
        sync: Copies the store into the folder.
    """

    def __init__(
        self,
        *,
        store: VoiceStore,
        folder: VoiceRepository,
        mirror: VoiceMirror,
        sync: VoiceSync,
    ) -> None:
        self._store = store
        self._folder = folder
        self._mirror = mirror
        self._sync = sync

    def add(self, file: str, content: bytes, *, replaces: bool = False) -> None:
        """Implement ``VoiceLibrary.add``."""
        voice = voice_name(file)
        with self._sync.paused():
            present = [found for found in self._shared() if voice_name(found) == voice]
            if not replaces and (present or recordings_of(voice, self._folder)):
                raise voice_exists(voice)
            remote = self._store.write(file, content, replaces=replaces)
            self._remove_others(file, present)
            try:
                self._folder.add(file, content, replaces=replaces)
            except SpeechError:
                if not present:
                    self._withdraw(file)
                raise
            with suppress(StorageFailed):  # the next sync then fetches the same recording again
                self._mirror.remember(remote)

    def remove(self, name: str) -> str:
        """Implement ``VoiceLibrary.remove``."""
        with self._sync.paused():
            shared = self._shared()
            file = choose_file(name, [*shared, *recordings_in(self._folder)])
            voice = voice_name(file or self._folder.remove(name))
            present = [found for found in shared if voice_name(found) == voice]
            for found in present:
                self._store.remove(found)
            if file and not present:
                self._folder.remove(file)  # refuses to remove the bundled voice
            remove_recordings(voice, self._folder)
            return voice

    def _shared(self) -> Sequence[str]:
        files = [remote.file for remote in self._store.list()]
        return [file for file in files if is_voice_name(file) and is_voice_file(file)]

    def _remove_others(self, file: str, present: Sequence[str]) -> None:
        """Remove all of ``present`` but ``file`` from the store, where they could stand for it.

        If the store refuses, ``file`` is withdrawn: the voice keeps the recording that it had.
        """
        try:
            for other in present:
                if other != file:
                    self._store.remove(other)
        except StorageFailed:
            if file not in present:
                self._withdraw(file)
            raise

    def _withdraw(self, file: str) -> None:
        """Remove ``file``, which was not in the store before; the caller raises the first error."""
        with suppress(StorageFailed):
            self._store.remove(file)
