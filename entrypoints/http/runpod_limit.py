"""The limits of RunPod's load balancer, which cuts off a response that is too long or too large."""

from collections.abc import Mapping

from application.size_limit import MARGIN
from application.speech_report import SpeechReport
from application.speech_request import SpeechRequest
from domain.audio import StreamFormat
from domain.errors import InvalidRequest
from domain.text.pace import estimated_seconds

LONGEST_SECONDS = 5.5 * 60
"""RunPod ends a request that takes longer with status 524, and clients repeat it for nothing."""
LONGEST_WAIT_SECONDS = 60.0
"""Of these, a request may spend this long in the queue of this server before it is spoken."""
LARGEST_BYTES = 30_000_000
"""RunPod's limit of a response."""

_ENDPOINT = "RUNPOD_ENDPOINT_ID"
"""Name of the variable that RunPod sets in the workers of an endpoint."""

_SAMPLE_BYTES = 2
_EVENT_SIZE = 4 / 3
"""Base64 needs four characters for three bytes."""


def is_behind_load_balancer(environment: Mapping[str, str]) -> bool:
    """Return whether a process that serves HTTP is a worker of a load-balancing endpoint."""
    return bool(environment.get(_ENDPOINT))


def bytes_per_second(
    stream_format: StreamFormat, *, sample_rate_hz: int, bitrate_kbps: int, is_sse: bool
) -> float:
    """Return the most bytes that a second of speech takes in a response."""
    if stream_format in (StreamFormat.WAV, StreamFormat.PCM, StreamFormat.FLAC):
        size: float = sample_rate_hz * _SAMPLE_BYTES
    else:
        size = bitrate_kbps * 1000 / 8
    return size * _EVENT_SIZE if is_sse else size


class RunpodLimit:
    """Refuses texts that cannot be spoken within the limits; they belong to RunPod's queue.

    How fast this worker speaks is known once it has spoken; before that, the size alone counts.
    """

    def __init__(self) -> None:
        self._real_time_factor: float | None = None

    def learn(self, report: SpeechReport, *, speed: float) -> None:
        """Take the real-time factor of a speech that has ended, as the model spoke it."""
        self._real_time_factor = report.timings.synthesis / (report.duration_seconds * speed)

    def require_speakable(self, request: SpeechRequest, *, bytes_per_second: float) -> None:
        """Refuse a text as the function of this name does, by what is known of this worker.

        Raises:
            InvalidRequest: its response would probably be cut off.
        """
        require_speakable(
            request, bytes_per_second=bytes_per_second, real_time_factor=self._real_time_factor
        )


def require_speakable(
    request: SpeechRequest, *, bytes_per_second: float, real_time_factor: float | None
) -> None:
    """Refuse a text whose response would probably be cut off.

    Args:
        request: What is to be spoken.
        bytes_per_second: Bytes that a second of audio takes in the response.
        real_time_factor: Seconds in which the model speaks one second, at its own speed; None
            where that is not known yet.

    Raises:
        InvalidRequest: it names ``text``, how much too long that is, and the way out.
    """
    spoken_seconds = MARGIN * estimated_seconds(request.text)
    size = spoken_seconds / request.speed * bytes_per_second
    needed_seconds = spoken_seconds * (real_time_factor or 0.0)
    most_seconds = LONGEST_SECONDS - LONGEST_WAIT_SECONDS
    if size > LARGEST_BYTES:
        excess = f"{size / 1e6:.0f} MB in this format, and {LARGEST_BYTES / 1e6:.0f} MB"
    elif needed_seconds > most_seconds:
        excess = f"{needed_seconds:.0f} s to speak, and {most_seconds:.0f} s"
    else:
        return
    raise InvalidRequest(
        "text",
        f"has {len(request.text)} characters, which may take {excess} is the most that RunPod's"
        " load balancer passes on: use the queue (an endpoint of RunPod's other kind), or send the"
        " text in parts",
    )
