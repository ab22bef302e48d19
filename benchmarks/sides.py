"""The two sides of the comparison: the package's modules and this engine, with equal requests."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import torch

from adapters.indextts2.checkpoint_files import MODEL, CheckpointFiles
from adapters.indextts2.devices import Precision, choose_precision, cpu_multiplies_bfloat16
from adapters.indextts2.engine.assembly import assemble
from adapters.indextts2.engine.engine import Engine
from adapters.indextts2.options import EngineOptions
from adapters.indextts2.s2m.options import FlowOptions
from adapters.indextts2.t2s.sampling import CodeSampling
from adapters.indextts2.t2s.text import TextReader
from adapters.indextts2.upstream import bare_package, import_model_classes
from benchmarks.upstream import Mode, Upstream
from domain.delivery import Delivery, Sampling
from domain.voice import Recording
from tests.models.indextts2.parts import with_parts
from tests.tiny_checkpoint.voices import recording

SENTENCE = "The quick brown fox jumps over the lazy dog, and segment {} is spoken."
STAGES = {
    "reference": "encoder",
    "code generation": "generator",
    "latents": "latents",
    "flow matching": "mel_decoder",
    "vocoder": "vocoder",
}
"""Names of the stages in the tables, and of the engine's parts."""
RATE_HZ = 22_050


@dataclass(frozen=True, slots=True)
class Case:
    """The checkpoint, device and requests of both sides."""

    model: Path
    chunks: int
    device: str
    sampling: CodeSampling
    flow: FlowOptions
    voice_seconds: float
    threads: int

    @property
    def files(self) -> CheckpointFiles:
        return CheckpointFiles(self.model)

    def texts(self) -> list[str]:
        return [SENTENCE.format(index) for index in range(self.chunks)]

    def voice(self, turn: int) -> Recording:
        """Return another voice for each turn, so that no cache holds it."""
        return recording(f"voice {turn}", 100.0 + 10 * turn, seconds=self.voice_seconds)

    def delivery(self, seed: int) -> Delivery:
        sampling = Sampling(
            num_beams=self.sampling.num_beams,
            max_mel_tokens=self.sampling.max_mel_tokens,
            diffusion_steps=self.flow.diffusion_steps,
        )
        return Delivery(seed, sampling=sampling)

    @property
    def half(self) -> Precision:
        """The precision that USE_FP16 selects on the case's device."""
        return choose_precision(
            torch.device(self.device),
            use_fp16=True,
            cpu_multiplies_bfloat16=cpu_multiplies_bfloat16(),
        )


class Meter(Protocol):
    """Measures the cost of each stage, in seconds or operations."""

    spent: dict[str, float]

    def on(self, stage: str) -> AbstractContextManager[None]:
        """Charge the cost of the block to ``stage``."""

    def now(self) -> float:
        """Return the cost so far, of all stages and of everything else."""


class Clock:
    """Seconds of each stage; the device is synchronised, so that each gets its own work."""

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

    def seconds(self, work: Callable[[], object]) -> float:
        began = self.now()
        work()
        return self.now() - began


class Metered:
    """A stage, as a function or an object with methods, whose calls are measured."""

    def __init__(self, stage: Any, name: str, meter: Meter) -> None:
        self._stage, self._name, self._meter = stage, name, meter

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._stage, name)
        return Metered(found, self._name, self._meter) if callable(found) else found

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        with self._meter.on(self._name):
            answer = self._stage(*arguments, **named)
        return self._each(answer) if isinstance(answer, Iterator) else answer

    def _each(self, answers: Iterator[Any]) -> Iterator[Any]:
        while True:
            with self._meter.on(self._name):
                answer = next(answers, None)
            if answer is None:
                return
            yield answer


@dataclass(frozen=True, slots=True)
class Turn:
    """One request: the cost of each stage and of all, and the seconds of audio."""

    stages: dict[str, float]
    total: float
    audio: float


class Package:
    """The package's modules, as upstream drives them."""

    def __init__(
        self, case: Case, mode: Mode | None = None, *, upstream: Upstream | None = None
    ) -> None:
        self._case = case
        self.upstream = upstream or Upstream.load(case.files, torch.device(case.device), mode)
        self._tokens = tokens_of(case)

    def take(self, turn: int, chunks: int) -> Turn:
        clock = Clock(self._case)
        began = clock.now()
        with clock.on("reference"):
            features = self.upstream.encode(self._case.voice(turn))
        samples = sum(self._speak(features, tokens, clock) for tokens in self._tokens[:chunks])
        return Turn(clock.spent, clock.now() - began, samples / RATE_HZ)

    def first_audio(self, turn: int) -> float:
        """Seconds until the first chunk is spoken, in a voice that is known."""
        features, clock = self.upstream.encode(self._case.voice(turn)), Clock(self._case)
        return clock.seconds(lambda: self._speak(features, self._tokens[0], clock))

    def _speak(self, features: Any, tokens: Sequence[int], clock: Clock) -> int:
        upstream, case = self.upstream, self._case
        with clock.on("code generation"):
            codes = upstream.generate(features, tokens, case.sampling)
        with clock.on("latents"):
            codes, latents = upstream.latents_of(features, codes)
        with clock.on("flow matching"):
            mel = upstream.mel_of(features, codes, latents, case.flow)
        with clock.on("vocoder"):
            return len(upstream.speak(mel))


class Ours:
    """The engine of this product, with measured stages."""

    def __init__(self, case: Case, engine: Engine | None = None) -> None:
        self._case = case
        self.engine = engine or engine_of(case)

    def take(self, turn: int, chunks: int, meter: Meter | None = None) -> Turn:
        meter = meter or Clock(self._case)
        metered: dict[str, Any] = {
            field: Metered(self._part(field), name, meter) for name, field in STAGES.items()
        }
        engine = with_parts(self.engine, **metered)
        began = meter.now()
        parts = engine.speak(
            self._case.texts()[:chunks],
            voice=self._case.voice(turn),
            delivery=self._case.delivery(turn),
        )
        samples = sum(len(part.samples) for part in parts)
        return Turn(meter.spent, meter.now() - began, samples / RATE_HZ)

    def _part(self, field: str) -> Any:
        engine = self.engine
        return getattr(engine.frontend, field, None) or getattr(engine.synthesizer, field)

    def first_audio(self, turn: int, *, early_codes: int = 0) -> float:
        """Seconds until the first samples leave, in a voice that is known."""
        voice, clock = self._case.voice(turn), Clock(self._case)
        self.engine.frontend.encoder.encode(voice)
        engine = with_parts(self.engine, early_codes=early_codes)
        parts = engine.speak(self._case.texts(), voice=voice, delivery=self._case.delivery(turn))
        seconds = clock.seconds(lambda: next(parts))
        parts.close()
        return seconds


def engine_of(case: Case, precision: Precision = Precision.FULL) -> Engine:
    """Load the engine of ``case`` without text normalisation."""
    options = EngineOptions(
        checkpoints_dir=case.model, max_tokens_per_segment=600, use_grammars=False
    )
    return assemble(options, precision=precision, device=torch.device(case.device)).engine


def tokens_of(case: Case) -> list[Sequence[int]]:
    """Return the token ids of each text; each text is one segment."""
    with bare_package():
        classes = import_model_classes()
    path = partial(case.files.path, MODEL)
    text = TextReader(
        classes=classes,
        tokens=path("bpe.model"),
        glossary=path("glossary.yaml"),
        use_grammars=False,
    )
    read = partial(text.read, longest=600, language=None)
    return [segment.ids for each in case.texts() for segment in read(each).segments]
