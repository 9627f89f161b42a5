"""
The lines of a table in CSV, before they are parted into cells.

A file that is no table may have one line without an end, which would fill the
memory; and what a parser says about one quotes it.  So lines are bounded, and
the reason is told in words of our own.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterator
from typing import TextIO

LONGEST = 4 * 2**20  # characters of one line: what has longer ones is no table
MARK = "\ufeff"  # the byte order mark, which some programs write before the first name


def lines_of(file: TextIO) -> Iterator[str]:
    """
    The lines of *file*, with their ends.

    Raises:
        csv.Error: One has no end in sight.
    """
    for line in iter(functools.partial(file.readline, LONGEST), ""):
        if len(line) == LONGEST:
            raise csv.Error
        yield line


def wrong_form() -> str:
    """
    What can be wrong with a table where ``csv.Error`` was raised.
    """
    return (
        "a quote is missing or stands in the wrong place, or a cell is longer than "
        f"{csv.field_size_limit():,} characters, or a line longer than {LONGEST:,}"
    )
