"""
Time is a parameter: two clocks, because each fails where the other does not.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """
    What careof asks for the time, so that tests can move it.
    """

    def monotonic(self) -> float:
        """
        Seconds that only go forward, from an arbitrary start.
        """
        ...

    def time(self) -> float:
        """
        Seconds since 1970 (Unix time), as the wall shows them.
        """
        ...


class SystemClock:
    """
    The clocks of this machine.
    """

    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)

    def __repr__(self) -> str:
        return "SystemClock()"


SYSTEM_CLOCK = SystemClock()


def is_clock(clock: object) -> bool:
    """
    Whether *clock* has the methods of a ``Clock``.
    """
    return all(callable(getattr(clock, name, None)) for name in ("monotonic", "time"))
