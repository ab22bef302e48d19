from collections.abc import Sequence

import pytest

from adapters.indextts2.model import IndexTTS2Model
from application.ports.speech_model import SpeechModel
from domain.delivery import Delivery, Sampling
from tests.contracts.speech_model import CHUNKS, SamplingSpeechModelContract


class TestIndexTTS2Model(SamplingSpeechModelContract):
    @pytest.fixture
    def model(self, model: IndexTTS2Model) -> SpeechModel:  # the tiny one of this folder
        return model

    def refused_request(self) -> tuple[Sequence[str], Delivery]:
        return CHUNKS, Delivery(seed=1, sampling=Sampling(max_mel_tokens=100_000))
