"""
One column of a table: phone numbers that become pseudonyms, some thousand rows at a time.
"""

from __future__ import annotations

import attrs

from careof._commands.problems import Problem
from careof.pseudonyms._keyed import KeyedPseudonymizer


@attrs.define
class Column:
    """
    Where the numbers stand, and what became of them.

    Attributes:
        at: The place of the column in a row.
        width: The cells of a row.
        written: Rows with a pseudonym, and those without a number.
        empty: Those without a number.
        refused: Rows that have none, because something is wrong with them.
    """

    at: int
    width: int
    written: int = 0
    empty: int = 0
    refused: int = 0

    @classmethod
    def named(cls, name: str, header: list[str]) -> Column | Problem:
        """
        The column of that *name*.  The problem repeats nothing of *header*.

        A file without a header has a person in its first row.
        """
        count = header.count(name)
        if count > 1:
            return Problem(f"--column: {count} columns have that name; rename all but one.")
        if not count:
            return Problem(
                "--column: no column has exactly that name, with its capitals and spaces. The "
                "first row, in which the names are expected, has "
                f"{len(header)} cell{'s' * (len(header) != 1)}; if that is another number than "
                "you see in it, give --delimiter."
            )
        return cls(header.index(name), len(header))

    def fill(self, rows: list[list[str]], pseudonymizer: KeyedPseudonymizer) -> dict[int, str]:
        """
        Put pseudonyms into *rows*, and say which are refused: their positions, and why.
        """
        refused: dict[int, str] = {}
        numbered: list[int] = []
        for position, row in enumerate(rows):
            if len(row) == self.width:
                if row[self.at].strip():
                    numbered.append(position)
                else:
                    row[self.at] = ""
                    self.empty += 1
            elif row:
                refused[position] = (
                    f"This row has {len(row)} cell{'s' * (len(row) != 1)}, "
                    f"and the first one has {self.width}."
                )

        pseudonyms = pseudonymizer.pseudonymize_many(
            [rows[position][self.at] for position in numbered],
            on_error=lambda n, error: refused.update({numbered[n]: str(error)}),
        )
        for position, pseudonym in zip(numbered, pseudonyms, strict=True):
            rows[position][self.at] = pseudonym or ""
        self.refused += len(refused)
        # A blank line stays one, and counts for nothing.
        self.written += len(rows) - len(refused) - rows.count([])
        return refused
