"""Side by side: the package's own modules as upstream drives them, and this engine.

``python -m benchmarks.indextts2`` downloads nothing. Both sides load the same random checkpoint
from disk, speak the same tokens with the same beams and steps, and are forced to the same number of
codes: the stop code is made impossible. They take turns, each turn with a voice that neither has
heard. Memory is measured in processes of their own. The tables are Markdown.

On a CPU one thread computes and its CPU time is what counts, so that whatever else runs on the
machine stays out of the figures; with ``--threads`` above 1, and on a GPU, it is the wall clock.
"""

import argparse
import multiprocessing
import os
import platform
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from adapters.indextts2.assembly import EngineSettings, assemble
from adapters.indextts2.buckets import Coarse, Exact
from adapters.indextts2.checkpoint_files import CheckpointFiles
from adapters.indextts2.devices import Precision
from adapters.indextts2.engine import Engine
from adapters.indextts2.graphs import CudaGraphs
from adapters.indextts2.noise import KeyedNoise, SegmentKey
from adapters.indextts2.replays import Recorder, Replays
from adapters.indextts2.sampling import SamplingPlan
from adapters.indextts2.stages import Stages
from adapters.indextts2.stepping import Eager, Step
from adapters.indextts2.storage import FixedStorage
from benchmarks.upstream import Upstream
from domain.delivery import Delivery, Sampling
from domain.voice import Recording
from tests.tiny_checkpoint.checkpoint import write_checkpoint
from tests.tiny_checkpoint.sizes import FULL, MIDDLE, TINY
from tests.tiny_checkpoint.voices import recording

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

SIZES = {"tiny": TINY, "middle": MIDDLE, "full": FULL}
SENTENCE = "The quick brown fox jumps over the lazy dog, and segment {} is spoken."
STAGES = {
    "reference": "listener",
    "code generation": "generator",
    "latents": "latents",
    "flow matching": "mel_decoder",
    "vocoder": "vocoder",
}
"""What the tables call a stage, and what the engine does."""
RATE_HZ = 22_050
IMPOSSIBLE = -1e4


@dataclass(frozen=True, slots=True)
class Case:
    """What both sides are asked for."""

    model: Path
    chunks: int
    device: str
    plan: SamplingPlan
    voice_seconds: float
    threads: int

    @property
    def files(self) -> CheckpointFiles:
        return CheckpointFiles(self.model)

    def texts(self) -> list[str]:
        return [SENTENCE.format(index) for index in range(self.chunks)]

    def voice(self, turn: int) -> Recording:
        """A voice for each turn, so that nobody knows it from before."""
        return recording(f"voice {turn}", 100.0 + 10 * turn, seconds=self.voice_seconds)


class Clock:
    """Seconds spent in each stage; waits for the device, so that a stage pays for its own work."""

    def __init__(self, case: Case) -> None:
        self._device = case.device
        self._alone = case.device == "cpu" and case.threads == 1
        self.spent = dict.fromkeys(STAGES, 0.0)

    @contextmanager
    def on(self, stage: str) -> Iterator[None]:
        began = self.now()
        yield
        self.spent[stage] += self.now() - began

    def now(self) -> float:
        if self._device != "cpu":
            torch.cuda.synchronize(self._device)
        return time.process_time() if self._alone else time.perf_counter()


class Clocked:
    """A stage whose methods run on the clock."""

    def __init__(self, stage: Any, name: str, clock: Clock) -> None:
        self._stage, self._name, self._clock = stage, name, clock

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._stage, name)
        if not callable(found):
            return found

        def timed(*arguments: Any, **named: Any) -> Any:
            with self._clock.on(self._name):
                return found(*arguments, **named)

        return timed


@dataclass(slots=True)
class ClockedRecorder:
    """A recorder that knows how many steps it has recorded, and how long that took."""

    recorder: Recorder
    clock: Clock
    count: int = 0
    seconds: float = 0.0

    def warm_up(self, step: Step) -> None:
        self.recorder.warm_up(step)

    def record(self, step: Step) -> Step:
        began = self.clock.now()
        repeat = self.recorder.record(step)
        self.seconds += self.clock.now() - began
        self.count += 1
        return repeat

    def forget(self) -> None:
        self.recorder.forget()


