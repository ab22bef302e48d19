"""From files to a loaded engine: the one place that knows which parts belong together."""

import importlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from adapters.indextts2.backbone import Backbone
from adapters.indextts2.checkpoint_files import MODEL, NEEDED_FILES, WORDS_FOLDER, CheckpointFiles
from adapters.indextts2.conditioning import RecordingListener
from adapters.indextts2.devices import Precision
from adapters.indextts2.emotion_vectors import EmotionMixer
from adapters.indextts2.emotion_words import QwenEmotionReader
from adapters.indextts2.engine import Stages
from adapters.indextts2.flow import EulerMelDecoder
from adapters.indextts2.generation import LoopingGenerator
from adapters.indextts2.latents import FullPassReader
from adapters.indextts2.networks import Networks, build_networks
from adapters.indextts2.noise import KeyedNoise
from adapters.indextts2.package import NAME, ModelClasses, bare_package, import_model_classes
from adapters.indextts2.prompt import PromptBuilder
from adapters.indextts2.reference_cache import CachedListener, fingerprint
from adapters.indextts2.segment_limit import clamp_note
from adapters.indextts2.text import TextReader
from adapters.indextts2.vocoder import BigVganVocoder

_FUSED_ACTIVATION = f"{NAME}.s2mel.modules.bigvgan.alias_free_activation.cuda.activation1d"
_HALVED = (
    "gpt",
    "final_norm",
    "mel_head",
    "mel_embedding",
    "mel_pos_embedding",
    "text_embedding",
    "text_pos_embedding",
    "speed_emb",
)
"""The parts of the language model that speak; those that listen stay in float32."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How to build an engine; see ``adapters.indextts2.model.IndexTTS2Model``."""

    files: CheckpointFiles
    precision: Precision
    use_cuda_kernel: bool
    use_grammars: bool
    max_tokens_per_segment: int
    segments_at_once: int
    cache_dir: Path | None


@dataclass(frozen=True, slots=True)
class Assembled:
    """The stages of an engine, ready to run, and a sentence for each thing it could not have."""

    stages: Stages
    notes: tuple[str, ...]


def assemble(settings: EngineSettings, device: torch.device) -> Assembled:
    """Read the weights onto ``device`` and wire the stages.

    Raises:
        ModelUnavailable: a file is missing, damaged or of another model.
        OutOfMemory: the device is too small.
        ImportError: a package is missing or broken.
    """
    files, notes = settings.files, []
    with bare_package(), torch.no_grad():
        classes = import_model_classes()
        fused = settings.use_cuda_kernel and device.type == "cuda"
        if fused and not _fused_vocoder_builds():
            fused = False
            notes.append(
                "USE_CUDA_KERNEL: the vocoder's kernel does not compile here (it needs nvcc and"
                " ninja); its torch code is used instead"
            )
        networks = build_networks(files, classes, device, fused_vocoder=fused)
    text = _text_reader(files, classes, use_grammars=settings.use_grammars)
    notes.extend([text.warning] if text.warning else [])
    language_model: Any = networks.language_model
    for name in _HALVED:
        getattr(language_model, name).to(settings.precision.dtype)
    prompts = PromptBuilder(language_model=language_model, dtype=settings.precision.dtype)
    longest = max(1, min(settings.max_tokens_per_segment, prompts.longest_text))
    notes.extend(clamp_note(settings.max_tokens_per_segment, longest))
    backbone = Backbone(gpt=language_model.gpt, heads=int(language_model.heads))
    stages = Stages(
        text=text,
        listener=_listener(settings, networks, device),
        emotions=EmotionMixer(
            styles=networks.exemplar_styles,
            emotions=networks.exemplar_emotions,
            counts=networks.exemplar_counts,
        ),
        words=QwenEmotionReader(folder=files.folder(MODEL) / WORDS_FOLDER, device=device),
        prompts=prompts,
        generator=LoopingGenerator(language_model=language_model, backbone=backbone),
        latents=FullPassReader(language_model=language_model, backbone=backbone),
        mel_decoder=EulerMelDecoder(
            estimator=networks.flow_estimator,
            length_regulator=networks.length_regulator,
            latent_projection=networks.latent_projection,
            semantic_codec=networks.semantic_codec,
        ),
        vocoder=BigVganVocoder(network=networks.vocoder),
        noise=partial(KeyedNoise, device=device),
        longest_segment=longest,
        segments_at_once=settings.segments_at_once,
    )
    return Assembled(stages=stages, notes=tuple(notes))


def _text_reader(
    files: CheckpointFiles, classes: ModelClasses, *, use_grammars: bool
) -> TextReader:
    return TextReader(
        classes=classes,
        tokens=files.path(MODEL, "bpe.model"),
        glossary=files.path(MODEL, "glossary.yaml"),
        use_grammars=use_grammars,
    )


def _listener(settings: EngineSettings, networks: Networks, device: torch.device) -> CachedListener:
    files = [
        settings.files.path(file.repository, file.path) for file in NEEDED_FILES if file.required
    ]
    return CachedListener(
        listener=RecordingListener(networks=networks, device=device),
        model_fingerprint=fingerprint(files),
        precision=settings.precision.name,
        device=device,
        folder=settings.cache_dir,
    )


def _fused_vocoder_builds() -> bool:
    try:
        importlib.import_module(_FUSED_ACTIVATION)
    except Exception:  # noqa: BLE001 - a compiler can fail in any way, and there is a way without
        return False
    return True
