"""The start of a worker, step by step, each told to the operator."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from application.cleanup import Cleanup
from application.ports.speech_model import SpeechModel
from application.ports.storage import RemovedFiles
from application.speak import Speak
from application.voice_sync import VoiceSync, VoiceSyncReport
from application.warm_up import WarmUp, warm_up
from application.weight_arrival import Tell, megabytes
from domain.errors import SpeechError, StorageFailed

ResultT = TypeVar("ResultT")

MakeFolder = Callable[[Path], bool]
"""Makes a folder where none is, and returns whether it did.

Raises:
    StorageFailed: the folder cannot be made.
"""


@dataclass(frozen=True, slots=True)
class Folders:
    """Settings whose folder was made, was there, or cannot be made, each of the last with why."""

    made: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()


class StartUp:
    """The steps of a start; one that fails does not keep the next ones from being tried.

    Args:
        folders: The folders of the worker, by the setting that names each.
        tell: Gets a line for each step.
    """

    def __init__(
        self,
        *,
        folders: Mapping[str, Path],
        make_folder: MakeFolder,
        cleanup: Cleanup,
        voice_sync: VoiceSync,
        model: SpeechModel,
        speak: Speak,
        tell: Tell,
    ) -> None:
        self._folders = folders
        self._make_folder = make_folder
        self._cleanup = cleanup
        self._voice_sync = voice_sync
        self._model = model
        self._speak = speak
        self._tell = tell

    def make_folders(self) -> Folders:
        """Make the folders that are not there.

        One that cannot be made is told: weights or voices may lie elsewhere.
        """
        made: list[str] = []
        found: list[str] = []
        failed: list[tuple[str, str]] = []
        for setting, folder in self._folders.items():
            try:
                (made if self._make_folder(folder) else found).append(setting)
            except StorageFailed as error:
                failed.append((setting, error.message))
                self._tell("folders", f"{setting}: {error.message}")
        if made:
            self._tell("folders", f"made: {', '.join(made)}")
        return Folders(tuple(made), tuple(found), tuple(failed))

    def clean_up(self) -> RemovedFiles:
        """Remove old files.

        Raises:
            StorageFailed: they cannot be removed.
        """
        return self._told(
            "cleanup",
            self._cleanup.run,
            lambda removed: f"{removed.count} old files removed, {megabytes(removed.size_bytes)}",
        )

    def sync_voices(self) -> VoiceSyncReport:
        """Bring the voices folder up to date with its source.

        Raises:
            StorageFailed: the source cannot be read.
        """
        return self._told(
            "voices",
            self._voice_sync.run,
            lambda report: (
                f"{len(report.fetched)} fetched, {len(report.unchanged)} unchanged,"
                f" {len(report.failed)} failed"
            ),
        )

    def load_model(self) -> None:
        """Make the model ready to speak, weights included.

        Raises:
            SpeechError: it cannot speak; see ``SpeechModel.load``.
        """
        self._told("model", self._model.load, lambda _: f"ready on {self._model.info.device}")

    def warm_up(self) -> WarmUp:
        """Speak once, and drop the audio.

        Raises:
            SpeechError: it cannot speak.
        """
        return self._told(
            "warm-up",
            lambda: warm_up(self._speak),
            lambda took: f"first audio after {took.first_audio:.2f} s",
        )

    def _told(
        self, step: str, work: Callable[[], ResultT], describe: Callable[[ResultT], str]
    ) -> ResultT:
        try:
            result = work()
        except SpeechError as error:
            self._tell(step, f"failed: {error.message}")
            raise
        self._tell(step, describe(result))
        return result
