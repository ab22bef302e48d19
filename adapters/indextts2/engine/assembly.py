"""From files to a loaded engine: the one place that knows which parts belong together."""

import importlib
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from adapters.indextts2.checkpoint_files import MODEL, NEEDED_FILES, WORDS_FOLDER, CheckpointFiles
from adapters.indextts2.devices import Precision
from adapters.indextts2.engine.stages import Stages
from adapters.indextts2.failures import reading
from adapters.indextts2.noise import KeyedNoise
from adapters.indextts2.reference.cache import CachingReferenceEncoder
from adapters.indextts2.reference.emotion import EmotionMixer
from adapters.indextts2.reference.emotion_text import QwenEmotionClassifier
from adapters.indextts2.reference.encoder import NeuralReferenceEncoder
from adapters.indextts2.reference.features import mel_settings
from adapters.indextts2.s2m.mel_decoder import EulerMelDecoder
from adapters.indextts2.s2m.velocity import VelocityField
from adapters.indextts2.segment_limit import clamp_note
from adapters.indextts2.t2s.generator import StepwiseGenerator
from adapters.indextts2.t2s.latents import FullPassReader
from adapters.indextts2.t2s.prompt import PromptBuilder
from adapters.indextts2.t2s.steps.buckets import PowerOfTwoBuckets
from adapters.indextts2.t2s.steps.buffers import StaticBuffers
from adapters.indextts2.t2s.steps.cuda_graphs import CudaGraphs
from adapters.indextts2.t2s.steps.graph_runner import GraphRunner
from adapters.indextts2.t2s.text import TextReader
from adapters.indextts2.t2s.transformer import Transformer
from adapters.indextts2.upstream import NAME, ModelClasses, bare_package, import_model_classes
from adapters.indextts2.vocoder.bigvgan import BigVgan
from adapters.indextts2.vocoder.windowed import BigVganVocoder
from adapters.indextts2.weights.builders import NumberTypes
from adapters.indextts2.weights.converted import conversion_name
from adapters.indextts2.weights.fingerprints import fingerprint
from adapters.indextts2.weights.networks import Networks, build_networks

_CONVERTED = "converted"
_FUSED_ACTIVATION = f"{NAME}.s2mel.modules.bigvgan.alias_free_activation.cuda.activation1d"
_FRAMES_AT_ONCE = 1 << 14
"""Segments painted together: about 16 chunks with a reference of eight seconds."""
_EARLY_CODES = 100
"""Two seconds, of which 0.7 are held back at full size: they feel how the segment goes on."""
_FIRST_WINDOW, _VOCODER_WINDOW, _WINDOWS_AT_ONCE = 128, 1024, 4
"""In frames: 1.5 and 12 seconds. Where audio leaves piece by piece, the first is one second."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How to build an engine; see ``adapters.indextts2.model.IndexTTS2Model``."""

    files: CheckpointFiles
    precision: Precision
    use_cuda_kernel: bool
    use_cuda_graphs: bool
    use_grammars: bool
    max_tokens_per_segment: int
    segments_at_once: int
    early_first_audio: bool
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
    files, types, notes = settings.files, _number_types(settings.precision), []
    with bare_package(), torch.no_grad():
        classes = import_model_classes()
        fused = settings.use_cuda_kernel and device.type == "cuda"
        if fused and not _fused_vocoder_builds():
            fused = False
            notes.append(
                "USE_CUDA_KERNEL: the vocoder's kernel does not compile here (it needs nvcc and"
                " ninja); its torch code is used instead"
            )
        networks = build_networks(
            files,
            classes,
            device,
            fused_vocoder=fused,
            types=types,
            converted=_conversion(settings),
        )
        estimator: Any = networks.flow_estimator
        velocity = VelocityField(estimator=estimator)
    text = _text_reader(files, classes, use_grammars=settings.use_grammars)
    notes.extend([text.warning] if text.warning else [])
    language_model: Any = networks.language_model
    semantic_codec: Any = networks.semantic_codec
    prompts = PromptBuilder(language_model=language_model, dtype=types.language)
    longest = max(1, min(settings.max_tokens_per_segment, prompts.longest_text))
    notes.extend(clamp_note(settings.max_tokens_per_segment, longest))
    backbone = Transformer(gpt=language_model.gpt, heads=int(language_model.heads))
    stages = Stages(
        text=text,
        listener=_listener(settings, networks, device),
        emotions=EmotionMixer(
            styles=networks.exemplar_styles,
            emotions=networks.exemplar_emotions,
            counts=networks.exemplar_counts,
        ),
        words=QwenEmotionClassifier(folder=files.folder(MODEL) / WORDS_FOLDER, device=device),
        prompts=prompts,
        generator=_generator(settings, language_model, backbone, device),
        latents=FullPassReader(language_model=language_model, backbone=backbone),
        mel_decoder=EulerMelDecoder(
            velocity=velocity,
            length_regulator=networks.length_regulator,
            latent_projection=networks.latent_projection,
            semantic_codec=semantic_codec,
            frames_at_once=_FRAMES_AT_ONCE,
        ),
        vocoder=BigVganVocoder(
            network=networks.vocoder,
            synthesis=networks.vocoder if fused else BigVgan(network=networks.vocoder),
            first_window=_FIRST_WINDOW,
            window=_VOCODER_WINDOW,
            windows_at_once=_WINDOWS_AT_ONCE,
        ),
        noise=partial(KeyedNoise, device=device),
        longest_segment=longest,
        segments_at_once=settings.segments_at_once,
        early_codes=_EARLY_CODES if settings.early_first_audio else 0,
    )
    return Assembled(stages=stages, notes=tuple(notes))


