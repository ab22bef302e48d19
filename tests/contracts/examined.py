"""What every part promises that can be examined."""

from abc import ABC, abstractmethod

import pytest

from application.ports.examination import Examined, Mark


class ExaminedContract(ABC):
    @pytest.fixture
    @abstractmethod
    def broken(self) -> Examined:
        """A part that cannot work here."""

    def test_a_part_that_cannot_work_has_a_problem(self, broken: Examined) -> None:
        problems = [each for each in broken.examine() if each.mark is Mark.PROBLEM]

        assert problems
        assert all(each.advice or each.extras for each in problems)

    def test_a_part_that_is_not_needed_has_none(self, broken: Examined) -> None:
        assert {finding.mark for finding in broken.look()} == {Mark.NOTE}
