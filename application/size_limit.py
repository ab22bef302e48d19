"""Requests whose audio would be too large for the store, refused before they are spoken."""

from application.ports.audio import AudioEncoder
from application.ports.storage import ObjectStore
from application.speech_request import LOWEST_BITRATE_KBPS, SpeechRequest
from application.utterance import Utterance
from domain.audio import AudioFormat
from domain.errors import InvalidRequest
from domain.joins.pause import Pause
from domain.text.pace import estimated_seconds

MARGIN = 1.2
"""The estimated size times this must fit: a slow voice must not cost a job after it was spoken."""


def require_fitting(
    request: SpeechRequest, utterance: Utterance, *, store: ObjectStore, encoder: AudioEncoder
) -> None:
    """Refuse ``request`` if its audio is likely to be larger than what ``store`` takes.

    ``utterance`` is the plan of the request, of which nothing has been spoken.

    Raises:
        InvalidRequest: it names ``text`` and says what could be done.
    """
    largest = store.largest_bytes
    if largest is None:
        return
    pause_ms = request.join.ms if isinstance(request.join, Pause) else 0
    spoken = estimated_seconds(request.text) + (utterance.chunk_count - 1) * pause_ms / 1000
    seconds = spoken / request.speed

    def likely_bytes(audio_format: AudioFormat, bitrate_kbps: int) -> float:
        rate_kbps = encoder.data_rate_kbps(
            audio_format, sample_rate_hz=utterance.sample_rate_hz, bitrate_kbps=bitrate_kbps
        )
        return MARGIN * seconds * rate_kbps * 1000 / 8

    size = likely_bytes(request.audio_format, request.bitrate_kbps)
    if size <= largest:
        return
    lossy = request.audio_format if request.audio_format.is_lossy else AudioFormat.OPUS
    fitting = [
        bitrate
        for bitrate in range(LOWEST_BITRATE_KBPS, request.bitrate_kbps + 1)
        if likely_bytes(lossy, bitrate) <= largest
    ]
    named = f"audio_format {lossy.value} with " if lossy is not request.audio_format else ""
    smaller = f"choose {named}bitrate_kbps of at most {fitting[-1]}, " if fitting else ""
    raise InvalidRequest(
        "text",
        f"has {len(request.text)} characters, which is an estimated {seconds:.0f} s of speech and"
        f" up to {size / 1e6:.1f} MB as {request.audio_format.value}; the {store.kind} store takes"
        f" at most {largest / 1e6:g} MB: {smaller}stream it, send it in parts, or store files in"
        " S3 instead (OBJECT_STORE)",
    )
