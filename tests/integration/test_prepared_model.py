"""A model whose weights are missing, with the real source of weights on the real disk."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import close_session

from adapters.hub_weights.weights import HubWeights
from adapters.indextts2.checkpoint_files import (
    MODEL,
    NEEDED_FILES,
    VOCODER,
    WORDS_FOLDER,
    CheckpointFiles,
)
from application.ports.speech_model import ModelState, ModelStatus, SpeechModel, SpokenPart
from application.ports.weights import WeightPlace
from application.prepared_model import RETRY_SECONDS, PreparedModel
from domain.delivery import Delivery
from domain.errors import ModelUnavailable
from tests.contracts.speech_model import SpeechModelContract, recording
from tests.fakes.memory_weights import MemoryWeights
from tests.loopback.hub import LoopbackHub
from tests.loopback.indextts2_hub import GPT, WORDS_FILES, indextts2_hub, wanted_files
from tests.models.tone import ToneModel

NOBODY = "http://127.0.0.1:1"


class FolderModel(ToneModel):
    """A model that is missing its weights as long as its folder is."""

    def __init__(self, files: CheckpointFiles) -> None:
        super().__init__(refused="REFUSE")
        self._files = files

    def status(self) -> ModelStatus:
        missing = self._files.missing_files()
        if missing:
            return ModelStatus(ModelState.MISSING_WEIGHTS, missing, "weights are missing")
        return super().status()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    monkeypatch.setenv("NO_PROXY", "*")
    with indextts2_hub().running() as hub:
        yield hub
    close_session()


Worker = Callable[..., PreparedModel]


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def worker(hub: LoopbackHub, tmp_path: Path, lines: list[str]) -> Worker:
    """Return a function that makes the model of another worker on the same volume."""
    files = CheckpointFiles(tmp_path)

    def worker(*, endpoint: str = "", **others: Any) -> PreparedModel:
        weights = HubWeights(
            needed=NEEDED_FILES,
            folder=tmp_path,
            folders_of=files.folders,
            endpoint=endpoint or hub.endpoint,
            token="",
            waits_seconds=(),
        )
        return PreparedModel(
            model=FolderModel(files),
            weights=weights,
            find=files.places,
            tell=lambda _, line: lines.append(line),
            expect=lambda _: None,
            **others,
        )

    return worker


def speak(model: SpeechModel) -> list[SpokenPart]:
    return list(model.speak(["Hello."], voice=recording(), delivery=Delivery(seed=1)))


class TestPreparedModel(SpeechModelContract):
    @pytest.fixture
    def model(self) -> SpeechModel:
        self.tone = ToneModel(refused="REFUSE")
        return PreparedModel(
            model=self.tone,
            weights=MemoryWeights({}),
            find=lambda: [WeightPlace(MODEL, Path("checkpoints"))],
            tell=lambda _, line: None,
            expect=lambda _: None,
        )

    def work(self, model: SpeechModel) -> float:
        return len(self.tone.spoken)

    def refused_request(self) -> tuple[Sequence[str], Delivery]:
        return ["Hello.", "REFUSE"], Delivery(seed=1)


def test_a_start_on_a_filled_volume_sends_no_request_and_tells_where_the_weights_are(
    worker: Worker, lines: list[str], tmp_path: Path
) -> None:
    worker().load()
    lines.clear()

    worker(endpoint=NOBODY).load()

    assert lines[0] == f"{MODEL} is in {tmp_path}"
    assert len(lines) == 5


@pytest.mark.parametrize(
    "name",
    [
        f"{MODEL}/{WORDS_FOLDER}/{WORDS_FILES[-1]}",
        GPT,
        f"{VOCODER}/bigvgan_generator.pt",
    ],
)
def test_a_fetch_that_broke_off_at_any_file_is_completed_by_the_next_start(
    name: str, worker: Worker, hub: LoopbackHub, tmp_path: Path
) -> None:
    hub.cuts[name] = [7, 0]
    with pytest.raises(ModelUnavailable):
        worker().load()

    worker().load()

    for file, content in wanted_files(hub).items():
        assert (tmp_path / file.removeprefix(f"{MODEL}/")).read_bytes() == content


def test_two_workers_that_start_at_once_fetch_each_file_once(
    worker: Worker, hub: LoopbackHub, lines: list[str]
) -> None:
    hub.gate.clear()
    starts = [threading.Thread(target=worker().load) for _ in range(2)]
    for start in starts:
        start.start()
    while not any("another worker" in line for line in lines):
        assert all(start.is_alive() for start in starts)
        time.sleep(0.01)
    hub.gate.set()
    for start in starts:
        start.join()

    assert sorted(hub.names()) == sorted(wanted_files(hub))


def test_status_counts_the_bytes_that_are_here_while_the_rest_comes(
    worker: Worker, hub: LoopbackHub
) -> None:
    hub.stalls[GPT] = 200_000
    model = worker()
    start = threading.Thread(target=model.load)
    start.start()
    while not (weights := model.status().weights) or weights.done < 200_000:
        assert start.is_alive()
        time.sleep(0.01)

    assert model.status().state is ModelState.LOADING
    assert weights.total == sum(map(len, wanted_files(hub).values()))
    hub.stalls.clear()
    start.join()
    assert model.status() == ModelStatus(ModelState.READY)


def test_after_a_failed_fetch_requests_fail_at_once_and_a_later_one_makes_another_begin(
    worker: Worker, hub: LoopbackHub
) -> None:
    now = [0.0]
    model = worker(clock=lambda: now[0])
    hub.refusals[MODEL] = [403]
    with pytest.raises(ModelUnavailable, match="set HF_TOKEN"):
        model.load()

    for _ in range(2):
        with pytest.raises(ModelUnavailable, match="set HF_TOKEN"):
            speak(model)
    assert model.status().state is ModelState.MISSING_WEIGHTS
    assert "set HF_TOKEN" in model.status().advice
    assert hub.asked == []
    now[0] = RETRY_SECONDS
    with pytest.raises(ModelUnavailable):
        speak(model)
    for thread in threading.enumerate():
        if thread.name == "weights":
            thread.join()

    assert speak(model)
