"""
A clock that a test moves.
"""

from __future__ import annotations


class FakeClock:
    """
    The ``clock=`` of resolvers, strategies and dispatchers in a test.

    It stands still until the test moves it.

    Args:
        now: Seconds since 1970.
    """

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self._wall = now
        self._monotonic = 1000.0

    def monotonic(self) -> float:
        """
        Seconds that only go forward.
        """
        return self._monotonic

    def time(self) -> float:
        """
        Seconds since 1970.
        """
        return self._wall

    def advance(self, seconds: float) -> None:
        """
        Let *seconds* pass, on both clocks.
        """
        self._monotonic += seconds
        self._wall += seconds

    def suspend(self, seconds: float) -> None:
        """
        Let the machine sleep: only the wall clock goes on.
        """
        self._wall += seconds

    def set_wall(self, now: float) -> None:
        """
        Set the wall clock to *now*, seconds since 1970, as an administrator does.
        """
        self._wall = now

    def __repr__(self) -> str:
        return f"FakeClock({self._wall:.3f})"
