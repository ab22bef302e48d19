"""How a text is spoken, apart from the voice: seed, emotion, sampling and language."""

from dataclasses import Field, dataclass, fields, replace
from typing import Any, ClassVar, Protocol, TypeVar

from domain.emotion import Emotion, RecordedEmotion
from domain.voice import Recording


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


OptionsT = TypeVar("OptionsT", bound=_Dataclass)


@dataclass(frozen=True, slots=True)
class Sampling:
    """Controls of the model's sampler; None leaves a control at the model's own value."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    num_beams: int | None = None
    repetition_penalty: float | None = None
    max_mel_tokens: int | None = None
    diffusion_steps: int | None = None
    inference_cfg_rate: float | None = None

    def over(self, defaults: OptionsT) -> OptionsT:
        """Return ``defaults`` with the controls that are given here in the place of its own.

        Args:
            defaults: A dataclass, each of whose fields has the name of a control.

        Raises:
            Whatever the constructor of ``defaults`` raises.
        """
        given = {
            field.name: value
            for field in fields(defaults)
            if (value := getattr(self, field.name)) is not None
        }
        return replace(defaults, **given)


@dataclass(frozen=True, slots=True)
class Delivery:
    """Everything but text and voice that changes the speech of one request.

    ``emotion_recording`` is the recording that a ``RecordedEmotion`` names; with any other emotion
    it is None. ``language`` is a BCP 47 primary tag, or None if the text's script decides.

    Raises:
        ValueError: a ``RecordedEmotion`` without its recording, or a recording without it.
    """

    seed: int
    emotion: Emotion | None = None
    emotion_recording: Recording | None = None
    sampling: Sampling = Sampling()
    language: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.emotion, RecordedEmotion) != (self.emotion_recording is not None):
            raise ValueError("a recorded emotion and its recording go together")
