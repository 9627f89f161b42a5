"""
Before switching on: what contacts the host still holds, without showing one.

Theory of operation: records go by one at a time, and of each one only what was
found stays, as counts by place and the ids of a few records.  An id is shown
only if nothing was found in it and it looks like an id; else the record has
the number of its row.  So memory does not grow with the records, and a report
can be put on a wall.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from careof._values.phone_numbers import refuse_region
from careof._values.unwrap import Unseen, unwrap
from careof.contacts._looking import Found, Look
from careof.contacts._places import Place
from careof.contacts._records import fields_of, has_names, rows_of
from careof.contacts._report import BLOCKING, KINDS, Counted, Kind, PreflightReport
from careof.errors import ConfigurationError

STEP = 1000  # records between two calls of on_progress

# Nine digits in a row may be a number, whatever letters stand around it.
_SHOWN_ID = re.compile(r"(?!.*[0-9]{9})[A-Za-z0-9._:/#-]{1,64}", re.ASCII)
_SCALARS = (str, bytes, bytearray, memoryview, int, float, type(None))


def preflight(
    records: Iterable[Any] | str | os.PathLike[str],
    *,
    id: str | None = "id",  # noqa: A002
    columns: Sequence[str] | None = None,
    region: str | None = None,
    blocking: Collection[Kind] = BLOCKING,
    on_progress: Callable[[int], object] | None = None,
    encoding: str = "utf-8",
    delimiter: str = ",",
) -> PreflightReport:
    """
    What email addresses and phone numbers are in *records*: where, how many, and in which.

    It streams: any number of records takes the same memory.  It shows no value.
    What it cannot see stands in the documentation; that it finds nothing is no
    proof that there is nothing.

    Args:
        records: Mappings, rows of a database, objects of attrs, dataclasses and
            other classes, tuples (with *columns*), texts or bytes such as those of a
            queue; or the path of a CSV file with a header.
        id: The field that names a record in the report; without it, records have
            the numbers of their rows.
        columns: The names of the fields, if the records are tuples.
        region: The country (ISO 3166-1 alpha-2, such as ``"GB"``) of phone numbers
            that are written without ``+``.  Without it these are found only in
            fields that are named after phones.
        blocking: The kinds of findings that make the report false.
        on_progress: Called with the number of records looked at, every thousand
            and at the end.
        encoding: Of a CSV file.
        delimiter: Of a CSV file.

    Raises:
        ConfigurationError: An argument is wrong, or the file cannot be read.
    """
    order = _Order(
        id=id,
        columns=columns,
        region=region,
        blocking=blocking,
        on_progress=on_progress,
        encoding=encoding,
        delimiter=delimiter,
    )
    with Unseen():
        try:
            outcome = _run(records, order)
        finally:
            del records  # what the host's iterator raises comes by here
    return unwrap(outcome)


@attrs.frozen(kw_only=True)
class _Order:
    id: str | None
    columns: Sequence[str] | None
    region: str | None
    blocking: Collection[Kind]
    on_progress: Callable[[int], object] | None
    encoding: str
    delimiter: str

    def refused(self) -> ConfigurationError | None:
        """
        The reason why it cannot be done, or None.
        """
        if not isinstance(self.id, str | None):
            return ConfigurationError("preflight: id: expected the name of a field, or None.")
        if self.columns is not None and (
            isinstance(self.columns, str)
            or not isinstance(self.columns, Sequence)
            or not all(isinstance(name, str) for name in self.columns)
        ):
            return ConfigurationError("preflight: columns: expected a list of names.")
        if isinstance(self.blocking, str) or not set(self.blocking) <= set(KINDS):
            return ConfigurationError(
                f"preflight: blocking: expected kinds of findings: {', '.join(KINDS)}."
            )
        if self.on_progress is not None and not callable(self.on_progress):
            return ConfigurationError("preflight: on_progress: expected a callable, or None.")
        if not (isinstance(self.delimiter, str) and len(self.delimiter) == 1):
            return ConfigurationError("preflight: delimiter: expected one character.")
        return refuse_region(self.region, "preflight: region")


def _run(records: Any, order: _Order) -> PreflightReport | ConfigurationError:
    refused = order.refused()
    if refused is not None:
        return refused
    run = _Run(order)
    if isinstance(records, str | os.PathLike):
        rows = rows_of(records, encoding=order.encoding, delimiter=order.delimiter)
        if order.columns is None:
            header = next(rows, [])
            if isinstance(header, ConfigurationError):
                return header
            refused = run.begin_table(header)
        return refused or run.over(rows)
    if hasattr(records, "iterrows") or hasattr(records, "iter_rows"):
        # Iterating over a frame gives the names of its columns, which would pass.
        return ConfigurationError(
            'preflight: records: of a frame, pass frame.to_dict("records") (pandas) or '
            "frame.iter_rows(named=True) (Polars)."
        )
    if isinstance(records, Mapping | bytes) or not isinstance(records, Iterable):
        return ConfigurationError(
            "preflight: records: expected an iterable of records, or the path of a CSV file; "
            "put a single record into a list."
        )
    return run.over(records)


class _Run:
    """
    The records as they go by.
    """

    def __init__(self, order: _Order) -> None:
        self._order = order
        self._counted = Counted(frozenset(order.blocking))
        self._root = Place.root(self._is_personal)
        self._columns = None if order.columns is None else list(order.columns)
        self._count = 0
        self._first_row = 1
        self._look = Look(order.region)

    def begin_table(self, header: list[str]) -> ConfigurationError | None:
        """
        Take the names from the *header* of a table, unless there is a person in it.
        """
        self._first_row = 2  # as a spreadsheet counts
        look = Look(self._order.region)
        place = Place.root(self._is_personal, "header")
        place.is_phone = True  # no column is called 02079460018
        for name in header:
            look.into(name, place)
        if look.found:
            # A table without a header: its first row is somebody.
            self._counted.add(look.found, "row 1")
            header = []
        elif self._order.id not in (None, "id", *header):
            return ConfigurationError(
                f"preflight: id: no column has exactly that name; the header has {len(header)}."
            )
        self._columns = header
        return None

    def over(self, records: Iterable[Any]) -> PreflightReport | ConfigurationError:
        """
        Look at all of *records*.
        """
        on_progress = self._order.on_progress
        for record in records:
            if isinstance(record, ConfigurationError):
                return record
            self._one(record)
            if on_progress is not None and self._count % STEP == 0:
                on_progress(self._count)
        if on_progress is not None and self._count % STEP:
            on_progress(self._count)
        return self._counted.report(self._count)

    def _one(self, record: Any) -> None:
        look, name = self._look, self._order.id
        own: tuple[Any, str] = ("", "")
        for field, place, value in self._fields(record):
            if field == name and name is not None:
                place.is_reference = True
                own = (value, place.path)
            if type(value) is str and not place.is_name and look.is_clean(value, place):
                continue
            # A bug in whatever reads a strange text must hide nothing else.
            try:
                look.into(value, place)
            except Exception:
                look.found.add((place.path, "unread"))
        if look.is_used:
            if look.found:
                self._count_in(look.found, own)
            self._look = Look(self._order.region)
        self._count += 1

    def _count_in(self, found: Found, own: tuple[Any, str]) -> None:
        found -= {(path, "digits") for path, kind in found if kind == "phone"}
        row = f"row {self._count + self._first_row}"
        self._counted.add(found, _shown(*own, found) or row)

    def _fields(self, record: Any) -> Iterator[tuple[Any, Place, Any]]:
        root = self._root
        if isinstance(record, _SCALARS):
            yield None, root, record
            return
        names = self._columns
        if isinstance(record, list | tuple) and not has_names(record):
            width = len(names or ())
            for position, value in enumerate(record):
                name = names[position] if names and position < width else ""
                yield name, root.named(name, position=position + 1), value
            return
        try:
            fields = fields_of(record)
        except Exception:
            fields = None
        if fields is None:
            yield None, root, record
            return
        for position, (field, value) in enumerate(fields):
            place = root.named(field if isinstance(field, str) else "", position=position + 1)
            if place.is_masked:
                yield None, root.keys(), field
            yield field, place, value

    def _is_personal(self, name: str) -> bool:
        look = Look(self._order.region)
        look.into(name, Place.root(lambda _: False))
        return bool(look.found)


def _shown(value: Any, path: str, found: Found) -> str:
    text = str(value) if isinstance(value, str | int) else ""
    is_clean = not any(
        where.startswith(path) and where[len(path) :][:1] in ("", ".", ":", "[")
        for where, _ in found
    )
    return text if is_clean and _SHOWN_ID.fullmatch(text) else ""
