"""The contribution of each optimisation: a stage of a request with one change at a time."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from adapters.indextts2.engine.engine import Engine
from adapters.indextts2.noise import KeyedNoise, SegmentKey
from adapters.indextts2.s2m.mel_decoder import SemanticSegment
from adapters.indextts2.t2s.beam_search import Codes
from adapters.indextts2.t2s.generator import SemanticGenerator
from adapters.indextts2.t2s.sampling import CodeSampling
from adapters.indextts2.t2s.steps.buckets import ExactShapes, PowerOfTwoBuckets
from adapters.indextts2.t2s.steps.buffers import StaticBuffers
from adapters.indextts2.t2s.steps.cuda_graphs import CudaGraphs
from adapters.indextts2.t2s.steps.graph_runner import GraphCapture, GraphRunner
from adapters.indextts2.t2s.steps.runner import EagerRunner, Step
from benchmarks.ceilings import Ceiling
from benchmarks.sides import Case, Clock, tokens_of

Ways = dict[str, Callable[[], object]]


@dataclass(slots=True)
class ClockedCapture:
    """Counts the steps that ``graph_capture`` captures, and measures how long that takes."""

    graph_capture: GraphCapture
    clock: Clock
    count: int = 0
    seconds: float = 0.0

    def warm_up(self, step: Step) -> None:
        self.graph_capture.warm_up(step)

    def capture(self, step: Step) -> Step:
        began = self.clock.now()
        replay = self.graph_capture.capture(step)
        self.seconds += self.clock.now() - began
        self.count += 1
        return replay

    def reset(self) -> None:
        self.graph_capture.reset()


def ablation(
    engine: Engine, halved: Engine | None, case: Case, repeats: int, ceiling: Ceiling
) -> Iterator[str]:
    """Tables for code generation, flow matching and vocoder; ``halved`` is USE_FP16's engine."""
    clock = Clock(case)
    voice = engine.frontend.encoder.encode(case.voice(0))
    prompts = [
        engine.synthesizer.prompts.build(
            tokens, latents=voice.latents, emotion=engine.frontend.emotions.own(voice)
        )
        for tokens in tokens_of(case)
    ]
    keys = [SegmentKey(chunk, 0) for chunk in range(len(prompts))]
    noise = KeyedNoise(1, device=prompts[0].device)
    generation = Generation(prompts, keys, case.sampling, noise)
    if case.device != "cpu":
        yield from _capturing(engine.synthesizer.generator, generation, clock, case.device)
    spent = _in_turns(_generating(engine.synthesizer.generator, generation, case), repeats, clock)
    yield from _table("code generation", spent)
    together = statistics.median(next(iter(spent.values())))
    rows = len(prompts) * case.sampling.num_beams
    yield ""
    yield _share_of_ceiling(engine, rows, together / case.sampling.max_mel_tokens, ceiling)
    yield ""
    segments = [
        SemanticSegment(key, codes.ids, engine.synthesizer.latents(prompt, codes.ids))
        for key, codes, prompt in zip(
            keys, generation.by(engine.synthesizer.generator), prompts, strict=True
        )
    ]

    def mels_of(decoder: Any, size: int) -> list[Tensor]:
        return [
            mel
            for begin in range(0, len(segments), size)
            for mel in decoder.decode(
                segments[begin : begin + size], reference=voice, options=case.flow, noise=noise
            )
        ]

    integrating: Ways = {
        "all segments together": lambda: mels_of(engine.synthesizer.mel_decoder, len(segments)),
        "one segment at a time": lambda: mels_of(engine.synthesizer.mel_decoder, 1),
    }
    if halved is not None:
        halved_decoder = halved.synthesizer.mel_decoder
        integrating["all together, USE_FP16"] = lambda: mels_of(halved_decoder, len(segments))
    yield from _table("flow matching", _in_turns(integrating, repeats, clock))
    yield ""
    mels = mels_of(engine.synthesizer.mel_decoder, len(segments))
    vocoder = engine.synthesizer.vocoder
    speaking: Ways = {
        "all mels together": lambda: vocoder.synthesize(mels),
        "one mel at a time": lambda: [vocoder.synthesize([mel]) for mel in mels],
        "piece by piece": lambda: [list(vocoder.pieces(mel)) for mel in mels],
    }
    yield from _table("vocoder", _in_turns(speaking, repeats, clock))


