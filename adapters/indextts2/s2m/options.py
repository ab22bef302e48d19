"""The options of flow matching."""

from dataclasses import dataclass

from domain.delivery import Sampling
from domain.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class FlowOptions:
    """Options of flow matching; the defaults are those of IndexTTS-2.

    ``diffusion_steps`` is the number of Euler steps, ``inference_cfg_rate`` the strength of
    classifier-free guidance; with 0 there is no guidance.

    Raises:
        InvalidRequest: A value is outside the range that flow matching accepts.
    """

    diffusion_steps: int = 25
    inference_cfg_rate: float = 0.7

    def __post_init__(self) -> None:
        if self.diffusion_steps < 1:
            raise InvalidRequest("diffusion_steps", "must be at least 1")
        if self.inference_cfg_rate < 0:
            raise InvalidRequest("inference_cfg_rate", "must not be negative")


def flow_options(requested: Sampling) -> FlowOptions:
    """Return the options of ``requested``, with defaults where it gives none.

    Raises:
        InvalidRequest: A value is out of range.
    """
    return requested.over(FlowOptions())
