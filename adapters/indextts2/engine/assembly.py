"""From files to a loaded engine: the one module that knows which parts belong together."""

import importlib
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from adapters.indextts2.checkpoint_files import MODEL, NEEDED_FILES, WORDS_FOLDER, CheckpointFiles
from adapters.indextts2.devices import Precision, clamp_note
from adapters.indextts2.engine.engine import Engine
from adapters.indextts2.engine.frontend import Frontend
from adapters.indextts2.engine.synthesis import Synthesizer
from adapters.indextts2.failures import reading
from adapters.indextts2.noise import KeyedNoise
from adapters.indextts2.options import EngineOptions
from adapters.indextts2.reference.cache import CachingReferenceEncoder
from adapters.indextts2.reference.emotion import EmotionMixer
from adapters.indextts2.reference.emotion_text import QwenEmotionClassifier
from adapters.indextts2.reference.encoder import NeuralReferenceEncoder
from adapters.indextts2.reference.features import mel_settings
from adapters.indextts2.s2m.mel_decoder import EulerMelDecoder
from adapters.indextts2.s2m.velocity import VelocityField
from adapters.indextts2.t2s.generator import StepwiseGenerator
from adapters.indextts2.t2s.language_model import LanguageModel
from adapters.indextts2.t2s.latents import compute_latents
from adapters.indextts2.t2s.prompt import PromptBuilder
from adapters.indextts2.t2s.steps.buckets import PowerOfTwoBuckets
from adapters.indextts2.t2s.steps.buffers import StaticBuffers
from adapters.indextts2.t2s.steps.cuda_graphs import CudaGraphs
from adapters.indextts2.t2s.steps.graph_runner import GraphRunner
from adapters.indextts2.t2s.text import TextReader
from adapters.indextts2.t2s.transformer import Transformer
from adapters.indextts2.upstream import NAME, bare_package, import_model_classes
from adapters.indextts2.vocoder.bigvgan import BigVgan
from adapters.indextts2.vocoder.windowed import BigVganVocoder
from adapters.indextts2.weights.builders import NumberTypes
from adapters.indextts2.weights.converted import conversion_name, fingerprint
from adapters.indextts2.weights.networks import Networks, build_networks

_CONVERTED = "converted"
_FUSED_ACTIVATION = f"{NAME}.s2mel.modules.bigvgan.alias_free_activation.cuda.activation1d"
_FRAMES_AT_ONCE = 1 << 14
"""Mel frames that flow matching integrates together, prompt frames included: about 16 chunks with a
reference of eight seconds."""
_EARLY_CODES = 100
"""Codes to generate before early audio starts: two seconds. The last frames are withheld because
later codes still change them."""
_FIRST_WINDOW, _VOCODER_WINDOW, _WINDOWS_AT_ONCE = 128, 1024, 4
"""Mel frames of the vocoder's first window (1.5 s) and of the longest one (12 s), and the number of
windows that share a batch."""


@dataclass(frozen=True, slots=True)
class Assembled:
    """A loaded engine, and a sentence for each setting that could not be had."""

    engine: Engine
    notes: tuple[str, ...]