@dataclass(frozen=True, slots=True)
class Generation:
    """The inputs of code generation: all segments of a request."""

    prompts: Sequence[Tensor]
    keys: Sequence[SegmentKey]
    sampling: CodeSampling
    noise: KeyedNoise

    def by(self, generator: SemanticGenerator, *ends: int) -> list[Codes]:
        """Generate the codes, in batches that end before the segments ``ends``, or in one."""
        codes: list[Codes] = []
        for end in ends or (len(self.prompts),):
            batch = slice(len(codes), end)
            codes += generator.generate(
                self.prompts[batch], self.keys[batch], sampling=self.sampling, noise=self.noise
            )
        return codes


def _generating(generator: Any, generation: Generation, case: Case) -> Ways:
    every = len(generation.prompts)

    def way(changed: SemanticGenerator, *ends: int) -> Callable[[], object]:
        return lambda: generation.by(changed, *ends)

    ways = {
        "all segments in one batch": way(generator),
        "the first alone, then the rest (what the engine does)": way(generator, 1, every),
        "four segments at once": way(generator, *range(4, every, 4), every),
        "one segment at a time": way(generator, *range(1, every + 1)),
        "one batch, finished rows polled at every step": way(replace(generator, poll_every=1)),
        "one batch, no row dropped from the cache": way(
            replace(generator, reserve_steps=case.sampling.max_mel_tokens)
        ),
    }
    if case.device != "cpu":
        ways["one batch, no step captured (USE_CUDA_GRAPHS=false)"] = way(
            replace(generator, buckets=ExactShapes(), runner=EagerRunner())
        )
    return ways


def _capturing(generator: Any, generation: Generation, clock: Clock, device: str) -> Iterator[str]:
    """Report the time to capture the steps of a request; the second run captures moved buffers."""
    graph_capture = ClockedCapture(CudaGraphs(torch.device(device)), clock)
    runner = GraphRunner(graph_capture=graph_capture, buffers=StaticBuffers())
    capturing = replace(generator, buckets=PowerOfTwoBuckets(), runner=runner)
    for _ in range(2):
        generation.by(capturing)
    count, seconds = graph_capture.count, graph_capture.seconds
    yield f"{count} steps were captured as CUDA graphs, in {seconds:.2f} s."
    yield ""


def _in_turns(ways: Ways, repeats: int, clock: Clock) -> dict[str, list[float]]:
    if repeats > 1:
        for way in ways.values():
            way()
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            spent[name].append(clock.seconds(way))
    return spent


def _table(stage: str, spent: dict[str, list[float]]) -> Iterator[str]:
    yield f"| {stage} | s | times the first |"
    yield "|---|---:|---:|"
    base = statistics.median(next(iter(spent.values())))
    for name, times in spent.items():
        yield f"| {name} | {spread(times)} | {statistics.median(times) / base:.2f} |"


def spread(times: Sequence[float]) -> str:
    """Format the median and both extremes."""
    return f"{statistics.median(times):.2f} ({min(times):.2f} to {max(times):.2f})"


def _share_of_ceiling(engine: Engine, rows: int, step_seconds: float, ceiling: Ceiling) -> str:
    """Compare a decoding step with the limits of the device's memory and multipliers."""
    generator: Any = engine.synthesizer.generator
    model = generator.language_model
    parts = (model.gpt.h, model.mel_head)
    weights = [each for part in parts for each in part.parameters() if each.ndim > 1]
    count, size = sum(each.numel() for each in weights), weights[0].element_size()
    floor = max(
        count * size / ceiling.bytes_per_second, 2 * count * rows / ceiling.operations_per_second
    )
    return (
        f"One step of {rows} rows takes {1000 * step_seconds:.1f} ms; its weights alone need"
        f" {1000 * floor:.1f} ms at the device's measured pace: {floor / step_seconds:.0%} of the"
        " ceiling."
    )
