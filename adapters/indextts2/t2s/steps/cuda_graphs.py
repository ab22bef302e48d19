"""CUDA graphs: the one module that knows them."""

from weakref import WeakSet

import torch

from adapters.indextts2.t2s.steps.runner import Step


class CudaGraphs:
    """Records steps as CUDA graphs, on a stream of its own.

    All graphs share one pool of memory: what lies in it is used inside a step only, and no two
    graphs run at the same time. Other threads may use the device while a step is recorded.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream: torch.cuda.Stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle()
        self._graphs: WeakSet[torch.cuda.CUDAGraph] = WeakSet()

    def warm_up(self, step: Step) -> None:
        current = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            step()
        current.wait_stream(self._stream)

    def record(self, step: Step) -> Step:
        if not self._graphs:
            # A pool whose last graph is gone cannot be taken up again.
            self._pool = torch.cuda.graph_pool_handle()
        graph = torch.cuda.CUDAGraph()
        with (
            # A capture that fails leaves its own stream behind; this one comes back in any case.
            torch.cuda.stream(torch.cuda.current_stream(self._device)),
            torch.cuda.graph(
                graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"
            ),
        ):
            step()
        self._graphs.add(graph)
        return graph.replay

    def forget(self) -> None:
        torch.cuda.synchronize(self._device)  # the last replay may not be done yet
