"""
How often: token buckets that threads and event loops share.

Theory of operation: a token is taken in the moment of going, never before, and
of all the buckets that hold somebody up at once or of none.  Taken ahead and
slept off, those whose time passed while the process stood still would all go at
the same moment.  So that not everybody who waits wakes up for each token, who
comes gets a place in the line, which is only a hint how long to sleep.
"""

from __future__ import annotations

import math
import threading
from typing import ClassVar

from careof._network.limits import seconds
from careof._values.clock import SYSTEM_CLOCK, Clock, is_clock
from careof._values.forks import begin_anew_after_fork
from careof.errors import ConfigurationError

NOISE = 1e-9  # seconds that are none
A_DAY = 1 / 86_400  # a second: the slowest rate


class RateLimit:
    """
    So many a second, and so many at once after a pause (a token bucket).

    One object may be given to several dispatchers, which then share the rate.
    It counts in this process only.

    Args:
        per_second: How many tokens come back in a second, from one a day.
        burst: How many can be taken at once, from 1.
        clock: What tells the time; who waits looks at it again after a real pause.

    Raises:
        ConfigurationError: An argument cannot work.
    """

    # One for all, so that several buckets are looked at in one moment.
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, per_second: float, *, burst: int = 1, clock: Clock = SYSTEM_CLOCK) -> None:
        self._per_second = seconds(per_second)
        if not A_DAY <= self._per_second < math.inf:
            raise ConfigurationError(
                "RateLimit: per_second: expected a number above 0, at least one a day (1 / 86400)."
            )
        if not isinstance(burst, int) or not 1 <= seconds(burst) < math.inf:
            raise ConfigurationError("RateLimit: burst: expected a whole number from 1.")
        if not is_clock(clock):
            raise ConfigurationError("RateLimit: clock: expected monotonic() and time().")
        self._clock = clock
        self._interval = 1 / self._per_second
        self._reserve = burst * self._interval
        # When the bucket is full again, and when the line has gone: tokens are
        # counted in the time that they take to come back.
        self._full_at = self._gone_at = -math.inf

    def _wait(self, at: float, now: float) -> float:
        # The difference of two moments first: a moment is too large a number to
        # add a short time to it without rounding.
        wait = max(at - now, 0.0) + self._interval - self._reserve
        return wait if wait > NOISE else 0.0

    def _begin_anew(self) -> None:
        RateLimit._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"RateLimit({self._per_second:g}, burst={self._reserve / self._interval:.0f})"


class Pace:
    """
    One wait for a token of each of several rates.
    """

    __slots__ = ("_is_in_line", "_rates")

    def __init__(self, *rates: RateLimit | None) -> None:
        self._rates = [rate for rate in rates if rate is not None]
        self._is_in_line = False

    def wait(self) -> float:
        """
        0 if we may go now; otherwise how many seconds to wait before asking again.
        """
        if not self._rates:
            return 0.0
        begin_anew_after_fork(self._rates[0])
        with RateLimit._lock:
            times = [(rate, rate._clock.monotonic()) for rate in self._rates]
            wait = max(rate._wait(rate._full_at, now) for rate, now in times)
            if wait <= 0:
                for rate, now in times:
                    rate._full_at = max(rate._full_at, now) + rate._interval
                self._is_in_line = False
                return 0.0
            if self._is_in_line:
                return wait
            self._is_in_line = True
            for rate, now in times:
                rate._gone_at = max(rate._gone_at, rate._full_at, now) + rate._interval
            return max(rate._wait(rate._gone_at - rate._interval, now) for rate, now in times)

    def leave(self) -> None:
        """
        Stop waiting, so that the others come sooner.
        """
        with RateLimit._lock:
            if self._is_in_line:
                for rate in self._rates:
                    rate._gone_at -= rate._interval
