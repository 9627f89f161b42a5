"""
Receipts that show how far they are while they go by.

Theory of operation: an iterator around an iterator, which behaves as the inner
one does.  What is shown is drawn *before* the next receipt is asked for, never
between taking a receipt and handing it on: a Ctrl-C that arrives while a slow
terminal is written to loses none.

A loop that is left early drops the outer iterator and with it the inner one,
which then does what it does when nobody holds it; only the line is finished
here.  ``close`` closes both.
"""

from __future__ import annotations

import contextlib
import math
import operator
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from types import TracebackType
from typing import Any, ClassVar, Generic, Self, TextIO, TypeVar, overload

from careof._sending.watching.picture import Meter
from careof._sending.watching.screens import Screen, screen_for
from careof._values.clock import SYSTEM_CLOCK, Clock, is_clock
from careof._values.receipt import Outcome, Receipt
from careof._values.terminal_line import INTERVAL
from careof.errors import ConfigurationError

Wrapped = TypeVar("Wrapped")


class _Shown(Generic[Wrapped]):
    """
    What both iterators are made of.
    """

    _closing: ClassVar[str]

    def __init__(self, receipts: Wrapped, total: int | None, screen: Screen, clock: Clock) -> None:
        self._receipts = receipts
        self._screen = screen
        self._monotonic = clock.monotonic
        # Not a Tally: a dictionary counts three times as fast.
        self._counts = dict.fromkeys(Outcome, 0)
        self._meter = Meter(self._counts, total, clock.monotonic())
        self._due = -math.inf  # the first picture comes at once
        self._is_open = False
        self._left_at = -1  # receipts that were counted when the line was left

    def _show(self) -> None:
        now = self._monotonic()
        if self._meter.done != self._left_at:
            self._due = now + INTERVAL
            self._is_open = True
            self._screen.show(self._meter.picture(now))

    def _leave(self) -> None:
        """
        Show what has become of it, once.  If receipts come after all, another
        line begins.
        """
        if self._is_open:
            self._is_open = False
            self._left_at = self._meter.done
            self._due = -math.inf
            self._screen.leave(self._meter.last_picture(self._monotonic()))

    def _close_of_the_wrapped(self) -> Any:
        return getattr(self._receipts, self._closing, None)

    def __repr__(self) -> str:
        # No picture: one more would change the rate.
        return f"{type(self).__name__}({self._meter.done:,} receipts)"

    def __del__(self) -> None:
        self._leave()


class Progress(_Shown[Iterator[Receipt]]):
    """
    An iterator of receipts that shows how far it is.
    """

    _closing = "close"

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Receipt:
        if self._monotonic() >= self._due:
            self._show()
        try:
            receipt = next(self._receipts)
        except BaseException:  # the end, too
            self._leave()
            raise
        self._counts[receipt.outcome] += 1
        return receipt

    def close(self) -> None:
        """
        Close the iterator of receipts, if it can be closed, and leave the line as it is.
        """
        close = self._close_of_the_wrapped()
        try:
            if close is not None:
                close()
        finally:
            self._leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class AsyncProgress(_Shown[AsyncIterator[Receipt]]):
    """
    An async iterator of receipts that shows how far it is.
    """

    _closing = "aclose"

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Receipt:
        if self._monotonic() >= self._due:
            self._show()
        try:
            receipt = await anext(self._receipts)
        except BaseException:  # the end, too
            self._leave()
            raise
        self._counts[receipt.outcome] += 1
        return receipt

    async def aclose(self) -> None:
        """
        Close the iterator of receipts, if it can be closed, and leave the line as it is.
        """
        close = self._close_of_the_wrapped()
        try:
            if close is not None:
                await close()
        finally:
            self._leave()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


@overload
def progress(
    receipts: AsyncIterable[Receipt],
    total: int | None = None,
    *,
    stream: TextIO | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> AsyncProgress: ...


@overload
def progress(
    receipts: Iterable[Receipt],
    total: int | None = None,
    *,
    stream: TextIO | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> Progress: ...


def progress(
    receipts: Iterable[Receipt] | AsyncIterable[Receipt],
    total: int | None = None,
    *,
    stream: TextIO | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> Progress | AsyncProgress:
    """
    The same *receipts*, with counts by outcome, rate and time left shown as they go by.

    On a terminal one line is rewritten a few times a second, and stays at the
    end; in a notebook a display is updated; anywhere else, as in a log, nothing
    is written.  No reference is shown.  An async iterator comes back as one.

    ``close`` (``aclose``) closes *receipts* as well, and so does a ``with`` block
    at its end.  What else they can do, such as ``stop``, only they can be asked for.

    Args:
        total: How many receipts there will be, as far as you know; without it no
            time left is shown.
        stream: Where to show it, in the place of the standard error or the
            notebook; nothing is shown if it is not a terminal.

    Raises:
        ConfigurationError: *receipts* cannot be iterated over, or *total* is no
            whole number.
    """
    expected = _count(total)
    if not is_clock(clock):
        raise ConfigurationError("progress: clock: expected monotonic() and time().")
    screen = screen_for(stream)
    if isinstance(receipts, AsyncIterable):
        return AsyncProgress(aiter(receipts), expected, screen, clock)
    if isinstance(receipts, Iterable):
        return Progress(iter(receipts), expected, screen, clock)
    raise ConfigurationError("progress: receipts: expected an iterator or an async iterator.")


def _count(total: object) -> int | None:
    with contextlib.suppress(TypeError):
        # What is no number at all is what this asks about.
        return None if total is None else operator.index(total)  # type: ignore[arg-type]
    raise ConfigurationError("progress: total: expected a whole number or None.")
