"""Names of voices, and the recordings behind them."""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from domain.audio import Waveform, audible_span, samples_in
from domain.errors import BadReference, InvalidRequest, printable
from domain.recording_limits import LOUDEST_AMPLITUDE
from domain.visible_text import is_visible
from domain.warnings import SpeechWarning, WarningCode

EXTENSIONS = (".wav", ".flac", ".mp3", ".m4a", ".ogg", ".opus", ".webm", ".aac")
"""Which file of one stem is taken first."""

BUNDLED_VOICE = "default"
"""Name of the recording that is part of the product."""

SHORTEST_SECONDS = 0.5
LONGEST_SECONDS = 15.0
SILENT_AMPLITUDE = 0.001
"""-60 dBFS: a recording that never reaches it holds no voice."""

_NAME = re.compile(r"[^\\]{1,255}")


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A reference recording, decoded and fit to be cloned.

    ``name`` is how requests call it, ``file`` its path inside the voices folder, ``digest`` the
    SHA-256 of its bytes: a file that was replaced under the same name is another recording.
    Without ``may_be_kept`` nothing that is computed of it is written to a disk.
    """

    name: str
    file: str
    digest: str
    waveform: Waveform
    may_be_kept: bool = True


def is_voice_name(name: str) -> bool:
    """Whether ``name`` can stand for a file inside the voices folder.

    Every character can be seen: a name reaches terminals, logs and other people's lists.
    """
    if not _NAME.fullmatch(name) or not is_visible(name):
        return False
    path = PurePosixPath(name)
    parts = name.split("/")
    return not path.is_absolute() and not any(part == "" or part.startswith(".") for part in parts)


def voice_name(file: str) -> str:
    """Return the name of ``file`` in requests: its path without the extension."""
    return str(PurePosixPath(file).with_suffix(""))


def is_voice_file(file: str) -> bool:
    """Whether ``file`` ends like a recording, in upper or lower case."""
    return PurePosixPath(file).suffix.lower() in EXTENSIONS


def choose_file(name: str, files: Collection[str]) -> str | None:
    """Return the file that ``name`` means: itself, else the first by ``EXTENSIONS``, or None."""
    if name in files and is_voice_file(name):
        return name
    of_this_stem = [file for file in files if is_voice_file(file) and voice_name(file) == name]
    return _first(of_this_stem) if of_this_stem else None


def shadowed_files(files: Collection[str]) -> Mapping[str, str]:
    """Map each of ``files`` whose voice another of them stands for to that other."""
    of_name = defaultdict(list)
    for file in filter(is_voice_file, files):
        of_name[voice_name(file)].append(file)
    return {
        file: first
        for same in of_name.values()
        for first in [_first(same)]
        for file in sorted(same)
        if file != first
    }


def renamed_file(file: str, new_name: str) -> str:
    """Return the path of ``file`` once its voice is called ``new_name``; it keeps its ending.

    Raises:
        InvalidRequest: ``new_name`` cannot name a recording, or has another ending.
    """
    ending = PurePosixPath(file).suffix
    if is_voice_file(new_name):
        if PurePosixPath(new_name).suffix.lower() != ending.lower():
            raise InvalidRequest("name", f"a renamed voice keeps its ending, which is {ending}")
        new_name = voice_name(new_name)
    new_file = f"{new_name}{ending}"
    if not is_voice_name(new_name) or not is_voice_name(new_file):
        raise InvalidRequest("name", f"{printable(new_name)} cannot name a recording")
    return new_file


def usable_reference(
    waveform: Waveform, *, name: str
) -> tuple[Waveform, tuple[SpeechWarning, ...]]:
    """``waveform`` cut to what the model listens to, and a warning for each thing that was cut.

    Raises:
        BadReference: shorter than half a second, silent, or on another scale than ±1.
    """
    if waveform.duration_seconds < SHORTEST_SECONDS:
        raise BadReference(
            f"{name} lasts {waveform.duration_seconds:.2f} s; a reference needs at least"
            f" {SHORTEST_SECONDS} s of speech, best 5 to 15 s"
        )
    warnings: tuple[SpeechWarning, ...] = ()
    if waveform.duration_seconds > LONGEST_SECONDS:
        kept = samples_in(LONGEST_SECONDS * 1000, waveform.sample_rate_hz)
        warnings = (
            SpeechWarning(
                WarningCode.REFERENCE_CUT,
                f"reference {name} is longer than {LONGEST_SECONDS:.0f} s;"
                f" only its first {LONGEST_SECONDS:.0f} s are used",
            ),
        )
        waveform = Waveform(waveform.samples[:kept], waveform.sample_rate_hz)
    peak = float(np.abs(waveform.samples).max())
    if peak > LOUDEST_AMPLITUDE:
        raise BadReference(
            f"{name} reaches {peak:.3g} times full scale, which is no recording's loudness;"
            " export it anew with samples between -1 and 1, or as 16-bit wav"
        )
    if audible_span(waveform.samples, threshold=SILENT_AMPLITUDE) is None:
        raise BadReference(f"{name} is silent; record it louder or choose another file")
    return waveform, warnings


def _first(files: Collection[str]) -> str:
    return min(sorted(files), key=_extension_rank)


def _extension_rank(file: str) -> int:
    return EXTENSIONS.index(PurePosixPath(file).suffix.lower())
