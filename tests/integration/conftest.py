from collections.abc import Generator

import pytest

from tests.loopback.s3_proxy import FaultyProxy
from tests.loopback.seaweed import Seaweed, running_seaweed


@pytest.fixture(scope="session")
def seaweed() -> Generator[Seaweed, None, None]:
    with running_seaweed() as service:
        yield service


@pytest.fixture
def proxy(seaweed: Seaweed) -> Generator[FaultyProxy, None, None]:
    with FaultyProxy(seaweed.endpoint_url) as faulty:
        yield faulty