def assemble(options: EngineOptions, *, precision: Precision, device: torch.device) -> Assembled:
    """Read the weights onto ``device`` and build the engine.

    Raises:
        ModelUnavailable: A file is missing, damaged or of another model.
        OutOfMemory: The device is too small.
        ImportError: A package is missing or broken.
    """
    files = CheckpointFiles(options.checkpoints_dir, options.hub_caches, options.baked_dir)
    types = number_types(precision)
    with bare_package(), torch.no_grad():
        classes = import_model_classes()
        # First, because a person edits the glossary, and reading it takes only a moment.
        text = TextReader(
            classes=classes,
            tokens=files.path(MODEL, "bpe.model"),
            glossary=files.path(MODEL, "glossary.yaml"),
            use_grammars=options.use_grammars,
        )
        fused, fused_notes = _fused_vocoder(options, device)
        networks = build_networks(
            files,
            classes,
            device,
            fused_vocoder=fused,
            types=types,
            converted=_conversion(options, files, precision),
        )
        estimator: Any = networks.flow_estimator
        velocity = VelocityField(estimator=estimator)
    synthesizer = _synthesizer(options, networks, velocity, types, device, fused=fused)
    longest = max(1, min(options.max_tokens_per_segment, synthesizer.prompts.longest_text))
    frontend = Frontend(
        text=text,
        encoder=_reference_encoder(options, files, networks, precision, device),
        emotions=EmotionMixer(
            styles=networks.exemplar_styles,
            emotions=networks.exemplar_emotions,
            counts=networks.exemplar_counts,
        ),
        classifier=QwenEmotionClassifier(folder=files.folder(MODEL) / WORDS_FOLDER, device=device),
        noise=partial(KeyedNoise, device=device),
        longest_segment=longest,
        longest_codes=synthesizer.generator.longest,
    )
    notes = (
        *fused_notes,
        *([text.warning] if text.warning else []),
        *clamp_note(options.max_tokens_per_segment, longest),
    )
    return Assembled(engine=Engine(frontend=frontend, synthesizer=synthesizer), notes=notes)


def _synthesizer(
    options: EngineOptions,
    networks: Networks,
    velocity: VelocityField,
    types: NumberTypes,
    device: torch.device,
    *,
    fused: bool,
) -> Synthesizer:
    language_model: Any = networks.language_model
    semantic_codec: Any = networks.semantic_codec
    transformer = Transformer(gpt=language_model.gpt, heads=int(language_model.heads))
    return Synthesizer(
        prompts=PromptBuilder(language_model=language_model, dtype=types.language),
        generator=_generator(options, language_model, transformer, device),
        latents=partial(compute_latents, language_model, transformer),
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
        segments_at_once=options.segments_at_once,
        early_codes=_EARLY_CODES if options.early_first_audio else 0,
    )


def _generator(
    options: EngineOptions,
    language_model: LanguageModel,
    transformer: Transformer,
    device: torch.device,
) -> StepwiseGenerator:
    generator = StepwiseGenerator(language_model=language_model, transformer=transformer)
    if not options.use_cuda_graphs or device.type != "cuda":
        return generator
    # Beside graphs, cuDNN's attention is known for NaN where a mask hides every key of a block.
    torch.backends.cuda.enable_cudnn_sdp(enabled=False)
    runner = GraphRunner(graph_capture=CudaGraphs(device), buffers=StaticBuffers())
    return replace(generator, buckets=PowerOfTwoBuckets(), runner=runner)


def _fused_vocoder(options: EngineOptions, device: torch.device) -> tuple[bool, tuple[str, ...]]:
    """Return whether the vocoder's fused kernel is used, and a note where it cannot be."""
    if not options.use_cuda_kernel or device.type != "cuda":
        return False, ()
    try:
        importlib.import_module(_FUSED_ACTIVATION)
    except Exception:  # noqa: BLE001 - a compiler can fail in any way, and there is a way without
        note = (
            "USE_CUDA_KERNEL: the vocoder's kernel does not compile here (it needs nvcc and"
            " ninja); its torch code is used instead"
        )
        return False, (note,)
    return True, ()


def number_types(precision: Precision) -> NumberTypes:
    """Return the number types of ``precision``.

    bfloat16 has the range that flow matching needs, float16 the fine steps that the vocoder's
    phases need.
    """
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


def _conversion(
    options: EngineOptions, files: CheckpointFiles, precision: Precision
) -> Path | None:
    """Return the folder of the converted weights: beside the checkpoint, or in the cache."""
    beside = files.folder(MODEL).is_relative_to(files.checkpoints)
    folder = files.checkpoints if beside else options.cache_dir
    if folder is None:
        return None
    return folder / _CONVERTED / conversion_name(_required(files), precision=precision.value)


def _reference_encoder(
    options: EngineOptions,
    files: CheckpointFiles,
    networks: Networks,
    precision: Precision,
    device: torch.device,
) -> CachingReferenceEncoder:
    return CachingReferenceEncoder(
        encoder=neural_reference_encoder(networks, device),
        model_fingerprint=fingerprint(_required(files)),
        precision=precision.value,
        device=device,
        folder=options.cache_dir,
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
