"""
How many references had which outcome.
"""

from __future__ import annotations

from collections import Counter

from careof._values.html_table import html_table
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
        return ", ".join(f"{outcome} {count}" for outcome, count in self._rows()) or "nothing"

    def __repr__(self) -> str:
        return f"Tally({self})"

    def _repr_html_(self) -> str:
        return html_table(f"Tally of {self.total():,}", self._rows(), head=("outcome", "receipts"))

    def _rows(self) -> list[tuple[str, str]]:
        return [(each.value, f"{self[each]:,}") for each in Outcome if self[each]]
