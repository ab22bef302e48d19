"""Voices that can be called by further names."""

from collections.abc import Mapping, Sequence

from application.ports.voices import FileVersion, VoiceFile, VoiceReader
from domain.voice import choose_file, voice_name

OPENAI_NAMES = (
    "alloy",
    "ash",
    "ballad",
    "coral",
    "echo",
    "fable",
    "onyx",
    "nova",
    "sage",
    "shimmer",
    "verse",
    "marin",
    "cedar",
)
"""The voices of OpenAI's speech API. Programs that were written for it know no others."""


class NamedVoices:
    """The voices of ``voices``, under their own names and others.

    A recording is always found under its own name: of what a name could mean, a recording comes
    first, then an alias, then a stand-in.

    Args:
        voices: The recordings.
        aliases: Names for voices, each with the voice's own name.
        stand_ins: Names that mean the existing voices in turn: the first the first voice, in the
            order of the list, and the first again after the last.
    """

    def __init__(
        self, *, voices: VoiceReader, aliases: Mapping[str, str], stand_ins: Sequence[str] = ()
    ) -> None:
        self._voices = voices
        self._aliases = aliases
        self._stand_ins = stand_ins

    def list(self) -> Sequence[str]:
        """Return the files of ``voices``; further names are not listed."""
        return self._voices.list()

    def version(self, file: str) -> FileVersion | None:
        """Return the version of a file of ``voices``."""
        return self._voices.version(file)

    def read(self, name: str) -> VoiceFile:
        """Implement ``VoiceReader.read``; the result has the voice's own name."""
        if name not in self._aliases and name not in self._stand_ins:
            return self._voices.read(name)
        files = self._voices.list()
        return self._voices.read(self._meaning(name, files))

    def other_names(self) -> Mapping[str, Sequence[str]]:
        """Return the further names of each voice that has any, by the voice's own name."""
        files = self._voices.list()
        found: dict[str, list[str]] = {}
        for name in dict.fromkeys((*self._aliases, *self._stand_ins)):
            file = choose_file(self._meaning(name, files), files)
            if file and voice_name(file) != name:
                found.setdefault(voice_name(file), []).append(name)
        return found

    def _meaning(self, name: str, files: Sequence[str]) -> str:
        """Return the voice that ``name`` stands for: itself if it is one, or if there is none."""
        if not files or choose_file(name, files):
            return name
        if name in self._aliases:
            return self._aliases[name]
        return voice_name(files[self._stand_ins.index(name) % len(files)])
