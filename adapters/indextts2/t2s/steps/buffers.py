"""Memory of the tensors that the decoding steps of a generation share."""

from typing import Protocol

from torch import Tensor


class Buffers(Protocol):
    """Keeps named tensors between the steps of one generation."""

    def write(self, name: str, content: Tensor) -> Tensor:
        """Return a tensor with the values of ``content`` in the memory that belongs to ``name``.

        It replaces the tensor that was written there before.

        Args:
            name: Name of the tensor.
            content: Values of any shape. They share no memory with the earlier tensor, and the
                caller does not use ``content`` itself any more.
        """


class FreshTensors:
    """Returns each tensor as it is: no copy, no memory of its own."""

    def write(self, _: str, content: Tensor) -> Tensor:
        return content


class StaticBuffers:
    """Tensors whose address depends only on their name, in this generation and the next.

    Each name has one flat buffer, and a tensor occupies its beginning, so that smaller tensors need
    no memory of their own. All tensors of a name have one number type.

    ``reallocations`` counts the buffers that were allocated, each for the first tensor of its name
    or for one that was larger than the buffer before. When it has grown, earlier addresses may be
    void.
    """

    def __init__(self) -> None:
        """Create no buffer yet."""
        self.reallocations = 0
        self._buffers: dict[str, Tensor] = {}  # (elements,) each

    def write(self, name: str, content: Tensor) -> Tensor:
        buffer = self._buffers.get(name)
        if buffer is None or buffer.numel() < content.numel():
            self.reallocations += 1
            buffer = self._buffers[name] = content.new_empty(content.numel())
        return buffer[: content.numel()].view(content.shape).copy_(content)
