"""The copy of recordings from a source into the voices folder."""

import math
import time
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Lock

from application.ports.voices import RemoteFile, VoiceMirror, VoiceSource
from domain.errors import StorageFailed
from domain.recording_limits import LARGEST_FILE_BYTES
from domain.voice import is_voice_file, is_voice_name, voice_name


@dataclass(frozen=True, slots=True)
class VoiceSyncReport:
    """The result of a sync, as paths below the voices folder.

    ``ignored``: files whose name or size is not that of a recording. ``failed``: pairs of a file
    and the reason why it could not be copied. ``replaced``: files that were removed because their
    voice has a recording with another ending now.
    """

    fetched: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    replaced: tuple[str, ...] = ()


class VoiceSync:
    """Copies recordings whose ETag or size is new; one sync at a time.

    A copy of a recording that is gone from the source is removed only if its voice is there under
    another ending: the old ``alice.wav`` would stand for the new ``alice.ogg``.

    Args:
        clock: Returns seconds that only grow.
    """

    def __init__(
        self,
        *,
        source: VoiceSource,
        mirror: VoiceMirror,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._mirror = mirror
        self._clock = clock
        self._lock = Lock()
        self._last_end = -math.inf

    def run(self) -> VoiceSyncReport:
        """Copy the new and changed recordings; one that fails does not stop the others.

        Raises:
            StorageFailed: the source cannot be listed.
        """
        with self._lock:
            return self._timed_sync()

    def run_if_older(self, seconds: float) -> VoiceSyncReport | None:
        """Do what ``run`` does if the last sync, failed or not, ended ``seconds`` ago or earlier.

        A sync that another thread has begun is waited for.

        Returns:
            None if nothing was done.

        Raises:
            StorageFailed: the source cannot be listed.
        """
        with self._lock:
            if self._clock() - self._last_end < seconds:
                return None
            return self._timed_sync()

    @contextmanager
    def paused(self) -> Generator[None, None, None]:
        """Let no sync run inside the block; one that has begun is waited for."""
        with self._lock:
            yield

    def _timed_sync(self) -> VoiceSyncReport:
        try:
            return self._sync()
        finally:
            self._last_end = self._clock()

    def _sync(self) -> VoiceSyncReport:
        remotes = sorted(self._source.list(), key=lambda remote: remote.file)
        mirrored = self._mirror.versions()
        recordings = [remote for remote in remotes if _is_recording(remote)]
        unchanged = [remote for remote in recordings if mirrored.get(remote.file) == remote.version]
        fetched, failed = [], []
        for remote in recordings:
            if remote in unchanged:
                continue
            try:
                self._mirror.replace(remote, self._source.read(remote))
                fetched.append(remote.file)
            except StorageFailed as error:
                failed.append((remote.file, error.message))
        same = [remote.file for remote in unchanged]
        gone = set(mirrored) - {remote.file for remote in remotes}
        return VoiceSyncReport(
            fetched=tuple(fetched),
            unchanged=tuple(same),
            ignored=tuple(remote.file for remote in remotes if not _is_recording(remote)),
            failed=tuple(failed),
            replaced=self._remove_replaced(gone, voices=set(map(voice_name, [*same, *fetched]))),
        )

    def _remove_replaced(
        self, gone: Collection[str], *, voices: Collection[str]
    ) -> tuple[str, ...]:
        """Remove the copies in ``gone`` whose voice is one of ``voices``; return them.

        One that cannot be removed stays in the folder, where an operator finds it as shadowed.
        """
        removed = []
        for file in sorted(file for file in gone if voice_name(file) in voices):
            with suppress(StorageFailed):
                self._mirror.remove(file)
                removed.append(file)
        return tuple(removed)


def _is_recording(remote: RemoteFile) -> bool:
    return (
        is_voice_name(remote.file)
        and is_voice_file(remote.file)
        and remote.version.size_bytes <= LARGEST_FILE_BYTES
    )
