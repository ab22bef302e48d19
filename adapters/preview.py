"""The preview engine: hibari-tts, a small English voice that runs on a laptop's processor."""

import threading
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import regex

from application.ports.speech_model import ModelState, ModelStatus, SpokenPart
from domain.audio import Samples
from domain.delivery import Delivery
from domain.errors import InvalidRequest, ModelUnavailable, SynthesisFailed, printable
from domain.voice import Recording

if TYPE_CHECKING:
    from hibari import Hibari

_UNSPEAKABLE = regex.compile(r"[\p{L}\p{Nd}--\p{Script=Latin}--\p{Script=Common}]", regex.V1)
_INSTALL = "install it with: pip install 'indextts-runpod[preview]'"


class PreviewModel:
    """Speaks English, and what else is written in Latin letters, with one voice of its own."""

    def __init__(self) -> None:
        self._speaker: Hibari | None = None
        self._loading = threading.Lock()

    @property
    def engine(self) -> str:
        return "preview"

    @property
    def device(self) -> str:
        return "cpu"

    @property
    def clones_voices(self) -> bool:
        return False

    @property
    def sample_rate_hz(self) -> int:
        return 24_000

    def status(self) -> ModelStatus:
        if self._speaker is not None:
            return ModelStatus(ModelState.READY)
        if self._loading.locked():
            return ModelStatus(ModelState.LOADING)
        from importlib.util import find_spec

        if find_spec("hibari") is None:
            return ModelStatus(
                ModelState.MISSING_PACKAGE, advice=f"hibari-tts is not installed; {_INSTALL}"
            )
        return ModelStatus(ModelState.NOT_LOADED)

    def load(self) -> None:
        self._loaded()

    def speak(
        self, chunks: Sequence[str], *, voice: Recording, delivery: Delivery
    ) -> Generator[SpokenPart, None, None]:
        """The port's promise; ``voice`` and emotion are not heard, which callers are told."""
        for chunk in chunks:
            _require_speakable(chunk)
        speaker = self._loaded()
        for index, chunk in enumerate(chunks):
            for samples in _sentences(speaker, chunk, seed=(delivery.seed, index)):
                yield SpokenPart(index, samples, ends_chunk=False)
            yield SpokenPart(index, np.zeros(0, dtype=np.float32), ends_chunk=True)

    def _loaded(self) -> "Hibari":
        with self._loading:
            if self._speaker is None:
                self._speaker = _load()
            return self._speaker


def _sentences(
    speaker: "Hibari", text: str, *, seed: tuple[int, int]
) -> Generator[Samples, None, None]:
    chunk_seed = int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0])
    try:
        yield from speaker.stream(text, seed=chunk_seed)
    except Exception as error:
        raise SynthesisFailed(
            f"the preview engine could not speak {printable(text)}; reword the text"
        ) from error


def _load() -> "Hibari":
    try:
        from hibari import Hibari
    except ImportError as error:
        raise ModelUnavailable(f"the preview engine is not installed; {_INSTALL}") from error
    try:
        return Hibari()
    except Exception as error:
        raise ModelUnavailable(
            "the preview engine's voice could not be loaded; reinstall hibari-tts"
        ) from error


def _require_speakable(text: str) -> None:
    found = _UNSPEAKABLE.search(text)
    if found:
        raise InvalidRequest(
            "text",
            f"the preview engine speaks English only and has no sound for {printable(found[0])};"
            " use the indextts2 engine for other scripts",
        )
