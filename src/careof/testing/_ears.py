"""
Ears for what a program says while it works: logs, warnings, and the console.

Theory of operation: a logger may have a level of its own, not propagate, be switched
off, or be made in the middle of it all; a handler at the root hears none of these.
So the two methods through which every record goes are wrapped: one says that every
level is wanted, the other hears the record and passes it on if it was wanted
before.  The filters of a logger stand between the two, and what they drop is heard
by nobody here either.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from careof.testing._traces import Search


@contextlib.contextmanager
def listening(search: Search) -> Iterator[None]:
    """
    A ``with`` block in which *search* looks into all that is said.
    """
    with _logs(search), _console(search), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        yield
        for warning in warned:
            where = f"a {warning.category.__name__} from line {warning.lineno}"
            search.thing(
                "warning", where, [str(warning.message), getattr(warning.message, "args", ())]
            )


@contextlib.contextmanager
def _logs(search: Search) -> Iterator[None]:
    wanted, pass_on = logging.Logger.isEnabledFor, logging.Logger.callHandlers

    def hear(logger: logging.Logger, record: logging.LogRecord) -> None:
        _hear(search, record)
        if wanted(logger, record.levelno):
            pass_on(logger, record)

    _set(logging.Logger, isEnabledFor=lambda *_: True, callHandlers=hear)
    try:
        yield
    finally:
        _set(logging.Logger, isEnabledFor=wanted, callHandlers=pass_on)


def _set(kind: type, **methods: Any) -> None:
    for name, method in methods.items():
        setattr(kind, name, method)


def _hear(search: Search, record: logging.LogRecord) -> None:
    where = f'the log "{record.name}" at {record.levelname}'
    text = str(record.msg)
    with contextlib.suppress(Exception):  # the arguments do not fit
        text = record.getMessage()
    search.text("log", where, text)
    for name, value in vars(record).items():
        if name not in {"name", "msg", "exc_info"}:
            search.text("log", f"{where}, its {name}", _printed(value))
    if record.exc_info and record.exc_info[1] is not None:
        search.error("log", f"{where}, its exception", record.exc_info[1])


def _printed(value: object) -> str:
    try:
        return repr(value)
    except Exception:
        return ""


@contextlib.contextmanager
def _console(search: Search) -> Iterator[None]:
    out, err = _Tee(sys.stdout), _Tee(sys.stderr)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield
    for where, tee in (("the standard output", out), ("the standard error", err)):
        search.raw("console", where, tee.written())


class _Tee:
    """
    A stream that remembers what goes through it, and the bytes beneath as well.
    """

    def __init__(self, stream: Any, pieces: list[bytes] | None = None) -> None:
        self._stream = stream
        self._pieces: list[bytes] = [] if pieces is None else pieces

    def write(self, piece: Any) -> Any:
        self._pieces.append(
            piece.encode("utf-8", "replace") if isinstance(piece, str) else bytes(piece)
        )
        return self._stream.write(piece)

    def flush(self) -> None:
        self._stream.flush()

    def writelines(self, pieces: Any) -> None:
        for piece in pieces:
            self.write(piece)

    @property
    def buffer(self) -> _Tee:
        return _Tee(self._stream.buffer, self._pieces)

    def written(self) -> bytes:
        return b"".join(self._pieces)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
