"""Replayed steps choose the same codes as eager steps."""

import gc
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from weakref import ref

import pytest
import torch
from structlog.testing import capture_logs
from torch import Tensor

from adapters.indextts2.engine.engine import Engine
from adapters.indextts2.noise import KeyedNoise, SegmentKey
from adapters.indextts2.t2s.generator import StepwiseGenerator
from adapters.indextts2.t2s.sampling import CodeSampling
from adapters.indextts2.t2s.steps.buckets import PowerOfTwoBuckets
from adapters.indextts2.t2s.steps.buffers import Buffers, FreshTensors, StaticBuffers
from adapters.indextts2.t2s.steps.graph_runner import GraphRunner
from adapters.indextts2.t2s.steps.runner import EagerRunner, Step
from adapters.indextts2.t2s.transformer import Transformer
from adapters.indextts2.upstream import bare_package, import_model_classes
from tests.models.indextts2.cpu_capture import (
    CpuCapture,
    HostTensorMonitor,
    ObservableBuffers,
    StrictCapture,
)
from tests.models.indextts2.speaking import prompts_of, samplings
from tests.tiny_checkpoint.checkpoint import language_model, language_tensors
from tests.tiny_checkpoint.sizes import TINY

TEXTS = (
    "Hello world, this is a tiny test.",
    "Pack!",
    "The quick brown fox jumps over the lazy dog, and every segment is spoken.",
    "你好 世界",
    "One more.",
    "Sphinx of black quartz, judge my vow.",
    "And another one, which is a little longer.",
)
SAMPLINGS = samplings(150)
Results = list[tuple[list[int], bool]]
"""Codes of each prompt, and whether they ended with the stop code."""


@dataclass(frozen=True, slots=True)
class Bench:
    """A generator of the tiny model, and prompts for it."""

    generator: StepwiseGenerator
    prompts: Sequence[Tensor]  # (1, length, width) each

    def generate(self, sampling: CodeSampling, seed: int = 11, **changes: Any) -> Results:
        """Generate codes for all prompts, with ``changes`` to the generator's fields."""
        with torch.inference_mode():
            results = replace(self.generator, **changes).generate(
                self.prompts,
                [SegmentKey(index, 0) for index in range(len(self.prompts))],
                sampling=sampling,
                noise=KeyedNoise(seed, device=self.prompts[0].device),
            )
        return [(codes.ids.tolist(), codes.stopped) for codes in results]

    def on(self, device: torch.device) -> "Bench":
        """Return the same on ``device``, with weights built anew: those in use cannot be copied."""
        with bare_package():
            model = language_model(import_model_classes(), TINY.model, TINY.semantic_width)
        model.load_state_dict(language_tensors(model, TINY))
        model.eval().requires_grad_(False).to(device)
        transformer = Transformer(gpt=model.gpt, heads=int(model.heads))
        return Bench(
            replace(self.generator, language_model=model, transformer=transformer),
            [prompt.to(device) for prompt in self.prompts],
        )

    def cpu_capture(self) -> CpuCapture:
        model: Any = self.generator.language_model
        return CpuCapture(ObservableBuffers(), [*model.parameters(), *model.buffers()])


@pytest.fixture(scope="module")
def bench(engine: Engine) -> Bench:
    assert isinstance(engine.synthesizer.generator, StepwiseGenerator)
    return Bench(engine.synthesizer.generator, prompts_of(engine, TEXTS))


@pytest.mark.parametrize("name", SAMPLINGS)
def test_replays_choose_the_codes_of_eager_steps_in_two_requests(bench: Bench, name: str) -> None:
    capture, sampling = bench.cpu_capture(), SAMPLINGS[name]
    runner = GraphRunner(graph_capture=capture, buffers=capture.buffers)
    replaying = {"runner": runner, "buckets": PowerOfTwoBuckets(), "reserve_steps": 16}
    for seed in (11, 12):
        assert bench.generate(sampling, seed, **replaying) == bench.generate(sampling, seed)
    assert capture.replays > 5 * capture.captures
    rows = {shape[0] for shape in capture.bias_shapes}
    capacities = {shape[3] for shape in capture.bias_shapes}
    assert len(rows) > 1, "no row left early"
    assert len(capacities) > 1, "the cache never grew"
    captures, warm_ups = capture.captures, capture.warm_ups
    assert bench.generate(sampling, 12, **replaying) == bench.generate(sampling, 12)
    assert (capture.captures, capture.warm_ups) == (captures, warm_ups)


