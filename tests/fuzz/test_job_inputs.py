"""A short run of hostile inputs."""

import asyncio

from tests.fuzz.job_inputs import run


def test_no_input_breaks_a_job_or_the_one_after_it() -> None:
    found = asyncio.run(run(count=200, seed=1))

    assert (found.fault, found.job) == ("", None)
    assert found.count == 200
    assert {"invalid_request", "completed"} <= set(found.endings)  # some inputs pass the rules
