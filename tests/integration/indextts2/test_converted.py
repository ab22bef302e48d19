"""Converted weights: whole or not at all, made again when stale, and loaded without a copy."""

import multiprocessing
import os
import shutil
import subprocess
import sys
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


@pytest.fixture
def fresh(checkpoint: Path, tmp_path: Path) -> Path:
    """A model folder of its own, without converted weights."""
    folder = copied_checkpoint(checkpoint, tmp_path)
    shutil.rmtree(folder / "converted", ignore_errors=True)
    return folder


def test_the_first_load_converts_and_the_second_speaks_from_that(fresh: Path) -> None:
    first = audio_of(model_in(fresh), HELLO)
    written = {path.stem: path.stat().st_mtime_ns for path in conversions(fresh)}
    assert set(written) == NETWORKS
    assert same(first, audio_of(model_in(fresh), HELLO))
    assert written == {path.stem: path.stat().st_mtime_ns for path in conversions(fresh)}
    (projection,) = (path for path in conversions(fresh) if path.stem == "latent_projection")
    other = {name: tensor + 1.0 for name, tensor in load_file(projection).items()}
    projection.unlink()
    save_file(other, projection)
    assert not same(first, audio_of(model_in(fresh), HELLO))


def test_what_is_never_used_is_not_kept(fresh: Path) -> None:
    model_in(fresh).load()
    names = {name for path in conversions(fresh) for name in load_file(path)}
    assert not any(name.endswith(("weight_g", "weight_v")) for name in names)
    assert not any(name.startswith(("estimator.x_embedder.", "decoder.")) for name in names)
    assert not any("layers.17." in name for name in names)


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"\x00" * 64, b"\xff" * 4096], ids=["empty", "short", "zeros", "ones"]
)
def test_a_damaged_conversion_is_made_again(fresh: Path, damage: bytes) -> None:
    expected = audio_of(model_in(fresh), HELLO)
    sound = {path: path.read_bytes() for path in conversions(fresh)}
    for path in sound:
        replaced(path, damage)
    assert same(expected, audio_of(model_in(fresh), HELLO))
    assert {path: path.read_bytes() for path in conversions(fresh)} == sound


def test_a_cut_conversion_is_made_again(fresh: Path) -> None:
    expected = audio_of(model_in(fresh), HELLO)
    for path in conversions(fresh):
        replaced(path, path.read_bytes()[:-4])
    assert same(expected, audio_of(model_in(fresh), HELLO))


def test_other_weights_are_another_conversion(fresh: Path) -> None:
    before = audio_of(model_in(fresh), HELLO)
    content = torch.load(fresh / "s2mel.pth")
    content["net"]["gpt_layer"]["2.bias"] += 1.0
    (fresh / "s2mel.pth").unlink()
    torch.save(content, fresh / "s2mel.pth")
    assert not same(before, audio_of(model_in(fresh), HELLO))
    assert len({path.parent for path in conversions(fresh)}) == 2


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


def test_a_source_that_is_spoilt_is_never_converted(fresh: Path) -> None:
    content = torch.load(fresh / "gpt.pth")
    del content["model"]["mel_head.weight"]
    (fresh / "gpt.pth").unlink()
    torch.save(content, fresh / "gpt.pth")
    with pytest.raises(ModelUnavailable, match=r"gpt\.pth"):
        model_in(fresh).load()
    assert "language_model" not in {path.stem for path in conversions(fresh)}


def _layer() -> nn.Module:
    with meta_init():
        return nn.Linear(64, 64)


def _fill_often(folder: Path, failures: Any) -> None:
    state = {"weight": torch.ones(64, 64), "bias": torch.ones(64)}
    for _ in range(40):
        network = _layer()
        ConvertedWeights(folder=folder, device=CPU).fill(
            network, "layer", lambda: state, label="layer.pth"
        )
        values: Tensor = network.weight  # type: ignore[assignment]
        if not bool((values == 1).all()):
            failures.value += 1
        (folder / "layer.safetensors").unlink(missing_ok=True)


def test_processes_that_convert_at_once_leave_one_whole_file(tmp_path: Path) -> None:
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


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    old, young = tmp_path / "layer.a.part", tmp_path / "layer.b.part"
    old.touch()
    young.touch()
    os.utime(old, (0, 0))
    state = {"weight": torch.ones(64, 64), "bias": torch.ones(64)}
    ConvertedWeights(folder=tmp_path, device=CPU).fill(
        _layer(), "layer", lambda: state, label="layer.pth"
    )
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
