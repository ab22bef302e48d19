"""A full temporary folder, made by a limit on the size of files.

The kernel returns EFBIG there, as it returns ENOSPC on a full file system: in the write, and again
when the file is closed, because its buffer is still not empty.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from domain.audio import AudioFormat

ROOT = Path(__file__).parents[2]

SPEAK = """
import resource, sys, tempfile
from pathlib import Path
import numpy as np
from adapters.filesystem.named_file import NamedFileStore
from adapters.filesystem.store import FilesystemStore
from adapters.pyav.encoder import PyavEncoder
from domain.audio import AudioFormat
from domain.errors import SpeechError

what, name, folder = sys.argv[1:]
tempfile.tempdir = folder

def encode(audio_format, count):
    draw = np.random.default_rng(1)
    parts = (draw.uniform(-0.5, 0.5, 500_000).astype(np.float32) for _ in range(count))
    return PyavEncoder().encode(
        parts, sample_rate_hz=48_000, audio_format=audio_format, bitrate_kbps=128
    )

def limit():
    size = 9 * 2**20 + 4_097  # past what the encoder keeps in memory, in the middle of a buffer
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

try:
    if what == "encode":
        limit()
        encode(AudioFormat(name), 40)
    else:
        stores = {
            "folder": FilesystemStore(root=Path(folder, "out")),
            "file": NamedFileStore(path=Path(folder, "speech.wav")),
        }
        with encode(AudioFormat.WAV, 11) as encoded:
            limit()
            stores[name].put("speech.wav", encoded.content, owner="job", content_type="audio/wav")
except SpeechError as error:
    print(error)
"""


def outcome(what: str, name: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SPEAK, what, name, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("audio_format", [AudioFormat.WAV, AudioFormat.FLAC])
def test_a_full_temporary_folder_is_a_storage_failure(
    audio_format: AudioFormat, tmp_path: Path
) -> None:
    assert outcome("encode", audio_format.value, tmp_path).startswith(
        "storage_failed: there is no room for the encoded audio on this machine"
    )


def test_a_full_output_folder_is_a_storage_failure(tmp_path: Path) -> None:
    for kind in ("folder", "file"):
        assert outcome("store", kind, tmp_path).startswith(
            "storage_failed: the output folder cannot be written (file too large)"
        )
    assert not list(tmp_path.rglob("*speech*"))
