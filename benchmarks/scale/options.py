"""The command line of the simulation, and the values that it stands for."""

import argparse
import contextlib
import math
from pathlib import Path

from benchmarks.scale.endpoint import Endpoint, FlashBoot, QueueDelay, RequestCount, Scaling
from benchmarks.scale.gpus import GPUS
from benchmarks.scale.scenario import Price, Traffic
from benchmarks.scale.workload import Bursts, Speed

_DESCRIPTION = """\
Simulate a RunPod endpoint: how long jobs wait, how many GPU hours it takes, what it costs.

  one     one rate of jobs, one set of endpoint settings
  search  for each rate the cheapest settings that keep waits under a target

No speed in here was measured on a GPU: each is computed, and the output says from what. Give your
own with --rtf-first and --rtf-rest, and the price of the day with --price and --active-price.
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of ``python -m benchmarks.scale``."""
    root = argparse.ArgumentParser(
        prog="python -m benchmarks.scale",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = root.add_subparsers(dest="command", required=True)
    one = _command(commands.add_parser("one", help="simulate one set of settings"))
    one.add_argument(
        "--jobs-per-minute", type=_positive, default=30, help="average rate (%(default)s)"
    )
    group = one.add_argument_group("settings that are tried by the search")
    group.add_argument("--min-workers", type=int, default=0, help="active workers (%(default)s)")
    group.add_argument("--max-workers", type=_count, default=3, help="(%(default)s)")
    group.add_argument("--idle-timeout", type=float, default=5, help="seconds (%(default)s)")
    search = _command(commands.add_parser("search", help="find settings that meet a target"))
    rates = [1.0, 10.0, 100.0, 1_000.0, 10_000.0]
    search.add_argument(
        "--jobs-per-minute", type=_positive, nargs="+", default=rates, help="average rates"
    )
    search.add_argument(
        "--target-p95", type=float, default=5, help="95 %% of jobs wait so long at most, in seconds"
    )
    search.add_argument("--svg", type=Path, help="write a plot of the table to this file")
    return root


def _command(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    traffic = command.add_argument_group("traffic")
    traffic.add_argument("--bursty", action="store_true", help="waves of five times the rate")
    traffic.add_argument(
        "--characters", type=_positive, default=200, help="median text (%(default)s)"
    )
    traffic.add_argument(
        "--spread",
        type=float,
        default=1.0,
        help="deviation of the length's logarithm (%(default)s)",
    )
    traffic.add_argument("--jobs", type=_count, default=20_000, help="jobs counted (%(default)s)")
    traffic.add_argument("--seed", type=int, default=1)
    gpu = command.add_argument_group("GPU")
    gpu.add_argument("--gpu", choices=GPUS, default="h100", help="(%(default)s)")
    gpu.add_argument("--rtf-first", type=float, help="RTF of a chunk alone, instead of the GPU's")
    gpu.add_argument("--rtf-rest", type=float, help="RTF of the chunks after it")
    gpu.add_argument("--overhead", type=float, default=0.3, help="s of a job beside the model")
    gpu.add_argument("--price", type=float, help="USD for a second of a flex worker")
    gpu.add_argument("--active-price", type=float, help="USD for a second of an active worker")
    endpoint = command.add_argument_group("endpoint")
    endpoint.add_argument(
        "--concurrency", type=_count, default=1, help="jobs at once (%(default)s)"
    )
    endpoint.add_argument(
        "--company", type=float, default=1, help="what one job more adds to a job's time, 0 to 1"
    )
    endpoint.add_argument(
        "--scaling", type=_scaling, default=QueueDelay(), metavar="RULE",
        help="queue-delay:SECONDS (default, 4) or request-count:JOBS",
    )  # fmt: skip
    endpoint.add_argument("--cold-start", type=float, default=60, help="seconds (%(default)s)")
    endpoint.add_argument(
        "--flashboot", type=_flashboot, metavar="START:KEPT",
        help="seconds of a start, and for how long after a stop it is that fast",
    )  # fmt: skip
    endpoint.add_argument(
        "--take-interval", type=float, default=1, help="s between a worker's requests (%(default)s)"
    )
    return command


def _positive(number: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < (value := float(number)) < math.inf:
            return value
    raise argparse.ArgumentTypeError(f"must be a number above 0, not {number!r}")


def _count(number: str) -> int:
    if (value := _positive(number)) != int(value):
        raise argparse.ArgumentTypeError(f"must be a whole number, not {number!r}")
    return int(value)


def _scaling(rule: str) -> Scaling:
    name, _, value = rule.partition(":")
    if name == "queue-delay":
        return QueueDelay(float(value or QueueDelay().seconds))
    if name == "request-count":
        return RequestCount(_count(value or str(RequestCount().jobs)))
    raise argparse.ArgumentTypeError("must be queue-delay:SECONDS or request-count:JOBS")


def _flashboot(times: str) -> FlashBoot:
    start, _, kept = times.partition(":")
    return FlashBoot(float(start), float(kept))


def traffic_of(asked: argparse.Namespace, rate: float) -> Traffic:
    """Return the traffic that the command line asks for, at ``rate`` jobs a minute."""
    return Traffic(
        jobs_per_minute=rate,
        bursts=Bursts() if asked.bursty else None,
        median_characters=asked.characters,
        spread=asked.spread,
        counted_jobs=asked.jobs,
        seed=asked.seed,
    )


def speed_of(asked: argparse.Namespace) -> Speed:
    """Return the speed of the GPU, or the one that was given in its place."""
    gpu = GPUS[asked.gpu]
    first = gpu.rtf_first if asked.rtf_first is None else asked.rtf_first
    rest = gpu.rtf_rest if asked.rtf_rest is None else asked.rtf_rest
    return Speed(first, rest, asked.overhead)


def price_of(asked: argparse.Namespace) -> Price:
    """Return the prices of the GPU, or those that were given in their place."""
    gpu = GPUS[asked.gpu]
    flex = gpu.flex_price if asked.price is None else asked.price
    given = asked.price if asked.active_price is None else asked.active_price
    return Price(flex, gpu.active_price if given is None else given)


def endpoint_of(asked: argparse.Namespace) -> Endpoint:
    """Return the endpoint; a search has no number of workers of its own yet."""
    return Endpoint(
        min_workers=getattr(asked, "min_workers", 0),
        max_workers=getattr(asked, "max_workers", 1),
        idle_timeout_s=getattr(asked, "idle_timeout", 5.0),
        concurrency=asked.concurrency,
        company=asked.company,
        scaling=asked.scaling,
        cold_start_s=asked.cold_start,
        flashboot=asked.flashboot,
        take_interval_s=asked.take_interval,
    )