def _generator(
    settings: EngineSettings, language_model: Any, backbone: Transformer, device: torch.device
) -> StepwiseGenerator:
    generator = StepwiseGenerator(language_model=language_model, backbone=backbone)
    if not settings.use_cuda_graphs or device.type != "cuda":
        return generator
    # Beside graphs, cuDNN's attention is known for NaN where a mask hides whole blocks of keys.
    torch.backends.cuda.enable_cudnn_sdp(False)
    replays = GraphRunner(recorder=CudaGraphs(device), storage=StaticBuffers())
    return replace(generator, buckets=PowerOfTwoBuckets(), runner=replays)


def _text_reader(
    files: CheckpointFiles, classes: ModelClasses, *, use_grammars: bool
) -> TextReader:
    return TextReader(
        classes=classes,
        tokens=files.path(MODEL, "bpe.model"),
        glossary=files.path(MODEL, "glossary.yaml"),
        use_grammars=use_grammars,
    )


def _number_types(precision: Precision) -> NumberTypes:
    """bfloat16 has the flow's range, float16 the fine steps that the vocoder's phases need."""
    match precision:
        case Precision.FULL:
            return NumberTypes()
        case Precision.HALF_PRODUCTS:
            return NumberTypes(blocks=torch.bfloat16, flow=torch.bfloat16)
        case Precision.HALF:
            return NumberTypes(
                language=torch.float16,
                blocks=torch.float16,
                flow=torch.bfloat16,
                vocoder=torch.float16,
            )


def _conversion(settings: EngineSettings) -> Path | None:
    """Where the converted weights of these files lie: beside them, or in the cache."""
    files = settings.files
    beside = files.folder(MODEL).is_relative_to(files.checkpoints)
    folder = files.checkpoints if beside else settings.cache_dir
    if folder is None:
        return None
    name = conversion_name(_required(files), precision=settings.precision.value)
    return folder / _CONVERTED / name


def _listener(
    settings: EngineSettings, networks: Networks, device: torch.device
) -> CachingReferenceEncoder:
    return CachingReferenceEncoder(
        listener=neural_reference_encoder(networks, device),
        model_fingerprint=fingerprint(_required(settings.files)),
        precision=settings.precision.value,
        device=device,
        folder=settings.cache_dir,
    )


def neural_reference_encoder(networks: Networks, device: torch.device) -> NeuralReferenceEncoder:
    """Return a reference encoder of ``networks``, which are on ``device``."""
    speech_encoder: Any = networks.speech_encoder
    semantic_codec: Any = networks.semantic_codec
    language_model: Any = networks.language_model
    with reading("config.yaml"):
        mel = mel_settings(networks.config.s2mel.preprocess_params)
    return NeuralReferenceEncoder(
        speech_encoder=speech_encoder,
        encoder_mean=networks.encoder_mean,
        encoder_deviation=networks.encoder_deviation,
        semantic_codec=semantic_codec,
        speaker_encoder=networks.speaker_encoder,
        language_model=language_model,
        length_regulator=networks.length_regulator,
        mel=mel,
        device=device,
    )


def _required(files: CheckpointFiles) -> list[Path]:
    return [files.path(file.repository, file.path) for file in NEEDED_FILES if file.required]


def _fused_vocoder_builds() -> bool:
    try:
        importlib.import_module(_FUSED_ACTIVATION)
    except Exception:  # noqa: BLE001 - a compiler can fail in any way, and there is a way without
        return False
    return True
