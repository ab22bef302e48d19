"""The simulation of an endpoint agrees with queueing theory, and bills what RunPod bills."""

import heapq
import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.scale.__main__ import main
from benchmarks.scale.endpoint import Endpoint, FlashBoot, QueueDelay, RequestCount
from benchmarks.scale.erlang import ErlangC
from benchmarks.scale.gpus import GPUS
from benchmarks.scale.options import parser
from benchmarks.scale.scenario import Price, Scenario, Traffic
from benchmarks.scale.search import cheapest
from benchmarks.scale.simulation import Outcome, simulate
from benchmarks.scale.workload import Bursts, Jobs, Seconds, Speed, bursty

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "benchmarks" / "scale.md").read_text()
GUIDE = (DOCS / "guides" / "gpu-and-cost.md").read_text()
PRICE = Price(flex=0.001, active=0.0008)
ENDLESS = 10.0**9


def jobs_of(arrivals_s: list[float] | Seconds, work_s: list[float] | Seconds) -> Jobs:
    work = np.asarray(work_s, dtype=np.float64)
    return Jobs(np.asarray(arrivals_s, dtype=np.float64), work, work, work)


def run(arrivals_s: list[float], work_s: list[float], endpoint: Endpoint) -> Outcome:
    return simulate(jobs_of(arrivals_s, work_s), endpoint, warm_up_s=0, end_s=ENDLESS)


def random_jobs(*, servers: int, load: float, count: int) -> Jobs:
    """Return jobs with exponential times between them and of work, 1 s on average."""
    draw = np.random.default_rng(5)
    between = draw.exponential(1 / (load * servers), count)
    return jobs_of(np.cumsum(between), draw.exponential(1.0, count))


def always_on(servers: int) -> Endpoint:
    return Endpoint(min_workers=servers, max_workers=servers, take_interval_s=0)


@pytest.mark.parametrize(("servers", "load"), [(1, 0.5), (3, 0.6), (8, 0.7)])
def test_agrees_with_erlang_c_within_five_per_cent(servers: int, load: float) -> None:
    jobs = random_jobs(servers=servers, load=load, count=60_000)
    expected = ErlangC(load * servers, 1.0, servers)

    end_s = float(jobs.arrivals_s[-1])
    waits = simulate(jobs, always_on(servers), warm_up_s=end_s / 20, end_s=end_s).waits_s

    assert waits.mean() == pytest.approx(expected.mean_wait_s, rel=0.05)
    assert (waits > 0).mean() == pytest.approx(expected.waiting_probability, rel=0.05)
    assert np.quantile(waits, 0.95) == pytest.approx(expected.wait_quantile_s(0.95), rel=0.05)


def test_each_job_waits_as_long_as_first_come_first_served_makes_it() -> None:
    jobs = random_jobs(servers=4, load=0.9, count=2_000)
    free_at = [0.0] * 4
    expected = []
    for arrival, work in zip(jobs.arrivals_s, jobs.work_s, strict=True):
        begin = max(arrival, heapq.heappop(free_at))
        heapq.heappush(free_at, begin + work)
        expected.append(begin - arrival)

    waits = simulate(jobs, always_on(4), warm_up_s=0, end_s=ENDLESS).waits_s

    assert waits == pytest.approx(expected, abs=1e-6)


def test_a_worker_is_billed_from_its_start_to_the_end_of_its_idle_time() -> None:
    seen = run([0.0], [1.0], Endpoint(cold_start_s=10, idle_timeout_s=5))

    assert seen.waits_s == pytest.approx([10])
    assert (seen.flex_s, seen.busy_s, seen.starts) == (16, 1, 1)


def test_jobs_on_one_worker_share_its_speed() -> None:
    endpoint = Endpoint(min_workers=1, concurrency=2, company=0.5, take_interval_s=0)

    # The first is alone to 0.5 s, they are together to 1.25 s, the second is alone to 1.75 s.
    assert run([0.0, 0.5], [1.0, 1.0], endpoint).busy_s == pytest.approx(1.75)


def test_a_worker_asks_for_its_next_job_no_sooner_than_the_sdk() -> None:
    endpoint = Endpoint(min_workers=1, max_workers=1, take_interval_s=1)

    assert run([0.0, 0.1], [0.2, 0.2], endpoint).waits_s == pytest.approx([0, 0.9])


def test_a_worker_that_stopped_a_moment_ago_starts_faster() -> None:
    endpoint = Endpoint(cold_start_s=60, idle_timeout_s=5, flashboot=FlashBoot(2, kept_s=30))

    waits = run([0.0, 80.0, 300.0], [1.0, 1.0, 1.0], endpoint).waits_s

    assert waits == pytest.approx([60, 2, 60])


