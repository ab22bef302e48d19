from pathlib import Path

from adapters.indextts2.checkpoint_files import (
    MODEL,
    NEEDED_FILES,
    REPOSITORIES,
    RUNPOD_CACHE,
    SPEECH_ENCODER,
    VOCODER,
    CheckpointFiles,
    known_hub_caches,
)


def put(folder: Path, repository: str, *, leaving_out: str = "") -> None:
    for file in NEEDED_FILES:
        if file.repository == repository and file.path != leaving_out:
            path = folder / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")


def snapshot(cache: Path, repository: str, revision: str = "abc") -> Path:
    return cache / f"models--{repository.replace('/', '--')}" / "snapshots" / revision


def test_every_required_file_is_missing_from_an_empty_folder(tmp_path: Path) -> None:
    missing = CheckpointFiles(tmp_path / "nothing").missing_files()
    assert missing == tuple(file.label for file in NEEDED_FILES if file.required)
    assert "gpt.pth" in missing
    assert "facebook/w2v-bert-2.0/model.safetensors" in missing


def test_a_hub_cache_alone_is_enough(tmp_path: Path) -> None:
    """RunPod's cached models: snapshots without refs."""
    cache = tmp_path / "huggingface-cache" / "hub"
    for repository in REPOSITORIES:
        put(snapshot(cache, repository), repository)
    files = CheckpointFiles(tmp_path / "checkpoints", hub_caches=[cache])
    assert files.missing_files() == ()
    assert files.folder(MODEL) == snapshot(cache, MODEL)


def test_the_checkpoints_folder_comes_before_the_machines_caches(tmp_path: Path) -> None:
    cache, own = tmp_path / "cache", tmp_path / "checkpoints"
    put(snapshot(cache, VOCODER), VOCODER)
    put(snapshot(own / "hub", VOCODER), VOCODER)
    files = CheckpointFiles(own, hub_caches=[cache])
    assert files.folder(VOCODER) == snapshot(own / "hub", VOCODER)


def test_files_of_two_incomplete_folders_are_never_mixed(tmp_path: Path) -> None:
    cache, own = tmp_path / "cache", tmp_path / "checkpoints"
    put(snapshot(cache, VOCODER), VOCODER)
    put(snapshot(own / "hub", VOCODER), VOCODER, leaving_out="config.json")
    files = CheckpointFiles(own, hub_caches=[cache])
    assert files.folder(VOCODER) == snapshot(cache, VOCODER)


def test_baked_weights_come_last_and_are_laid_out_like_the_checkpoints_folder(
    tmp_path: Path,
) -> None:
    cache, baked = tmp_path / "cache", tmp_path / "baked"
    put(baked, MODEL)
    for repository in REPOSITORIES[1:]:
        put(baked / repository, repository)
    put(snapshot(cache, VOCODER), VOCODER)
    files = CheckpointFiles(tmp_path / "checkpoints", hub_caches=[cache], baked=baked)
    assert files.missing_files() == ()
    places = {place.repository: place.folder for place in files.places()}
    assert places[MODEL] == baked
    assert places[SPEECH_ENCODER] == baked / SPEECH_ENCODER
    assert places[VOCODER] == snapshot(cache, VOCODER)


def test_the_revision_of_main_comes_before_others(tmp_path: Path) -> None:
    for revision in ("old", "new", "newest"):
        put(snapshot(tmp_path, VOCODER, revision), VOCODER)
    refs = tmp_path / f"models--{VOCODER.replace('/', '--')}" / "refs"
    refs.mkdir()
    (refs / "main").write_text("new\n")
    files = CheckpointFiles(tmp_path / "checkpoints", hub_caches=[tmp_path])
    assert files.folder(VOCODER).name == "new"


def test_an_empty_file_is_a_missing_file(tmp_path: Path) -> None:
    put(tmp_path, MODEL)
    (tmp_path / "gpt.pth").write_bytes(b"")
    assert "gpt.pth" in CheckpointFiles(tmp_path).missing_files()


def test_words_and_glossary_are_optional(tmp_path: Path) -> None:
    put(tmp_path, MODEL)
    for file in NEEDED_FILES:
        if file.repository == MODEL and not file.required:
            (tmp_path / file.path).unlink()
    missing = CheckpointFiles(tmp_path).missing_files()
    assert not any("qwen" in label or "glossary" in label for label in missing)


def test_the_machines_caches_follow_hugging_faces_own_variables() -> None:
    assert known_hub_caches({"HF_HOME": "/data/hf"}) == (RUNPOD_CACHE, Path("/data/hf/hub"))
    both = {"HF_HOME": "/data/hf", "HF_HUB_CACHE": "/data/cache"}
    assert known_hub_caches(both) == (RUNPOD_CACHE, Path("/data/cache"))
    assert known_hub_caches({})[1].name == "hub"
