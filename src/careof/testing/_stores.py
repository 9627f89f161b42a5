"""
A look into what outlives a program: the files of a directory, the tables of a database.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from careof.errors import ConfigurationError
from careof.testing._traces import Search

_LARGEST = 256 * 1024 * 1024  # bytes of one file that are read
_SQLITE = b"SQLite format 3\0"
_ROWS = 1000  # fetched at once
_TABLES = (
    "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema NOT IN "
    "('information_schema', 'pg_catalog', 'mysql', 'performance_schema', 'sys')"
)


def look_into_directory(search: Search, directory: str | os.PathLike[str]) -> None:
    """
    Every file beneath *directory*, by name and by what is in it.
    """
    root = pathlib.Path(directory)
    if not root.is_dir():
        raise ConfigurationError("assert_no_leak: directory: expected one that exists.")
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        search.text("file", f"the name of the file {name}", name)
        if path.is_file():
            with path.open("rb") as file:
                data = file.read(_LARGEST)
            before = len(search.traces)
            if data.startswith(_SQLITE):
                _look_into_image(search, name, data)
            if len(search.traces) == before:  # or what no table has any more
                search.raw("file", f"the file {name}", data)


def _look_into_image(search: Search, name: str, data: bytes) -> None:
    # Late, so that importing careof.testing imports no database.
    import sqlite3

    # A log beside it is a file of its own, and an image in memory takes none.
    rollback = data[:18] + b"\1\1" + data[20:]
    with (
        contextlib.closing(sqlite3.connect(":memory:")) as connection,
        contextlib.suppress(sqlite3.Error),  # half written
    ):
        connection.deserialize(rollback)
        look_into_database(search, connection, f"the file {name}, column ")


def look_into_database(search: Search, connection: Any, where: str = "column ") -> None:
    """
    Every column of every table that *connection* can see.
    """
    if callable(getattr(connection, "raw_connection", None)):  # an engine of SQLAlchemy
        connection = connection.raw_connection()
    # What a pool lends, and a connection or a session of SQLAlchemy.
    connection = getattr(connection, "driver_connection", None) or connection
    if not callable(getattr(connection, "cursor", None)):
        raise ConfigurationError(
            "assert_no_leak: connection: expected one with cursor(), as DB-API 2.0 (PEP 249) and "
            "Django have it. Of any other storage, give also= a function that returns its rows."
        )
    cursor = connection.cursor()
    try:
        for shown, quoted in list(_tables(connection, cursor)):
            cursor.execute(f"SELECT * FROM {quoted}")  # noqa: S608 - the name is quoted
            columns = [column[0] for column in cursor.description]
            while rows := cursor.fetchmany(_ROWS):
                for row in rows:
                    values = row.values() if isinstance(row, Mapping) else row
                    for column, value in zip(columns, values, strict=True):
                        search.thing("database", f"{where}{shown}.{column}", value)
    finally:
        cursor.close()


def _tables(connection: Any, cursor: Any) -> Iterator[tuple[str, str]]:
    """
    The tables, as they are shown and as they are written in SQL.
    """
    import sqlite3  # late, as above

    if hasattr(connection, "introspection"):  # Django's
        for name in connection.introspection.table_names(cursor):
            yield name, connection.ops.quote_name(name)
    elif isinstance(connection, sqlite3.Connection):
        cursor.row_factory = None
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (name,) in cursor.fetchall():
            yield name, _quoted('"', name)
    else:
        kind = f"{type(connection).__module__}".lower()
        mark = "`" if "mysql" in kind or "mariadb" in kind else '"'
        cursor.execute(_TABLES)
        for row in cursor.fetchall():
            schema, name = row.values() if isinstance(row, Mapping) else row
            yield f"{schema}.{name}", f"{_quoted(mark, schema)}.{_quoted(mark, name)}"


def _quoted(mark: str, name: str) -> str:
    return f"{mark}{name.replace(mark, mark * 2)}{mark}"
