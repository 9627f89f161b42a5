"""
What the deliveries of one call share.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future

from careof._sending.one.addresses_had import Addresses
from careof._sending.rates import RateLimit
from careof._sending.tally import Tally
from careof._values.receipt import Receipt


class Run:
    """
    One batch.

    Attributes:
        rate: How often a reference of it may be looked up, or None.
        addresses: Where each address gets one survey, or None.
        is_halted: Whether nothing more of it is begun.
    """

    __slots__ = ("_halt", "_lock", "_tally", "_under_way", "addresses", "is_halted", "rate")

    def __init__(
        self, *, rate: RateLimit | None = None, addresses: Addresses | None = None
    ) -> None:
        self.rate: RateLimit | None = rate
        self.addresses: Addresses | None = addresses
        self.is_halted: bool = False
        self._tally = Tally()
        self._halt = threading.Event()
        # A signal handler of the host's may ask for the tally in any moment.
        self._lock = threading.RLock()
        self._under_way: dict[str, Future[None]] = {}

    def halt(self) -> None:
        """
        Begin nothing more, and wake whoever waits for a turn.
        """
        self.is_halted = True
        self._halt.set()

    def pause(self, seconds: float) -> bool:
        """
        Block for *seconds* or until it is halted, and say whether it is.
        """
        return self._halt.wait(min(seconds, threading.TIMEOUT_MAX))

    def enter(self, reference_id: str) -> Future[None] | None:
        """
        None if no other delivery of the run has *reference_id* now; a future to
        wait for otherwise.
        """
        with self._lock:
            other = self._under_way.get(reference_id)
            if other is None:
                self._under_way[reference_id] = Future()
            return other

    def leave(self, reference_id: str) -> None:
        """
        Let go of *reference_id*, which was entered.
        """
        with self._lock:
            future = self._under_way.pop(reference_id)
        future.set_result(None)

    def count(self, receipt: Receipt) -> None:
        """
        Add *receipt* to the tally.
        """
        with self._lock:
            self._tally.add(receipt)

    def tally(self) -> Tally:
        """
        What has been decided so far.
        """
        with self._lock:
            return Tally(self._tally)


class Single:
    """
    What stands in its place for one reference: nothing is shared, and nobody halts it.
    """

    __slots__ = ()
    rate: None = None
    addresses: None = None
    is_halted: bool = False

    def pause(self, seconds: float) -> bool:
        """
        Block for *seconds*.
        """
        time.sleep(seconds)
        return False

    def enter(self, reference_id: str) -> None:
        """
        There is no other delivery.
        """

    def leave(self, reference_id: str) -> None:
        """
        There was no other delivery.
        """

    def count(self, receipt: Receipt) -> None:
        """
        Nobody asks how many.
        """
