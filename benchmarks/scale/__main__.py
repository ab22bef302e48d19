"""``python -m benchmarks.scale``: waiting times and costs of an endpoint, simulated."""

import argparse
import sys
from collections.abc import Sequence

from benchmarks.scale.gpus import GPUS, PRICES_FROM
from benchmarks.scale.options import endpoint_of, parser, price_of, speed_of, traffic_of
from benchmarks.scale.plot import Point, plot
from benchmarks.scale.scenario import Figures, Scenario
from benchmarks.scale.search import Found, cheapest

_HEAD = (
    "| jobs a minute | min | max | idle timeout s | wait p50 s | p95 s | p99 s |"
    " GPU hours an hour | utilisation | USD an hour | USD for an hour of speech |"
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command of the command line and print its table."""
    asked = parser().parse_args(arguments)
    try:
        endpoint_of(asked)
    except ValueError as problem:
        parser().error(str(problem))
    print(_origin(asked))
    if asked.command == "one":
        figures = _scenario(asked, asked.jobs_per_minute).served_by(endpoint_of(asked))
        print(_all(figures))
    else:
        _search(asked)


def _scenario(asked: argparse.Namespace, rate: float) -> Scenario:
    return Scenario.draw(traffic_of(asked, rate), speed=speed_of(asked), price=price_of(asked))


def _origin(asked: argparse.Namespace) -> str:
    """Say where the speed and the price come from."""
    is_own_speed = asked.rtf_first is not None or asked.rtf_rest is not None
    speed = "given on the command line" if is_own_speed else GPUS[asked.gpu].origin
    price = PRICES_FROM if asked.price is None else "given on the command line"
    return f"Simulated. Speed of {asked.gpu}: {speed}.\nPrice: {price}.\n"


def _all(figures: Figures) -> str:
    median, high, highest = figures.wait_quantiles_s
    first_median, first_high = figures.first_audio_quantiles_s
    rows = (
        ("wait, mean", f"{figures.mean_wait_s:.2f} s"),
        ("wait, 50 / 95 / 99 % of jobs", f"{median:.2f} / {high:.2f} / {highest:.2f} s"),
        ("first audio, 50 / 95 % of jobs", f"{first_median:.2f} / {first_high:.2f} s"),
        ("GPU hours an hour", f"{figures.gpu_hours_per_hour:.2f}"),
        ("utilisation", f"{figures.utilisation:.0%}"),
        ("starts of workers an hour", f"{figures.starts_per_hour:.1f}"),
        ("most workers at once", f"{figures.most_workers}"),
        ("USD an hour", f"{figures.cost_per_hour:.2f}"),
        ("USD for an hour of speech", f"{figures.cost_per_hour_of_speech:.2f}"),
    )
    return "\n".join(f"{name:<32}{value}" for name, value in rows)


def _search(asked: argparse.Namespace) -> None:
    print(_HEAD)
    print("|" + "---:|" * (_HEAD.count("|") - 1), flush=True)
    points = []
    for rate in asked.jobs_per_minute:
        found = cheapest(_scenario(asked, rate), endpoint_of(asked), target_p95_s=asked.target_p95)
        if found is None:
            sys.exit(f"{rate:g} jobs a minute: no settings that were tried meet the target")
        print(_row(rate, found), flush=True)
        points.append(
            Point(rate, found.figures.gpu_hours_per_hour, found.figures.cost_per_hour_of_speech)
        )
    if asked.svg:
        asked.svg.write_text(plot(points, target_p95_s=asked.target_p95))


def _row(rate: float, found: Found) -> str:
    endpoint, figures = found.endpoint, found.figures
    waits = " | ".join(f"{wait:.1f}" for wait in figures.wait_quantiles_s)
    return (
        f"| {rate:,.0f} | {endpoint.min_workers} | {endpoint.max_workers} |"
        f" {endpoint.idle_timeout_s:g} | {waits} | {figures.gpu_hours_per_hour:.2f} |"
        f" {figures.utilisation:.0%} | {figures.cost_per_hour:.2f} |"
        f" {figures.cost_per_hour_of_speech:.2f} |"
    )


if __name__ == "__main__":
    main()
