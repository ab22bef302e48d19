"""IndexTTS-2 behind the speech port. Importing this module loads none of its libraries."""

import threading
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

import structlog

from adapters.indextts2.checkpoint_files import MODEL, CheckpointFiles
from adapters.indextts2.devices import (
    choose_device,
    choose_precision,
    clamp_note,
    configured_limit,
    cpu_multiplies_bfloat16,
    driver_is_present,
    expected_device,
    unsupported_settings,
)
from adapters.indextts2.failures import loading, speaking
from adapters.indextts2.options import EngineOptions
from adapters.indextts2.sample_rates import MODEL_RATE_HZ
from adapters.indextts2.upstream import EXTRA, missing_packages
from application.ports.speech_model import ModelInfo, ModelState, ModelStatus, SpokenPart
from domain.delivery import Delivery
from domain.errors import DeviceLost, ModelUnavailable, SpeechError
from domain.voice import Recording

if TYPE_CHECKING:
    from adapters.indextts2.engine.engine import Engine

log = structlog.get_logger()

_NAMED_FILES = 3
"""Missing files that a message names: what fits in a line of a terminal."""
_DEVICE_LOST = ModelStatus(
    ModelState.FAILED,
    advice="the GPU failed and its context is lost; this worker must be replaced, then send the job"
    " again",
)


class IndexTTS2Model:
    """The model of a checkpoints folder, loaded once and used by one request at a time.

    Several threads may call it: one part of one request is computed at a time, and requests do not
    change one another.

    Args:
        options: The choices that hold as long as the process runs.
    """

    def __init__(self, *, options: EngineOptions) -> None:
        self._options = options
        self._files = CheckpointFiles(
            options.checkpoints_dir, options.hub_caches, options.baked_dir
        )
        self._device: str | None = None
        self._loaded: Engine | None = None
        self._failure = ""
        self._is_device_lost = False
        self._is_loading = False
        self._loading_lock = threading.Lock()
        self._speaking_lock = threading.Lock()
        self._notes: tuple[str, ...] = ()

    @property
    def info(self) -> ModelInfo:
        """What the model is; its device is expected before the load, and known afterwards."""
        device = self._device or expected_device(self._options.device)
        return ModelInfo(
            name="indextts2",
            device=device,
            uses_gpu=device.startswith("cuda"),
            clones_voices=True,
            sample_rate_hz=MODEL_RATE_HZ,
        )

    @property
    def max_tokens_per_segment(self) -> int:
        """Text tokens that a segment may have: as configured, and once loaded as clamped."""
        return (
            self._loaded.frontend.longest_segment
            if self._loaded
            else self._options.max_tokens_per_segment
        )

    def status(self) -> ModelStatus:
        """Implement ``SpeechModel.status``."""
        if self._is_device_lost:
            return _DEVICE_LOST
        if self._loaded is not None:
            return ModelStatus(ModelState.READY, advice="; ".join(self._notes))
        if self._is_loading:
            return ModelStatus(ModelState.LOADING)
        return self._blocker() or (
            ModelStatus(ModelState.FAILED, advice=self._failure)
            if self._failure
            else ModelStatus(ModelState.NOT_LOADED, advice=self._expected_notes())
        )

    def load(self) -> None:
        """Implement ``SpeechModel.load``.

        Raises:
            ModelUnavailable, OutOfMemory, DeviceLost: it cannot be loaded.
        """
        self._load()

    def _load(self) -> "Engine":
        if self._is_device_lost:
            raise ModelUnavailable(_DEVICE_LOST.advice)
        with self._loading_lock:
            if self._loaded is not None:
                return self._loaded
            obstacle = self._blocker()
            if obstacle is not None:
                raise ModelUnavailable(obstacle.advice, extras=obstacle.extras)
            self._is_loading = True
            try:
                with loading():
                    loaded = self._loaded = self._assemble()
                self._failure = ""
            except SpeechError as error:
                self._failure = error.message
                self._is_device_lost = isinstance(error, DeviceLost)
                raise
            finally:
                self._is_loading = False
        log.info(
            "model_loaded",
            engine=self.info.name,
            device=self.info.device,
            max_tokens_per_segment=self.max_tokens_per_segment,
            notes=self._notes,
        )
        return loaded

    def speak(
        self, chunks: Sequence[str], *, voice: Recording, delivery: Delivery
    ) -> Generator[SpokenPart, None, None]:
        """Implement ``SpeechModel.speak``; load the model where it is not loaded.

        Raises:
            SpeechError: nothing but the domain's errors.
        """
        loaded = self._load()
        import torch

        parts = loaded.speak(chunks, voice=voice, delivery=delivery)
        try:
            while True:
                # The lock is held for one part only, so that a slow reader does not delay others.
                with self._speaking_lock, torch.inference_mode(), speaking():
                    part = next(parts, None)
                if part is None:
                    return
                yield part
        except DeviceLost:
            self._is_device_lost = True
            raise
        finally:
            # Without the lock: closing only frees memory, and the garbage collector may run this
            # code in a thread that holds the lock.
            parts.close()

    def _expected_notes(self) -> str:
        """Return what loading would note, as far as it is known before."""
        limit = configured_limit(self._files.path(MODEL, "config.yaml"))
        return (
            ""
            if limit is None
            else "; ".join(clamp_note(self._options.max_tokens_per_segment, limit))
        )

    def _assemble(self) -> "Engine":
        from adapters.indextts2.engine.assembly import assemble

        device = choose_device(self._options.device)
        self._device = str(device)
        precision = choose_precision(
            device,
            use_fp16=self._options.use_fp16,
            cpu_multiplies_bfloat16=cpu_multiplies_bfloat16(),
        )
        assembled = assemble(self._options, precision=precision, device=device)
        self._notes = (
            *unsupported_settings(self._options, device, precision),
            *assembled.notes,
        )
        return assembled.engine

    def _blocker(self) -> ModelStatus | None:
        """Return why the model cannot be loaded, as far as it is known without loading."""
        packages = missing_packages()
        if packages:
            return ModelStatus(
                ModelState.MISSING_PACKAGE,
                advice=f"not installed: {', '.join(packages)}; install the extra {EXTRA}",
                extras=(EXTRA,),
            )
        files = self._files.missing_files()
        if files:
            return ModelStatus(
                ModelState.MISSING_WEIGHTS,
                missing_files=files,
                advice=f"weights are missing: {_beginning(files)}; run indextts-runpod download",
            )
        if expected_device(self._options.device).startswith("cuda") and not driver_is_present():
            return ModelStatus(
                ModelState.NO_GPU,
                advice=f"DEVICE is {self._options.device} but this machine has no GPU;"
                " choose a GPU endpoint or set DEVICE=cpu",
            )
        return None


def _beginning(files: Sequence[str]) -> str:
    """Return the first few in words; ``ModelStatus.missing_files`` holds all of them."""
    more = len(files) - _NAMED_FILES
    return ", ".join(files[:_NAMED_FILES]) + (f" and {more} more" if more > 0 else "")
