"""Networks built without the values that they are about to be given."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.utils import remove_weight_norm
from torch.overrides import TorchFunctionMode


@contextmanager
def meta_init() -> Iterator[None]:
    """Inside, layers get shapes and no memory, and drawing their first values costs nothing.

    What a constructor computes (filters, positions, tables) is real, for no file may hold it.
    """
    with _Unallocated():
        yield


class _Unallocated(TorchFunctionMode):
    """Puts what is allocated to be filled later on the meta device: torch's layers do that."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func is torch.empty:
            return func(*args, **{**(kwargs or {}), "device": "meta"})
        return func(*args, **(kwargs or {}))


def fold_weight_norm(network: nn.Module) -> None:
    """Take weight norm out of ``network``: its layers wait for plain weights afterwards."""
    for module in network.modules():
        if hasattr(module, "weight_g"):
            remove_weight_norm(module)