def test_requests_with_other_controls_share_the_memory_of_captures(bench: Bench) -> None:
    capture = bench.cpu_capture()
    runner = GraphRunner(graph_capture=capture, buffers=capture.buffers)
    for name in ("beams", "greedy", "beams", "sampled", "greedy", "beams"):
        sampling = replace(SAMPLINGS[name], max_mel_tokens=60)
        codes = bench.generate(sampling, runner=runner, buckets=PowerOfTwoBuckets())
        assert codes == bench.generate(sampling)


@pytest.mark.parametrize("name", SAMPLINGS)
def test_rounding_sizes_up_changes_no_code(bench: Bench, name: str) -> None:
    rounded = bench.generate(SAMPLINGS[name], buckets=PowerOfTwoBuckets())
    assert rounded == bench.generate(SAMPLINGS[name])


@pytest.mark.parametrize("name", SAMPLINGS)
def test_old_content_of_the_buffers_changes_no_code(bench: Bench, name: str) -> None:
    capture, sampling = bench.cpu_capture(), replace(SAMPLINGS[name], max_mel_tokens=60)
    runner = GraphRunner(graph_capture=capture, buffers=capture.buffers)
    bench.generate(sampling, runner=runner, buckets=PowerOfTwoBuckets())
    with torch.inference_mode():
        for tensor in capture.buffers.tensors.values():
            tensor.fill_(torch.nan if tensor.is_floating_point() else 7)
    codes = bench.generate(sampling, runner=runner, buckets=PowerOfTwoBuckets())
    assert codes == bench.generate(sampling)


@dataclass(slots=True)
class FailingCapture:
    """A ``GraphCapture`` that can capture nothing."""

    error: RuntimeError
    attempts: int = 0

    def warm_up(self, step: Step) -> None:
        step()

    def capture(self, _: Step) -> Step:
        self.attempts += 1
        raise self.error

    def reset(self) -> None:
        pass


@pytest.mark.parametrize("error", [RuntimeError("no"), torch.OutOfMemoryError("no")])
def test_a_failed_capture_is_logged_once_and_changes_no_code(
    bench: Bench, error: RuntimeError
) -> None:
    capture, sampling = FailingCapture(error), replace(SAMPLINGS["beams"], max_mel_tokens=60)
    runner = GraphRunner(graph_capture=capture, buffers=StaticBuffers())
    with capture_logs() as logs:
        for seed in (11, 12):
            codes = bench.generate(sampling, seed, runner=runner, buckets=PowerOfTwoBuckets())
            assert codes == bench.generate(sampling, seed)
    assert [entry["event"] for entry in logs] == ["decoding_without_graphs"]
    assert capture.attempts == 1
    assert isinstance(runner.start_generation(), FreshTensors)


class CaptureOutOfMemory:
    """A ``GraphCapture`` that runs out of memory while it holds a tensor."""

    def __init__(self) -> None:
        self.held: ref[Tensor] | None = None

    def warm_up(self, step: Step) -> None:
        step()

    def capture(self, _: Step) -> Step:
        held = torch.zeros(1)
        self.held = ref(held)
        raise torch.OutOfMemoryError("no")

    def reset(self) -> None:
        pass


def test_a_failed_capture_leaves_nothing_in_memory() -> None:
    capture = CaptureOutOfMemory()
    runner = GraphRunner(graph_capture=capture, buffers=StaticBuffers())
    gc.disable()  # memory must be free at once, not when the collector happens to run
    try:
        for _ in range(2):
            runner.run("a", lambda: None)
        assert capture.held is not None
        assert capture.held() is None
    finally:
        gc.enable()


def test_the_least_recently_used_captures_are_dropped() -> None:
    buffers = ObservableBuffers()
    total = buffers.write("bias", torch.zeros(1))
    capture = CpuCapture(buffers, [])
    runner = GraphRunner(graph_capture=capture, buffers=buffers, max_keys=2)

    def step() -> None:
        total.add_(1)

    for key in "aaabbbaaccca":
        runner.run(key, step)
    assert total.item() == 12
    assert capture.captures == 3
    runner.run("b", step)
    assert capture.warm_ups == 4, "b was the least recently used key"


