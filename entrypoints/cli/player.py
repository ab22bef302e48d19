"""Playing a finished file with whatever player the machine has."""

import shutil
import subprocess
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path

import click

from application.ports.audio import AudioDecoder
from domain.audio import Waveform, to_int16
from domain.errors import StorageFailed

_PLAYERS = {
    "ffplay": ("-nodisp", "-autoexit", "-loglevel", "error"),
    "afplay": (),
    "pw-play": (),
    "paplay": (),
    "aplay": ("-q",),
}
"""Programs that play a wav file, and the arguments before its path."""

_LONGEST_SECONDS = 86_400.0
"""Limit of the decoder, in seconds: a day, longer than any speech of one command."""


def find_player() -> list[str]:
    """Return a command that plays a wav file; the path of the file is its last argument.

    Raises:
        click.UsageError: No player is installed.
    """
    for name, arguments in _PLAYERS.items():
        if path := shutil.which(name):
            return [path, *arguments]
    raise click.UsageError(
        f"--play: no player was found; install one of {', '.join(_PLAYERS)}, or leave out --play"
    )


@dataclass(frozen=True, slots=True)
class Player:
    """A program that plays wav files, and the decoder that makes wav files of all others."""

    command: list[str]
    decoder: AudioDecoder

    def play(self, file: Path) -> None:
        """Play ``file``, of any format, to its end.

        Raises:
            click.ClickException: The player failed.
            StorageFailed: The disk has no space for a temporary file.
        """
        content = file.read_bytes()
        sound = self.decoder.decode(content, name=file.name, limit_seconds=_LONGEST_SECONDS)
        try:
            with tempfile.TemporaryDirectory() as folder:
                copy = Path(folder) / "speech.wav"  # the one format that every player reads
                _write_wav(copy, sound)
                done = subprocess.run([*self.command, str(copy)], check=False)  # noqa: S603 - found by name
        except OSError as error:
            raise StorageFailed(f"the speech cannot be played: {error.strerror}") from error
        if done.returncode:
            name = Path(self.command[0]).name
            raise click.ClickException(f"--play: {name} ended with {done.returncode}")


def _write_wav(path: Path, sound: Waveform) -> None:
    with wave.open(str(path), "wb") as sink:
        sink.setparams((1, 2, sound.sample_rate_hz, 0, "NONE", ""))
        sink.writeframes(to_int16(sound.samples).astype("<i2").tobytes())
