"""The fakes keep the ports' promises, so that a test with a fake holds for the real part too."""

from collections.abc import Sequence
from typing import cast

import pytest

from application.ports.audio import AudioDecoder, AudioEncoder, AudioStreamEncoder, TimeStretch
from application.ports.links import RecordingLinks
from application.ports.speech_model import SpeechModel
from application.ports.storage import ExpiringFiles, ObjectStore, StoredObject
from application.ports.storage_probe import ProbedStorage
from application.ports.voices import VoiceMirror, VoiceRepository, VoiceSource, VoiceStore
from application.ports.weights import WeightSource
from domain.delivery import Delivery
from domain.errors import ModelUnavailable, StorageFailed
from tests.contracts.audio_codec import AudioCodecContract
from tests.contracts.audio_stream import AudioStreamContract
from tests.contracts.expiring_files import ExpiringFilesContract
from tests.contracts.object_store import ObjectStoreContract
from tests.contracts.recording_links import RecordingLinksContract
from tests.contracts.speech_model import CHUNKS, SamplingSpeechModelContract
from tests.contracts.storage_probe import ProbedStorageContract
from tests.contracts.time_stretch import TimeStretchContract
from tests.contracts.voice_mirror import VoiceMirrorContract
from tests.contracts.voice_repository import VoiceRepositoryContract
from tests.contracts.voice_store import VoiceStoreContract
from tests.contracts.weight_source import WeightSourceContract
from tests.fakes.block_stretch import block_stretch
from tests.fakes.dated_files import DatedFiles
from tests.fakes.listed_voices import ListedVoices
from tests.fakes.memory_links import MemoryLinks
from tests.fakes.memory_mirror import MemoryMirror
from tests.fakes.memory_store import MemoryStore
from tests.fakes.memory_voices import MemoryVoices
from tests.fakes.memory_weights import MemoryWeights
from tests.fakes.raw_codec import RawDecoder, RawEncoder, RawStreamEncoder
from tests.models.tone import ToneModel


class TestToneModel(SamplingSpeechModelContract):
    @pytest.fixture
    def model(self) -> SpeechModel:
        return ToneModel(refused="unspeakable")

    def refused_request(self) -> tuple[Sequence[str], Delivery]:
        return [*CHUNKS, "This is unspeakable."], Delivery(seed=1)

    def work(self, model: SpeechModel) -> float:
        return len(cast("ToneModel", model).spoken)


class TestRawCodec(AudioCodecContract):
    @pytest.fixture
    def encoder(self) -> AudioEncoder:
        return RawEncoder()

    @pytest.fixture
    def decoder(self) -> AudioDecoder:
        return RawDecoder()


class TestBlockStretch(TimeStretchContract):
    @pytest.fixture
    def stretch(self) -> TimeStretch:
        return block_stretch


class TestRawStream(AudioStreamContract):
    @pytest.fixture
    def encoder(self) -> AudioStreamEncoder:
        return RawStreamEncoder()

    @pytest.fixture
    def decoder(self) -> AudioDecoder:
        return RawDecoder()


class TestMemoryStore(ObjectStoreContract):
    @pytest.fixture
    def store(self) -> ObjectStore:
        return MemoryStore()

    def content_at(self, store: ObjectStore, stored: StoredObject) -> bytes:
        return cast("MemoryStore", store).objects[stored.url.removeprefix("memory:")][1]


class TestMemoryStoreWithALimit(TestMemoryStore):
    @pytest.fixture
    def store(self) -> ObjectStore:
        store = MemoryStore()
        store.largest_bytes = 100_000
        return store


class TestMemoryLinks(RecordingLinksContract):
    @pytest.fixture
    def links(self) -> RecordingLinks:
        return MemoryLinks()

    def publish(self, links: RecordingLinks, content: bytes) -> str:
        cast("MemoryLinks", links).contents["memory:voice"] = content
        return "memory:voice"


class TestMemoryStoreProbe(ProbedStorageContract):
    @pytest.fixture
    def storage(self) -> ProbedStorage:
        return MemoryStore()

    def keys(self, storage: ProbedStorage) -> set[str]:
        return set(cast("MemoryStore", storage).objects)


class TestDatedFiles(ExpiringFilesContract):
    @pytest.fixture
    def files(self) -> ExpiringFiles:
        return DatedFiles()

    def write(self, files: ExpiringFiles, name: str, content: bytes, *, moment: float) -> None:
        cast("DatedFiles", files).files[name] = (moment, len(content))

    def names(self, files: ExpiringFiles) -> set[str]:
        return set(cast("DatedFiles", files).files)

    def unremovable(self) -> ExpiringFiles:
        files = DatedFiles()
        files.files["old.ogg"] = (0.0, 1)
        files.failure = StorageFailed("the files cannot be removed")
        return files


class TestMemoryVoices(VoiceRepositoryContract):
    def repository(self, files: dict[str, bytes]) -> VoiceRepository:
        return MemoryVoices(dict(files))


class TestListedVoices(VoiceStoreContract):
    @pytest.fixture
    def source(self) -> VoiceStore:
        return ListedVoices()

    def write(self, source: VoiceSource, file: str, content: bytes) -> None:
        cast("ListedVoices", source).put(file, content)

    def remove(self, source: VoiceSource, file: str) -> None:
        cast("ListedVoices", source).remove(file)

    def disconnect(self, source: VoiceSource) -> None:
        cast("ListedVoices", source).failure = StorageFailed("the source cannot be reached")


class TestMemoryMirror(VoiceMirrorContract):
    @pytest.fixture
    def mirror(self) -> VoiceMirror:
        return MemoryMirror()

    def content_at(self, mirror: VoiceMirror, file: str) -> bytes | None:
        return cast("MemoryMirror", mirror).contents.get(file)

    def write(self, mirror: VoiceMirror, file: str, content: bytes) -> None:
        cast("MemoryMirror", mirror).contents[file] = content

    def remove(self, mirror: VoiceMirror, file: str) -> None:
        del cast("MemoryMirror", mirror).contents[file]

    def make_unwritable(self, mirror: VoiceMirror) -> None:
        cast("MemoryMirror", mirror).is_unwritable = True


class TestMemoryWeights(WeightSourceContract):
    @pytest.fixture
    def source(self) -> WeightSource:
        return MemoryWeights({"org/model/large.pth": bytes(range(100)), "org/model/a.json": b"{}"})

    def contents(self, source: WeightSource) -> dict[str, bytes]:
        return cast("MemoryWeights", source).remote

    def large_file(self, source: WeightSource) -> str:
        return "org/model/large.pth"

    def content_here(self, source: WeightSource, name: str) -> bytes | None:
        return cast("MemoryWeights", source).here.get(name)

    def write_here(self, source: WeightSource, name: str, content: bytes | None) -> None:
        here = cast("MemoryWeights", source).here
        if content is None:
            del here[name]
        else:
            here[name] = content

    def interrupt(self, source: WeightSource, name: str, *, after_bytes: int) -> None:
        cast("MemoryWeights", source).interruptions[name] = after_bytes

    def disconnect(self, source: WeightSource) -> WeightSource:
        cast("MemoryWeights", source).failure = ModelUnavailable("the source cannot be reached")
        return source
