"""What every weight source promises."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from application.ports.weights import (
    WeightFile,
    WeightProgress,
    WeightSource,
    WeightState,
    WeightStep,
)
from domain.errors import ModelUnavailable

WAIT_SECONDS = 30.0
"""How long one fetch may take to find that another one is at work."""


def unwatched(progress: WeightProgress) -> None:
    """Ignore ``progress``."""


def states(files: Sequence[WeightFile]) -> dict[str, WeightState]:
    return {file.name: file.state for file in files}


def fetched_bytes(progress: Sequence[WeightProgress], name: str) -> list[int]:
    """The numbers of bytes of ``name`` that a fetch reported, in order."""
    return [
        one.done_bytes for one in progress if (one.step, one.name) == (WeightStep.FETCHING, name)
    ]


class WeightSourceContract(ABC):
    @pytest.fixture
    @abstractmethod
    def source(self) -> WeightSource:
        """A source with at least two files, none of which is here yet."""

    @abstractmethod
    def contents(self, source: WeightSource) -> dict[str, bytes]:
        """Return name and content of every file that the source has."""

    @abstractmethod
    def large_file(self, source: WeightSource) -> str:
        """Return the name of a file whose transfer can be interrupted."""

    @abstractmethod
    def content_here(self, source: WeightSource, name: str) -> bytes | None:
        """Return what is here under ``name``; None if nothing is."""

    @abstractmethod
    def write_here(self, source: WeightSource, name: str, content: bytes | None) -> None:
        """Put ``content`` here under ``name``; None removes the file."""

    @abstractmethod
    def interrupt(self, source: WeightSource, name: str, *, after_bytes: int) -> None:
        """Make the next transfer of ``name`` break after ``after_bytes``."""

    @abstractmethod
    def disconnect(self, source: WeightSource) -> WeightSource:
        """Return a source with the same files that cannot be reached."""

    def all_in(self, source: WeightSource, state: WeightState) -> dict[str, WeightState]:
        return dict.fromkeys(self.contents(source), state)

    def test_a_check_finds_every_file_missing_and_brings_none(self, source: WeightSource) -> None:
        assert states(source.check(unwatched)) == self.all_in(source, WeightState.MISSING)

        for name in self.contents(source):
            assert self.content_here(source, name) is None

    def test_a_fetch_brings_every_file(self, source: WeightSource) -> None:
        fetched = source.fetch(unwatched)

        assert states(fetched) == self.all_in(source, WeightState.FETCHED)
        for name, content in self.contents(source).items():
            assert self.content_here(source, name) == content

    def test_every_file_has_its_name_and_size(self, source: WeightSource) -> None:
        sizes = {name: len(content) for name, content in self.contents(source).items()}

        assert {file.name: file.size_bytes for file in source.check(unwatched)} == sizes
        assert {file.name: file.size_bytes for file in source.fetch(unwatched)} == sizes

    def test_fetched_files_are_verified(self, source: WeightSource) -> None:
        source.fetch(unwatched)

        assert states(source.check(unwatched)) == self.all_in(source, WeightState.VERIFIED)
        assert states(source.fetch(unwatched)) == self.all_in(source, WeightState.VERIFIED)

    def test_a_check_leaves_a_damaged_file_as_it_is(self, source: WeightSource) -> None:
        source.fetch(unwatched)
        name = self.large_file(source)
        damaged = self.contents(source)[name][:-1] + b"?"
        self.write_here(source, name, damaged)

        assert states(source.check(unwatched))[name] is WeightState.DAMAGED
        assert self.content_here(source, name) == damaged

    @pytest.mark.parametrize("content", [None, b"damaged"], ids=["missing", "damaged"])
    def test_a_fetch_brings_only_what_is_missing_or_damaged(
        self, source: WeightSource, content: bytes | None
    ) -> None:
        source.fetch(unwatched)
        name = self.large_file(source)
        self.write_here(source, name, content)

        again = states(source.fetch(unwatched))

        expected = self.all_in(source, WeightState.VERIFIED) | {name: WeightState.FETCHED}
        assert again == expected
        assert self.content_here(source, name) == self.contents(source)[name]

    def test_an_interrupted_fetch_leaves_no_file_under_its_name(self, source: WeightSource) -> None:
        name = self.large_file(source)
        self.interrupt(source, name, after_bytes=1)

        with pytest.raises(ModelUnavailable):
            source.fetch(unwatched)

        assert self.content_here(source, name) is None

    def test_an_interrupted_fetch_continues_where_it_stopped(self, source: WeightSource) -> None:
        name = self.large_file(source)
        middle = len(self.contents(source)[name]) // 2
        self.interrupt(source, name, after_bytes=middle)
        with pytest.raises(ModelUnavailable):
            source.fetch(unwatched)

        progress: list[WeightProgress] = []
        source.fetch(progress.append)

        assert min(fetched_bytes(progress, name)) > middle
        assert self.content_here(source, name) == self.contents(source)[name]

    def test_progress_rises_to_the_size_of_each_file(self, source: WeightSource) -> None:
        progress: list[WeightProgress] = []
        source.fetch(progress.append)

        for name, content in self.contents(source).items():
            done = fetched_bytes(progress, name)
            assert done == sorted(done)
            assert done[-1] == len(content)
            totals = {one.total_bytes for one in progress if one.name == name}
            assert totals == {len(content)}

    def test_the_plan_names_the_bytes_of_every_file_before_the_first_is_fetched(
        self, source: WeightSource
    ) -> None:
        name = self.large_file(source)
        self.interrupt(source, name, after_bytes=7)
        with pytest.raises(ModelUnavailable):
            source.fetch(unwatched)
        whole = {
            one: len(content)
            for one, content in self.contents(source).items()
            if self.content_here(source, one) is not None
        }

        progress: list[WeightProgress] = []
        source.fetch(progress.append)

        steps = [one.step for one in progress]
        plan = {one.name: one for one in progress if one.step is WeightStep.PLANNED}
        last_planned = len(steps) - 1 - steps[::-1].index(WeightStep.PLANNED)
        assert last_planned < steps.index(WeightStep.FETCHING)
        sizes = {one: len(content) for one, content in self.contents(source).items()}
        assert {one: step.total_bytes for one, step in plan.items()} == sizes
        here = dict.fromkeys(sizes, 0) | whole | {name: 7}
        assert {one: step.done_bytes for one, step in plan.items()} == here

    def test_a_fetch_waits_while_another_one_is_at_work(self, source: WeightSource) -> None:
        second_waits = threading.Event()
        second: Future[Sequence[WeightFile]] | None = None

        def watch_second(progress: WeightProgress) -> None:
            if progress.step is WeightStep.WAITING:
                second_waits.set()

        def watch_first(progress: WeightProgress) -> None:
            nonlocal second
            if progress.step is WeightStep.FETCHING and second is None:
                second = threads.submit(source.fetch, watch_second)
                assert second_waits.wait(WAIT_SECONDS)

        with ThreadPoolExecutor(1) as threads:
            first = source.fetch(watch_first)
            assert second is not None
            later = second.result(WAIT_SECONDS)

        assert states(first) == self.all_in(source, WeightState.FETCHED)
        assert states(later) == self.all_in(source, WeightState.VERIFIED)

    def test_a_source_that_cannot_be_reached_makes_the_model_unavailable(
        self, source: WeightSource
    ) -> None:
        unreachable = self.disconnect(source)

        with pytest.raises(ModelUnavailable):
            unreachable.check(unwatched)
        with pytest.raises(ModelUnavailable):
            unreachable.fetch(unwatched)
