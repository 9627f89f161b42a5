"""
Ctrl-C and its relatives, heard only where nothing is left half done.

Theory of operation: an exception that can come out of any line can come out of
the line between making a file and remembering to take it away.  So the handler
of a signal only notes it, and the work looks between two steps.  It raises at
once in those blocks that may wait for long, such as on a pipe, and make nothing.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Any, Self

_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


class Stopped(BaseException):
    """
    A signal asked the command to stop.

    Attributes:
        exit_code: What a shell expects of a program that a signal has ended.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


class Stop:
    """
    A ``with`` block that signals end in an orderly way; those ignored before stay ignored.

    Args:
        is_last: Whether the process ends after it.  Signals then change nothing
            any more: a shell must not be told that finished work was stopped.
    """

    def __init__(self, *, is_last: bool = False) -> None:
        self._is_last = is_last
        self._number = 0
        self._is_heard = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_IGN if self._is_last else handler)

    @contextlib.contextmanager
    def heard(self) -> Iterator[None]:
        """
        A ``with`` block that a signal ends at once, and that one from before does not begin.

        Raises:
            Stopped: There was a signal.
        """
        self._is_heard = True
        try:
            if self._number:
                raise Stopped(self._number)
            yield
        finally:
            self._is_heard = False

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._number = number
        if self._is_heard:
            self._is_heard = False
            raise Stopped(number)
