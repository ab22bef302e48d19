"""IndexTTS-2 behind the speech port. Importing this module loads none of its libraries."""

import threading
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from adapters.indextts2.checkpoint_files import MODEL, CheckpointFiles
from adapters.indextts2.devices import (
    choose_device,
    choose_precision,
    cpu_multiplies_bfloat16,
    driver_is_present,
    expected_device,
    unsupported_settings,
)
from adapters.indextts2.failures import loading, speaking
from adapters.indextts2.sample_rates import MODEL_RATE_HZ
from adapters.indextts2.segment_limit import clamp_note, configured_limit
from adapters.indextts2.upstream import missing_packages
from application.ports.speech_model import ModelState, ModelStatus, SpokenPart
from domain.delivery import Delivery
from domain.errors import ModelUnavailable, SpeechError
from domain.voice import Recording

if TYPE_CHECKING:
    from adapters.indextts2.engine.engine import Engine

log = structlog.get_logger()


class IndexTTS2Model:
    """The model of a checkpoints folder, loaded once and used by one request at a time.

    Several threads may call it: their requests take turns, part by part, and none hears another.

    Args:
        checkpoints_dir: where the weights are; see ``checkpoint_files`` for the layouts.
        hub_caches: hub caches of the machine that may hold them too.
        device: ``cuda``, ``cuda:1``, ``cpu``; None takes a GPU if there is one.
        use_fp16: lower precision where the device is made for it, see ``devices.Precision``.
        use_deepspeed: accepted for older deployments, and answered with a note.
        use_cuda_kernel: the vocoder's fused kernel, on CUDA with a compiler.
        use_cuda_graphs: steps of code generation are recorded and repeated, on CUDA.
        max_tokens_per_segment: clamped to what the loaded model takes.
        segments_at_once: how many segments of a request share a batch.
        early_first_audio: let a request's beginning be heard before its first segment is decoded;
            it sounds a little different then, and the result says so.
        cache_dir: where what was computed of a recording is kept between processes; None: nowhere.
        use_grammars: write out numbers and abbreviations where the package for it is installed.
    """

    def __init__(
        self,
        *,
        checkpoints_dir: Path,
        hub_caches: Sequence[Path] = (),
        device: str | None = None,
        use_fp16: bool = False,
        use_deepspeed: bool = False,
        use_cuda_kernel: bool = False,
        use_cuda_graphs: bool = True,
        max_tokens_per_segment: int = 800,
        segments_at_once: int = 16,
        early_first_audio: bool = False,
        cache_dir: Path | None = None,
        use_grammars: bool = True,
    ) -> None:
        self._files = CheckpointFiles(checkpoints_dir, tuple(hub_caches))
        self._asked_device = device
        self._use_fp16 = use_fp16
        self._use_deepspeed = use_deepspeed
        self._use_cuda_kernel = use_cuda_kernel
        self._use_cuda_graphs = use_cuda_graphs
        self._asked_tokens_per_segment = max_tokens_per_segment
        self._segments_at_once = segments_at_once
        self._early_first_audio = early_first_audio
        self._cache_dir = cache_dir
        self._use_grammars = use_grammars
        self._device: str | None = None
        self._loaded: Engine | None = None
        self._failure = ""
        self._is_loading = False
        self._loading_turn = threading.Lock()
        self._speaking_turn = threading.Lock()
        self._notes: tuple[str, ...] = ()

    @property
    def engine(self) -> str:
        return "indextts2"

    @property
    def device(self) -> str:
        return self._device or expected_device(self._asked_device)

    @property
    def clones_voices(self) -> bool:
        return True

    @property
    def sample_rate_hz(self) -> int:
        return MODEL_RATE_HZ

    @property
    def max_tokens_per_segment(self) -> int:
        """Text tokens that a segment may have: as asked for, and once loaded as clamped."""
        return self._loaded.longest_segment if self._loaded else self._asked_tokens_per_segment

    def status(self) -> ModelStatus:
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
        self._load()

    def _load(self) -> "Engine":
        with self._loading_turn:
            if self._loaded is not None:
                return self._loaded
            obstacle = self._blocker()
            if obstacle is not None:
                raise ModelUnavailable(obstacle.advice)
            self._is_loading = True
            try:
                with loading():
                    loaded = self._loaded = self._assemble()
                self._failure = ""
            except SpeechError as error:
                self._failure = error.message
                raise
            finally:
                self._is_loading = False
        log.info(
            "model_loaded",
            engine=self.engine,
            device=self.device,
            max_tokens_per_segment=self.max_tokens_per_segment,
            notes=self._notes,
        )
        return loaded

    def speak(
        self, chunks: Sequence[str], *, voice: Recording, delivery: Delivery
    ) -> Generator[SpokenPart, None, None]:
        loaded = self._load()
        import torch

        parts = loaded.speak(chunks, voice=voice, delivery=delivery)
        try:
            while True:
                # One turn for each part, so that a reader who dawdles keeps nobody waiting.
                with self._speaking_turn, torch.inference_mode(), speaking():
                    part = next(parts, None)
                if part is None:
                    return
                yield part
        finally:
            # Without a turn: it only lets go, and the garbage collector may do it inside anyone's.
            parts.close()

    def _expected_notes(self) -> str:
        """What loading would note, as far as it can be told before."""
        limit = configured_limit(self._files.path(MODEL, "config.yaml"))
        return "" if limit is None else "; ".join(clamp_note(self._asked_tokens_per_segment, limit))

    def _assemble(self) -> "Engine":
        from adapters.indextts2.engine.assembly import EngineSettings, assemble
        from adapters.indextts2.engine.engine import Engine

        device = choose_device(self._asked_device)
        self._device = str(device)
        precision = choose_precision(
            device,
            use_fp16=self._use_fp16,
            cpu_multiplies_bfloat16=cpu_multiplies_bfloat16(),
        )
        assembled = assemble(
            EngineSettings(
                files=self._files,
                precision=precision,
                use_cuda_kernel=self._use_cuda_kernel,
                use_cuda_graphs=self._use_cuda_graphs,
                use_grammars=self._use_grammars,
                max_tokens_per_segment=self._asked_tokens_per_segment,
                segments_at_once=self._segments_at_once,
                early_first_audio=self._early_first_audio,
                cache_dir=self._cache_dir,
            ),
            device,
        )
        self._notes = (
            *unsupported_settings(
                device,
                precision,
                use_fp16=self._use_fp16,
                use_deepspeed=self._use_deepspeed,
                use_cuda_kernel=self._use_cuda_kernel,
            ),
            *assembled.notes,
        )
        return Engine(stages=assembled.stages)

    def _blocker(self) -> ModelStatus | None:
        """What keeps the model from loading, as far as can be told without loading anything."""
        packages = missing_packages()
        if packages:
            return ModelStatus(
                ModelState.MISSING_PACKAGE,
                advice=f"not installed: {', '.join(packages)}; install the extra indextts",
            )
        files = self._files.missing_files()
        if files:
            return ModelStatus(
                ModelState.MISSING_WEIGHTS,
                missing_files=files,
                advice=f"weights are missing: {', '.join(files)}; run indextts-runpod download",
            )
        if expected_device(self._asked_device).startswith("cuda") and not driver_is_present():
            return ModelStatus(
                ModelState.NO_GPU,
                advice=f"DEVICE is {self._asked_device} but this machine has no GPU;"
                " choose a GPU endpoint or set DEVICE=cpu",
            )
        return None
