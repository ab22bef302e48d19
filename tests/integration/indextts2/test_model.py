import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from adapters.indextts2.devices import (
    Precision,
    choose_device,
    choose_precision,
    unsupported_settings,
)
from adapters.indextts2.model import IndexTTS2Model
from adapters.indextts2.options import EngineOptions
from application.ports.speech_model import ModelInfo, ModelState
from domain.errors import ModelUnavailable
from tests.models.indextts2.checkpoints import copied_checkpoint, replaced
from tests.models.indextts2.speaking import HELLO, audio_of, same

HUB = {
    "w2v": "models--facebook--w2v-bert-2.0",
    "codec": "models--amphion--MaskGCT",
    "campplus": "models--funasr--campplus",
    "vocoder": "models--nvidia--bigvgan_v2_22khz_80band_256x",
}
FILES = {
    "config.yaml": "model/config.yaml",
    "gpt.pth": "model/gpt.pth",
    "s2mel.pth": "model/s2mel.pth",
    "wav2vec2bert_stats.pt": "model/wav2vec2bert_stats.pt",
    "feat1.pt": "model/feat1.pt",
    "feat2.pt": "model/feat2.pt",
    "bpe.model": "model/bpe.model",
    "facebook/w2v-bert-2.0/config.json": f"hub/{HUB['w2v']}/snapshots/{'0' * 40}/config.json",
    "facebook/w2v-bert-2.0/model.safetensors": (
        f"hub/{HUB['w2v']}/snapshots/{'0' * 40}/model.safetensors"
    ),
    "amphion/MaskGCT/semantic_codec/model.safetensors": (
        f"hub/{HUB['codec']}/snapshots/{'0' * 40}/semantic_codec/model.safetensors"
    ),
    "funasr/campplus/campplus_cn_common.bin": (
        f"hub/{HUB['campplus']}/snapshots/{'0' * 40}/campplus_cn_common.bin"
    ),
    "nvidia/bigvgan_v2_22khz_80band_256x/config.json": (
        f"hub/{HUB['vocoder']}/snapshots/{'0' * 40}/config.json"
    ),
    "nvidia/bigvgan_v2_22khz_80band_256x/bigvgan_generator.pt": (
        f"hub/{HUB['vocoder']}/snapshots/{'0' * 40}/bigvgan_generator.pt"
    ),
}
"""Where each required file of a copied checkpoint lies, by what messages call it."""


def model_in(folder: Path, **settings: Any) -> IndexTTS2Model:
    return IndexTTS2Model(
        options=EngineOptions(checkpoints_dir=folder, device="cpu", use_grammars=False, **settings)
    )


