"""Run a case of golden outputs through the engine, with the chance that the package had."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import Tensor

from adapters.indextts2.checkpoint_files import CheckpointFiles
from adapters.indextts2.devices import Precision
from adapters.indextts2.engine.assembly import assemble, neural_reference_encoder
from adapters.indextts2.engine.engine import Engine
from adapters.indextts2.noise import Candidates, Noise, SegmentKey
from adapters.indextts2.options import EngineOptions
from adapters.indextts2.reference.encoder import emotion_audio, speaker_audio
from adapters.indextts2.t2s.beam_search import Codes
from adapters.indextts2.t2s.generator import SemanticGenerator
from adapters.indextts2.t2s.sampling import CodeSampling
from adapters.indextts2.upstream import bare_package, import_model_classes
from adapters.indextts2.weights.networks import build_networks
from domain.audio import Samples
from domain.delivery import Delivery, Sampling
from domain.emotion import Emotion, RecordedEmotion, VectorEmotion
from domain.voice import Recording
from tests.models.indextts2.mels import assert_same_mel
from tests.models.indextts2.parts import with_parts

_CONTROLS = [field.name for field in fields(Sampling)]


class PackageNoise:
    """torch's own generator, seeded where the golden program seeded it; one segment at a time.

    ``closest`` is the smallest relative gap so far between two neighbours in the race for a draw.
    """

    def __init__(self, seed: int) -> None:
        self.closest = 1.0
        self._seed = seed
        self._of_segment: dict[int, torch.Generator] = {}

    def keys(self, segments: Sequence[SegmentKey]) -> Tensor:
        return torch.tensor([segment.segment for segment in segments])

    def sample_without_replacement(
        self, keys: Tensor, candidates: Candidates, count: int, *, step: Tensor
    ) -> Tensor:
        (segment,) = keys.tolist()
        if segment not in self._of_segment:
            self._of_segment[segment] = self._seeded(100 * segment)
        columns, width = candidates.columns, candidates.width
        table = torch.zeros(1, width).scatter(1, columns, candidates.probabilities)
        # What torch.multinomial does: the columns race, and the first ``count`` are drawn.
        pace = torch.empty_like(table).exponential_(generator=self._of_segment[segment])
        ranked, drawn = (table / pace).topk(min(count + 1, width), dim=1)
        possible = ranked[ranked > 0]
        gaps = 1 - possible[1:] / possible[:-1]
        self.closest = min([self.closest, *gaps.tolist()])
        drawn = drawn[:, :count]
        # Where fewer than ``count`` are possible the package draws what was left out, to no effect.
        turns = torch.full((1, width), count).scatter(1, drawn, torch.arange(count)[None])
        return turns.gather(1, columns).argsort(dim=1, stable=True)[:, :count]

    def flow_start(self, key: SegmentKey, *, channels: int, frames: int) -> Tensor:
        return torch.randn(1, channels, frames, generator=self._seeded(100 * key.segment + 50))

    def pick(self, count: int, *, index: int) -> int:
        raise AssertionError("no golden case draws exemplars")

    def _seeded(self, offset: int) -> torch.Generator:
        return torch.Generator().manual_seed(self._seed + offset)


@dataclass(slots=True)
class Witness:
    """Stands before the generator and the teacher-forced pass, and keeps what they return."""

    generator: SemanticGenerator
    compute_latents: Callable[[Tensor, Tensor], Tensor]
    codes: list[Codes] = field(default_factory=list)
    latents: list[Tensor] = field(default_factory=list)

    @property
    def longest(self) -> int:
        return self.generator.longest

    def generate(
        self,
        prompts: Sequence[Tensor],
        keys: Sequence[SegmentKey],
        *,
        sampling: CodeSampling,
        noise: Noise,
    ) -> list[Codes]:
        self.codes.extend(self.generator.generate(prompts, keys, sampling=sampling, noise=noise))
        return self.codes[-len(prompts) :]

    def begin(
        self, prompt: Tensor, key: SegmentKey, *, sampling: CodeSampling, noise: Noise, count: int
    ) -> Tensor | Codes:
        return self.generator.begin(prompt, key, sampling=sampling, noise=noise, count=count)

    def read(self, prompt: Tensor, codes: Tensor) -> Tensor:
        self.latents.append(self.compute_latents(prompt, codes))
        return self.latents[-1]


@dataclass(frozen=True, slots=True)
class GoldenRun:
    codes: list[Codes]
    latents: list[Tensor]
    waves: list[Samples]


def golden_engine(
    checkpoint: Path, *, precision: Precision = Precision.FULL, early_first_audio: bool = False
) -> Engine:
    """Return a checkpoint's engine, one segment at a time, with the package's random numbers."""
    assembled = assemble(
        EngineOptions(
            checkpoints_dir=checkpoint,
            max_tokens_per_segment=600,
            segments_at_once=1,
            early_first_audio=early_first_audio,
            use_grammars=False,
        ),
        precision=precision,
        device=torch.device("cpu"),
    )
    return with_parts(assembled.engine, noise=PackageNoise)


def run_case(engine: Engine, case: dict[str, Any], voices: dict[str, Recording]) -> GoldenRun:
    """``case``: voice, text, seed and the arguments of ``IndexTTS2.infer``."""
    arguments = case["arguments"]
    witness = Witness(engine.synthesizer.generator, engine.synthesizer.latents)
    longest = arguments.get("max_text_tokens_per_segment", 120)
    engine = with_parts(engine, generator=witness, latents=witness.read, longest_segment=longest)
    emotion, recording = _emotion(arguments, voices)
    delivery = Delivery(
        seed=case["seed"],
        emotion=emotion,
        emotion_recording=recording,
        sampling=Sampling(**{name: arguments[name] for name in _CONTROLS if name in arguments}),
    )
    with torch.inference_mode():
        parts = list(engine.speak([case["text"]], voice=voices[case["voice"]], delivery=delivery))
    return GoldenRun(witness.codes, witness.latents, [part.samples for part in parts])


def assert_same_reference(
    checkpoint: Path, golden: dict[str, Any], *, voice: Recording, emotion: Recording
) -> None:
    """Compare what is computed of two recordings with the arrays that ``golden`` names."""
    device = torch.device("cpu")
    with bare_package(), torch.inference_mode():
        networks = build_networks(
            CheckpointFiles(checkpoint), import_model_classes(), device, fused_vocoder=False
        )
        encoder = neural_reference_encoder(networks, device)
        reference = encoder.encode(voice)
        computed = {
            "speaker_features": encoder.semantic_features(speaker_audio(voice.waveform)[1]),
            "emotion_features": encoder.semantic_features(emotion_audio(emotion.waveform)),
            "style": reference.style,
            "prompt": reference.prompt,
        }
    assert_same_mel(reference.mel.numpy(), golden["mel"])
    for name, tensor in computed.items():
        np.testing.assert_allclose(tensor.numpy(), golden[name], atol=1e-4, err_msg=name)


def stop_code(checkpoint: Path) -> int:
    """Return the semantic code that ends a segment, as the checkpoint's config.yaml says."""
    config = yaml.safe_load((checkpoint / "config.yaml").read_text("utf-8"))
    return int(config["gpt"]["stop_mel_token"])


def with_stop(codes: Codes, stop: int) -> list[int]:
    """The codes as the package returns them: closed by the stop code where there was one."""
    ids = codes.ids.tolist()
    return [*ids, stop] if codes.stopped else ids


def in_steps(wave: Samples) -> np.ndarray[Any, np.dtype[np.float64]]:
    """±1 in steps of a 16-bit file."""
    return wave.astype(np.float64) * 32767


def _emotion(
    arguments: dict[str, Any], voices: dict[str, Recording]
) -> tuple[Emotion | None, Recording | None]:
    alpha = arguments.get("emo_alpha", 1.0)
    if "emo_vector" in arguments:
        return VectorEmotion(tuple(map(float, arguments["emo_vector"])), alpha), None
    if "emo_audio_prompt" in arguments:
        name = arguments["emo_audio_prompt"]
        return RecordedEmotion(name, alpha), voices[name]
    return None, None
