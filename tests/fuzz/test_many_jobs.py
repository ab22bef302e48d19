"""A short run of many jobs."""

import asyncio

from tests.fuzz.many_jobs import run


def test_no_job_is_lost_among_bad_cancelled_and_late_ones() -> None:
    found = asyncio.run(run(count=30))

    assert found.fault == ""
    assert found.count == 30
