"""Capture and replay of steps on the CPU, with the restrictions of a CUDA graph."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from adapters.indextts2.t2s.steps.buffers import StaticBuffers
from adapters.indextts2.t2s.steps.runner import Step

SYNCHRONISING = {
    "aten::_local_scalar_dense",
    "aten::equal",
    "aten::masked_select",
    "aten::nonzero",
    "aten::repeat_interleave.Tensor",
    "aten::_unique2",
}
"""Operations whose result the host needs before it can continue: a GPU must finish first."""


class ObservableBuffers(StaticBuffers):
    """Static buffers that also keep the tensor that was last written under each name."""

    def __init__(self) -> None:
        super().__init__()
        self.tensors: dict[str, Tensor] = {}

    def write(self, name: str, content: Tensor) -> Tensor:
        self.tensors[name] = super().write(name, content)
        return self.tensors[name]


@dataclass(frozen=True, slots=True)
class Operation:
    """One captured operation, with the arguments and the result that it had."""

    function: Any
    arguments: tuple[Any, ...]
    named: dict[str, Any]
    result: Any

    def replay(self) -> None:
        """Call the function again, and write the result into the tensors of the first one."""
        if _is_view(self.function):
            return
        repeated = self.function(*self.arguments, **self.named)
        if not self.function._schema.is_mutable:
            for first, now in zip(_tensors(self.result), _tensors(repeated), strict=True):
                first.copy_(now)


class StrictCapture(TorchDispatchMode):  # type: ignore[no-untyped-call] # torch has no types here
    """Runs and captures the operations inside it.

    Raises:
        RuntimeError: An operation synchronises with the device, or reads a tensor that is neither
            among ``known`` nor made inside: on a GPU the host would have to copy it there.
    """

    def __init__(self, known: Iterable[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # torch has no types here
        self.operations: list[Operation] = []
        self._memory = {_memory(tensor) for tensor in known}

    def __torch_dispatch__(
        self,
        func: Any,
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        named = kwargs or {}
        with self:  # in inference mode a composite operation arrives in one piece
            decomposed = func.decompose(*args, **named)
        if decomposed is not NotImplemented:
            return decomposed
        self._check(func, args, named)
        result = func(*args, **named)
        self._memory.update(map(_memory, _tensors(result)))
        self.operations.append(Operation(func, args, named, result))
        return result

    def _check(self, func: Any, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        name = func._schema.name + (f".{func._overloadname}" if func._overloadname else "")
        if {name, func._schema.name} & SYNCHRONISING or name.startswith("aten::lift_fresh"):
            raise RuntimeError(f"{name} cannot be captured")
        if func._schema.name.startswith("aten::index") and any(
            tensor.dtype == torch.bool for tensor in _tensors(args[1])
        ):
            raise RuntimeError(f"{name} by a mask cannot be captured")
        if any(_memory(tensor) not in self._memory for tensor in _tensors((args, named))):
            raise RuntimeError(f"{name} reads a tensor that the host made")


@dataclass(slots=True)
class CpuCapture:
    """A ``GraphCapture`` whose replays run no Python of the step; ``weights`` never change."""

    buffers: ObservableBuffers
    weights: Sequence[Tensor]
    warm_ups: int = 0
    captures: int = 0
    replays: int = 0
    bias_shapes: list[tuple[int, ...]] = field(default_factory=list)
    """Shape (rows, 1, beams, cache capacity) of the attention bias at each capture."""

    def warm_up(self, step: Step) -> None:
        self.warm_ups += 1
        step()

    def capture(self, step: Step) -> Step:
        tensors = self.buffers.tensors
        before = {name: tensor.clone() for name, tensor in tensors.items()}
        capture = StrictCapture([*tensors.values(), *self.weights])
        with capture:
            step()
        for name, tensor in before.items():
            tensors[name].copy_(tensor)
        self.captures += 1
        self.bias_shapes.append(tuple(tensors["bias"].shape))
        return self._replay_of(capture.operations)

    def reset(self) -> None:
        pass

    def _replay_of(self, operations: Sequence[Operation]) -> Step:
        def replay() -> None:
            self.replays += 1
            for operation in operations:
                operation.replay()

        return replay


class HostTensorMonitor(TorchDispatchMode):  # type: ignore[no-untyped-call] # torch has no types here
    """Notes each operation inside it that reads or makes a tensor in the host's memory."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # torch has no types here
        self.host_operations: list[str] = []

    def __torch_dispatch__(
        self,
        func: Any,
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if any(tensor.device.type == "cpu" for tensor in _tensors((args, kwargs, result))):
            self.host_operations.append(str(func))
        return result


def _tensors(values: Any) -> Iterator[Tensor]:
    return (value for value in tree_leaves(values) if isinstance(value, Tensor))


def _memory(tensor: Tensor) -> int:
    """Return the address of the memory that ``tensor``, of any shape, is a part of."""
    return tensor.untyped_storage().data_ptr()


def _is_view(function: Any) -> bool:
    infos = [returned.alias_info for returned in function._schema.returns]
    return any(info is not None and not info.is_write for info in infos)
