"""Networks built without the values that they are about to be given."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import remove_weight_norm
from torch.overrides import TorchFunctionMode

_DRAWING = frozenset(
    f"{prefix}{distribution}_"
    for prefix in ("", "trunc_", "kaiming_", "xavier_")
    for distribution in ("normal", "uniform")
)
"""Names of torch's functions that draw a tensor's first values in place."""


@contextmanager
def meta_init() -> Iterator[None]:
    """Inside, layers get shapes and no memory, and drawing their first values costs nothing.

    What a constructor computes (filters, positions, tables) is real, for no file may hold it.
    """
    with _Unallocated():
        yield


class _Unallocated(TorchFunctionMode):
    """Puts what is allocated to be filled later on the meta device: torch's layers do that.

    Nothing is drawn for such a tensor: on the meta device that has no effect, and takes a third of
    the time in which a network is built.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func is torch.empty:
            return func(*args, **{**(kwargs or {}), "device": "meta"})
        if getattr(func, "__name__", "") in _DRAWING:
            tensor = args[0] if args else (kwargs or {}).get("tensor")
            if isinstance(tensor, Tensor) and tensor.is_meta:
                return tensor
        return func(*args, **(kwargs or {}))


def fold_weight_norm(network: nn.Module) -> None:
    """Take weight norm out of ``network``: its layers wait for plain weights afterwards."""
    for module in network.modules():
        if hasattr(module, "weight_g"):
            remove_weight_norm(module)
