"""
Tables in CSV: read row by row, and written so that they mean the same.
"""

from __future__ import annotations

import csv
import os
import stat
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TextIO

import attrs

from careof._commands.problems import Problem, of_file, shown
from careof._reading.csv_lines import MARK, lines_of, wrong_form
from careof.pseudonyms._batches import CHUNK

FULL = 8 * 2**20  # characters, after which a chunk is full with fewer rows


@attrs.frozen(kw_only=True)
class Form:
    """
    How a table is written down.

    Attributes:
        mark: The byte order mark, if there is one.
        ending: What a row ends with.
    """

    delimiter: str = ","
    encoding: str = "utf-8"
    mark: str = ""
    ending: str = "\n"

    def text(self, rows: Iterable[list[str]]) -> str:
        """
        *rows* in this form.
        """
        lines = _Lines()
        # With "\r\n" at the end of rows all Pythons put a cell with either of the two in quotes.
        csv.writer(lines, delimiter=self.delimiter, lineterminator="\r\n").writerows(rows)
        if self.ending == "\r\n":
            return "".join(lines)
        return "".join([line[:-2] + self.ending for line in lines])


class _Lines(list[str]):
    write = list.append


class Table:
    """
    The rows of a CSV file below its header.

    Attributes:
        form: How it is written down.
        header: The cells of the first row.
        count: The rows read, with the header: the number that a spreadsheet
            shows beside the last one.
        size: Bytes; 0 if it is no file with an end, such as a pipe.
        mode: Its permission bits, as far as they are about reading and writing.
    """

    def __init__(self, path: Path, file: TextIO, form: Form) -> None:
        self._path = path
        self._file = file
        self._characters = 0
        self._status = status = os.fstat(file.fileno())
        is_file = stat.S_ISREG(status.st_mode)
        self.size = status.st_size if is_file else 0
        self.mode = status.st_mode & 0o666 if is_file else 0o600
        self.count = 0
        self.header: list[str] = []
        self.form = form
        self._reader = self._rows_of(self._lines())

    @classmethod
    def open(cls, path: Path, form: Form) -> Table | Problem:
        """
        The table in *path*, of which the header has been read.
        """
        try:
            file = path.open(encoding=form.encoding, newline="")
        except OSError as error:
            return of_file("read", path, error)
        table = cls(path, file, form)
        problem = table._begin()
        if problem is not None:
            table.close()
            return problem
        return table

    def close(self) -> None:
        """
        Close the file.
        """
        self._file.close()

    @property
    def state(self) -> tuple[int, int]:
        """
        What is different after the file was written to.
        """
        return self._status.st_size, self._status.st_mtime_ns

    @property
    def position(self) -> int:
        """
        Bytes read so far; 0 if nobody knows.
        """
        return self._file.buffer.tell() if self.size else 0

    def rows(self) -> list[list[str]] | Problem:
        """
        Up to some thousand rows more; none at the end.
        """
        rows = self._next(self._reader, CHUNK)
        if rows == [] and self._has_changed():
            # The last number may be cut, and a shorter one is somebody else's.
            return Problem(
                f"{shown(self._path)} was written to while it was read: wait until it is complete."
            )
        return rows

    def _has_changed(self) -> bool:
        now, before = os.fstat(self._file.fileno()), self._status
        return self.size > 0 and (now.st_size, now.st_mtime_ns) != (
            before.st_size,
            before.st_mtime_ns,
        )

    def _begin(self) -> Problem | None:
        lines: list[str] = []
        rows = self._next(self._rows_of(self._noted(lines)), 1)
        if isinstance(rows, Problem):
            return rows
        if not rows:
            return Problem(f"{shown(self._path)} is empty: expected a header in its first row.")
        self.header = rows[0]
        mark = MARK if lines[0].startswith(MARK) else ""
        ending = lines[-1][len(lines[-1].rstrip("\r\n")) :] or "\n"
        self.form = attrs.evolve(self.form, mark=mark, ending=ending)
        return None

    def _lines(self) -> Iterator[str]:
        for line in lines_of(self._file):
            self._characters += len(line)
            yield line

    def _noted(self, lines: list[str]) -> Iterator[str]:
        for line in self._lines():
            lines.append(line)
            yield line if len(lines) > 1 else line.removeprefix(MARK)

    def _rows_of(self, lines: Iterable[str]) -> Iterator[list[str]]:
        return csv.reader(lines, delimiter=self.form.delimiter, strict=True)

    def _next(self, reader: Iterator[list[str]], most: int) -> list[list[str]] | Problem:
        rows: list[list[str]] = []
        problem = None
        full = self._characters + FULL
        # The first two errors hold a part of the file: nothing of them is told.
        try:
            for row in islice(reader, most):
                rows.append(row)
                if self._characters >= full:
                    break
        except UnicodeError:
            # Where is not known: it is decoded ahead of the rows.
            problem = Problem(
                f"cannot read {shown(self._path)}: it is not in the encoding "
                f"{self.form.encoding}; give --encoding, or export it as CSV if it is a workbook."
            )
        except csv.Error:
            problem = self._misformed(rows)
        except OSError as error:
            problem = of_file("read", self._path, error)
        self.count += len(rows)
        return problem or rows

    def _misformed(self, rows: list[list[str]]) -> Problem:
        before = self.count + len(rows)
        place = f"after row {before}" if before else "in its first row"
        return Problem(f"cannot read {shown(self._path)} {place}: {wrong_form()}.")
