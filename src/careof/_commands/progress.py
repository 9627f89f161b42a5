"""
How far a command is, on one line of a terminal.
"""

from __future__ import annotations

from typing import TextIO

from careof._values.clock import Clock
from careof._values.terminal_line import INTERVAL, TerminalLine, duration, fitting, is_terminal


class Progress:
    """
    Rows, rows a second and the time left, rewritten a few times a second.

    Where there is no terminal it shows nothing.

    Args:
        total: Bytes of the input; 0 if nobody knows.
    """

    def __init__(self, stream: TextIO, total: int, clock: Clock) -> None:
        self._line = TerminalLine(stream)
        self._total = total
        self._clock = clock
        self._begin = self._last = clock.monotonic()
        self._is_terminal = is_terminal(stream)

    @property
    def is_due(self) -> bool:
        """
        Whether it is time for another picture.
        """
        return self._is_terminal and self._clock.monotonic() - self._last >= INTERVAL

    def show(self, rows: int, position: int) -> None:
        """
        Draw the line, after *rows* and so many bytes of the input.
        """
        self._last = self._clock.monotonic()
        elapsed = self._last - self._begin
        parts = [f"{rows:,} rows", f"{rows / elapsed:,.0f} a second"]
        if 0 < position <= self._total:
            left = elapsed * (self._total - position) / position
            parts.append(f"{duration(left)} left")
        self._line.draw(fitting(parts, self._line.room))

    def clear(self) -> None:
        """
        Leave the line as if nothing had been there.
        """
        self._line.clear()
