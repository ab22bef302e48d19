"""The diagrams of docs/diagrams are those that the code and their sources give."""

import itertools
from pathlib import Path

import pytest
from dependency_injector.providers import Provider, Singleton
from hypothesis import given, settings
from hypothesis import strategies as st

from entrypoints.container import Container
from tests.docs.diagrams import request, wiring
from tests.docs.diagrams.layers import GAP, place
from tests.docs.diagrams.pages import PAGES

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_diagram_is_current(path: Path) -> None:
    assert path.read_text() == PAGES[path](), "run: make diagrams"


def test_a_new_provider_is_drawn_with_an_arrow_to_what_it_is_made_of() -> None:
    class Larger(Container):
        newcomer: Provider[object] = Singleton(dict, encoder=Container.encoder)

    before, after = wiring.render(), wiring.render(Larger)

    assert ">newcomer<" in after
    assert after.count("marker-end") == before.count("marker-end") + 1


def test_every_module_of_a_step_exists() -> None:
    named = [module for step in request.steps() for module in step.modules]

    assert named
    assert [module for module in named if not (ROOT / module).is_file()] == []


@pytest.mark.parametrize(
    ("mode", "numbers"), [("batch", [*range(1, 24)]), ("stream", [*range(1, 18), 21, 22, 23])]
)
def test_the_steps_of_a_mode_are_numbered_in_order(mode: str, numbers: list[int]) -> None:
    assert [step.number for step in request.steps() if step.mode in {"both", mode}] == numbers


@settings(max_examples=40)
@given(
    heights=st.lists(st.floats(10, 90), min_size=1, max_size=12),
    pairs=st.sets(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=30),
)
def test_no_box_touches_another_and_every_arrow_goes_right(
    heights: list[float], pairs: set[tuple[int, int]]
) -> None:
    nodes = {str(number): height for number, height in enumerate(heights)}
    edges = [(str(a), str(b)) for a, b in sorted(pairs) if a < b < len(heights)]

    places = place(nodes, edges)

    column_of = {name: n for n, column in enumerate(places.columns) for name in column}
    assert all(column_of[begin] < column_of[end] for begin, end in edges)
    for column in places.columns:
        for above, below in itertools.pairwise(column):
            between = places.middles[below] - places.middles[above]
            touching = (nodes.get(above, 0) + nodes.get(below, 0)) / 2
            assert between >= touching + GAP - 0.2  # places are rounded to a tenth of a pixel
