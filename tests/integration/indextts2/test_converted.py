"""Converted weights: complete or missing, made again when stale, and loaded without a copy."""

import hashlib
import multiprocessing
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from adapters.indextts2.model import IndexTTS2Model
from adapters.indextts2.options import EngineOptions
from adapters.indextts2.weights.converted import ConvertedWeights, conversion_name
from adapters.indextts2.weights.meta_init import meta_init
from domain.errors import ModelUnavailable
from tests.models.indextts2.checkpoints import copied_checkpoint, replaced
from tests.models.indextts2.speaking import HELLO, audio_of, same

CPU = torch.device("cpu")
NETWORKS = {
    "flow",
    "language_model",
    "latent_projection",
    "length_regulator",
    "semantic_codec",
    "speaker_encoder",
    "speech_encoder",
    "vocoder",
}


def model_in(folder: Path) -> IndexTTS2Model:
    return IndexTTS2Model(
        options=EngineOptions(checkpoints_dir=folder, device="cpu", use_grammars=False)
    )


def conversions(folder: Path) -> list[Path]:
    return sorted((folder / "converted").glob("*/*"))


def ones() -> dict[str, Tensor]:
    return {"weight": torch.ones(64, 64), "bias": torch.ones(64)}


def layer() -> nn.Linear:
    with meta_init():
        return nn.Linear(64, 64)


def filled(folder: Path, source: Callable[[], dict[str, Tensor]]) -> nn.Linear:
    network = layer()
    ConvertedWeights(folder=folder, device=CPU).fill(network, "layer", source, label="layer.pth")
    return network


@pytest.fixture
def fresh(checkpoint: Path, tmp_path: Path) -> Path:
    """Return a model folder of its own, without converted weights."""
    folder = copied_checkpoint(checkpoint, tmp_path)
    shutil.rmtree(folder / "converted", ignore_errors=True)
    return folder


def test_the_first_load_converts_and_the_second_speaks_from_that(fresh: Path) -> None:
    first = audio_of(model_in(fresh), HELLO)
    written = {path.stem: path.stat().st_mtime_ns for path in conversions(fresh)}
    assert set(written) == NETWORKS
    assert same(first, audio_of(model_in(fresh), HELLO))
    assert written == {path.stem: path.stat().st_mtime_ns for path in conversions(fresh)}


def test_a_conversion_is_read_instead_of_its_source(tmp_path: Path) -> None:
    sources = ({"weight": torch.full((64, 64), value), "bias": torch.ones(64)} for value in (1.0,))
    for _ in range(2):
        network = filled(tmp_path, lambda: next(sources))
        assert bool((network.weight == 1).all())


def test_tensors_that_are_never_used_are_not_converted(fresh: Path) -> None:
    model_in(fresh).load()
    names = {name for path in conversions(fresh) for name in load_file(path)}
    assert not any(name.endswith(("weight_g", "weight_v")) for name in names)
    assert not any(name.startswith(("estimator.x_embedder.", "decoder.")) for name in names)
    assert not any("layers.17." in name for name in names)


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"\x00" * 64, b"\xff" * 4096], ids=["empty", "short", "zeros", "ones"]
)
def test_a_damaged_conversion_is_made_again(tmp_path: Path, damage: bytes) -> None:
    filled(tmp_path, ones)
    (path,) = tmp_path.glob("*.safetensors")
    sound = path.read_bytes()
    replaced(path, damage)
    assert bool((filled(tmp_path, ones).weight == 1).all())
    assert path.read_bytes() == sound


def test_a_cut_conversion_is_made_again(fresh: Path) -> None:
    expected = audio_of(model_in(fresh), HELLO)
    sound = {path: path.read_bytes() for path in conversions(fresh)}
    for path, content in sound.items():
        replaced(path, content[:-4])
    assert same(expected, audio_of(model_in(fresh), HELLO))
    assert {path: path.read_bytes() for path in conversions(fresh)} == sound


@pytest.mark.parametrize("part", [0.0, 0.0003, 0.005, 0.01, 0.015, 0.5, 0.999])
def test_a_flipped_bit_in_a_conversion_is_noticed(tmp_path: Path, part: float) -> None:
    filled(tmp_path, ones)
    (path,) = tmp_path.glob("*.safetensors")
    sound = path.read_bytes()
    spoilt = bytearray(sound)
    spoilt[int(part * len(sound))] ^= 1 << 4
    path.write_bytes(spoilt)
    network = filled(tmp_path, ones)
    assert bool((network.weight == 1).all())
    assert path.read_bytes() == sound


def test_a_conversion_without_digests_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "layer.safetensors"
    save_file({"weight": torch.zeros(64, 64), "bias": torch.zeros(64)}, path)
    assert bool((filled(tmp_path, ones).weight == 1).all())
    assert bool((load_file(path)["weight"] == 1).all())


def test_a_flipped_bit_in_a_checkpoint_is_named(fresh: Path) -> None:
    path = fresh / "gpt.pth"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1 << 4
    replaced(path, bytes(content))
    with pytest.raises(ModelUnavailable, match=r"gpt\.pth"):
        model_in(fresh).load()


@pytest.mark.parametrize("path", ["semantic_codec/model.safetensors", "campplus_cn_common.bin"])
def test_a_file_of_a_hub_cache_is_compared_with_the_name_of_its_blob(
    fresh: Path, path: str
) -> None:
    (file,) = (fresh.parent / "hub").rglob(path)
    content = bytearray(file.read_bytes())
    blob = fresh.parent / hashlib.sha256(content).hexdigest()
    file.unlink()
    file.symlink_to(blob)
    blob.write_bytes(content)
    model_in(fresh).load()
    shutil.rmtree(fresh / "converted")
    content[-100] ^= 1
    blob.write_bytes(content)
    with pytest.raises(ModelUnavailable, match=path):
        model_in(fresh).load()


