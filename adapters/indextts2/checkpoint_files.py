"""Which files IndexTTS-2 needs, and where on this machine each of them lies.

Five repositories of the Hugging Face hub: the model and four auxiliary models. All files of one
are read from the same folder, which is looked for in this order:

1. as a plain folder: the checkpoints folder itself (the model only), or a sub-folder of it named
   ``ORG/NAME``, ``NAME`` or ``model`` (the model only);
2. as a hub cache inside the checkpoints folder (``hub/``, ``hf_cache/`` or the folder itself), or
   as its sibling ``hub/`` (what an unpacked checkpoint looks like);
3. in the hub caches of the machine, in the order given;
4. in the folder of baked weights, which an image may bring, laid out as in 1.

The first folder that holds every required file of a repository is used. Files of two folders are
never mixed.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from application.ports.weights import WeightPlace

MODEL = "IndexTeam/IndexTTS-2"
SPEECH_ENCODER = "facebook/w2v-bert-2.0"
SEMANTIC_CODEC = "amphion/MaskGCT"
SPEAKER_ENCODER = "funasr/campplus"
VOCODER = "nvidia/bigvgan_v2_22khz_80band_256x"
REPOSITORIES = (MODEL, SPEECH_ENCODER, SEMANTIC_CODEC, SPEAKER_ENCODER, VOCODER)

WORDS_FOLDER = "qwen0.6bemo4-merge"
RUNPOD_CACHE = Path("/runpod-volume/huggingface-cache/hub")
"""Where RunPod caches the model that an endpoint names in its settings."""


@dataclass(frozen=True, slots=True)
class NeededFile:
    """One file of a hub repository; ``required`` where the model cannot load without it.

    A ``path`` that ends in a slash means everything below that folder.
    """

    repository: str
    path: str
    required: bool = True

    @property
    def label(self) -> str:
        """The name of the file in messages: never a path of this machine."""
        return self.path if self.repository == MODEL else f"{self.repository}/{self.path}"


NEEDED_FILES = (
    NeededFile(MODEL, "config.yaml"),
    NeededFile(MODEL, "gpt.pth"),
    NeededFile(MODEL, "s2mel.pth"),
    NeededFile(MODEL, "wav2vec2bert_stats.pt"),
    NeededFile(MODEL, "feat1.pt"),
    NeededFile(MODEL, "feat2.pt"),
    NeededFile(MODEL, "bpe.model"),
    NeededFile(MODEL, "glossary.yaml", required=False),
    NeededFile(MODEL, f"{WORDS_FOLDER}/", required=False),
    NeededFile(SPEECH_ENCODER, "config.json"),
    NeededFile(SPEECH_ENCODER, "model.safetensors"),
    NeededFile(SEMANTIC_CODEC, "semantic_codec/model.safetensors"),
    NeededFile(SPEAKER_ENCODER, "campplus_cn_common.bin"),
    NeededFile(VOCODER, "config.json"),
    NeededFile(VOCODER, "bigvgan_generator.pt"),
)


@dataclass(frozen=True, slots=True)
class CheckpointFiles:
    """The files on the disk; every method reads the folders again.

    ``checkpoints`` is the folder of the settings, ``hub_caches`` the machine's hub caches (folders
    that hold ``models--ORG--NAME``), in the order in which they are used, ``baked`` the folder of
    weights that came with the image.
    """

    checkpoints: Path
    hub_caches: Sequence[Path] = ()
    baked: Path | None = None

    def folder(self, repository: str) -> Path:
        """Return the first complete folder of ``repository``, else the one with the most files."""
        needed = [file for file in NEEDED_FILES if file.repository == repository and file.required]
        best, most = self.checkpoints, -1
        for folder in self.folders(repository):
            held = sum(_is_file(folder / file.path) for file in needed)
            if held == len(needed):
                return folder
            if held > most:
                best, most = folder, held
        return best

    def path(self, repository: str, path: str) -> Path:
        """Return where a file of ``repository`` is, or would be."""
        return self.folder(repository) / path

    def folders(self, repository: str) -> Iterator[Path]:
        """Yield every folder that may hold ``repository``, the preferred one first."""
        yield from _plain_folders(self.checkpoints, repository)
        own_caches = (
            self.checkpoints / "hub",
            self.checkpoints / "hf_cache",
            self.checkpoints,
            self.checkpoints.parent / "hub",
        )
        for cache in (*own_caches, *self.hub_caches):
            yield from _snapshots(cache / f"models--{repository.replace('/', '--')}")
        if self.baked:
            yield from _plain_folders(self.baked, repository)

    def places(self) -> tuple[WeightPlace, ...]:
        """Return the folder of each repository (a ``WeightFinder``)."""
        return tuple(WeightPlace(one, self.folder(one)) for one in REPOSITORIES)

    def missing_files(self) -> tuple[str, ...]:
        """Return the labels of the required files that are missing or empty."""
        folders = {repository: self.folder(repository) for repository in REPOSITORIES}
        return tuple(
            file.label
            for file in NEEDED_FILES
            if file.required and not _is_file(folders[file.repository] / file.path)
        )


def known_hub_caches(environment: Mapping[str, str]) -> tuple[Path, ...]:
    """Return RunPod's cache and the Hugging Face cache that ``environment`` names."""
    if "HF_HUB_CACHE" in environment:
        hugging_face = Path(environment["HF_HUB_CACHE"])
    elif "HF_HOME" in environment:
        hugging_face = Path(environment["HF_HOME"]) / "hub"
    else:
        hugging_face = Path("~/.cache/huggingface/hub").expanduser()
    return (RUNPOD_CACHE, hugging_face)


def _plain_folders(root: Path, repository: str) -> Iterator[Path]:
    if repository == MODEL:
        yield root
        yield root / "model"
    yield root / repository
    yield root / repository.partition("/")[2]


def _snapshots(repository: Path) -> Iterator[Path]:
    """Yield the snapshot that ``main`` means, then all others, newest first."""
    with suppress(OSError, UnicodeDecodeError):  # RunPod's layout has no refs
        yield repository / "snapshots" / (repository / "refs" / "main").read_text().strip()
    try:
        found = [(folder.stat().st_mtime, folder) for folder in repository.glob("snapshots/*")]
    except OSError:
        return
    yield from (folder for _, folder in sorted(found, reverse=True))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file() and path.stat().st_size > 0
    except OSError:
        return False
