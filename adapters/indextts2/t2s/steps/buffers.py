"""Where the tensors lie that a decoding step reads and writes."""

from typing import Protocol

from torch import Tensor


class Storage(Protocol):
    """Keeps named tensors between the steps of one generation."""

    def put(self, name: str, content: Tensor) -> Tensor:
        """A tensor with the values of ``content``, in the place that belongs to ``name``.

        It replaces what was put there before. ``content`` shares no memory with that and belongs to
        the storage from now on.
        """


class FreshTensors:
    """Every tensor lies where it was made: nothing is copied, and nothing kept."""

    def put(self, _: str, content: Tensor) -> Tensor:
        return content


class StaticBuffers:
    """Tensors of the same name and shape have the same address, in this generation and the next.

    Each name has one flat buffer, and what is put there lies at its beginning, so that a smaller
    tensor needs no memory of its own. ``moves`` counts how often a buffer was too small and made
    way for a larger one: then addresses from before are void. All tensors of a name have one type.
    """

    def __init__(self) -> None:
        self.moves = 0
        self._buffers: dict[str, Tensor] = {}

    @property
    def buffers(self) -> list[Tensor]:
        """All memory that tensors were put into, each buffer as one flat tensor."""
        return list(self._buffers.values())

    def put(self, name: str, content: Tensor) -> Tensor:
        buffer = self._buffers.get(name)
        if buffer is None or buffer.numel() < content.numel():
            self.moves += 1
            buffer = self._buffers[name] = content.new_empty(content.numel())
        return buffer[: content.numel()].view(content.shape).copy_(content)
