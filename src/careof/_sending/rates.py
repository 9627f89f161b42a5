"""
How often: a token bucket that threads and event loops share.
"""

from __future__ import annotations

import math
import threading

from careof._network.limits import seconds
from careof._values.clock import SYSTEM_CLOCK, Clock, is_clock
from careof._values.forks import begin_anew_after_fork
from careof.errors import ConfigurationError

A_DAY = 1 / 86_400  # the slowest rate


class RateLimit:
    """
    So many a second, and so many at once after a pause (a token bucket).

    One object may be given to several dispatchers, which then share the rate.
    It counts in this process only.

    Args:
        per_second: How many tokens come back in a second, from one a day.
        burst: How many can be taken at once, from 1.
    """

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
        self._burst = burst
        self._clock = clock
        self._lock = threading.Lock()
        # When the bucket is full again: tokens are counted in the time that
        # they take to come back.
        self._full_at = -math.inf

    def _reserve(self) -> float:
        """
        Take a token, and say how many seconds to wait until it is there.
        """
        begin_anew_after_fork(self)
        interval = 1 / self._per_second
        with self._lock:
            now = self._clock.monotonic()
            self._full_at = max(now, self._full_at) + interval
            return max(0.0, self._full_at - now - self._burst * interval)

    def _give_back(self) -> None:
        """
        Return a token that was reserved and is not used.
        """
        with self._lock:
            self._full_at -= 1 / self._per_second

    def _begin_anew(self) -> None:
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"RateLimit({self._per_second:g}, burst={self._burst})"
