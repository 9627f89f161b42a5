"""
How far a command is, on one line of a terminal.
"""

from __future__ import annotations

import contextlib
import os
from typing import TextIO

from careof._values.clock import Clock

INTERVAL = 0.25  # seconds between two pictures
_WIDTH = 80  # of a terminal that does not say


class Progress:
    """
    Rows, rows a second and the time left, rewritten a few times a second.

    Where there is no terminal it shows nothing.

    Args:
        total: Bytes of the input; 0 if nobody knows.
    """

    def __init__(self, stream: TextIO, total: int, clock: Clock) -> None:
        self._stream = stream
        self._total = total
        self._clock = clock
        self._begin = self._last = clock.monotonic()
        self._is_terminal = stream.isatty()
        self._drawn = 0

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
        self._draw(fitting(parts, _width(self._stream) - 1))

    def clear(self) -> None:
        """
        Leave the line as if nothing had been there.
        """
        if self._drawn:
            self._draw("")
            self._write("\r")

    def _draw(self, text: str) -> None:
        self._write(f"\r{text:{self._drawn}}")
        self._drawn = len(text)

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError):  # a terminal that is gone stops no work
            self._stream.write(text)
            self._stream.flush()


def fitting(parts: list[str], width: int) -> str:
    """
    As many of *parts* as there is room for; of the first one, as much as fits.
    """
    while len(parts) > 1 and len(", ".join(parts)) > width:
        parts = parts[:-1]
    return ", ".join(parts)[:width]


def duration(seconds: float) -> str:
    """
    A time in the two largest units that it has.
    """
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _width(stream: TextIO) -> int:
    with contextlib.suppress(OSError):
        return os.get_terminal_size(stream.fileno()).columns or _WIDTH
    return _WIDTH
