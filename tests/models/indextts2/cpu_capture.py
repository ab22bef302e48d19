"""Records a step on the CPU as a CUDA graph would, and is as strict about what a step may do."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from adapters.indextts2.t2s.steps.buffers import StaticBuffers
from adapters.indextts2.t2s.steps.runner import Step

ASKING = {
    "aten::_local_scalar_dense",
    "aten::equal",
    "aten::masked_select",
    "aten::nonzero",
    "aten::repeat_interleave.Tensor",
    "aten::_unique2",
}
"""Operations that a GPU would have to answer before the host could go on."""


class WatchedStorage(StaticBuffers):
    """Knows what lies in it now."""

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[str, Tensor] = {}

    def put(self, name: str, content: Tensor) -> Tensor:
        self.places[name] = super().put(name, content)
        return self.places[name]


@dataclass(frozen=True, slots=True)
class Call:
    """One operation with the very tensors and numbers that it had."""

    function: Any
    arguments: tuple[Any, ...]
    named: dict[str, Any]
    answer: Any

    def repeat(self) -> None:
        """Do it again, and write the answer where it was written the first time."""
        if _is_view(self.function):
            return
        again = self.function(*self.arguments, **self.named)
        if not self.function._schema.is_mutable:
            for first, now in zip(_tensors(self.answer), _tensors(again), strict=True):
                first.copy_(now)


class Recording(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Every operation inside it.

    Raises:
        RuntimeError: an operation asks the device, or reads a tensor that is neither among
            ``known`` nor made inside: on a GPU the host would have to copy it there.
    """

    def __init__(self, known: Iterable[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: list[Call] = []
        self._memory = {_memory(tensor) for tensor in known}

    def __torch_dispatch__(
        self,
        func: Any,
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        named = kwargs or {}
        with self:  # in inference mode what is made of other operations arrives whole
            parts = func.decompose(*args, **named)
        if parts is not NotImplemented:
            return parts
        self._check(func, args, named)
        answer = func(*args, **named)
        self._memory.update(map(_memory, _tensors(answer)))
        self.calls.append(Call(func, args, named, answer))
        return answer

    def _check(self, func: Any, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        name = func._schema.name + (f".{func._overloadname}" if func._overloadname else "")
        if {name, func._schema.name} & ASKING or name.startswith("aten::lift_fresh"):
            raise RuntimeError(f"{name} cannot be recorded")
        if func._schema.name.startswith("aten::index") and any(
            tensor.dtype == torch.bool for tensor in _tensors(args[1])
        ):
            raise RuntimeError(f"{name} by a mask cannot be recorded")
        if any(_memory(tensor) not in self._memory for tensor in _tensors((args, named))):
            raise RuntimeError(f"{name} reads what the host made")


@dataclass(slots=True)
class CpuRecorder:
    """A ``GraphCapture`` whose recordings know nothing of Python; ``weights`` never change."""

    storage: WatchedStorage
    weights: Sequence[Tensor]
    warmed: int = 0
    recorded: int = 0
    repeated: int = 0
    shapes: list[tuple[int, ...]] = field(default_factory=list)

    def warm_up(self, step: Step) -> None:
        self.warmed += 1
        step()

    def record(self, step: Step) -> Step:
        places = self.storage.places
        before = {name: tensor.clone() for name, tensor in places.items()}
        recording = Recording([*places.values(), *self.weights])
        with recording:
            step()
        for name, tensor in before.items():
            places[name].copy_(tensor)
        self.recorded += 1
        self.shapes.append(tuple(places["bias"].shape))
        return self._repeating(recording.calls)

    def forget(self) -> None:
        pass

    def _repeating(self, calls: Sequence[Call]) -> Callable[[], None]:
        def repeat() -> None:
            self.repeated += 1
            for call in calls:
                call.repeat()

        return repeat


class DevicesSeen(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes each operation inside it that reads or makes a tensor of the host."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.off_device: list[str] = []

    def __torch_dispatch__(
        self,
        func: Any,
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        answer = func(*args, **(kwargs or {}))
        if any(tensor.device.type == "cpu" for tensor in _tensors((args, kwargs, answer))):
            self.off_device.append(str(func))
        return answer


def _tensors(values: Any) -> Iterator[Tensor]:
    return (value for value in tree_leaves(values) if isinstance(value, Tensor))


def _memory(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _is_view(function: Any) -> bool:
    infos = [answer.alias_info for answer in function._schema.returns]
    return any(info is not None and not info.is_write for info in infos)
