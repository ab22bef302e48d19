"""The model of the scripted worker keeps the promises of the port."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest

from application.ports.speech_model import SpeechModel
from domain.delivery import Delivery
from tests.contracts.speech_model import CHUNKS, SamplingSpeechModelContract
from tests.models.scripted_worker import ScriptedModel


class TestScriptedModel(SamplingSpeechModelContract):
    """The scripted model without a word that makes it misbehave."""

    @pytest.fixture
    def model(self, tmp_path: Path) -> SpeechModel:
        return ScriptedModel(state="ready", gate=tmp_path / "gate")

    def refused_request(self) -> tuple[Sequence[str], Delivery]:
        return [*CHUNKS, "REFUSE this one."], Delivery(seed=1)

    def work(self, model: SpeechModel) -> float:
        return cast("ScriptedModel", model).spoken
