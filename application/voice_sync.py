"""The copy of recordings from a source into the voices folder."""

from dataclasses import dataclass

from application.ports.voices import RemoteFile, VoiceMirror, VoiceSource
from domain.errors import StorageFailed
from domain.recording_limits import LARGEST_FILE_BYTES
from domain.voice import is_voice_file, is_voice_name


@dataclass(frozen=True, slots=True)
class VoiceSyncReport:
    """The result of a sync, as paths below the voices folder.

    ``ignored``: files whose name or size is not that of a recording. ``failed``: pairs of a file
    and the reason why it could not be copied.
    """

    fetched: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()


class VoiceSync:
    """Copies recordings whose ETag or size is new, and removes none."""

    def __init__(self, *, source: VoiceSource, mirror: VoiceMirror) -> None:
        self._source = source
        self._mirror = mirror

    def run(self) -> VoiceSyncReport:
        """Copy the new and changed recordings; one that fails does not stop the others.

        Raises:
            StorageFailed: the source cannot be listed.
        """
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
        return VoiceSyncReport(
            fetched=tuple(fetched),
            unchanged=tuple(remote.file for remote in unchanged),
            ignored=tuple(remote.file for remote in remotes if not _is_recording(remote)),
            failed=tuple(failed),
        )


def _is_recording(remote: RemoteFile) -> bool:
    return (
        is_voice_name(remote.file)
        and is_voice_file(remote.file)
        and remote.version.size_bytes <= LARGEST_FILE_BYTES
    )
