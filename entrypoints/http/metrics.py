"""Figures of the server for Prometheus."""

from collections.abc import Iterator
from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Enum,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from application.ports.device_memory import MemoryUse
from application.ports.speech_model import ModelState
from application.speech_report import SpeechReport

_SECONDS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 30, 60)
_REAL_TIME_FACTORS = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 2, 5, 10)


class _DeviceMemoryCollector(Collector):
    """The memory of the model's GPU: no figures at all while ``use`` is None."""

    def __init__(self) -> None:
        self.use: MemoryUse | None = None

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges."""
        used = total = None
        if self.use:
            used, total = self.use.used_bytes, self.use.total_bytes
        yield GaugeMetricFamily(
            "indextts_gpu_memory_used_bytes",
            "Memory of the model's GPU that all processes use",
            used,
        )
        yield GaugeMetricFamily(
            "indextts_gpu_memory_total_bytes", "Memory of the model's GPU", total
        )


class SpeechMetrics:
    """Counts and times requests to speak, in a registry of its own.

    Args:
        engine: Name of the engine that speaks.
    """

    def __init__(self, *, engine: str) -> None:
        self.registry = registry = CollectorRegistry()
        self._ended = Counter(
            "indextts_requests",
            "Requests to speak that ended, by outcome: completed, cancelled, or an error's code",
            ["outcome"],
            registry=registry,
        )
        self._waiting = Gauge(
            "indextts_queue_length", "Requests that wait for the engine", registry=registry
        )
        self._running = Gauge(
            "indextts_running_requests", "Requests that have the engine", registry=registry
        )
        self._waited = Histogram(
            "indextts_wait_seconds",
            "Time from a request's arrival to the engine",
            buckets=_SECONDS,
            registry=registry,
        )
        self._first_audio = Histogram(
            "indextts_first_audio_seconds",
            "Time from a request's arrival to its first bytes",
            buckets=_SECONDS,
            registry=registry,
        )
        self._factor = Histogram(
            "indextts_real_time_factor",
            "Synthesis seconds per second of audio",
            buckets=_REAL_TIME_FACTORS,
            registry=registry,
        )
        self._audio = Counter(
            "indextts_audio_seconds", "Audio that was spoken to its end", registry=registry
        )
        self._synthesis = Counter(
            "indextts_synthesis_seconds", "Time that the model took for it", registry=registry
        )
        self._state = Enum(
            "indextts_model_state",
            "State of the model",
            states=[state.value for state in ModelState],
            registry=registry,
        )
        self._memory = _DeviceMemoryCollector()
        registry.register(self._memory)
        build = Info("indextts_build", "Version and engine of the server", registry=registry)
        build.info({"version": version("indextts-runpod"), "engine": engine})
        ProcessCollector(registry=registry)

    def queue_length(self, count: int) -> None:
        """Note how many requests wait now."""
        self._waiting.set(count)

    def running(self, count: int) -> None:
        """Note how many requests have the engine now."""
        self._running.set(count)

    def waited(self, seconds: float) -> None:
        """Note the time from a request's arrival to the engine."""
        self._waited.observe(seconds)

    def first_audio(self, seconds: float) -> None:
        """Note the time from a request's arrival to its first bytes."""
        self._first_audio.observe(seconds)

    def spoken(self, report: SpeechReport) -> None:
        """Note what was spoken."""
        self._audio.inc(report.duration_seconds)
        self._synthesis.inc(report.timings.synthesis)
        self._factor.observe(report.timings.synthesis / report.duration_seconds)

    def ended(self, outcome: str) -> None:
        """Count a request: ``completed``, ``cancelled``, or the code of its error."""
        self._ended.labels(outcome).inc()

    def model_state(self, state: ModelState) -> None:
        """Note the state of the model."""
        self._state.state(state.value)

    def device_memory(self, use: MemoryUse | None) -> None:
        """Note the memory of the model's GPU; None where there is no GPU in use."""
        self._memory.use = use

    def text(self) -> bytes:
        """Return all figures in Prometheus's text format."""
        return generate_latest(self.registry)
