"""The fakes keep the ports' promises, so that what is tested with them is tested for real."""

from collections.abc import Sequence
from typing import cast

import pytest

from application.ports.audio import AudioDecoder, AudioEncoder
from application.ports.speech_model import SpeechModel
from application.ports.voices import VoiceRepository
from domain.delivery import Delivery
from tests.contracts.audio_codec import AudioCodecContract
from tests.contracts.speech_model import CHUNKS, SamplingSpeechModelContract
from tests.contracts.voice_repository import VoiceRepositoryContract
from tests.fakes.memory_voices import MemoryVoices
from tests.fakes.raw_codec import RawDecoder, RawEncoder
from tests.models.tone import ToneModel


class TestToneModel(SamplingSpeechModelContract):
    @pytest.fixture
    def model(self) -> SpeechModel:
        return ToneModel(refused="unspeakable")

    def refused_request(self) -> tuple[Sequence[str], Delivery]:
        return [*CHUNKS, "This is unspeakable."], Delivery(seed=1)

    def work(self, model: SpeechModel) -> float:
        return len(cast(ToneModel, model).spoken)


class TestMemoryVoices(VoiceRepositoryContract):
    def repository(self, files: dict[str, bytes]) -> VoiceRepository:
        return MemoryVoices(dict(files))


class TestRawCodec(AudioCodecContract):
    @pytest.fixture
    def encoder(self) -> AudioEncoder:
        return RawEncoder()

    @pytest.fixture
    def decoder(self) -> AudioDecoder:
        return RawDecoder()
