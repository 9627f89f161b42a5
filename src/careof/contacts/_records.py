"""
What a host's records are, and how their fields are got at: one at a time.

Theory of operation: everybody has another kind of row.  A mapping tells its
names; a row of a database has ``keys()``; a tuple has none, so they are given;
an object of a class has those that it was declared with, or else what is
stored on it.  A file is read row by row and never held.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import attrs

from careof._reading.csv_lines import MARK, lines_of, wrong_form
from careof._reading.file_errors import reason_of
from careof.errors import ConfigurationError

# What Django and SQLAlchemy keep on a model beside its fields.
_MACHINERY = ("_state", "_sa_instance_state")
_NO_FIELDS = ("__dict__", "__weakref__", "__pydantic_fields_set__")


def fields_of(record: Any) -> Iterable[tuple[Any, Any]] | None:
    """
    The names and values of a record, or None if it has no names.
    """
    if isinstance(record, Mapping):
        return record.items()
    kind = type(record)
    mapping = getattr(record, "_mapping", None)  # a row of SQLAlchemy
    if isinstance(mapping, Mapping):
        return mapping.items()
    if hasattr(kind, "get_payload"):  # a mail, whose names are those of its headers alone
        return [*record.items(), ("payload", record.get_payload())]
    if hasattr(kind, "keys") and hasattr(kind, "__getitem__"):  # sqlite3.Row and its like
        return [(name, record[name]) for name in record.keys()]  # noqa: SIM118
    if hasattr(kind, "_fields") and isinstance(record, tuple):
        return list(zip(kind._fields, record, strict=False))
    names = _declared(kind)
    if names is None and not hasattr(record, "__dict__"):
        return None
    stored = getattr(record, "__dict__", {})
    every = dict.fromkeys([*(names or ()), *stored])
    if not every:
        return None  # what it holds is held in a way that is not known here
    return [(name, getattr(record, name, None)) for name in every if name not in _MACHINERY]


def has_names(row: Any) -> bool:
    """
    Whether *row*, a sequence, has a name for each of its values.
    """
    return hasattr(type(row), "_fields") or hasattr(type(row), "keys")  # sqlite3.Row is both


def _declared(kind: type) -> list[str] | None:
    if attrs.has(kind):
        return [field.name for field in attrs.fields(kind)]
    # What a model has not loaded, or has let go of at a commit, it loads when it is asked.
    columns = getattr(getattr(kind, "__mapper__", None), "column_attrs", None)
    if columns is not None:
        return [column.key for column in columns]
    columns = getattr(getattr(kind, "_meta", None), "concrete_fields", None)
    if columns is not None:
        return [column.attname for column in columns]
    declared = getattr(kind, "__dataclass_fields__", None)
    if declared is not None:
        return list(declared)
    slots = [name for base in kind.__mro__ for name in _slots(base)]
    return slots or None


def _slots(kind: type) -> Sequence[str]:
    slots = vars(kind).get("__slots__", ())
    names = [slots] if isinstance(slots, str) else list(slots)
    return [_mangled(name, kind) for name in names if name not in _NO_FIELDS]


def _mangled(name: str, kind: type) -> str:
    is_private = name.startswith("__") and not name.endswith("__")
    return f"_{kind.__name__.lstrip('_')}{name}" if is_private else name


def rows_of(
    path: str | os.PathLike[str], *, encoding: str, delimiter: str
) -> Iterator[list[str] | ConfigurationError]:
    """
    The rows of a table in CSV, the header first; at the end the error, if there is one.
    """
    try:
        file = Path(path).open(encoding=encoding, newline="")  # noqa: SIM115  # closed below
    except (OSError, LookupError, ValueError) as error:
        yield ConfigurationError(
            f"preflight: records: the file cannot be read: {reason_of(error)}."
        )
        return
    with file:
        number = 0
        try:
            for row in csv.reader(_lines(file), delimiter=delimiter):
                number += 1
                yield row
        except UnicodeError:
            reason = f"it is not in the encoding {encoding}"
        except csv.Error:
            reason = wrong_form()
        except OSError as error:
            reason = reason_of(error)
        else:
            return
    # Both errors hold a part of the file; they have gone with their blocks.
    yield ConfigurationError(
        f"preflight: records: the file cannot be read after row {number}: {reason}."
    )


def _lines(file: TextIO) -> Iterator[str]:
    for number, line in enumerate(lines_of(file)):
        yield line if number else line.removeprefix(MARK)
