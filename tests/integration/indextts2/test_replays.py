"""Steps repeated from a recording choose the codes that steps taken one by one choose."""

import gc
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from weakref import ref

import pytest
import torch
from structlog.testing import capture_logs
from torch import Tensor

from adapters.indextts2.engine.stages import Stages
from adapters.indextts2.noise import KeyedNoise, SegmentKey
from adapters.indextts2.t2s.generator import StepwiseGenerator
from adapters.indextts2.t2s.sampling import CodeSampling
from adapters.indextts2.t2s.steps.buckets import PowerOfTwoBuckets
from adapters.indextts2.t2s.steps.buffers import FreshTensors, StaticBuffers, Storage
from adapters.indextts2.t2s.steps.graph_runner import GraphRunner
from adapters.indextts2.t2s.steps.runner import EagerRunner, Step
from adapters.indextts2.t2s.transformer import Transformer
from adapters.indextts2.upstream import bare_package, import_model_classes
from tests.models.indextts2.cpu_capture import (
    CpuRecorder,
    DevicesSeen,
    Recording,
    WatchedStorage,
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
Said = list[tuple[list[int], bool]]


@dataclass(frozen=True, slots=True)
class Bench:
    """A generator of the tiny model, and what it has been given to say."""

    generator: StepwiseGenerator
    prompts: Sequence[Tensor]

    def say(self, sampling: CodeSampling, seed: int = 11, **changes: Any) -> Said:
        with torch.inference_mode():
            answers = replace(self.generator, **changes).generate(
                self.prompts,
                [SegmentKey(index, 0) for index in range(len(self.prompts))],
                sampling=sampling,
                noise=KeyedNoise(seed, device=self.prompts[0].device),
            )
        return [(codes.ids.tolist(), codes.stopped) for codes in answers]

    def on(self, device: torch.device) -> "Bench":
        """The same on another device, with weights of its own: those in use cannot be copied."""
        with bare_package():
            model = language_model(import_model_classes(), TINY.model, TINY.semantic_width)
        model.load_state_dict(language_tensors(model, TINY))
        model.eval().requires_grad_(False).to(device)
        transformer = Transformer(gpt=model.gpt, heads=int(model.heads))
        return Bench(
            replace(self.generator, language_model=model, transformer=transformer),
            [prompt.to(device) for prompt in self.prompts],
        )

    def recorder(self) -> CpuRecorder:
        model: Any = self.generator.language_model
        return CpuRecorder(WatchedStorage(), [*model.parameters(), *model.buffers()])


@pytest.fixture(scope="module")
def bench(stages: Stages) -> Bench:
    assert isinstance(stages.generator, StepwiseGenerator)
    return Bench(stages.generator, prompts_of(stages, TEXTS))


@pytest.mark.parametrize("name", SAMPLINGS)
def test_a_request_and_the_next_are_said_from_recordings_as_without(
    bench: Bench, name: str
) -> None:
    recorder, sampling = bench.recorder(), SAMPLINGS[name]
    runner = GraphRunner(recorder=recorder, storage=recorder.storage)
    for seed in (11, 12):
        said = bench.say(sampling, seed, runner=runner, buckets=PowerOfTwoBuckets(), room=16)
        assert said == bench.say(sampling, seed)
    assert recorder.repeated > 5 * recorder.recorded
    segments = {shape[0] for shape in recorder.shapes}
    spaces = {shape[3] for shape in recorder.shapes}
    assert len(segments) > 1, "no row left early"
    assert len(spaces) > 1, "the cache never grew"
    recorded, warmed = recorder.recorded, recorder.warmed
    assert bench.say(
        sampling, 12, runner=runner, buckets=PowerOfTwoBuckets(), room=16
    ) == bench.say(sampling, 12)
    assert (recorder.recorded, recorder.warmed) == (recorded, warmed)


def test_requests_with_other_controls_share_the_memory_of_recordings(bench: Bench) -> None:
    recorder = bench.recorder()
    runner = GraphRunner(recorder=recorder, storage=recorder.storage)
    for name in ("beams", "greedy", "beams", "sampled", "greedy", "beams"):
        sampling = replace(SAMPLINGS[name], max_mel_tokens=60)
        assert bench.say(sampling, runner=runner, buckets=PowerOfTwoBuckets()) == bench.say(
            sampling
        )


@pytest.mark.parametrize("name", SAMPLINGS)
def test_rounding_sizes_up_changes_no_code(bench: Bench, name: str) -> None:
    assert bench.say(SAMPLINGS[name], buckets=PowerOfTwoBuckets()) == bench.say(SAMPLINGS[name])


@pytest.mark.parametrize("name", SAMPLINGS)
def test_what_an_earlier_request_left_in_memory_changes_no_code(bench: Bench, name: str) -> None:
    recorder, sampling = bench.recorder(), replace(SAMPLINGS[name], max_mel_tokens=60)
    runner = GraphRunner(recorder=recorder, storage=recorder.storage)
    bench.say(sampling, runner=runner, buckets=PowerOfTwoBuckets())
    with torch.inference_mode():
        for tensor in recorder.storage.places.values():
            tensor.fill_(torch.nan if tensor.is_floating_point() else 7)
    assert bench.say(sampling, runner=runner, buckets=PowerOfTwoBuckets()) == bench.say(sampling)


@dataclass(slots=True)
class Failing:
    """A recorder that cannot record."""

    error: RuntimeError
    tried: int = 0

    def warm_up(self, step: Step) -> None:
        step()

    def record(self, _: Step) -> Step:
        self.tried += 1
        raise self.error

    def forget(self) -> None:
        pass


@pytest.mark.parametrize("error", [RuntimeError("no"), torch.OutOfMemoryError("no")])
def test_a_recording_that_fails_is_logged_once_and_no_request_notices(
    bench: Bench, error: RuntimeError
) -> None:
    recorder, sampling = Failing(error), replace(SAMPLINGS["beams"], max_mel_tokens=60)
    runner = GraphRunner(recorder=recorder, storage=StaticBuffers())
    with capture_logs() as logs:
        for seed in (11, 12):
            said = bench.say(sampling, seed, runner=runner, buckets=PowerOfTwoBuckets())
            assert said == bench.say(sampling, seed)
    assert [each["event"] for each in logs] == ["decoding_without_graphs"]
    assert recorder.tried == 1
    assert isinstance(runner.storage(), FreshTensors)


class HalfDone:
    """A recorder that runs out of memory with a tensor in its hands."""

    def __init__(self) -> None:
        self.begun: ref[Tensor] | None = None

    def warm_up(self, step: Step) -> None:
        step()

    def record(self, _: Step) -> Step:
        begun = torch.zeros(1)
        self.begun = ref(begun)
        raise torch.OutOfMemoryError("no")

    def forget(self) -> None:
        pass


def test_a_recording_that_fails_leaves_nothing_in_memory() -> None:
    recorder = HalfDone()
    runner = GraphRunner(recorder=recorder, storage=StaticBuffers())
    gc.disable()  # nobody knows when it comes
    try:
        for _ in range(2):
            runner.run("a", lambda: None)
        assert recorder.begun is not None
        assert recorder.begun() is None
    finally:
        gc.enable()


def test_only_so_many_recordings_are_kept_and_the_last_used_ones() -> None:
    storage = WatchedStorage()
    total = storage.put("bias", torch.zeros(1))
    recorder = CpuRecorder(storage, [])
    runner = GraphRunner(recorder=recorder, storage=storage, kept=2)

    def step() -> None:
        total.add_(1)

    for key in "aaabbbaaccca":
        runner.run(key, step)
    assert total.item() == 12
    assert recorder.recorded == 3
    runner.run("b", step)
    assert recorder.warmed == 4, "b is the one that was used longest ago"


def test_a_tensor_keeps_its_address_until_a_larger_one_needs_another() -> None:
    storage = StaticBuffers()
    first = storage.put("name", torch.ones(4, 3))
    other = storage.put("other", torch.ones(4, 3))
    smaller = storage.put("name", torch.zeros(2, 2))
    again = storage.put("name", torch.full((4, 3), 2.0))
    assert first.data_ptr() == smaller.data_ptr() == again.data_ptr() != other.data_ptr()
    assert again.tolist() == [[2.0] * 3] * 4
    assert storage.moves == 2
    assert storage.put("name", torch.ones(13)).tolist() == [1.0] * 13
    assert storage.moves == 3


ROWS = torch.arange(3.0)
FORBIDDEN: dict[str, Callable[[], object]] = {
    "a number is read": lambda: ROWS.sum().item(),
    "a decision is made": lambda: bool(ROWS.any()),
    "places are looked for": lambda: (ROWS > 1).nonzero(),
    "a mask chooses": lambda: ROWS[ROWS > 1],
    "the host makes a tensor": lambda: ROWS + torch.tensor([1.0, 2.0, 3.0]),
    "a number is set": lambda: ROWS.clone().__setitem__(0, 1.0),
}


@pytest.mark.parametrize("name", FORBIDDEN)
@pytest.mark.parametrize("inference", [True, False])
def test_what_a_gpu_cannot_record_is_refused_here(name: str, inference: bool) -> None:
    """Without this the tests above would prove less than they seem to."""
    with (
        torch.inference_mode(inference),
        Recording([ROWS]),
        pytest.raises(RuntimeError, match="aten::"),
    ):
        FORBIDDEN[name]()


@dataclass(slots=True)
class Observed:
    """Takes some steps, and names the operations that read or make tensors of the host."""

    steps: int
    off_device: list[str] = field(default_factory=list)

    def storage(self) -> Storage:
        return StaticBuffers()

    def run(self, _: Hashable, step: Step) -> None:
        with DevicesSeen() as seen:
            for _ in range(self.steps):
                step()
        self.off_device = seen.off_device
        raise StepsTaken


class StepsTaken(Exception):
    """All that was to be seen has been seen."""


@pytest.mark.parametrize("name", SAMPLINGS)
def test_a_step_touches_nothing_but_its_device(bench: Bench, name: str) -> None:
    """On a device whose tensors have shapes but no numbers: whoever asks for one, fails."""
    observed = Observed(steps=3)
    with pytest.raises(StepsTaken):
        bench.on(torch.device("meta")).say(
            SAMPLINGS[name], runner=observed, buckets=PowerOfTwoBuckets()
        )
    assert observed.off_device == []


def test_an_operation_of_the_host_is_seen() -> None:
    """Without this the test above would say less than it seems to."""
    with DevicesSeen() as seen:
        torch.zeros(2, device="meta") + torch.tensor(1.0)
    assert seen.off_device


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", SAMPLINGS)
def test_cuda_graphs_choose_the_codes_of_steps_taken_one_by_one(bench: Bench, name: str) -> None:
    from adapters.indextts2.t2s.steps.cuda_graphs import CudaGraphs

    device, sampling = torch.device("cuda:0"), SAMPLINGS[name]
    on_gpu = bench.on(device)
    runner = GraphRunner(recorder=CudaGraphs(device), storage=StaticBuffers())
    for seed in (11, 12, 12):
        # The same sizes on both sides: on a GPU they decide which kernel sums, and in what order.
        with capture_logs() as logs:
            said = on_gpu.say(sampling, seed, runner=runner, buckets=PowerOfTwoBuckets())
        assert not logs
        assert said == on_gpu.say(sampling, seed, runner=EagerRunner(), buckets=PowerOfTwoBuckets())
