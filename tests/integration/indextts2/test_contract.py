import pytest

from adapters.indextts2.model import IndexTTS2Model
from application.ports.speech_model import SpeechModel
from tests.contracts.speech_model import SpeechModelContract


class TestIndexTTS2Model(SpeechModelContract):
    @pytest.fixture
    def model(self, model: IndexTTS2Model) -> SpeechModel:  # the tiny one of this folder
        return model