def test_a_tensor_keeps_its_address_until_a_larger_one_needs_another() -> None:
    buffers = StaticBuffers()
    first = buffers.write("name", torch.ones(4, 3))
    other = buffers.write("other", torch.ones(4, 3))
    smaller = buffers.write("name", torch.zeros(2, 2))
    again = buffers.write("name", torch.full((4, 3), 2.0))
    assert first.data_ptr() == smaller.data_ptr() == again.data_ptr() != other.data_ptr()
    assert again.tolist() == [[2.0] * 3] * 4
    assert buffers.reallocations == 2
    assert buffers.write("name", torch.ones(13)).tolist() == [1.0] * 13
    assert buffers.reallocations == 3


ROWS = torch.arange(3.0)
FORBIDDEN: dict[str, Callable[[], object]] = {
    "a number is read": lambda: ROWS.sum().item(),
    "a decision is made": lambda: bool(ROWS.any()),
    "indices are searched": lambda: (ROWS > 1).nonzero(),  # noqa: PLW0108 - the search itself is captured, the comparison too
    "a mask selects": lambda: ROWS[ROWS > 1],
    "the host makes a tensor": lambda: ROWS + torch.tensor([1.0, 2.0, 3.0]),
    "a number is set": lambda: ROWS.clone().__setitem__(0, 1.0),
}


@pytest.mark.parametrize("name", FORBIDDEN)
@pytest.mark.parametrize("inference", [True, False])
def test_the_cpu_capture_refuses_operations_that_a_gpu_cannot_capture(
    name: str, inference: bool
) -> None:
    """Guard the tests above: without this they would prove less than they seem to."""
    with (
        torch.inference_mode(inference),
        StrictCapture([ROWS]),
        pytest.raises(RuntimeError, match="aten::"),
    ):
        FORBIDDEN[name]()


@dataclass(slots=True)
class MonitoringRunner:
    """Takes some steps, and names their operations that read or make tensors of the host."""

    steps: int
    host_operations: list[str] = field(default_factory=list)

    def start_generation(self) -> Buffers:
        return StaticBuffers()

    def run(self, _: Hashable, step: Step) -> None:
        with HostTensorMonitor() as monitor:
            for _ in range(self.steps):
                step()
        self.host_operations = monitor.host_operations
        raise AllStepsTaken


class AllStepsTaken(Exception):
    """The runner has taken its steps, and the generation need not go on."""


@pytest.mark.parametrize("name", SAMPLINGS)
def test_a_step_uses_no_tensor_of_the_host(bench: Bench, name: str) -> None:
    """On torch's device "meta", tensors have shapes but no values, so that reading one fails."""
    runner = MonitoringRunner(steps=3)
    with pytest.raises(AllStepsTaken):
        bench.on(torch.device("meta")).generate(
            SAMPLINGS[name], runner=runner, buckets=PowerOfTwoBuckets()
        )
    assert runner.host_operations == []


def test_the_monitor_notices_an_operation_of_the_host() -> None:
    """Guard the test above: without this it would prove less than it seems to."""
    with HostTensorMonitor() as monitor:
        torch.zeros(2, device="meta") + torch.tensor(1.0)
    assert monitor.host_operations


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", SAMPLINGS)
def test_cuda_graphs_choose_the_codes_of_eager_steps(bench: Bench, name: str) -> None:
    from adapters.indextts2.t2s.steps.cuda_graphs import CudaGraphs

    device, sampling = torch.device("cuda:0"), SAMPLINGS[name]
    on_gpu = bench.on(device)
    runner = GraphRunner(graph_capture=CudaGraphs(device), buffers=StaticBuffers())
    for seed in (11, 12, 12):
        # Both sides use the same sizes: on a GPU these decide which kernel sums, in which order.
        eager = on_gpu.generate(sampling, seed, runner=EagerRunner(), buckets=PowerOfTwoBuckets())
        with capture_logs() as logs:
            codes = on_gpu.generate(sampling, seed, runner=runner, buckets=PowerOfTwoBuckets())
        assert not logs
        assert codes == eager
