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
    Object,
    Provider,
    Selector,
    Singleton,
)

from adapters.filesystem.bounded_log import BoundedLog
from adapters.filesystem.folders import make_folder
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
from adapters.indextts2.device_memory import gpu_memory
from adapters.indextts2.examination import IndexTTS2Examination
from adapters.indextts2.model import IndexTTS2Model
from adapters.indextts2.options import EngineOptions
from adapters.inline_store import InlineStore
from adapters.preview import PreviewModel
from adapters.pyav.decoder import PyavDecoder
from adapters.pyav.encoder import PyavEncoder
from adapters.pyav.stream_encoder import PyavStreamEncoder
from adapters.pyav.time_stretch import stretched
from adapters.s3.connection import S3Connection
from adapters.s3.setting_names import JOB_SETTINGS, VOICES_SETTINGS
from adapters.s3.store import S3Store
from adapters.s3.voices import S3VoiceStore
from adapters.web.recordings import WebRecordings
from application.cleanup import Cleanup
from application.engine_choice import AUTO, EngineChoice, choose_engine
from application.fallback_store import FallbackStore
from application.named_voices import OPENAI_NAMES, NamedVoices
from application.ports.audio import (
    AudioDecoder,
    AudioEncoder,
    AudioStreamEncoder,
    TimeStretch,
)
from application.ports.device_memory import DeviceMemory
from application.ports.examination import Examined
from application.ports.links import RecordingLinks
from application.ports.speech_model import SpeechModel
from application.ports.storage import ExpiringFiles, ObjectStore
from application.ports.storage_probe import ProbedStorage
from application.ports.voices import VoiceMirror, VoiceReader, VoiceRepository, VoiceStore
from application.ports.weights import WeightFinder, WeightSource
from application.prepared_model import PreparedModel
from application.references import References
from application.refreshed_voices import RefreshedVoices
from application.shared_voices import SharedLibrary
from application.speak import Speak
from application.start_up import MakeFolder, StartUp
from application.voice_library import FolderLibrary, VoiceLibrary
from application.voice_sync import VoiceSync
from entrypoints.settings.settings import Settings
from entrypoints.voice_sync_log import log_voice_sync
from entrypoints.worker.start_limit import StartLimit
from entrypoints.worker.start_up_log import LineLog, StartUpLog


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
        baked_dir=settings.provided.baked_weights_dir,
        device=settings.provided.device,
        use_fp16=settings.provided.use_fp16,
        use_deepspeed=settings.provided.use_deepspeed,
        use_cuda_kernel=settings.provided.use_cuda_kernel,
        use_cuda_graphs=settings.provided.use_cuda_graphs,
        early_first_audio=settings.provided.early_first_audio,
        max_tokens_per_segment=settings.provided.max_tokens_per_segment,
        cache_dir=settings.provided.references_dir,
    )
    found_indextts2_model: Provider[SpeechModel] = Singleton(IndexTTS2Model, options=engine_options)
    checkpoint_files: Provider[CheckpointFiles] = Singleton(
        CheckpointFiles,
        checkpoints=settings.provided.checkpoints_dir,
        hub_caches=hub_caches,
        baked=settings.provided.baked_weights_dir,
    )
    weights: Provider[WeightSource] = Singleton(
        HubWeights,
        needed=NEEDED_FILES,
        folder=settings.provided.checkpoints_dir,
        folders_of=checkpoint_files.provided.folders,
        endpoint=settings.provided.hf_endpoint,
        token=settings.provided.hub_token,
    )
    find_weights: Provider[WeightFinder] = Singleton(
        operator.attrgetter("places"), checkpoint_files
    )
    start_up_file: Provider[LineLog] = Singleton(BoundedLog, settings.provided.bootstrap_log)
    start_up_log: Provider[StartUpLog] = Singleton(
        StartUpLog, file=start_up_file, log_format=settings.provided.log_format
    )
    start_limit: Provider[StartLimit] = Singleton(
        StartLimit, tell=start_up_log.provided.tell, environment=os.environ
    )
    fetched_indextts2_model: Provider[SpeechModel] = Singleton(
        PreparedModel,
        model=found_indextts2_model,
        weights=weights,
        find=find_weights,
        tell=start_up_log.provided.tell,
        expect=start_limit.provided.expect,
    )
    indextts2_model: Provider[SpeechModel] = Selector(
        settings.provided.missing_weights,
        fetched=fetched_indextts2_model,
        reported=found_indextts2_model,
    )
    engines: Dict = Dict(indextts2=indextts2_model, preview=preview_model)
    """Every speech engine by its name in TTS_ENGINE, the preferred ones first."""
    indextts2_examination: Provider[Examined] = Singleton(
        IndexTTS2Examination, options=engine_options, files=checkpoint_files
    )
    examinations: Dict = Dict(indextts2=indextts2_examination)
    """What ``doctor`` examines of an engine, by the engine's name."""
    engine_choice: Provider[EngineChoice] = Singleton(
        choose_engine, settings.provided.tts_engine, engines, setting="TTS_ENGINE"
    )
    model: Provider[SpeechModel] = Singleton(operator.attrgetter("explaining_model"), engine_choice)

    device_memory: Provider[DeviceMemory] = Object(gpu_memory)

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
    _keeping: dict[str, Any] = {  # noqa: RUF012 - a plan, read while the class is made
        "fallback": filesystem_store,
        "fallback_place": "the worker's OUTPUT_AUDIO_DIR",
    }
    s3_store_with_fallback: Provider[ObjectStore] = Singleton(
        FallbackStore, store=s3_store, **_keeping
    )
    inline_store: Provider[ObjectStore] = Singleton(InlineStore)
    inline_store_with_fallback: Provider[ObjectStore] = Singleton(
        FallbackStore, store=inline_store, **_keeping
    )
    store: Provider[ObjectStore] = Selector(
        settings.provided.object_store,
        s3=s3_store_with_fallback,
        filesystem=filesystem_store,
        inline=inline_store_with_fallback,
    )
    probed_storage: Provider[ProbedStorage] = Selector(
        settings.provided.object_store, s3=s3_store, filesystem=filesystem_store
    )
    """The store without its fallback, which would hide a failure."""
    local_store: Provider[ObjectStore] = Selector(
        settings.provided.object_store,
        s3=s3_store_with_fallback,
        filesystem=filesystem_store,
        inline=filesystem_store,
    )
    """For the person at the terminal, who has files where a job's answer would hold the audio."""

    job_s3_connection: Provider[S3Connection] = Factory(S3Connection, settings=JOB_SETTINGS)
    job_s3_store: Provider[ObjectStore] = Factory(
        S3Store,
        prefix=settings.provided.s3_prefix,
        url_expires_seconds=settings.provided.s3_url_expires_seconds,
    )
    job_store: Provider[ObjectStore] = Factory(FallbackStore, **_keeping)
    """For a job that brings a store of its own: the job's bucket is ``store``."""

    voices: Provider[VoiceRepository] = Singleton(
        FilesystemVoices, root=settings.provided.audio_voices_dir
    )
    voice_mirror: Provider[VoiceMirror] = Singleton(
        FilesystemMirror, root=settings.provided.audio_voices_dir
    )
    voices_s3_connection: Provider[S3Connection] = Singleton(
        S3Connection,
        endpoint_url=settings.provided.voices_endpoint_url,
        access_key_id=settings.provided.voices_access_key,
        secret_access_key=settings.provided.voices_secret_key,
        region=settings.provided.voices_region,
        addressing_style=settings.provided.s3_addressing_style,
        settings=VOICES_SETTINGS,
    )
    s3_voice_store: Provider[VoiceStore] = Singleton(
        S3VoiceStore, connection=voices_s3_connection, uri=settings.provided.voices_s3_uri
    )
    voice_sync: Provider[VoiceSync] = Singleton(
        VoiceSync, source=s3_voice_store, mirror=voice_mirror
    )
    folder_library: Provider[VoiceLibrary] = Singleton(FolderLibrary, folder=voices)
    shared_library: Provider[VoiceLibrary] = Singleton(
        SharedLibrary, store=s3_voice_store, folder=voices, mirror=voice_mirror, sync=voice_sync
    )
    voice_library: Provider[VoiceLibrary] = Selector(
        settings.provided.voices_origin, folder=folder_library, s3=shared_library
    )
    """The voices as HTTP requests change them."""
    _refreshing: dict[str, Provider[Any]] = {  # noqa: RUF012 - a plan, read while the class is made
        "sync": voice_sync,
        "refresh_seconds": settings.provided.voices_refresh_seconds,
        "report": Object(log_voice_sync),
    }
    aliased_voices: Provider[VoiceReader] = Singleton(
        NamedVoices, voices=voices, aliases=settings.provided.voice_aliases
    )
    refreshed_voices: Provider[VoiceReader] = Singleton(
        RefreshedVoices, voices=aliased_voices, **_refreshing
    )
    named_voices: Provider[VoiceReader] = Selector(
        settings.provided.voices_origin, folder=aliased_voices, s3=refreshed_voices
    )
    """The voices that jobs may name."""
    http_folder_voices: Provider[NamedVoices] = Singleton(
        NamedVoices,
        voices=voices,
        aliases=settings.provided.voice_aliases,
        stand_ins=OPENAI_NAMES,
    )
    http_refreshed_voices: Provider[VoiceReader] = Singleton(
        RefreshedVoices, voices=http_folder_voices, **_refreshing
    )
    http_voices: Provider[VoiceReader] = Selector(
        settings.provided.voices_origin, folder=http_folder_voices, s3=http_refreshed_voices
    )
    """The voices that HTTP requests may name: OpenAI's names mean the existing voices."""
    decoder: Provider[AudioDecoder] = Singleton(PyavDecoder)
    encoder: Provider[AudioEncoder] = Singleton(PyavEncoder)
    stretch: Provider[TimeStretch] = Object(stretched)
    stream_encoder: Provider[AudioStreamEncoder] = Singleton(PyavStreamEncoder)

    links: Provider[RecordingLinks] = Singleton(
        WebRecordings, hosts=settings.provided.voice_url_hosts
    )
    references: Provider[References] = Singleton(
        References, voices=named_voices, decoder=decoder, links=links
    )
    _speaking: dict[str, Provider[Any]] = {  # noqa: RUF012 - a plan, read while the class is made
        "model": model,
        "encoder": encoder,
        "stretch": stretch,
        "default_voice": settings.provided.default_voice,
    }
    speak: Provider[Speak] = Singleton(Speak, references=references, store=store, **_speaking)
    job_speak: Provider[Speak] = Factory(Speak, references=references, **_speaking)
    """For a job that brings a ``store`` of its own, which takes the place of the usual one."""

    http_references: Provider[References] = Singleton(
        References, voices=http_voices, decoder=decoder, links=links
    )
    http_speak: Provider[Speak] = Singleton(
        Speak, references=http_references, store=store, **_speaking
    )

    recording_files: Provider[VoiceReader] = Singleton(RecordingFiles, voices=aliased_voices)
    local_references: Provider[References] = Singleton(
        References, voices=recording_files, decoder=decoder, links=links
    )
    local_speak: Provider[Speak] = Factory(
        Speak, references=local_references, store=local_store, **_speaking
    )
    """For the person at the terminal alone: a path to a recording is a voice too. ``store`` takes
    the place of the usual one."""

    expiring_files: Provider[ExpiringFiles] = Singleton(
        FilesystemStore, root=settings.provided.output_audio_dir
    )
    cleanup: Provider[Cleanup] = Singleton(
        Cleanup, files=expiring_files, keep_days=settings.provided.cleanup_days
    )
    folder_maker: Provider[MakeFolder] = Object(make_folder)
    start_up: Provider[StartUp] = Singleton(
        StartUp,
        folders=settings.provided.folders,
        make_folder=folder_maker,
        cleanup=cleanup,
        voice_sync=voice_sync,
        model=model,
        speak=speak,
        tell=start_up_log.provided.tell,
    )


def engine_names() -> tuple[str, ...]:
    """Return the values of TTS_ENGINE: the names of all engines, and ``auto``."""
    return (*Container.engines.kwargs, AUTO)
