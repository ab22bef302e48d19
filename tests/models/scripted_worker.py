"""The worker with a model that follows words in the text: for failures that no real model has.

``SCRIPTED_STATE`` sets how loading ends. A request with ``REFUSE`` is refused before its first
part; a chunk with one of these words misbehaves:

``RAISE``   raises an error that is no domain error
``BREAK``   raises SynthesisFailed
``MEMORY``  runs out of memory
``FULL``    raises a bare MemoryError, as a failed allocation does
``LOST``    loses its device and stays failed
``FOREVER`` speaks silence without end
``STUCK``   never returns
``WEDGED``  never returns, in a thread pool that the interpreter joins at its exit
``GATE``    waits until the file ``SCRIPTED_GATE`` exists
``LATCH``   waits until that file is not empty
"""

import os
import threading
import time
import zlib
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from dependency_injector import providers

from application.ports.speech_model import ModelInfo, ModelState, ModelStatus, SpokenPart
from domain.audio import Samples
from domain.delivery import Delivery
from domain.errors import DeviceLost, InvalidRequest, ModelUnavailable, OutOfMemory, SynthesisFailed
from domain.voice import Recording
from entrypoints.container import Container
from entrypoints.runpod_worker import main
from entrypoints.settings.settings import WorkerSettings, load_settings

RATE_HZ = 24_000
SECONDS_A_CHARACTER = 0.06
LOADING_SECONDS = 4.0
"""Long enough for a job to arrive while the model loads."""

_UNAVAILABLE = {
    "missing_weights": ModelStatus(
        ModelState.MISSING_WEIGHTS, ("gpt.pth", "s2mel.pth"), "run: indextts-runpod download"
    ),
    "no_gpu": ModelStatus(ModelState.NO_GPU, advice="there is no GPU; choose a GPU endpoint"),
    "missing_package": ModelStatus(ModelState.MISSING_PACKAGE, advice="install indextts"),
}


class ScriptedModel:
    """Speaks each chunk as a tone; text, seed and the chunk's index choose pitch and length.

    ``asked`` counts the requests that reached it, ``spoken`` the chunks spoken so far.
    """

    info = ModelInfo(
        name="scripted", device="cpu", uses_gpu=False, clones_voices=True, sample_rate_hz=RATE_HZ
    )

    def __init__(self, *, state: str, gate: Path) -> None:
        self._script = state
        self._gate = gate
        self._loading = threading.Lock()
        self._is_ready = state == "ready"
        self._failure = ""
        self.asked = 0
        self.spoken = 0

    def status(self) -> ModelStatus:
        if self._script in _UNAVAILABLE:
            return _UNAVAILABLE[self._script]
        if self._failure:
            return ModelStatus(ModelState.FAILED, advice=self._failure)
        if self._is_ready:
            return ModelStatus(ModelState.READY)
        is_loading = self._loading.locked()
        return ModelStatus(ModelState.LOADING if is_loading else ModelState.NOT_LOADED)

    def load(self) -> None:
        if self._script in _UNAVAILABLE:
            raise ModelUnavailable(_UNAVAILABLE[self._script].advice)
        with self._loading:
            if self._script == "failed":
                self._failure = "the weights are damaged; download them again"
            if self._failure:
                raise ModelUnavailable(self._failure)
            if not self._is_ready:
                time.sleep(LOADING_SECONDS)
                self._is_ready = True

    def speak(
        self, chunks: Sequence[str], *, voice: Recording, delivery: Delivery
    ) -> Generator[SpokenPart, None, None]:
        if any("REFUSE" in chunk for chunk in chunks):
            raise InvalidRequest("text", "this model cannot speak REFUSE")
        self.load()
        self.asked += 1
        for index, chunk in enumerate(chunks):
            yield from self._misbehave(index, chunk)
            samples = _tone(chunk, seed=delivery.seed, index=index)
            self.spoken += 1
            half = len(samples) // 2
            yield SpokenPart(index, samples[:half], ends_chunk=False)
            yield SpokenPart(index, samples[half:], ends_chunk=True)

    def _misbehave(self, index: int, chunk: str) -> Generator[SpokenPart, None, None]:
        if "RAISE" in chunk:
            raise RuntimeError(f"CUDA error in {__file__}: device-side assert, key s3cr3t")
        if "BREAK" in chunk:
            raise SynthesisFailed("the model lost its way; send the job again")
        if "MEMORY" in chunk:
            raise OutOfMemory("the GPU ran out of memory; send a shorter text")
        if "FULL" in chunk:
            raise MemoryError
        if "LOST" in chunk:
            self._failure = "the GPU's context is lost; the worker must be replaced"
            raise DeviceLost("the GPU failed; send the job again")
        if "WEDGED" in chunk:
            ThreadPoolExecutor(1).submit(threading.Event().wait).result()
        if "STUCK" in chunk:
            threading.Event().wait()
        while "FOREVER" in chunk:
            time.sleep(0.05)
            yield SpokenPart(index, np.zeros(240, dtype=np.float32), ends_chunk=False)
        while self._is_held(chunk):
            time.sleep(0.02)

    def _is_held(self, chunk: str) -> bool:
        is_there = self._gate.exists()
        is_filled = is_there and self._gate.stat().st_size > 0
        return ("GATE" in chunk and not is_there) or ("LATCH" in chunk and not is_filled)


def _tone(text: str, *, seed: int, index: int) -> Samples:
    noise = np.random.default_rng([seed, index, zlib.crc32(text.encode())])
    count = int(len(text) * SECONDS_A_CHARACTER * RATE_HZ)
    phase = np.arange(count, dtype=np.float32) * np.float32(noise.uniform(0.02, 0.1))
    samples: Samples = (0.3 * np.sin(phase)).astype(np.float32)
    return samples


if __name__ == "__main__":
    container = Container(settings=load_settings(WorkerSettings))
    container.model.override(
        providers.Object(
            ScriptedModel(
                state=os.environ.get("SCRIPTED_STATE", "ready"),
                gate=Path(os.environ.get("SCRIPTED_GATE", "/nonexistent/gate")),
            )
        )
    )
    main(container)
