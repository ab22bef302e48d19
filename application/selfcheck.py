"""The self-check: a fixed set of texts is spoken, and the speech is measured."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from application.checked_texts import TEXTS, CheckedText
from application.speak import Speak
from application.speech_report import SpeechReport
from application.speech_request import SpeechRequest
from domain.audio import AUDIBLE_AMPLITUDE, Samples
from domain.errors import InvalidRequest
from domain.warnings import WarningCode

_SEED = 20_250_101
_LONGEST_SILENCE_SECONDS = 2.0
"""A pause between sentences lasts about half a second; four times as long is a fault."""

_MOST_CLIPPED = 0.001
"""Share of samples at full scale: single peaks may reach it, a distorted recording does more often.
"""

_FULL_SCALE = 0.999
"""Amplitude from which a sample counts as clipped; 16-bit rounding leaves some below 1."""


@dataclass(frozen=True, slots=True)
class CheckRow:
    """The result for one text; ``problems`` is empty where all is well.

    ``silence_seconds`` is the longest stretch below -46 dBFS, ``clipped`` the share of samples at
    full scale. ``refusal`` is the reason of an engine that cannot speak such a text, which is no
    problem.
    """

    name: str
    seconds: float
    real_time_factor: float
    characters_per_second: float
    silence_seconds: float
    clipped: float
    problems: tuple[str, ...]
    refusal: str = ""


class SelfCheck:
    """Speaks the set with the model behind ``speak``, in the voice called ``voice``."""

    def __init__(self, *, speak: Speak, texts: Sequence[CheckedText] = TEXTS) -> None:
        self._speak = speak
        self._texts = texts

    def run(self, *, voice: str | None = None) -> Generator[CheckRow, None, None]:
        """Yield a row for each text, then one for repetition, each as soon as it is measured.

        Raises:
            SpeechError: the model cannot speak at all.
        """
        for checked in self._texts:
            try:
                samples, report = self._spoken(checked, voice, seed=_SEED)
            except InvalidRequest as refused:
                yield CheckRow(checked.name, 0, 0, 0, 0, 0, (), refusal=refused.message)
                continue
            yield _row(checked, samples, report)
        yield self._repetition(self._texts[0], voice)

    def _repetition(self, checked: CheckedText, voice: str | None) -> CheckRow:
        first, report = self._spoken(checked, voice, seed=_SEED)
        again, _ = self._spoken(checked, voice, seed=_SEED)
        other, _ = self._spoken(checked, voice, seed=_SEED + 1)
        problems = []
        if not np.array_equal(first, again):
            problems.append("the same seed gave other samples")
        if np.array_equal(first, other):
            problems.append("another seed gave the same samples")
        row = _row(checked, first, report)
        return replace(row, name="repetition", problems=tuple(problems))

    def _spoken(
        self, checked: CheckedText, voice: str | None, *, seed: int
    ) -> tuple[Samples, SpeechReport]:
        utterance = self._speak.utterance(
            SpeechRequest(
                text=checked.text, speaker_voice=voice, emotion=checked.emotion, seed=seed
            )
        )
        samples = np.concatenate(list(utterance.samples()))
        return samples, utterance.report()


def _row(checked: CheckedText, samples: Samples, report: SpeechReport) -> CheckRow:
    seconds = report.duration_seconds
    pace = len(checked.text) / seconds
    silence = _longest_run(np.abs(samples) < AUDIBLE_AMPLITUDE) / report.sample_rate_hz
    clipped = float((np.abs(samples) >= _FULL_SCALE).mean())
    problems = [
        warning.message for warning in report.warnings if warning.code is WarningCode.LENGTH_LIMIT
    ]
    if not checked.slowest <= pace <= checked.fastest:
        problems.append(
            f"{pace:.1f} characters a second; {checked.slowest} to {checked.fastest} are speech"
        )
    if silence > _LONGEST_SILENCE_SECONDS:
        problems.append(f"{silence:.1f} s of silence")
    if clipped > _MOST_CLIPPED:
        problems.append(f"{clipped:.1%} of the samples are clipped")
    return CheckRow(
        name=checked.name,
        seconds=seconds,
        real_time_factor=report.timings.synthesis / seconds,
        characters_per_second=pace,
        silence_seconds=silence,
        clipped=clipped,
        problems=tuple(problems),
    )


def _longest_run(flags: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> int:
    """Return the length of the longest run of True in ``flags`` (n,)."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False]))))
    return int((edges[1::2] - edges[::2]).max(initial=0))
