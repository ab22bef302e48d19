"""Weights files that become shorter while they are read: an error, never the process's end."""

import subprocess
import sys
from pathlib import Path

import pytest

READ_AND_CUT = """
import os, sys
from pathlib import Path
import torch
from safetensors.torch import save_file
from adapters.indextts2.weights.state_dicts import read_tensors
from domain.errors import ModelUnavailable

path = Path(sys.argv[1])
whole = {f"layer.{index}": torch.full((64, 1024), float(index)) for index in range(8)}
is_safe = path.suffix == ".safetensors"
save_file(whole, path) if is_safe else torch.save({"model": whole}, path)
content = path.read_bytes()

def read(cut_at_call=None):
    calls = 0
    def watch(frame, event, argument):
        nonlocal calls
        if event == "c_call":
            calls += 1
            if calls == cut_at_call:
                os.truncate(path, len(content) // 3)
    path.write_bytes(content)
    sys.setprofile(watch)
    try:
        state = read_tensors(path, label="weights", below="model")
        used = all(bool((state[name] == tensor).all()) for name, tensor in whole.items())
    finally:
        sys.setprofile(None)
    assert used, "other values without a word"
    return calls

calls = read()
refused = 0
for moment in sorted({1 + calls * part // 64 for part in range(64)}):
    try:
        read(cut_at_call=moment)
    except ModelUnavailable as error:
        assert error.message.startswith("weights "), error.message
        refused += 1
print(refused)
"""
"""Cuts the file at 64 moments of a reading, each counted in calls into compiled code."""

LOAD_AND_CUT = """
import os, sys
from pathlib import Path
import torch
from torch import nn
from adapters.indextts2.weights.meta_init import meta_init
from adapters.indextts2.weights.converted import ConvertedWeights

folder = Path(sys.argv[1])
whole = {"weight": torch.ones(64, 1024), "bias": torch.ones(64)}

def fill():
    with meta_init():
        network = nn.Linear(1024, 64)
    ConvertedWeights(folder=folder, device=torch.device("cpu")).fill(
        network, "layer", lambda: whole, label="layer.pth"
    )
    assert bool((network.weight == 1).all()) and bool((network.bias == 1).all())

fill()
(path,) = folder.glob("*.safetensors")
content = path.read_bytes()

def read(cut_at_call=None):
    calls = 0
    def watch(frame, event, argument):
        nonlocal calls
        if event == "c_call":
            calls += 1
            if calls == cut_at_call and path.exists():
                os.truncate(path, len(content) // 3)
    path.write_bytes(content)
    sys.setprofile(watch)
    try:
        fill()
    finally:
        sys.setprofile(None)
    return calls

calls = read()
for moment in sorted({1 + calls * part // 64 for part in range(64)}):
    read(cut_at_call=moment)
"""


def _run(program: str, path: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (done.returncode, done.stderr[-2000:])
    return done.stdout


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
def test_a_checkpoint_cut_while_it_is_read_is_named(tmp_path: Path, name: str) -> None:
    assert int(_run(READ_AND_CUT, tmp_path / name)) > 0


def test_a_conversion_cut_while_it_is_read_is_made_again(tmp_path: Path) -> None:
    _run(LOAD_AND_CUT, tmp_path)
