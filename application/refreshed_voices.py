"""Voices that are synchronised once more when a request names an unknown one."""

from collections.abc import Callable, Sequence
from contextlib import suppress

from application.ports.voices import FileVersion, VoiceFile, VoiceReader
from application.voice_sync import VoiceSync, VoiceSyncReport
from domain.errors import StorageFailed, UnknownVoice
from domain.voice import is_voice_name


class RefreshedVoices:
    """The voices of a folder that mirrors a place elsewhere.

    A known voice costs no request to that place.

    Args:
        voices: The folder.
        sync: Copies new recordings into the folder.
        refresh_seconds: Shortest time between the last sync and one for an unknown voice.
        report: Called with the result of each sync, or with its failure.
    """

    def __init__(
        self,
        *,
        voices: VoiceReader,
        sync: VoiceSync,
        refresh_seconds: float,
        report: Callable[[VoiceSyncReport | StorageFailed], None],
    ) -> None:
        self._voices = voices
        self._sync = sync
        self._refresh_seconds = refresh_seconds
        self._report = report

    def list(self) -> Sequence[str]:
        return self._voices.list()

    def version(self, file: str) -> FileVersion | None:
        return self._voices.version(file)

    def read(self, name: str) -> VoiceFile:
        if is_voice_name(name):
            with suppress(UnknownVoice):
                return self._voices.read(name)
            self._refresh()
        return self._voices.read(name)

    def _refresh(self) -> None:
        try:
            report = self._sync.run_if_older(self._refresh_seconds)
        except StorageFailed as error:
            self._report(error)
        else:
            if report is not None:
                self._report(report)
