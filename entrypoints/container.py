"""The one place where ports meet their adapters."""

import os

from dependency_injector.containers import DeclarativeContainer
from dependency_injector.providers import (
    Callable,
    Dependency,
    Factory,
    Provider,
    Selector,
    Singleton,
)

from adapters.filesystem_store import FilesystemStore, NamedFileStore
from adapters.filesystem_voices import FilesystemVoices
from adapters.hub_weights.weights import HubWeights
from adapters.indextts2.checkpoint_files import (
    NEEDED_FILES,
    CheckpointFiles,
    known_hub_caches,
)
from adapters.preview import PreviewModel
from adapters.pyav_decoder import PyavDecoder
from adapters.pyav_encoder import PyavEncoder
from application.ports import (
    AudioDecoder,
    AudioEncoder,
    ObjectStore,
    SpeechModel,
    VoiceRepository,
    WeightSource,
)
from application.references import References
from application.speak import Speak
from entrypoints.settings import Settings


class Container(DeclarativeContainer):
    """Every part of the application, made when it is first asked for.

    Each provider carries its port's type, so that mypy holds every adapter to its port here.
    """

    settings: Provider[Settings] = Dependency(instance_of=Settings)

    preview_model: Provider[SpeechModel] = Singleton(PreviewModel)
    model: Provider[SpeechModel] = Selector(
        settings.provided.tts_engine, preview=preview_model, auto=preview_model
    )

    filesystem_store: Provider[ObjectStore] = Singleton(
        FilesystemStore, root=settings.provided.output_audio_dir
    )
    named_file_store: Provider[ObjectStore] = Factory(NamedFileStore)
    store: Provider[ObjectStore] = Selector(
        settings.provided.object_store, filesystem=filesystem_store
    )

    voices: Provider[VoiceRepository] = Singleton(
        FilesystemVoices, root=settings.provided.audio_voices_dir
    )
    decoder: Provider[AudioDecoder] = Singleton(PyavDecoder)
    encoder: Provider[AudioEncoder] = Singleton(PyavEncoder)

    checkpoint_files: Provider[CheckpointFiles] = Singleton(
        CheckpointFiles,
        checkpoints=settings.provided.checkpoints_dir,
        hub_caches=Callable(known_hub_caches, os.environ),
    )
    weights: Provider[WeightSource] = Singleton(
        HubWeights,
        needed=NEEDED_FILES,
        folder=settings.provided.checkpoints_dir,
        places=checkpoint_files.provided.places,
        endpoint=settings.provided.hf_endpoint,
        token=settings.provided.hf_token.get_secret_value.call(),
    )

    references: Provider[References] = Singleton(References, voices=voices, decoder=decoder)
    speak: Provider[Speak] = Singleton(
        Speak,
        model=model,
        references=references,
        encoder=encoder,
        store=store,
        default_voice=settings.provided.default_voice,
    )
