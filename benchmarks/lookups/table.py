"""
Clients side by side: measured in rounds, printed as Markdown.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable

import attrs
from lookups.load import Place, Sample, Stretch
from lookups.server import Served

Measure = Callable[[int, Place], Sample]
Cell = tuple[int, str]  # how many at once, which client


@attrs.frozen(kw_only=True)
class Pace:
    """
    How thoroughly to measure.

    Attributes:
        rounds: How often each cell is measured.
        slow: The stretch for those who are slow: one, from their first question on.
        largest: How many ask at once at most.
    """

    rounds: int
    stretch: Stretch
    slow: Stretch
    largest: int


@attrs.frozen(kw_only=True)
class Table:
    """
    A row for each number at once, a column for each client.

    Attributes:
        ratios: Pairs of columns, of which it also shows how many times as fast
            the first one is.
        slow: From how many at once a column is slow.
    """

    title: str
    sizes: tuple[int, ...]
    columns: dict[str, Measure]
    ratios: tuple[tuple[str, str], ...]
    is_secure: bool = False
    slow: dict[str, int] = attrs.field(factory=dict)

    def without(self, missing: list[str]) -> Table:
        """
        The same table without the columns that need what is *missing*.
        """
        columns = {
            name: measure
            for name, measure in self.columns.items()
            if not any(module in name.lower() for module in missing)
        }
        return attrs.evolve(self, columns=columns)

    def measured(self, served: Served, pace: Pace) -> dict[Cell, list[Sample]]:
        """
        The samples of every cell, round after round.
        """
        url = served.https if self.is_secure else served.http
        samples: dict[Cell, list[Sample]] = {}
        for size in self._sizes(pace):
            for turn in range(pace.rounds):
                for name, measure in self.columns.items():
                    is_slow = size >= self.slow.get(name, size + 1)
                    if is_slow and turn > 0:
                        continue
                    stretch = pace.slow if is_slow else pace.stretch
                    place = Place(served=served, url=url, stretch=stretch)
                    samples.setdefault((size, name), []).append(measure(size, place))
        return samples

    def show(self, served: Served, pace: Pace) -> None:
        """
        Measure, and print.
        """
        samples = self.measured(served, pace)
        names, sizes = list(self.columns), self._sizes(pace)
        pairs = {
            f"{ours} : {theirs}": (ours, theirs)
            for ours, theirs in self.ratios
            if {ours, theirs} <= set(names)
        }
        print(f"\n## {self.title}\n")
        _print("answers a second", names, sizes, lambda size, name: _rate(samples[size, name]))
        _print("µs of CPU for each", names, sizes, lambda size, name: _cpu(samples[size, name]))
        _print(
            "times as many answers",
            list(pairs),
            sizes,
            lambda size, pair: _ratio(lambda s: s.rate, *(samples[size, n] for n in pairs[pair])),
        )
        _print(
            "times as much CPU",
            list(pairs),
            sizes,
            lambda size, pair: _ratio(lambda s: s.cpu, *(samples[size, n] for n in pairs[pair])),
        )
        busiest = max(sample.server for cell in samples.values() for sample in cell)
        print(f"The server was at most {busiest:.0%} busy.", flush=True)

    def _sizes(self, pace: Pace) -> list[int]:
        return sorted({min(size, pace.largest) for size in self.sizes})


def _rate(samples: list[Sample]) -> str:
    rates = [sample.rate for sample in samples]
    middle = statistics.median(rates)
    if len(rates) == 1 or not middle:
        return f"{middle:,.0f}"
    return f"{middle:,.0f} ±{(max(rates) - min(rates)) / 2 / middle:.0%}"


def _cpu(samples: list[Sample]) -> str:
    return f"{statistics.median(sample.cpu for sample in samples):,.0f}"


def _ratio(figure: Callable[[Sample], float], ours: list[Sample], theirs: list[Sample]) -> str:
    # Those of one round stand side by side; of two medians they need not.
    pairs = zip(map(figure, ours), map(figure, theirs), strict=False)
    return f"{statistics.median(our / max(their, 1e-9) for our, their in pairs):.2f}"


def _print(
    corner: str, heads: list[str], sizes: list[int], cell: Callable[[int, str], str]
) -> None:
    print_lines(
        [
            [corner, *heads],
            *([f"{size:,}", *(cell(size, head) for head in heads)] for size in sizes),
        ]
    )


def print_lines(lines: list[list[str]]) -> None:
    """
    Print a Markdown table, of which the first line holds the heads.
    """
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * (width - 1) + ":" for width in widths]
    for line in (lines[0], rule, *lines[1:]):
        cells = (text.rjust(width) for text, width in zip(line, widths, strict=True))
        print(f"| {' | '.join(cells)} |")
    print()