def test_importing_the_adapter_loads_none_of_its_libraries() -> None:
    """That makes the import quick; seconds would be those of a busy machine."""
    program = (
        "import sys; import adapters.indextts2.model;"
        "print([n for n in ('torch', 'transformers', 'indextts', 'librosa', 'scipy', 'yaml',"
        " 'safetensors', 'sentencepiece') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_loading_leaves_no_module_of_its_own_in_sys_modules(model: IndexTTS2Model) -> None:
    assert model.status().state is ModelState.READY
    assert "torchaudio" not in sys.modules
    assert "indextts" not in sys.modules


def test_describes_itself_without_loading(checkpoint: Path) -> None:
    fresh = model_in(checkpoint)
    assert fresh.info == ModelInfo(
        name="indextts2", device="cpu", uses_gpu=False, clones_voices=True, sample_rate_hz=22050
    )
    assert fresh.status().state is ModelState.NOT_LOADED


def test_reports_that_it_is_loading(checkpoint: Path) -> None:
    fresh = model_in(checkpoint)
    loading = threading.Thread(target=fresh.load)
    loading.start()
    seen = {fresh.status().state}
    while loading.is_alive():
        seen.add(fresh.status().state)
        loading.join(0.01)
    assert ModelState.LOADING in seen
    assert fresh.status().state is ModelState.READY


def test_the_segment_length_is_clamped_and_reported(model: IndexTTS2Model) -> None:
    assert model.max_tokens_per_segment == 600
    assert "at most 600" in model.status().advice


@pytest.mark.parametrize("label", FILES)
def test_a_missing_file_is_named(checkpoint: Path, tmp_path: Path, label: str) -> None:
    folder = copied_checkpoint(checkpoint, tmp_path)
    (tmp_path / FILES[label]).unlink()
    model = model_in(folder)
    status = model.status()
    assert status.state is ModelState.MISSING_WEIGHTS
    assert status.missing_files == (label,)
    _refuses(model, label, tmp_path)


@pytest.mark.parametrize("label", FILES)
def test_a_truncated_file_is_named(checkpoint: Path, tmp_path: Path, label: str) -> None:
    folder = copied_checkpoint(checkpoint, tmp_path)
    path = tmp_path / FILES[label]
    replaced(path, path.read_bytes()[: path.stat().st_size // 2])
    model = model_in(folder)
    _refuses(model, label, tmp_path)
    assert model.status().state is ModelState.FAILED


def _reshaped(state: dict[str, Any]) -> None:
    for name, tensor in state.items():
        state[name] = torch.cat([tensor, tensor]) if tensor.ndim else tensor


def _emptied(state: dict[str, Any]) -> None:
    state.clear()
    state["something.else"] = torch.zeros(3)


@pytest.mark.parametrize("spoil", [_reshaped, _emptied])
@pytest.mark.parametrize(
    ("label", "inside"),
    [
        ("gpt.pth", ("model",)),
        ("s2mel.pth", ("net", "cfm")),
        ("s2mel.pth", ("net", "gpt_layer")),
        ("wav2vec2bert_stats.pt", ()),
        ("facebook/w2v-bert-2.0/model.safetensors", ()),
        ("amphion/MaskGCT/semantic_codec/model.safetensors", ()),
        ("funasr/campplus/campplus_cn_common.bin", ()),
        ("nvidia/bigvgan_v2_22khz_80band_256x/bigvgan_generator.pt", ("generator",)),
    ],
)
def test_a_file_of_another_model_is_named(
    checkpoint: Path,
    tmp_path: Path,
    label: str,
    inside: tuple[str, ...],
    spoil: Callable[[dict[str, Any]], None],
) -> None:
    folder = copied_checkpoint(checkpoint, tmp_path)
    path = tmp_path / FILES[label]
    is_safe = path.suffix == ".safetensors"
    whole = load_file(path) if is_safe else torch.load(path)
    part = whole
    for key in inside:
        part = part[key]
    spoil(part)
    path.unlink()
    save_file(whole, path) if is_safe else torch.save(whole, path)
    _refuses(model_in(folder), label, tmp_path)


def test_code_in_a_checkpoint_is_never_run(checkpoint: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (os.mkdir, (str(tmp_path / "evil"),))

    folder = copied_checkpoint(checkpoint, tmp_path)
    (folder / "gpt.pth").unlink()
    torch.save({"model": Evil()}, folder / "gpt.pth")
    _refuses(model_in(folder), "gpt.pth", tmp_path)
    assert not (tmp_path / "evil").exists()


def test_a_model_that_failed_loads_once_its_files_are_complete(
    checkpoint: Path, tmp_path: Path, model: IndexTTS2Model
) -> None:
    folder = copied_checkpoint(checkpoint, tmp_path)
    replaced(folder / "gpt.pth", b"half")
    again = model_in(folder)
    _refuses(again, "gpt.pth", tmp_path)
    replaced(folder / "gpt.pth", (checkpoint / "gpt.pth").read_bytes())
    assert same(audio_of(again, HELLO), audio_of(model, HELLO))


def test_flat_weights_and_a_flat_folder_are_understood(
    checkpoint: Path, tmp_path: Path, model: IndexTTS2Model
) -> None:
    """gpt.pth without ``model`` around it; auxiliary models as plain sub-folders."""
    folder = tmp_path / "checkpoints"
    shutil.copytree(checkpoint, folder, copy_function=os.link)
    state = torch.load(folder / "gpt.pth")["model"]
    (folder / "gpt.pth").unlink()
    torch.save(state, folder / "gpt.pth")
    for name, repository in (
        (HUB["w2v"], "w2v-bert-2.0"),
        (HUB["codec"], "amphion/MaskGCT"),
        (HUB["campplus"], "campplus"),
        (HUB["vocoder"], "nvidia/bigvgan_v2_22khz_80band_256x"),
    ):
        snapshot = checkpoint.parent / "hub" / name / "snapshots" / ("0" * 40)
        shutil.copytree(snapshot, folder / repository, copy_function=os.link)
    assert same(audio_of(model_in(folder), HELLO), audio_of(model, HELLO))


def test_refuses_a_device_that_this_machine_does_not_have(checkpoint: Path) -> None:
    model = IndexTTS2Model(
        options=EngineOptions(checkpoints_dir=checkpoint, device="cuda:63", use_grammars=False)
    )
    with pytest.raises(ModelUnavailable, match="DEVICE is cuda:63"):
        model.load()
    with pytest.raises(ModelUnavailable, match="DEVICE is cuda:63"):
        choose_device("cuda:63")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_missing_gpu_is_a_state_of_its_own(checkpoint: Path) -> None:
    model = IndexTTS2Model(
        options=EngineOptions(checkpoints_dir=checkpoint, device="cuda", use_grammars=False)
    )
    assert model.status().state is ModelState.NO_GPU


def test_refuses_a_word_that_names_no_device() -> None:
    with pytest.raises(ModelUnavailable, match="is no device"):
        choose_device("toaster")


def test_reports_the_options_that_the_device_does_not_support(checkpoint: Path) -> None:
    model = model_in(checkpoint, use_deepspeed=True, use_cuda_kernel=True)
    model.load()
    advice = model.status().advice
    assert all(name in advice for name in ("USE_DEEPSPEED", "USE_CUDA_KERNEL"))
    cpu, full = torch.device("cpu"), Precision.FULL
    plain = EngineOptions(checkpoints_dir=checkpoint)
    halved = EngineOptions(checkpoints_dir=checkpoint, use_fp16=True)
    assert any("USE_FP16" in note for note in unsupported_settings(halved, cpu, full))
    assert not list(unsupported_settings(plain, cpu, full))
    assert not list(unsupported_settings(halved, cpu, Precision.HALF_PRODUCTS))


@pytest.mark.parametrize(
    ("device", "use_fp16", "cpu_multiplies_bfloat16", "precision"),
    [
        ("cpu", False, True, Precision.FULL),
        ("cpu", True, False, Precision.FULL),
        ("cpu", True, True, Precision.HALF_PRODUCTS),
        ("cuda", False, True, Precision.FULL),
        ("cuda", True, False, Precision.HALF),
    ],
)
def test_half_precision_is_used_where_the_device_has_instructions_for_it(
    device: str, use_fp16: bool, cpu_multiplies_bfloat16: bool, precision: Precision
) -> None:
    chosen = choose_precision(
        torch.device(device),
        use_fp16=use_fp16,
        cpu_multiplies_bfloat16=cpu_multiplies_bfloat16,
    )
    assert chosen is precision


def _refuses(model: IndexTTS2Model, label: str, folder: Path) -> None:
    with pytest.raises(ModelUnavailable) as refused:
        model.load()
    assert label in refused.value.message
    assert str(folder) not in refused.value.message