@dataclass(frozen=True, slots=True)
class Turn:
    """One request: seconds for each stage and in all, and how much audio came of it."""

    stages: dict[str, float]
    total: float
    audio: float


class Package:
    """The package's modules, as upstream drives them."""

    def __init__(self, case: Case, stages: Stages | None = None) -> None:
        self._case = case
        self._upstream = Upstream.load(case.files, torch.device(case.device))
        self._tokens = _tokens(case, stages)

    def take(self, turn: int, chunks: int) -> Turn:
        clock, upstream, plan = Clock(self._case), self._upstream, self._case.plan
        samples, began = 0, clock.now()
        with clock.on("reference"):
            heard = upstream.hear(self._case.voice(turn))
        for tokens in self._tokens[:chunks]:
            with clock.on("code generation"):
                said = upstream.generate(heard, tokens, plan)
            with clock.on("latents"):
                said, latents = upstream.read(heard, said)
            with clock.on("flow matching"):
                mel = upstream.paint(heard, said, latents, plan)
            with clock.on("vocoder"):
                samples += len(upstream.speak(mel))
        return Turn(clock.spent, clock.now() - began, samples / RATE_HZ)


class Ours:
    """The engine, its stages on the clock."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self.stages = _stages(case)

    def take(self, turn: int, chunks: int) -> Turn:
        plan, clock = self._case.plan, Clock(self._case)
        clocked: dict[str, Any] = {
            field: Clocked(getattr(self.stages, field), name, clock)
            for name, field in STAGES.items()
        }
        sampling = Sampling(
            num_beams=plan.num_beams,
            max_mel_tokens=plan.max_mel_tokens,
            diffusion_steps=plan.diffusion_steps,
        )
        engine = Engine(stages=replace(self.stages, **clocked))
        began = clock.now()
        parts = engine.speak(
            self._case.texts()[:chunks],
            voice=self._case.voice(turn),
            delivery=Delivery(turn, sampling=sampling),
        )
        samples = sum(len(part.samples) for part in parts)
        return Turn(clock.spent, clock.now() - began, samples / RATE_HZ)


@dataclass(frozen=True, slots=True)
class Weight:
    """What a side weighs in a process of its own."""

    load_seconds: float
    peak_bytes: int


SIDES: dict[str, Callable[[Case], Package | Ours]] = {"package": Package, "ours": Ours}


def _weigh(side: str, case: Case, sender: "Connection") -> None:
    torch.set_num_threads(case.threads)
    # Two steps of flow matching need as much memory as 25.
    case = replace(case, plan=replace(case.plan, diffusion_steps=2))
    began = time.perf_counter()
    with torch.inference_mode():
        loaded = SIDES[side](case)
        spent = time.perf_counter() - began
        loaded.take(0, case.chunks)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if case.device != "cpu":
        peak = torch.cuda.max_memory_allocated(case.device)
    sender.send(Weight(spent, peak))


def weigh(side: str, case: Case) -> Weight:
    """Load and speak once in a new process.

    Call it before this process loads anything: a child starts with its parent's peak.
    """
    spawn = multiprocessing.get_context("spawn")
    receiver, sender = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_weigh, args=(side, case, sender))
    process.start()
    sender.close()
    weight: Weight = receiver.recv()
    process.join()
    return weight


def comparison(package: Package, ours: Ours, chunks: int, repeats: int) -> Iterator[str]:
    """Stage by stage, the two in turns, after a chunk each to warm up."""
    for side in (package, ours):
        side.take(0, 1)
    theirs, own = [], []
    for turn in range(1, repeats + 1):
        theirs.append(package.take(turn, chunks))
        own.append(ours.take(turn, chunks))
    yield "| stage | package s | ours s | package / ours | share of ours |"
    yield "|---|---:|---:|---:|---:|"
    all_own = statistics.median(turn.total for turn in own)
    for stage in STAGES:
        times = [[turn.stages[stage] for turn in side] for side in (theirs, own)]
        yield _row(stage, times[0], times[1], all_own)
    yield _row("all", [turn.total for turn in theirs], [turn.total for turn in own], all_own)
    yield ""
    rtf = [statistics.median(turn.total / turn.audio for turn in side) for side in (theirs, own)]
    yield (
        f"Real-time factor: package {rtf[0]:.2f}, ours {rtf[1]:.2f};"
        f" {own[0].audio:.1f} s of audio a request."
    )


def ablation(stages: Stages, case: Case, repeats: int) -> Iterator[str]:
    """Code generation of the whole request with one thing changed at a time, in turns."""
    reference = stages.listener.hear(case.voice(0))
    emotion = stages.emotions.own(reference)
    prompts = [
        stages.prompts.build(tokens, latents=reference.latents, emotion=emotion)
        for tokens in _tokens(case, stages)
    ]
    keys = [SegmentKey(chunk, 0) for chunk in range(len(prompts))]
    noise = KeyedNoise(1, device=prompts[0].device)
    generator: Any = stages.generator
    ways: dict[str, tuple[Any, Sequence[int]]] = {
        "all segments in one batch": (generator, [len(prompts)]),
        "the first alone, then the rest (what the engine does)": (generator, [1, len(prompts)]),
        "four segments at once": (generator, range(4, len(prompts) + 4, 4)),
        "one segment at a time": (generator, range(1, len(prompts) + 1)),
        "one batch, asked every step who has finished": (
            replace(generator, poll_every=1),
            [len(prompts)],
        ),
        "one batch, nothing dropped from the cache": (
            replace(generator, room=case.plan.max_mel_tokens),
            [len(prompts)],
        ),
    }
    if case.device != "cpu":
        ways["one batch, no step recorded (USE_CUDA_GRAPHS=false)"] = (
            replace(generator, buckets=Exact(), runner=Eager()),
            [len(prompts)],
        )
    clock = Clock(case)

    def seconds(way: Any, ends: Sequence[int]) -> float:
        began, start = clock.now(), 0
        for end in ends:
            batch = slice(start, end)
            way.generate(prompts[batch], keys[batch], plan=case.plan, noise=noise)
            start = end
        return clock.now() - began

    spent: dict[str, list[float]] = {name: [] for name in ways}
    if case.device != "cpu":
        recorder = ClockedRecorder(CudaGraphs(torch.device(case.device)), clock)
        recording = replace(
            generator,
            buckets=Coarse(),
            runner=Replays(recorder=recorder, storage=FixedStorage()),
        )
        # Twice each: what the first request records is void where the second needs more memory.
        for way, ends in [(recording, [len(prompts)]), *ways.values()] * 2:
            seconds(way, ends)
        yield f"{recorder.count} steps were recorded as CUDA graphs, in {recorder.seconds:.2f} s."
        yield ""
    for _ in range(repeats):
        for name, (way, ends) in ways.items():
            spent[name].append(seconds(way, ends))
    yield "| code generation | s | times the first |"
    yield "|---|---:|---:|"
    base = statistics.median(next(iter(spent.values())))
    for name, times in spent.items():
        yield f"| {name} | {_spread(times)} | {statistics.median(times) / base:.2f} |"
    rows = len(prompts) * case.plan.num_beams
    yield ""
    yield from _ceiling(generator.language_model, rows, base / case.plan.max_mel_tokens, clock)


def _ceiling(model: Any, rows: int, step_seconds: float, clock: Clock) -> Iterator[str]:
    """How near a decoding step is to what the device's memory and multipliers allow."""
    parts = (model.gpt.h, model.mel_head)
    weights = [each for part in parts for each in part.parameters() if each.ndim > 1]
    count, size = sum(each.numel() for each in weights), weights[0].element_size()
    block = torch.zeros(1 << 26, dtype=weights[0].dtype, device=weights[0].device)
    square = torch.ones(2048, 2048, dtype=weights[0].dtype, device=weights[0].device)
    copied = 2 * block.numel() * size / _best(clock, lambda: block.clone())
    multiplied = 2 * 2048**3 / _best(clock, lambda: square @ square)
    floor = max(count * size / copied, 2 * count * rows / multiplied)
    yield (
        f"One step of {rows} rows takes {1000 * step_seconds:.1f} ms. The device copies"
        f" {copied / 1e9:.1f} GB/s and multiplies {multiplied / 1e9:.0f} GFLOP/s, so the weights"
        f" alone need {1000 * floor:.1f} ms: {floor / step_seconds:.0%} of the ceiling."
    )


