"""The use case that makes an engine ready before the first request."""

from dataclasses import dataclass

from application.speak import Speak
from application.speech_request import SpeechRequest

TEXT = "This sentence makes the engine ready to speak. It is heard by nobody."


@dataclass(frozen=True, slots=True)
class WarmUp:
    """Seconds that the first request saves, and the seconds of audio that were spoken."""

    load: float
    first_audio: float
    synthesis: float
    duration: float


def warm_up(speak: Speak) -> WarmUp:
    """Load the engine, speak ``TEXT`` and drop its audio.

    Raises:
        SpeechError: the engine cannot load or speak; see the subclasses.
    """
    utterance = speak.utterance(SpeechRequest(text=TEXT, seed=0))
    for _ in utterance.samples():
        pass
    report = utterance.report()
    return WarmUp(
        load=report.timings.load,
        first_audio=report.timings.first_audio,
        synthesis=report.timings.synthesis,
        duration=report.duration_seconds,
    )
