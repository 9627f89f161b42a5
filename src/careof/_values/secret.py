"""
Secrets, read when they are used.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import ClassVar

from careof._values.sealed import Sealed, is_whole
from careof._values.sources import Source, file, variable
from careof._values.unwrap import unwrap
from careof.errors import ConfigurationError

# What was read in the block under way, with the secret, whose id it is kept under.
_readings: ContextVar[dict[int, tuple[object, str]] | None] = ContextVar(
    "careof.readings", default=None
)


@contextlib.contextmanager
def read_once() -> Iterator[None]:
    """
    A ``with`` block in which a secret is read once, however often it is revealed.

    Two things that are made of one secret then are made of one value, even if
    its source holds another one a moment later.
    """
    before = _readings.set({})
    try:
        yield
    finally:
        _readings.reset(before)


class Secret(Sealed):
    """
    A password, key or token of the host: sealed, compared by identity.

    A secret from a variable, a file or a callable is read each time it is
    used, so that a rotated one works without a restart.  Like any Python text
    it stays in memory until it is collected; nothing here can wipe it.
    """

    __slots__ = ("_is_fixed", "_read", "_source")
    _instead = "Build it there, with Secret.from_env, from_file or from_callable."

    def __init__(self, value: str) -> None:
        problem = _problem(value)
        if problem:
            del self, value  # a traceback with locals would show it
            raise ConfigurationError(f"Secret {problem}.", detail="secret")
        self._comes_from(Source(lambda: value, "***"), is_fixed=True)

    @classmethod
    def from_env(cls, name: str) -> Secret:
        """
        The environment variable *name*, read at each use.
        """
        source = variable(name)
        del name  # it may be a secret, and a traceback with locals would show it
        if source is None:
            raise ConfigurationError(
                "Secret.from_env: name: expected the name of a variable, not its value."
            )
        return cls._of(source)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Secret:
        """
        The text of the file at *path*, without the newline at its end, read at each use.
        """
        source = file(path)
        del path  # as above
        if source is None:
            raise ConfigurationError(
                "Secret.from_file: path: expected the path of a file, not the text in it."
            )
        return cls._of(source)

    @classmethod
    def from_callable(cls, read: Callable[[], str]) -> Secret:
        """
        Whatever *read* returns, such as a look-up in a vault, asked at each use.
        """
        if not callable(read):
            raise ConfigurationError("Secret.from_callable: read: expected a callable.")
        return cls._of(Source(read, "callable"))

    @classmethod
    def _of(cls, source: Source) -> Secret:
        secret = cls.__new__(cls)
        secret._comes_from(source, is_fixed=False)
        return secret

    def _comes_from(self, source: Source, *, is_fixed: bool) -> None:
        self._source = source
        self._read = source.read
        # It has no source where it could change.
        self._is_fixed: bool = is_fixed

    def reveal(self) -> str:
        """
        The secret itself.

        Raises:
            ConfigurationError: It cannot be read now, or is empty, or ends in a
                line break.  The message names the source, never the value.
        """
        return unwrap(self._reread())

    def _reread(self) -> str | ConfigurationError:
        readings = _readings.get()
        if readings is None or self._is_fixed:
            return self._read_now()
        if id(self) not in readings:
            value = self._read_now()
            if isinstance(value, ConfigurationError):
                return value
            readings[id(self)] = (self, value)
        return readings[id(self)][1]

    def _read_now(self) -> str | ConfigurationError:
        try:
            value = self._read()
        except Exception as error:
            return ConfigurationError(
                self._source.unreadable(type(error).__name__), detail="secret"
            )
        problem = _problem(value)
        if problem:
            return ConfigurationError(
                f"The secret {self._source.shown} {problem}.", detail="secret"
            )
        return value

    # By identity: comparing by value would need the value, and a set or a
    # dictionary of secrets would keep asking a vault for it.
    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__: ClassVar[None]  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Secret({self._source.shown})"


def _problem(value: object) -> str:
    if not isinstance(value, str):
        return f"is of type {type(value).__name__}, not str"
    if not value:
        return "is empty"
    if value[-1] in "\r\n":
        # Copied from a file or a shell with its newline: it would be refused
        # by the other side, or split a header.
        return "ends in a line break: strip it (Secret.from_file does so by itself)"
    if not is_whole(value):
        # What os.environ makes of bytes that are not UTF-8; the codec that
        # fails on it later would quote the whole text.
        return "is no UTF-8"
    return ""


def as_secret(value: str | Secret, parameter: str) -> Secret | ConfigurationError:
    """
    The value of *parameter* as a secret, or the error that says why it can be none.

    Whoever raises that error drops the value first: a traceback with locals
    would show it.
    """
    if isinstance(value, Secret):
        return value
    problem = _problem(value)
    if problem:
        return ConfigurationError(
            f"{parameter}: expected Secret or str, but it {problem}.", detail="secret"
        )
    return Secret(value)


def reveal(value: str | Secret) -> str:
    """
    The text of a parameter that may be a plain text or a secret.
    """
    return value.reveal() if isinstance(value, Secret) else value
