"""A loopback hub with small files in place of IndexTTS-2's five repositories."""

import random

from adapters.indextts2.checkpoint_files import MODEL, NEEDED_FILES, WORDS_FOLDER
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
