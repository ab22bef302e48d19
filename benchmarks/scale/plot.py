"""The plot of a search: GPUs and the price of speech against the rate of jobs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tests.docs.svg import Drawing

_LEFT, _WIDTH, _HEIGHT, _GAP = 70, 360, 240, 110
_TOP = 80


@dataclass(frozen=True, slots=True)
class Point:
    """One row of the table."""

    jobs_per_minute: float
    gpu_hours_per_hour: float
    cost_per_hour_of_speech: float


@dataclass(frozen=True, slots=True)
class _Axis:
    """A logarithmic axis over whole powers of ten, from pixel ``begin`` to pixel ``end``."""

    low: int
    high: int
    begin: float
    end: float

    @classmethod
    def over(cls, values: Sequence[float], *, begin: float, end: float) -> "_Axis":
        low = math.floor(math.log10(min(values)) + 1e-9)
        high = max(math.ceil(math.log10(max(values)) - 1e-9), low + 1)
        return cls(low, high, begin, end)

    def place(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return round(self.begin + share * (self.end - self.begin), 1)

    @property
    def ticks(self) -> list[float]:
        return [10.0**power for power in range(self.low, self.high + 1)]


def plot(points: Sequence[Point], *, target_p95_s: float) -> str:
    """Return an SVG with two curves, side by side, on logarithmic axes."""
    rows = "; ".join(
        f"{point.jobs_per_minute:,.0f}: {point.gpu_hours_per_hour:.2f} GPU hours an hour,"
        f" {point.cost_per_hour_of_speech:.2f} USD for an hour of speech"
        for point in points
    )
    drawing = Drawing(
        title=f"GPUs and the price of speech where 95 % of jobs wait {target_p95_s:g} s at most",
        description=f"Simulated, by jobs a minute. {rows}.",
    )
    drawing.text(20, 26, f"95 % of jobs wait {target_p95_s:g} s at most (simulated)", style="title")
    rates = [point.jobs_per_minute for point in points]
    hours = [point.gpu_hours_per_hour for point in points]
    costs = [point.cost_per_hour_of_speech for point in points]
    _panel(drawing, _LEFT, rates, hours, name="GPU hours an hour", style="")
    right = _LEFT + _WIDTH + _GAP
    _panel(drawing, right, rates, costs, name="USD for an hour of speech", style="2")
    return drawing.render()


def _panel(
    drawing: Drawing,
    left: float,
    rates: Sequence[float],
    values: Sequence[float],
    *,
    name: str,
    style: str,
) -> None:
    bottom, right = _TOP + _HEIGHT, left + _WIDTH
    across = _Axis.over(rates, begin=left, end=right)
    up = _Axis.over(values, begin=bottom, end=_TOP)
    drawing.text(left, _TOP - 18, name, style="bold")
    drawing.text(left + _WIDTH / 2, bottom + 38, "jobs a minute", style="small middle")
    for tick in up.ticks:
        drawing.path(f"M{left} {up.place(tick):g}H{right}", style="faint")
        drawing.text(left - 8, up.place(tick) + 4, f"{tick:,g}", style="small end")
    for tick in across.ticks:
        drawing.path(f"M{across.place(tick):g} {_TOP}V{bottom}", style="faint")
        drawing.text(across.place(tick), bottom + 18, f"{tick:,g}", style="small middle")
    places = [(across.place(x), up.place(y)) for x, y in zip(rates, values, strict=True)]
    line = " ".join(f"{x:g} {y:g}" for x, y in places)
    drawing.path(f"M{line}", style=f"curve{style}")
    for (x, y), value in zip(places, values, strict=True):
        drawing.dot(x, y, style=f"dot{style}")
        if values[-1] < values[0]:  # beside a falling curve, above a rising one
            drawing.text(x + 7, y - 7, f"{value:,.3g}", style="small")
        else:
            drawing.text(x, y - 10, f"{value:,.3g}", style="small middle")
