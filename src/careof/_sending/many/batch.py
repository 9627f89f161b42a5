"""
The receipts of many references, one after the other: what ``send_many`` returns.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from types import TracebackType
from typing import Generic, Self, TypeVar

from careof._network.limits import seconds as seconds_of
from careof._sending.many.flow import CLOSING, AsyncFlow, Flow
from careof._sending.many.hands import shielded
from careof._sending.one.run import Run
from careof._sending.tally import Tally
from careof._values.receipt import Receipt
from careof._values.unwrap import Unseen
from careof.errors import ConfigurationError

AnyFlow = TypeVar("AnyFlow", Flow, AsyncFlow)


class _Batch(Generic[AnyFlow]):
    """
    What both batches are made of.
    """

    def __init__(
        self, flow: AnyFlow, shield: Callable[[], AbstractContextManager[object]]
    ) -> None:
        self._flow: AnyFlow = flow
        self._shield = shield
        self._asking: dict[None, object] = {}  # who asks, at most one
        self._is_spent = False

    @property
    def tally(self) -> Tally:
        """
        The outcomes of all references that are decided, given out or not.
        """
        run: Run = self._flow.run
        return run.tally()

    def stop(self) -> None:
        """
        Take no more ids.  Receipts of those that were taken still come.

        What is not handed over ends as ``cancelled``.
        """
        self._flow.halt()

    def _asks(self, asker: object) -> bool:
        # Of two threads at once, one finds its own.
        return self._asking.setdefault(None, asker) is asker

    def _has_asked(self, asker: object) -> None:
        if self._asking.get(None) is asker:
            self._asking.clear()

    def _two_ask(self) -> ConfigurationError:
        return ConfigurationError(
            f"{type(self).__name__}: somebody else asks for a receipt already: "
            "a batch is for one thread or task."
        )

    def _refuse_another_loop(self) -> None:
        # Silence would look like a run of nobody, as where a cell of a notebook
        # is run again.
        if self._is_spent:
            raise ConfigurationError(
                f"{type(self).__name__}: it has given out all its receipts "
                f"({self.tally}): send_many begins another batch."
            )

    def _leaving(self) -> AbstractContextManager[object]:
        # First what needs no loop: one that waits may be closed where none runs.
        self._flow.halt()
        return self._shield()

    def _limit(self, seconds: float | timedelta) -> float:
        limit = seconds_of(seconds)
        if not 0 <= limit < math.inf:
            raise ConfigurationError(
                f"{type(self).__name__}: close: seconds: expected a number from 0."
            )
        return limit

    def _failed(self) -> None:
        failure, self._flow.failure = self._flow.failure, None
        if failure is not None:
            raise failure

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.tally})"


class Batch(_Batch[Flow]):
    """
    An iterator of receipts, for one thread.

    Every id that was taken from the input has exactly one receipt.  After
    ``stop``, ``close``, Ctrl-C, or when nobody holds the batch any more, nothing
    more is taken, what was not handed over is ``cancelled``, and what was comes
    with its outcome.  Whoever only stops asking, as by ``break``, can ask on
    later; what is under way goes on meanwhile.  Receipts that nobody asks for
    are told to ``on_event``, counted in ``tally`` and settled in the ledger.

    If the input itself raises, the receipts of what was taken come first.  Once
    all were given out, another loop is refused.
    """

    def __init__(self, flow: Flow) -> None:
        super().__init__(flow, nullcontext)
        weakref.finalize(self, flow.forsake).atexit = False

    def __iter__(self) -> Self:
        self._refuse_another_loop()
        return self

    def __next__(self) -> Receipt:
        before, asker = self._flow.given_out, object()
        is_mine = True
        try:
            try:
                is_mine = self._asks(asker)
                if is_mine:
                    with Unseen():
                        receipt = self._flow.next()
                    if receipt is not None:
                        return receipt
            finally:
                self._has_asked(asker)
        except BaseException:
            self._has_asked(asker)  # Ctrl-C may have come before
            # Not what the caller has had before.
            self._flow.is_interrupted = self._flow.given_out is not before
            with self._leaving():
                self.close()
            raise
        if not is_mine:
            raise self._two_ask()
        self._failed()
        self._is_spent = True
        raise StopIteration

    def close(self, seconds: float | timedelta = CLOSING) -> None:
        """
        Stop, and wait for what is under way; what takes longer is given up.

        Args:
            seconds: How long to wait.  What was handed over is ``uncertain`` then.
        """
        limit = self._limit(seconds)
        with Unseen():
            self._flow.close(limit)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        frames: TracebackType | None,
    ) -> None:
        with self._leaving():
            self.close()


class AsyncBatch(_Batch[AsyncFlow]):
    """
    An async iterator of receipts, for one task; otherwise as ``Batch``.

    Its tasks end with the event loop.  ``async with`` or ``aclose()`` waits for
    them where the batch is left before its end, also where a scope is cancelled.
    """

    def __init__(self, flow: AsyncFlow) -> None:
        super().__init__(flow, shielded)
        weakref.finalize(self, flow.forsake).atexit = False

    def __aiter__(self) -> Self:
        self._refuse_another_loop()
        return self

    async def __anext__(self) -> Receipt:
        before, asker = self._flow.given_out, object()
        is_mine = True
        try:
            try:
                is_mine = self._asks(asker)
                if is_mine:
                    with Unseen():
                        receipt = await self._flow.next()
                    if receipt is not None:
                        return receipt
            finally:
                self._has_asked(asker)
        except BaseException:
            self._has_asked(asker)  # Ctrl-C may have come before
            # Not what the caller has had before.
            self._flow.is_interrupted = self._flow.given_out is not before
            with self._leaving():
                await self.aclose()
            raise
        if not is_mine:
            raise self._two_ask()
        self._failed()
        self._is_spent = True
        raise StopAsyncIteration

    async def aclose(self, seconds: float | timedelta = CLOSING) -> None:
        """
        Stop, and wait for what is under way; what takes longer is given up.

        Args:
            seconds: How long to wait.  What was handed over is ``uncertain`` then.
        """
        limit = self._limit(seconds)
        with Unseen():
            await self._flow.close(limit)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        frames: TracebackType | None,
    ) -> None:
        with self._leaving():
            await self.aclose()
