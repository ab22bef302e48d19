"""Loopback hubs with IndexTTS-2's five repositories: small files, or the tiny checkpoint."""

import random
from pathlib import Path

from adapters.indextts2.checkpoint_files import (
    MODEL,
    NEEDED_FILES,
    WORDS_FOLDER,
    CheckpointFiles,
)
from tests.loopback.hub import LoopbackHub

GPT = f"{MODEL}/gpt.pth"
WORDS_FILES = ("config.json", "merges.txt", "model.safetensors", "tokenizer.json")
_OTHER_FILES = ("README.md", ".gitattributes", "examples/voice.wav")


def indextts2_hub() -> LoopbackHub:
    """Return a hub with every needed file, some large and some small, and files beside them."""
    noise = random.Random(7)
    repositories: dict[str, dict[str, bytes]] = {}
    for need in NEEDED_FILES:
        repository = repositories.setdefault(
            need.repository, dict.fromkeys(_OTHER_FILES, b"not needed")
        )
        if not need.path.endswith("/"):
            is_small = need.path.endswith((".json", ".yaml"))
            repository[need.path] = noise.randbytes(300 if is_small else 50_000)
    repositories[MODEL]["gpt.pth"] = noise.randbytes(400_000)
    for name in WORDS_FILES:
        repositories[MODEL][f"{WORDS_FOLDER}/{name}"] = noise.randbytes(900)
    return LoopbackHub(repositories)


def wanted_files(hub: LoopbackHub) -> dict[str, bytes]:
    """Return the name and the content of every file that a download must fetch."""
    return {
        f"{repository}/{path}": content
        for repository, files in hub.repositories.items()
        for path, content in files.items()
        if path not in _OTHER_FILES
    }


def hub_of_checkpoint(checkpoint: Path) -> LoopbackHub:
    """Return a hub with the files of the tiny checkpoint, whose hub cache lies beside it."""
    model = {
        str(path.relative_to(checkpoint)): path.read_bytes()
        for part in ("*.*", f"{WORDS_FOLDER}/*")
        for path in checkpoint.glob(part)
        if path.is_file() and path.name != "bootstrap.log"
    }
    repositories = {MODEL: model}
    for need in NEEDED_FILES:
        if need.repository != MODEL:
            path = CheckpointFiles(checkpoint).path(need.repository, need.path)
            repositories.setdefault(need.repository, {})[need.path] = path.read_bytes()
    return LoopbackHub(repositories)
