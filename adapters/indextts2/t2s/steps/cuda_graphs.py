"""Capture of steps as CUDA graphs."""

from weakref import WeakSet

import torch

from adapters.indextts2.t2s.steps.runner import Step


class CudaGraphs:
    """Captures steps as CUDA graphs, on a stream of its own; a ``graph_runner.GraphCapture``.

    All graphs share one memory pool: its contents matter within a step only, and no two graphs run
    at the same time. Other threads may use the device during a capture.
    """

    def __init__(self, device: torch.device) -> None:
        """Create a stream on ``device``, which must be a CUDA device."""
        self._device = device
        self._stream: torch.cuda.Stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call] # torch has no types here
        self._pool = torch.cuda.graph_pool_handle()
        self._graphs: WeakSet[torch.cuda.CUDAGraph] = WeakSet()

    def warm_up(self, step: Step) -> None:
        current = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            step()
        current.wait_stream(self._stream)

    def capture(self, step: Step) -> Step:
        if not self._graphs:
            # torch does not accept a pool again once its last graph is freed.
            self._pool = torch.cuda.graph_pool_handle()
        graph = torch.cuda.CUDAGraph()
        with (
            # A capture that fails leaves its own stream current; this restores the one before it.
            torch.cuda.stream(torch.cuda.current_stream(self._device)),
            torch.cuda.graph(
                graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"
            ),
        ):
            step()
        self._graphs.add(graph)
        return graph.replay

    def reset(self) -> None:
        # The last replay may still be running, and the memory it uses is about to be freed.
        torch.cuda.synchronize(self._device)
