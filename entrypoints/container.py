"""The one place where ports meet their adapters."""

import operator
import os
from pathlib import Path
from typing import Any

from dependency_injector.containers import DeclarativeContainer
from dependency_injector.providers import (
    Callable,
    Dependency,
    Dict,
    Factory,
    Provider,
    Selector,
    Singleton,
)

from adapters.filesystem.mirror import FilesystemMirror
from adapters.filesystem.named_file import NamedFileStore
from adapters.filesystem.recording_files import RecordingFiles
from adapters.filesystem.store import FilesystemStore
from adapters.filesystem.voices import FilesystemVoices
from adapters.hub_weights.weights import HubWeights
from adapters.indextts2.checkpoint_files import (
    NEEDED_FILES,
    CheckpointFiles,
    known_hub_caches,
)
from adapters.indextts2.examination import IndexTTS2Examination
from adapters.indextts2.model import IndexTTS2Model
from adapters.indextts2.options import EngineOptions
from adapters.preview import PreviewModel
from adapters.pyav.decoder import PyavDecoder
from adapters.pyav.encoder import PyavEncoder
from adapters.pyav.stream_encoder import PyavStreamEncoder
from adapters.s3.connection import S3Connection
from adapters.s3.store import S3Store
from adapters.s3.voices import S3VoiceSource
from application.cleanup import Cleanup
from application.engine_choice import AUTO, EngineChoice, choose_engine
from application.fallback_store import FallbackStore
from application.ports.audio import AudioDecoder, AudioEncoder, AudioStreamEncoder
from application.ports.examination import Examined
from application.ports.speech_model import SpeechModel
from application.ports.storage import ExpiringFiles, ObjectStore
from application.ports.storage_probe import ProbedStorage
from application.ports.voices import VoiceMirror, VoiceReader, VoiceRepository, VoiceSource
from application.ports.weights import WeightSource
from application.references import References
from application.speak import Speak
from application.voice_sync import VoiceSync
from entrypoints.settings.settings import Settings


