"""Places for the nodes of a graph without cycles, in columns from left to right.

The steps are those of K. Sugiyama, S. Tagawa and M. Toda, Methods for visual understanding of
hierarchical system structures (1981): columns, bends where an edge crosses a column, an order with
few crossings by barycentres, then heights as near to the neighbours' as the order allows.
"""

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Edge = tuple[str, str]
SWEEPS = 12
GAP = 14.0
"""Pixels between neighbours in a column."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where everything is.

    Args:
        columns: Names in each column from top to bottom, those of bends included.
        middles: The height of the middle of each name.
        bends: The names of an edge's bends, from its begin to its end.
    """

    columns: Sequence[Sequence[str]]
    middles: Mapping[str, float]
    bends: Mapping[Edge, Sequence[str]]


@dataclass(slots=True)
class _Layers:
    columns: list[list[str]]
    heights: dict[str, float]
    before: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    after: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    bends: dict[Edge, list[str]] = field(default_factory=dict)


def place(heights: Mapping[str, float], edges: Sequence[Edge]) -> Places:
    """Return places for the nodes, whose heights are given, so that every edge goes right."""
    layers = _with_bends(heights, edges)
    for sweep in range(SWEEPS):
        _sort_once(layers, leftwards=sweep % 2 == 1)
    return Places(layers.columns, _middles(layers), layers.bends)


def columns_of(names: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """Return the column of each node: a node without edges out stands beside its last user."""
    after, before = defaultdict(list), defaultdict(list)
    for begin, end in edges:
        after[begin].append(end)
        before[end].append(begin)

    def depth(name: str) -> int:
        return 1 + max(map(depth, after[name]), default=-1)

    deepest = max(map(depth, names))
    columns = {name: deepest - depth(name) for name in names}
    for name in names:
        if not after[name]:
            columns[name] = 1 + max((columns[user] for user in before[name]), default=-1)
    return columns


def _with_bends(heights: Mapping[str, float], edges: Sequence[Edge]) -> _Layers:
    column_of = columns_of(list(heights), edges)
    layers = _Layers([[] for _ in range(max(column_of.values()) + 1)], dict(heights))
    for name, column in column_of.items():
        layers.columns[column].append(name)
    for begin, end in edges:
        names = [begin]
        for column in range(column_of[begin] + 1, column_of[end]):
            bend = f"{begin} > {end} @ {column}"
            layers.columns[column].append(bend)
            layers.heights[bend] = 0.0
            names.append(bend)
        layers.bends[begin, end] = names[1:]
        for left, right in zip(names, [*names[1:], end], strict=True):
            layers.after[left].append(right)
            layers.before[right].append(left)
    return layers


def _sort_once(layers: _Layers, *, leftwards: bool) -> None:
    """Sort each column by the mean place of its neighbours in the column before (or after)."""
    neighbours = layers.after if leftwards else layers.before
    columns = layers.columns[::-1] if leftwards else layers.columns
    for fixed, column in itertools.pairwise(columns):
        rank = {name: number / len(fixed) for number, name in enumerate(fixed)}
        keys = {name: number / len(column) for number, name in enumerate(column)}
        for name in column:
            if neighbours[name]:
                keys[name] = _mean([rank[other] for other in neighbours[name]])
        column.sort(key=keys.__getitem__)


def _middles(layers: _Layers) -> dict[str, float]:
    middles = {name: 0.0 for column in layers.columns for name in column}
    for column in layers.columns:
        _spread(column, middles, layers.heights)
    for sweep in range(SWEEPS):
        for column in layers.columns[:: -1 if sweep % 2 else 1]:
            for name in column:
                near = [middles[other] for other in (*layers.before[name], *layers.after[name])]
                if near:
                    middles[name] = sum(near) / len(near)
            _spread(column, middles, layers.heights)
    top = min(middles[name] - layers.heights[name] / 2 for name in middles)
    return {name: round(middle - top, 1) for name, middle in middles.items()}


def _spread(column: Sequence[str], middles: dict[str, float], heights: Mapping[str, float]) -> None:
    """Move ``column`` as little as possible so that nothing overlaps and the order stays.

    This is isotonic regression on the heights less the least offsets: neighbours that would overlap
    are pooled at their mean.
    """
    offsets, offset, above = [], 0.0, 0.0
    for number, name in enumerate(column):
        offset += (above + heights[name]) / 2 + GAP if number else 0.0
        above = heights[name]
        offsets.append(offset)
    pools: list[list[float]] = []
    for name, least in zip(column, offsets, strict=True):
        pools.append([middles[name] - least])
        while len(pools) > 1 and _mean(pools[-2]) > _mean(pools[-1]):
            pools[-2:] = [pools[-2] + pools[-1]]
    shifts = [_mean(pool) for pool in pools for _ in pool]
    for name, least, shift in zip(column, offsets, shifts, strict=True):
        middles[name] = shift + least


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
