"""
The receipts of a run, kept and looked at together.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Sequence
from typing import Any, SupportsIndex, overload

from careof._sending.tally import Tally
from careof._values.html_table import html_table
from careof._values.receipt import HEAD, Receipt
from careof.errors import ConfigurationError

MOST_ROWS = 50  # that are drawn: a notebook that holds a million of them opens no more


class Receipts(Sequence[Receipt]):
    """
    A sequence of receipts that a notebook draws as a table, with counts by outcome.

    ``Receipts(batch)`` takes all that a batch gives.  ``extend(batch)`` and
    ``append(receipt)`` keep what has come if the run is interrupted.  One for
    each reference is kept: of a run of millions, look at the ``tally`` of its
    batch instead.

    Drawn are at most 50; of more, those that are not ``ok`` come first.

    Raises:
        ConfigurationError: Something among them is no ``Receipt``.
    """

    def __init__(self, receipts: Iterable[Receipt] = ()) -> None:
        self._receipts: list[Receipt] = []
        self.extend(receipts)

    def append(self, receipt: Receipt) -> None:
        """
        Add *receipt*.
        """
        if not isinstance(receipt, Receipt):
            del receipt  # it may be anything, and a traceback with locals would show it
            raise ConfigurationError(
                "Receipts: receipt: expected a Receipt; Receipt.from_dict makes one of what "
                "its to_dict made."
            )
        self._receipts.append(receipt)

    def extend(self, receipts: Iterable[Receipt]) -> None:
        """
        Add each of *receipts* as it comes.
        """
        if not isinstance(receipts, Iterable):
            is_async = isinstance(receipts, AsyncIterable)
            del receipts  # as above
            raise ConfigurationError(
                "Receipts: receipts: an async iterator gives them one by one: async for receipt "
                "in batch: receipts.append(receipt)."
                if is_async
                else "Receipts: receipts: expected an iterable, such as a batch."
            )
        for receipt in receipts:
            self.append(receipt)

    @property
    def tally(self) -> Tally:
        """
        How many there are of each outcome, drawn or not.
        """
        return Tally(receipt.outcome for receipt in self._receipts)

    def to_dicts(self) -> list[dict[str, Any]]:
        """
        Each as its ``to_dict``: what ``pandas.DataFrame`` and ``json.dumps`` take.
        """
        return [receipt.to_dict() for receipt in self._receipts]

    @overload
    def __getitem__(self, at: SupportsIndex) -> Receipt: ...

    @overload
    def __getitem__(self, at: slice) -> Receipts: ...

    def __getitem__(self, at: SupportsIndex | slice) -> Receipt | Receipts:
        found = self._receipts[at]
        return found if isinstance(found, Receipt) else Receipts(found)

    def __len__(self) -> int:
        return len(self._receipts)

    def __repr__(self) -> str:
        return f"Receipts({self.tally})"

    def __str__(self) -> str:
        return str(self.tally)

    def _repr_html_(self) -> str:
        count = len(self._receipts)
        drawn = self._receipts
        caption = f"{count:,} {'receipt' if count == 1 else 'receipts'}: {self.tally}"
        if count > MOST_ROWS:
            drawn = sorted(drawn, key=lambda receipt: receipt.ok)[:MOST_ROWS]
            caption += f"; {MOST_ROWS} are shown, first those that are not ok"
        return html_table(caption, (receipt._row() for receipt in drawn), head=HEAD)
