import pytest

from application.ports.weights import WeightBytes, WeightProgress, WeightStep
from application.weight_arrival import WeightArrival
from entrypoints.worker.start_limit import StartLimit

MB = 1_000_000


class Operator:
    """Somebody who reads the lines, with a clock of their own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.lines: list[str] = []
        self.expected: list[float] = []

    def tell(self, step: str, line: str) -> None:
        assert step == "weights"
        self.lines.append(line)

    def clock(self) -> float:
        return self.now


@pytest.fixture
def operator() -> Operator:
    return Operator()


@pytest.fixture
def arrival(operator: Operator) -> WeightArrival:
    """Two files of 1000 MB, one of them half here."""
    arrival = WeightArrival(
        tell=operator.tell, expect=operator.expected.append, clock=operator.clock
    )
    arrival(WeightProgress(WeightStep.PLANNED, "a", 500 * MB, 1000 * MB))
    arrival(WeightProgress(WeightStep.PLANNED, "b", 0, 1000 * MB))
    return arrival


def test_progress_is_told_every_quarter_of_a_minute_with_rate_and_time_left(
    arrival: WeightArrival, operator: Operator
) -> None:
    for second in range(31):
        operator.now = float(second)
        done = (500 + 10 * second) * MB
        arrival(WeightProgress(WeightStep.FETCHING, "a", done, 1000 * MB))

    assert operator.lines == [
        "fetching: 500.0 MB of 2,000.0 MB are here",
        "fetching: 650.0 MB of 2,000.0 MB are here, 10.0 MB/s, about 135 s left",
        "fetching: 800.0 MB of 2,000.0 MB are here, 10.0 MB/s, about 120 s left",
    ]
    assert operator.expected == [135, 120]


def test_bytes_of_all_files_add_up_and_a_file_that_starts_over_counts_once(
    arrival: WeightArrival,
) -> None:
    for name, done in (("a", 1000), ("b", 600), ("b", 100)):
        arrival(WeightProgress(WeightStep.FETCHING, name, done * MB, 1000 * MB))

    assert arrival.so_far == WeightBytes(1100 * MB, 2000 * MB)


def test_nothing_of_the_time_left_is_told_while_no_byte_comes(
    arrival: WeightArrival, operator: Operator
) -> None:
    for second in (0, 20):
        operator.now = float(second)
        arrival(WeightProgress(WeightStep.FETCHING, "a", 500 * MB, 1000 * MB))

    assert operator.lines[-1].endswith("and nothing more is coming")
    assert operator.expected == []


@pytest.mark.parametrize(
    ("variable", "left", "told"),
    [
        ({}, 300, []),
        ({}, 400, ["RUNPOD_INIT_TIMEOUT=720"]),
        ({"RUNPOD_INIT_TIMEOUT": "600"}, 400, []),
        ({"RUNPOD_INIT_TIMEOUT": "600"}, 900, ["RUNPOD_INIT_TIMEOUT=1500"]),
        ({"RUNPOD_INIT_TIMEOUT": "soon"}, 400, ["RUNPOD_INIT_TIMEOUT=720"]),
    ],
)
def test_a_start_that_misses_runpods_limit_is_told_once_with_what_to_set(
    operator: Operator, variable: dict[str, str], left: float, told: list[str]
) -> None:
    limit = StartLimit(tell=operator.tell, environment=variable, clock=operator.clock)

    operator.now = 10.0
    limit.expect(left)
    limit.expect(left)

    assert [line.partition(" set ")[2].partition(" on ")[0] for line in operator.lines] == told
