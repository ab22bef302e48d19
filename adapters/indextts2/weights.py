"""Tensors out of checkpoint files, into networks that they must fit."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from adapters.indextts2.failures import reading
from domain.errors import ModelUnavailable

State = dict[str, Tensor]


def read_tensors(path: Path, *, label: str, below: str | None = None) -> State:
    """The named tensors of a ``.safetensors`` or torch file, from under ``below`` if it has that.

    Only tensors are read out of torch files, never code.

    Raises:
        ModelUnavailable: the file is missing, damaged, or holds something else.
    """
    with reading(label):
        content: Any
        if path.suffix == ".safetensors":
            content = load_file(path)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
        content = content.get(below, content)
        return {name: tensor for name, tensor in content.items() if isinstance(tensor, Tensor)}


def read_tensor(path: Path, *, label: str) -> Tensor:
    """The one tensor of a torch file, in float32.

    Raises:
        ModelUnavailable: the file is missing, damaged, or holds something else.
    """
    with reading(label):
        content: Tensor = torch.load(path, map_location="cpu", weights_only=True)
        return content.float()


def fill(
    network: nn.Module, state: Mapping[str, Tensor], *, label: str, unused: Iterable[str] = ()
) -> None:
    """Copy ``state`` into ``network``: every parameter must be there, in its shape.

    Names that the network does not know are passed over: training leaves such behind. So are
    parameters whose name starts with one of ``unused``.

    Raises:
        ModelUnavailable: a parameter is missing or of another shape.
    """
    ignored = tuple(unused)
    fitting = {}
    parameters = dict(network.named_parameters())
    for name, place in {**dict(network.named_buffers()), **parameters}.items():
        tensor = state.get(name)
        if tensor is not None and tensor.shape == place.shape:
            fitting[name] = tensor
        elif name in parameters and not name.startswith(ignored):
            problem = "lacks" if tensor is None else "has another shape of"
            raise ModelUnavailable(
                f"{label} is of another model: it {problem} {name}; download the weights again"
            )
    with reading(label):
        network.load_state_dict(fitting, strict=False)