def test_a_queue_delay_starts_a_worker_for_a_job_that_has_waited_so_long() -> None:
    endpoint = Endpoint(min_workers=1, max_workers=9, scaling=QueueDelay(4), cold_start_s=10)

    seen = run([0.0, 1.0, 2.0], [100.0, 50.0, 50.0], endpoint)

    assert seen.waits_s == pytest.approx([0, 14, 14])


def test_a_request_count_keeps_a_worker_for_so_many_jobs() -> None:
    endpoint = Endpoint(max_workers=9, scaling=RequestCount(2), cold_start_s=10)

    assert run([0.0, 1.0, 2.0, 3.0, 4.0], [9.0] * 5, endpoint).most_workers == 3


def test_bursts_leave_the_average_rate_as_it_is() -> None:
    draw = np.random.default_rng(1)
    arrivals = bursty(2.0, seconds=400_000, bursts=Bursts(), draw=draw)

    assert len(arrivals) / 400_000 == pytest.approx(2.0, rel=0.1)
    counts, _ = np.histogram(arrivals, bins=40_000)
    assert counts.var() / counts.mean() > 5  # 1 without bursts


def test_the_settings_that_are_found_meet_the_target_at_the_lowest_cost() -> None:
    traffic = Traffic(60, counted_jobs=600)
    scenario = Scenario.draw(traffic, speed=Speed(0.1, 0.02), price=PRICE)

    found = cheapest(scenario, Endpoint(), target_p95_s=5)

    assert found is not None
    assert found.figures.wait_quantiles_s[1] <= 5
    workers = found.endpoint.min_workers
    assert found.endpoint.max_workers == workers > 1
    fewer = Endpoint(min_workers=workers - 1, max_workers=workers - 1)
    assert scenario.served_by(fewer).wait_quantiles_s[1] > 5


def test_a_target_that_nothing_meets_finds_nothing() -> None:
    scenario = Scenario.draw(Traffic(60, counted_jobs=600), speed=Speed(0.1, 0.02), price=PRICE)

    assert cheapest(scenario, Endpoint(), target_p95_s=-1) is None


def test_the_page_shows_what_its_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    [(command, shown)] = re.findall(
        r"```sh\npython -m benchmarks\.scale (one .*?)\n```\n\n```text\n(.*?)```",
        PAGE,
        re.DOTALL,
    )

    main(command.split())

    assert capsys.readouterr().out == shown


def test_the_plot_shows_the_table() -> None:
    plot = (DOCS / "benchmarks" / "scale.svg").read_text()
    first_table = PAGE.partition("scale.svg)")[0]
    rows = re.findall(
        r"^\| ([\d,]+) \|.* \| ([\d.]+) \| \d+% \|.* \| ([\d.]+) \|$", first_table, re.MULTILINE
    )

    assert len(rows) == 5
    for rate, hours, cost in rows:
        assert f"{rate}: {hours} GPU hours an hour, {cost} USD for an hour of speech" in plot


@pytest.mark.parametrize(
    "command", re.findall(r"python -m benchmarks\.scale ([^`\n]+)", PAGE + GUIDE), ids=str
)
def test_a_command_of_the_documentation_is_understood(command: str) -> None:
    parser().parse_args(command.split())


@pytest.mark.parametrize(
    "row", re.findall(r"^\| (.*) \| (.*) \| (.*) \| (.*) \| (.*) \|$", GUIDE, re.MULTILINE)[-4:]
)
def test_a_row_of_the_guide_is_what_the_simulation_gives(
    row: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    [options] = re.findall(r"`(.*)`", row[0]) or [""]

    main(["one", "--jobs-per-minute", "1", "--jobs", "2000", *options.split()])

    shown = capsys.readouterr().out
    median, high = re.findall(r"of jobs +([\d.]+) / ([\d.]+)", shown)[0]
    assert [f"{float(wait):.1f}" for wait in (median, high)] == list(row[1:3])
    assert re.findall(r"USD.*?([\d.]+)$", shown, re.MULTILINE) == list(row[3:])


@pytest.mark.parametrize(("name", "words"), [("h100", "H100"), ("4090", "RTX 4090")])
def test_the_guides_speeds_and_prices_are_those_of_the_simulation(name: str, words: str) -> None:
    [line] = re.findall(rf"^\| {words} \| .*$", GUIDE, re.MULTILINE)

    numbers = [float(number) for number in re.findall(r"\d+\.\d+", line)]
    gpu = GPUS[name]
    costs = [round(3600 * rtf * gpu.flex_price, 2) for rtf in (gpu.rtf_first, gpu.rtf_rest)]
    assert numbers == [gpu.flex_price, gpu.rtf_first, gpu.rtf_rest, *costs]
