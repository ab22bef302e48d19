"""Use a voices folder that changes meanwhile: ``python -m tests.fuzz.voices_folder --count 1000``.

One thread makes, replaces, renames, links, grows and removes files and folders. Another finds
voices, lists them and reads them. Every use must end with an answer, ``UnknownVoice`` or
``BadReference``.
"""

import argparse
import os
import random
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from adapters.filesystem.voices import FilesystemVoices
from adapters.pyav.decoder import PyavDecoder
from application.references import References
from domain.errors import BadReference, UnknownVoice
from tests.fuzz.recordings import encoded

NAMES = ("a", "b", "n/a", "n/b", "n/m/a", "default", "loop", "n", "a\x9b31m", "a\u202eb")
ENDINGS = (".wav", ".flac", ".ogg", ".txt", "")


def fuzz(*, count: int, seed: int, folder: Path) -> Counter[str]:
    """Run ``count`` jobs against ``folder`` while it changes; return their outcomes.

    Raises:
        Exception: A job raised an error that is not promised.
    """
    draw = random.Random(seed)
    root = folder / "voices"
    root.mkdir()
    voices = FilesystemVoices(root=root)
    references = References(voices=voices, decoder=PyavDecoder())
    over = threading.Event()
    changes = threading.Thread(target=_change, args=(root, random.Random(seed + 1), over))
    changes.start()
    outcomes: Counter[str] = Counter()
    try:
        for _ in range(count):
            outcomes[_outcome(voices, references, draw)] += 1
    finally:
        over.set()
        changes.join()
    return outcomes


def _outcome(voices: FilesystemVoices, references: References, draw: random.Random) -> str:
    name = draw.choice(NAMES) + draw.choice(ENDINGS)
    job = draw.choices(("find", "read", "count", "entries"), (6, 6, 6, 1))[0]
    try:
        if job == "find":
            assert references.find(name).recording.file
        elif job == "read":
            assert voices.read(name).file in {name, *(name + ending for ending in ENDINGS)}
        elif job == "entries":
            assert all(entry.name.isprintable() for entry in references.entries())
        else:
            assert voices.list()
    except (UnknownVoice, BadReference) as error:
        return f"{job}: {error.code if error.message.isprintable() else repr(error.message)}"
    return f"{job}: answered"


def _change(root: Path, draw: random.Random, over: threading.Event) -> None:
    recording = encoded("wav", "pcm_s16le", 1, 16_000)
    while not over.is_set():
        path = root / (draw.choice(NAMES) + draw.choice(ENDINGS))
        change = draw.choice(CHANGES)
        with suppress(OSError):
            change(root, path, recording, draw)
        time.sleep(0.001)


def _write(_: Path, path: Path, recording: bytes, draw: random.Random) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with _opened(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as opened:
        opened.write(recording[: draw.choice((0, 100, len(recording), len(recording)))])


def _grow(_: Path, path: Path, __: bytes, ___: random.Random) -> None:
    with _opened(path, os.O_WRONLY) as opened:
        opened.truncate(65 * 2**20)


def _opened(path: Path, flags: int) -> BinaryIO:
    """Open without waiting for a pipe's reader, and without following a link."""
    return os.fdopen(os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW, 0o644), "wb")


def _remove(_: Path, path: Path, __: bytes, ___: random.Random) -> None:
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _rename(root: Path, path: Path, _: bytes, draw: random.Random) -> None:
    path.rename(root / (draw.choice(NAMES) + draw.choice(ENDINGS)))


def _link(root: Path, path: Path, _: bytes, draw: random.Random) -> None:
    # Only inside the temporary folder, because a write through a link changes its target.
    targets = (path, root / "a.wav", root.parent, root, root.parent / "out.wav", root / "nothing")
    path.symlink_to(draw.choice(targets))


def _pipe(_: Path, path: Path, __: bytes, ___: random.Random) -> None:
    os.mkfifo(path)


def _folder(_: Path, path: Path, __: bytes, ___: random.Random) -> None:
    path.mkdir()


CHANGES: tuple[Callable[[Path, Path, bytes, random.Random], None], ...] = (
    _write, _write, _write, _grow, _remove, _remove, _rename, _link, _pipe, _folder,
)  # fmt: skip


def main() -> None:
    """Run with the arguments of the command line, and print the outcomes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        outcomes = fuzz(count=options.count, seed=options.seed, folder=Path(folder))
    print(f"{options.count} jobs, seed {options.seed}: {time.perf_counter() - began:.0f} s")
    for outcome, times in outcomes.most_common():
        print(f"{times:7}  {outcome}")


if __name__ == "__main__":
    main()