def test_removes_older_conversions_once_the_new_one_is_complete(fresh: Path) -> None:
    older = fresh / "converted" / f"float32-{'0' * 32}"
    kept = [fresh / "converted" / name for name in (f"float16-{'0' * 32}", "float32-notes", "mine")]
    for folder in (older, *kept):
        folder.mkdir(parents=True)
        (folder / "flow.safetensors").touch()
    model_in(fresh).load()
    assert not older.exists()
    assert all((folder / "flow.safetensors").exists() for folder in kept)
    assert {path.stem for path in conversions(fresh)} == NETWORKS


def test_keeps_older_conversions_until_the_new_one_is_complete(fresh: Path) -> None:
    model_in(fresh).load()
    (ours,) = (fresh / "converted").iterdir()
    shutil.rmtree(ours)
    older = fresh / "converted" / f"float32-{'0' * 32}"
    older.mkdir()
    ours.write_bytes(b"a file where the folder would be")
    model_in(fresh).load()
    assert older.exists()


def test_a_conversion_removed_while_it_is_used_is_made_again(tmp_path: Path) -> None:
    weights = ConvertedWeights(folder=tmp_path / "converted", device=CPU)
    for _ in range(2):
        network = layer()
        weights.fill(network, "layer", ones, label="layer.pth")
        assert bool((network.weight == 1).all())
        shutil.rmtree(tmp_path / "converted")


def test_other_weights_are_another_conversion(fresh: Path) -> None:
    before = audio_of(model_in(fresh), HELLO)
    content = torch.load(fresh / "s2mel.pth")
    content["net"]["gpt_layer"]["2.bias"] += 1.0
    (fresh / "s2mel.pth").unlink()
    torch.save(content, fresh / "s2mel.pth")
    assert not same(before, audio_of(model_in(fresh), HELLO))


def test_every_part_of_the_origin_is_in_the_name(fresh: Path) -> None:
    files = [fresh / "gpt.pth", fresh / "s2mel.pth"]
    name = conversion_name(files, precision="float32")
    assert name == conversion_name(files, precision="float32")
    assert name != conversion_name(files, precision="float16")
    os.utime(shutil.copy2(files[0], fresh / "other.pth"), ns=(0, 0))
    assert name != conversion_name([fresh / "other.pth", files[1]], precision="float32")


def test_a_folder_that_cannot_be_written_means_no_conversion(fresh: Path) -> None:
    (fresh / "converted").write_bytes(b"a file where the folder would be")
    assert len(audio_of(model_in(fresh), HELLO))
    assert (fresh / "converted").is_file()


def test_a_damaged_source_is_never_converted(fresh: Path) -> None:
    content = torch.load(fresh / "gpt.pth")
    del content["model"]["mel_head.weight"]
    (fresh / "gpt.pth").unlink()
    torch.save(content, fresh / "gpt.pth")
    with pytest.raises(ModelUnavailable, match=r"gpt\.pth"):
        model_in(fresh).load()
    assert "language_model" not in {path.stem for path in conversions(fresh)}


def _fill_often(folder: Path, failures: Any) -> None:
    for _ in range(40):
        if not bool((filled(folder, ones).weight == 1).all()):
            failures.value += 1
        (folder / "layer.safetensors").unlink(missing_ok=True)


def test_processes_that_convert_at_once_leave_one_complete_file(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    failures = context.Value("i", 0)
    workers = [context.Process(target=_fill_often, args=(tmp_path, failures)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert failures.value == 0
    assert not list(tmp_path.glob("*.part"))


def test_removes_the_unfinished_files_of_a_killed_process(tmp_path: Path) -> None:
    old, young = tmp_path / "layer.a.part", tmp_path / "layer.b.part"
    old.touch()
    young.touch()
    os.utime(old, (0, 0))
    filled(tmp_path, ones)
    assert not old.exists()
    assert young.exists()


MEASURE = """
import resource, sys
from pathlib import Path
import torch
from torch import nn
from adapters.indextts2.weights.meta_init import meta_init
from adapters.indextts2.weights.converted import ConvertedWeights

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

def networks():
    with meta_init():
        return [nn.Sequential(*(nn.Linear(1024, 1024) for _ in range(n))) for n in (24, 12, 12)]

weights = ConvertedWeights(folder=Path(sys.argv[1]), device=torch.device("cpu"))
def random(network):
    return {name: torch.ones(place.shape) for name, place in network.named_parameters()}
before = peak()
built = networks()
for index, network in enumerate(built):
    weights.fill(network, str(index), lambda: random(network), label="x")
size = sum(p.numel() * p.element_size() for network in built for p in network.parameters())
print(peak() - before, size)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is counted in other units")
def test_loading_needs_little_more_memory_than_the_weights(tmp_path: Path) -> None:
    def measured() -> tuple[int, int]:
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, str(tmp_path)],
            capture_output=True,
            text=True,
            check=True,
        )
        used, size = done.stdout.split()
        return int(used), int(size)

    measured()
    used, size = measured()
    assert used < 1.2 * size + (16 << 20)


def test_building_a_network_allocates_nothing() -> None:
    with meta_init():
        network = nn.Sequential(nn.Linear(1 << 16, 1 << 16), nn.Conv1d(4, 4, 3), nn.LayerNorm(8))
    assert all(parameter.is_meta for parameter in network.parameters())