def _best(clock: Clock, work: Callable[[], object]) -> float:
    times = []
    for _ in range(5):
        began = clock.now()
        work()
        times.append(clock.now() - began)
    return min(times)


def _row(name: str, theirs: Sequence[float], own: Sequence[float], all_own: float) -> str:
    ratio = statistics.median(theirs) / statistics.median(own)
    share = statistics.median(own) / all_own
    return f"| {name} | {_spread(theirs)} | {_spread(own)} | {ratio:.2f} | {share:.0%} |"


def _spread(times: Sequence[float]) -> str:
    return f"{statistics.median(times):.2f} ({min(times):.2f} to {max(times):.2f})"


def _stages(case: Case) -> Stages:
    settings = EngineSettings(
        files=case.files,
        precision=Precision.FULL,
        use_cuda_kernel=False,
        use_cuda_graphs=True,
        use_grammars=False,
        max_tokens_per_segment=600,
        segments_at_once=16,
        early_first_audio=False,
        cache_dir=None,
    )
    return assemble(settings, torch.device(case.device)).stages


def _tokens(case: Case, stages: Stages | None) -> list[Sequence[int]]:
    """The token ids of each text; each is one segment."""
    text = (stages or _stages(case)).text
    read = partial(text.read, longest=600, language=None)
    return [segment.ids for each in case.texts() for segment in read(each).segments]


