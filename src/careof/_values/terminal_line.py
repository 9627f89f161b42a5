"""
One line of a terminal that is written again and again.
"""

from __future__ import annotations

import contextlib
import os
from typing import TextIO, TypeGuard

INTERVAL = 0.25  # seconds between two pictures
_WIDTH = 80  # of a terminal that does not say


class TerminalLine:
    """
    The line that the cursor stands on.

    A terminal that is gone stops no work: what cannot be written is not.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._drawn = 0

    @property
    def room(self) -> int:
        """
        How many signs fit, as the terminal is now.

        One column stays free: after a sign in the last one the cursor stands
        on another line, on some terminals.
        """
        with contextlib.suppress(Exception):  # a stream of the host's, or a closed one
            return (os.get_terminal_size(self._stream.fileno()).columns or _WIDTH) - 1
        return _WIDTH - 1

    def draw(self, text: str) -> None:
        """
        Put *text* in the place of what was drawn before.
        """
        # Spaces hide the rest of a longer text, but must not reach the next
        # line of a terminal that became narrower meanwhile.
        self._write(f"\r{text:{min(self._drawn, self.room)}}")
        self._drawn = len(text)

    def clear(self) -> None:
        """
        Leave the line as if nothing had been there.
        """
        if self._drawn:
            self.draw("")
            self._write("\r")

    def leave(self, text: str) -> None:
        """
        Put *text* there for good, and go on below it.  It may be longer than the line.
        """
        self.draw(text)
        self._write("\n")
        self._drawn = 0

    def _write(self, text: str) -> None:
        with contextlib.suppress(Exception):
            self._stream.write(text)
            self._stream.flush()


def is_terminal(stream: TextIO | None) -> TypeGuard[TextIO]:
    """
    Whether somebody sees at once what is written to *stream*.
    """
    with contextlib.suppress(Exception):  # closed, or not quite a stream
        return stream is not None and stream.isatty()
    return False


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
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days:,} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
