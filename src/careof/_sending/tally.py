"""
How many references had which outcome.
"""

from __future__ import annotations

from collections import Counter

from careof._values.receipt import Outcome, Receipt


class Tally(Counter[Outcome]):
    """
    Outcomes to counts: a ``collections.Counter``, so tallies of several runs add up.

    ``total()`` is the number of references.
    """

    def add(self, receipt: Receipt) -> None:
        """
        Count *receipt*.
        """
        self[receipt.outcome] += 1

    def __add__(self, other: Counter[Outcome]) -> Tally:  # type: ignore[override]
        # Counter's own makes a Counter of it.
        return Tally(super().__add__(other))

    def __str__(self) -> str:
        counts = [f"{outcome.value} {self[outcome]:,}" for outcome in Outcome if self[outcome]]
        return ", ".join(counts) or "nothing"