class Container(DeclarativeContainer):
    """Every part of the application, made when it is first asked for.

    Each provider carries its port's type, so that mypy holds every adapter to its port here.
    """

    settings: Provider[Settings] = Dependency(instance_of=Settings)

    preview_model: Provider[SpeechModel] = Singleton(PreviewModel)
    hub_caches: Provider[tuple[Path, ...]] = Callable(known_hub_caches, os.environ)
    engine_options: Provider[EngineOptions] = Factory(
        EngineOptions,
        checkpoints_dir=settings.provided.checkpoints_dir,
        hub_caches=hub_caches,
        device=settings.provided.device,
        use_fp16=settings.provided.use_fp16,
        use_deepspeed=settings.provided.use_deepspeed,
        use_cuda_kernel=settings.provided.use_cuda_kernel,
        use_cuda_graphs=settings.provided.use_cuda_graphs,
        early_first_audio=settings.provided.early_first_audio,
        max_tokens_per_segment=settings.provided.max_tokens_per_segment,
        cache_dir=settings.provided.references_dir,
    )
    indextts2_model: Provider[SpeechModel] = Singleton(IndexTTS2Model, options=engine_options)
    engines: Dict = Dict(indextts2=indextts2_model, preview=preview_model)
    """Every speech engine by its name in TTS_ENGINE, the preferred ones first."""
    engine_choice: Provider[EngineChoice] = Singleton(
        choose_engine, settings.provided.tts_engine, engines, setting="TTS_ENGINE"
    )
    model: Provider[SpeechModel] = Singleton(operator.attrgetter("explaining_model"), engine_choice)

    filesystem_store: Provider[ObjectStore] = Singleton(
        FilesystemStore, root=settings.provided.output_audio_dir
    )
    named_file_store: Provider[ObjectStore] = Factory(NamedFileStore)
    s3_connection: Provider[S3Connection] = Singleton(
        S3Connection,
        endpoint_url=settings.provided.s3_endpoint_url,
        access_key_id=settings.provided.s3_access_key,
        secret_access_key=settings.provided.s3_secret_key,
        region=settings.provided.s3_region,
        addressing_style=settings.provided.s3_addressing_style,
    )
    s3_store: Provider[ObjectStore] = Singleton(
        S3Store,
        connection=s3_connection,
        bucket=settings.provided.s3_bucket_name,
        prefix=settings.provided.s3_prefix,
        url_expires_seconds=settings.provided.s3_url_expires_seconds,
    )
    s3_store_with_fallback: Provider[ObjectStore] = Singleton(
        FallbackStore,
        store=s3_store,
        fallback=filesystem_store,
        fallback_place="the worker's OUTPUT_AUDIO_DIR",
    )
    store: Provider[ObjectStore] = Selector(
        settings.provided.object_store, s3=s3_store_with_fallback, filesystem=filesystem_store
    )
    probed_storage: Provider[ProbedStorage] = Selector(
        settings.provided.object_store, s3=s3_store, filesystem=filesystem_store
    )
    """The store without its fallback, which would hide a failure."""

    voices: Provider[VoiceRepository] = Singleton(
        FilesystemVoices, root=settings.provided.audio_voices_dir
    )
    voice_mirror: Provider[VoiceMirror] = Singleton(
        FilesystemMirror, root=settings.provided.audio_voices_dir
    )
    s3_voice_source: Provider[VoiceSource] = Singleton(
        S3VoiceSource, connection=s3_connection, uri=settings.provided.voices_s3_uri
    )
    decoder: Provider[AudioDecoder] = Singleton(PyavDecoder)
    encoder: Provider[AudioEncoder] = Singleton(PyavEncoder)
    stream_encoder: Provider[AudioStreamEncoder] = Singleton(PyavStreamEncoder)

    checkpoint_files: Provider[CheckpointFiles] = Singleton(
        CheckpointFiles,
        checkpoints=settings.provided.checkpoints_dir,
        hub_caches=hub_caches,
    )
    indextts2_examination: Provider[Examined] = Singleton(
        IndexTTS2Examination, options=engine_options, files=checkpoint_files
    )
    examinations: Dict = Dict(indextts2=indextts2_examination)
    """What ``doctor`` examines of an engine, by the engine's name."""
    weights: Provider[WeightSource] = Singleton(
        HubWeights,
        needed=NEEDED_FILES,
        folder=settings.provided.checkpoints_dir,
        folders_of=checkpoint_files.provided.folders,
        endpoint=settings.provided.hf_endpoint,
        token=settings.provided.hub_token,
    )

    references: Provider[References] = Singleton(References, voices=voices, decoder=decoder)
    _speaking: dict[str, Provider[Any]] = {  # noqa: RUF012 - a plan, read while the class is made
        "model": model,
        "encoder": encoder,
        "store": store,
        "default_voice": settings.provided.default_voice,
    }
    speak: Provider[Speak] = Singleton(Speak, references=references, **_speaking)

    recording_files: Provider[VoiceReader] = Singleton(RecordingFiles, voices=voices)
    local_references: Provider[References] = Singleton(
        References, voices=recording_files, decoder=decoder
    )
    local_speak: Provider[Speak] = Factory(Speak, references=local_references, **_speaking)
    """For the person at the terminal alone: a path to a recording is a voice too. ``store`` takes
    the place of the usual one."""

    expiring_files: Provider[ExpiringFiles] = Singleton(
        FilesystemStore, root=settings.provided.output_audio_dir
    )
    cleanup: Provider[Cleanup] = Singleton(
        Cleanup, files=expiring_files, keep_days=settings.provided.cleanup_days
    )
    voice_sync: Provider[VoiceSync] = Singleton(
        VoiceSync, source=s3_voice_source, mirror=voice_mirror
    )


def engine_names() -> tuple[str, ...]:
    """Return the values of TTS_ENGINE: the names of all engines, and ``auto``."""
    return (*Container.engines.kwargs, AUTO)
