"""Figures of the server for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from application.speech_report import SpeechReport


class SpeechMetrics:
    """Counts and times requests to speak, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._ended = Counter(
            "indextts_requests", "Requests by outcome", ["outcome"], registry=self.registry
        )
        self._waiting = Gauge("indextts_queue_length", "Requests that wait", registry=self.registry)
        self._running = Gauge(
            "indextts_running", "Requests that are spoken", registry=self.registry
        )
        self._waited = Histogram(
            "indextts_wait_seconds", "Time from arrival to the engine", registry=self.registry
        )
        self._first_audio = Histogram(
            "indextts_first_audio_seconds",
            "Time from arrival to the first bytes",
            registry=self.registry,
        )
        self._audio = Counter(
            "indextts_audio_seconds", "Audio that was spoken", registry=self.registry
        )

    def queue_length(self, count: int) -> None:
        """Note how many requests wait now."""
        self._waiting.set(count)

    def running(self, count: int) -> None:
        """Note how many requests are spoken now."""
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

    def ended(self, outcome: str) -> None:
        """Count a request: ``completed``, ``cancelled``, or the code of its error."""
        self._ended.labels(outcome).inc()
