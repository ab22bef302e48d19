"""Playing a finished file with whatever player the machine has."""

import shutil
import subprocess
import tempfile
import wave
from pathlib import Path

import click

from application.ports.audio import AudioDecoder
from domain.audio import to_int16
from domain.errors import StorageFailed

_PLAYERS = {
    "ffplay": ("-nodisp", "-autoexit", "-loglevel", "error"),
    "afplay": (),
    "pw-play": (),
    "paplay": (),
    "aplay": ("-q",),
}
"""Programs that play a wav file, and what they are told before its name."""

_LONGEST_SECONDS = 86_400.0
"""A day: longer than any speech that is made in one go."""


def find_player() -> list[str]:
    """The command that plays a wav file whose path is put after it.

    Raises:
        click.UsageError: there is none on this machine.
    """
    for name, arguments in _PLAYERS.items():
        if path := shutil.which(name):
            return [path, *arguments]
    raise click.UsageError(
        f"--play: no player was found; install one of {', '.join(_PLAYERS)}, or leave out --play"
    )


def play(file: Path, player: list[str], decoder: AudioDecoder) -> None:
    """Play ``file``, of any format, and wait for the end: players agree on wav only.

    Raises:
        click.ClickException: the player failed.
        StorageFailed: there is no room for a temporary file.
    """
    sound = decoder.decode(file.read_bytes(), name=file.name, limit_seconds=_LONGEST_SECONDS)
    try:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "speech.wav"
            with wave.open(str(copy), "wb") as sink:
                sink.setparams((1, 2, sound.sample_rate_hz, 0, "NONE", ""))
                sink.writeframes(to_int16(sound.samples).astype("<i2").tobytes())
            done = subprocess.run([*player, str(copy)], check=False)  # noqa: S603 - found by name
    except OSError as error:
        raise StorageFailed(f"the speech cannot be played: {error.strerror}") from error
    if done.returncode:
        raise click.ClickException(f"--play: {Path(player[0]).name} ended with {done.returncode}")
