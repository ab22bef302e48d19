"""The preview engine: hibari-tts, a small English voice that runs on a laptop's processor."""

import os
import threading
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import regex

from application.ports.speech_model import ModelInfo, ModelState, ModelStatus, SpokenPart
from domain.audio import Samples
from domain.delivery import Delivery
from domain.errors import (
    InvalidRequest,
    ModelUnavailable,
    OutOfMemory,
    SynthesisFailed,
    printable,
)
from domain.function_words import foreign_language
from domain.voice import Recording
from domain.warnings import SpeechWarning, WarningCode

if TYPE_CHECKING:
    from hibari import Hibari

_UNSPEAKABLE = regex.compile(r"[\p{L}\p{Nd}--\p{Script=Latin}--\p{Script=Common}]", regex.V1)
_EXTRA = "preview"
_NOT_INSTALLED = f"the preview engine is not installed; install the extra {_EXTRA}"


class PreviewModel:
    """Speaks English, and what else is written in Latin letters, with one voice of its own."""

    def __init__(self) -> None:
        self._speaker: Hibari | None = None
        self._loading = threading.Lock()

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(
            name="preview",
            device="cpu",
            uses_gpu=False,
            clones_voices=False,
            sample_rate_hz=24_000,
        )

    def status(self) -> ModelStatus:
        if self._speaker is not None:
            return ModelStatus(ModelState.READY)
        if self._loading.locked():
            return ModelStatus(ModelState.LOADING)
        from importlib.util import find_spec

        if find_spec("hibari") is None:
            return ModelStatus(ModelState.MISSING_PACKAGE, advice=_NOT_INSTALLED, extras=(_EXTRA,))
        return ModelStatus(ModelState.NOT_LOADED)

    def load(self) -> None:
        self._loaded()

    def speak(
        self, chunks: Sequence[str], *, voice: Recording, delivery: Delivery
    ) -> Generator[SpokenPart, None, None]:
        """Implement ``SpeechModel.speak``; voice and emotion have no effect, as a warning tells."""
        for chunk in chunks:
            _require_speakable(chunk)
        warnings = _language_warnings(" ".join(chunks), delivery.language)
        speaker = self._loaded()
        for index, chunk in enumerate(chunks):
            for samples in _sentences(speaker, chunk, seed=(delivery.seed, index)):
                yield SpokenPart(index, samples, ends_chunk=False)
            yield SpokenPart(
                index, np.zeros(0, dtype=np.float32), ends_chunk=True, warnings=warnings
            )
            warnings = ()

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
        if _is_out_of_memory(error):
            raise OutOfMemory(
                "the preview engine ran out of memory; send shorter chunks, or make room"
            ) from error
        raise SynthesisFailed(
            f"the preview engine could not speak {printable(text)}; reword the text"
        ) from error


def _load() -> "Hibari":
    # The runtime of the voice's networks would write an id of the machine into the home folder,
    # for the usage events of its maker.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        from hibari import Hibari
    except ImportError as error:
        raise ModelUnavailable(_NOT_INSTALLED, extras=(_EXTRA,)) from error
    try:
        return Hibari()
    except Exception as error:
        if _is_out_of_memory(error):
            raise OutOfMemory("there is no memory to load the preview engine's voice") from error
        raise ModelUnavailable(
            "the preview engine's voice could not be loaded; reinstall hibari-tts",
            extras=(_EXTRA,),
        ) from error


def _is_out_of_memory(error: Exception) -> bool:
    """Whether an allocation failed; ONNX Runtime has no class of its own for that."""
    return isinstance(error, MemoryError) or "Failed to allocate memory" in str(error)


def _require_speakable(text: str) -> None:
    found = _UNSPEAKABLE.search(text)
    if found:
        raise InvalidRequest(
            "text",
            f"the preview engine speaks English only and has no sound for {printable(found[0])};"
            " the indextts2 engine speaks Chinese as well",
        )


def _language_warnings(text: str, language: str | None) -> tuple[SpeechWarning, ...]:
    """Return a warning for a text that is probably in a language that this engine cannot speak."""
    if language == "en":
        return ()
    found = f"language {language}" if language else foreign_language(text)
    if found is None:
        return ()
    return (
        SpeechWarning(
            WarningCode.FOREIGN_LANGUAGE,
            f"the preview engine speaks English only and read this text ({found}) as if it were"
            " English: use an engine that knows the language, or set language to en where it is"
            " English after all",
        ),
    )