def _write(folder: Path, size: str) -> Path:
    """A checkpoint that never says the stop code."""
    model = write_checkpoint(folder, SIZES[size])
    saved = torch.load(model / "gpt.pth", weights_only=True)
    saved["model"]["mel_head.bias"][SIZES[size].model["gpt"]["stop_mel_token"]] = IMPOSSIBLE
    torch.save(saved, model / "gpt.pth")
    return model


def report(case: Case, repeats: int) -> Iterator[str]:
    """The tables, a line at a time as it is measured."""
    packages = ("torch", "transformers", "indextts2-inference")
    yield ", ".join(f"{name} {version(name)}" for name in packages)
    threads = f"{case.threads} of {os.cpu_count()} cores used"
    yield f"Python {platform.python_version()}, device {case.device}, {threads}"
    yield ""
    weights = {side: weigh(side, case) for side in SIDES}
    yield "| | package | ours | ratio |"
    yield "|---|---:|---:|---:|"
    loads, peaks = (
        [getattr(weights[side], name) for side in SIDES] for name in ("load_seconds", "peak_bytes")
    )
    yield f"| load, s | {loads[0]:.1f} | {loads[1]:.1f} | {loads[0] / loads[1]:.2f} |"
    megabytes = [peak / 2**20 for peak in peaks]
    yield (
        f"| peak memory, MB | {megabytes[0]:.0f} | {megabytes[1]:.0f} | {peaks[0] / peaks[1]:.2f} |"
    )
    yield ""
    with torch.inference_mode():
        ours = Ours(case)
        yield from comparison(Package(case, ours.stages), ours, case.chunks, repeats)
        yield ""
        yield from ablation(ours.stages, case, repeats)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--size", choices=SIZES, default="middle")
    parser.add_argument(
        "--full-size",
        dest="size",
        action="store_const",
        const="full",
        help="the published model's size, for machines with a GPU; the same as --size full",
    )
    parser.add_argument("--chunks", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--codes", type=int, default=48, help="codes that each chunk is forced to")
    parser.add_argument("--beams", type=int, default=3)
    parser.add_argument("--steps", type=int, default=25, help="of flow matching")
    parser.add_argument("--voice-seconds", type=float, default=1.5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1, help="of the CPU")
    asked = parser.parse_args()
    plan = SamplingPlan(
        num_beams=asked.beams, max_mel_tokens=asked.codes, diffusion_steps=asked.steps
    )
    torch.set_num_threads(asked.threads)
    with tempfile.TemporaryDirectory() as folder:
        model = _write(Path(folder), asked.size)
        case = Case(model, asked.chunks, asked.device, plan, asked.voice_seconds, asked.threads)
        print(f"{asked.size}, {asked.chunks} chunks of {asked.codes} codes, {asked.beams} beams,")
        print(f"{asked.steps} steps, a voice of {asked.voice_seconds} s, {asked.repeats} turns")
        for row in report(case, asked.repeats):
            print(row, flush=True)


if __name__ == "__main__":
    main()
