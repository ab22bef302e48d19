"""Which speech model speaks when the operator leaves the choice to us."""

from application.ports.speech_model import SpeechModel


def choose_engine(*, best: SpeechModel, modest: SpeechModel) -> SpeechModel:
    """``best`` where all it needs is there and it would run on a GPU, else ``modest``."""
    is_able = best.status().state.can_speak
    return best if is_able and best.device.startswith("cuda") else modest
