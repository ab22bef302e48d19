"""Tensors out of checkpoint files, into networks that they must fit."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from adapters.indextts2.failures import reading
from adapters.indextts2.weights.tensor_files import read_safetensors_file, read_torch_file
from domain.errors import ModelUnavailable

State = dict[str, Tensor]
ExpectedTensors = dict[str, Tensor]
_DIRECTION, _LENGTH = ".weight_v", ".weight_g"


def read_tensors(path: Path, *, label: str, below: str | None = None) -> State:
    """Return the named tensors of a ``.safetensors`` or torch file, those under ``below`` if any.

    Only tensors are read out of torch files, never code.

    Raises:
        ModelUnavailable: the file is missing, damaged, or holds something else.
    """
    with reading(label):
        is_safetensors = path.suffix == ".safetensors"
        content: Any = read_safetensors_file(path) if is_safetensors else read_torch_file(path)
        content = content.get(below, content)
        return {name: tensor for name, tensor in content.items() if isinstance(tensor, Tensor)}


def read_parts(path: Path, *names: str, label: str, below: str) -> tuple[State, ...]:
    """Return the named tensors of several networks in one torch file, each under its own name.

    Raises:
        ModelUnavailable: the file is missing, damaged, or holds something else.
    """
    with reading(label):
        content = read_torch_file(path)[below]
        return tuple(
            {name.removeprefix("module."): tensor for name, tensor in content[part].items()}
            for part in names
        )


def read_tensor(path: Path, *, label: str) -> Tensor:
    """Return the one tensor of a torch file, of any shape, in float32.

    Raises:
        ModelUnavailable: the file is missing, damaged, or holds something else.
    """
    with reading(label):
        content: Tensor = read_torch_file(path)
        return content.float()


def expected_tensors(network: nn.Module, *, unused: Iterable[str] = ()) -> ExpectedTensors:
    """Return the parameters and buffers of ``network`` that take weights.

    Names that start with one of ``unused`` are left out.
    """
    ignored = tuple(unused)
    every = {**dict(network.named_buffers()), **dict(network.named_parameters())}
    return {name: tensor for name, tensor in every.items() if not name.startswith(ignored)}


def is_optional(expected: Tensor) -> bool:
    """Return whether ``expected``, of any shape, needs no saved value.

    A buffer that the network has computed itself needs none.
    """
    return not isinstance(expected, nn.Parameter) and not expected.is_meta


def match_weights(expected: ExpectedTensors, state: State, *, label: str) -> State:
    """Return a tensor of ``state`` for each of ``expected``, of its shape and number type.

    Weight norm is folded.

    A tensor that has the right type and memory of its own is not copied, and each is removed from
    ``state`` once it is converted: no more than ``state`` and one tensor are in memory at a time.
    Names that are not expected are ignored: they are left over from training. A buffer that is
    missing in ``state`` keeps the value that the network has computed.

    Raises:
        ModelUnavailable: a parameter is missing or of another shape.
    """
    chosen = {}
    with reading(label):
        state = _folded(state)
    memory: set[int] = set()
    for name, target in expected.items():
        tensor = state.pop(name, None)
        if tensor is not None and tensor.shape == target.shape:
            chosen[name] = _in_own_memory(tensor.detach().to(target.dtype).contiguous(), memory)
        elif not is_optional(target):
            problem = "lacks" if tensor is None else "has another shape of"
            raise ModelUnavailable(
                f"{label} is of another model: it {problem} {name}; download the weights again"
            )
    return chosen


def fill(network: nn.Module, state: State, *, label: str) -> None:
    """Copy ``state`` into ``network``, whose tied parameters stay tied.

    Raises:
        ModelUnavailable: a parameter is missing or of another shape.
    """
    network.load_state_dict(
        match_weights(expected_tensors(network), state, label=label), strict=False
    )


def assign_weights(network: nn.Module, state: Mapping[str, Tensor], device: torch.device) -> None:
    """Make the tensors of ``state`` those of ``network``, uncopied where they are on ``device``."""
    network.load_state_dict(
        {name: tensor.to(device) for name, tensor in state.items()}, strict=False, assign=True
    )
    for module in network.modules():
        for name, buffer in list(module.named_buffers(recurse=False)):
            setattr(module, name, buffer.to(device))
    network.eval().requires_grad_(requires_grad=False)


def _in_own_memory(tensor: Tensor, taken: set[int]) -> Tensor:
    """Return ``tensor``, of any shape, or a copy where it shares memory; note it in ``taken``."""
    memory = tensor.untyped_storage()
    if memory.nbytes() != tensor.nbytes or memory.data_ptr() in taken:
        tensor = tensor.clone()
    taken.add(tensor.untyped_storage().data_ptr())
    return tensor


def _folded(state: State) -> State:
    """Return ``state`` with weight norm folded (Salimans, Kingma, 2016)."""
    return dict(_plain(state))


def _plain(state: State) -> Iterator[tuple[str, Tensor]]:
    """Yield every tensor under its name, of its own shape, with weight norm folded."""
    for name, tensor in state.items():
        layer = name.removesuffix(_DIRECTION)
        if layer != name and layer + _LENGTH in state:
            axes = tuple(range(1, tensor.ndim))
            norm = torch.linalg.vector_norm(tensor, dim=axes, keepdim=True)
            yield f"{layer}.weight", tensor * (state[layer + _LENGTH] / norm)
        elif not name.endswith(_LENGTH):
            yield name, tensor
