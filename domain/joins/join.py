"""The ways to join chunks, and the joiner of each."""

from typing import TypeAlias, assert_never

from domain.audio import samples_in
from domain.joins.crossfade import Crossfade, CrossfadeJoiner
from domain.joins.end_to_end import EndToEnd, EndToEndJoiner
from domain.joins.joiner import Joiner
from domain.joins.pause import Pause, PauseJoiner
from domain.joins.ramp import RAMP_MS

Join: TypeAlias = Pause | Crossfade | EndToEnd
"""What lies between two neighbouring chunks."""


def joiner(join: Join, *, chunks: int, sample_rate_hz: int) -> Joiner:
    """Return a new joiner for ``chunks`` chunks of audio at ``sample_rate_hz``."""
    ramp = samples_in(RAMP_MS, sample_rate_hz)
    match join:
        case Pause(ms):
            return PauseJoiner(chunks=chunks, pause=samples_in(ms, sample_rate_hz), ramp=ramp)
        case Crossfade(ms):
            return CrossfadeJoiner(chunks=chunks, overlap=samples_in(ms, sample_rate_hz))
        case EndToEnd():
            return EndToEndJoiner(chunks=chunks, ramp=ramp)
        case _:
            assert_never(join)
