"""
A terminal that a test can read.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import termios

END = "(end)"


class Terminal:
    """
    A terminal of a certain width; what was written to it, and what it shows.
    """

    def __init__(self, columns):
        self._reading, writing = pty.openpty()
        self.stream = os.fdopen(writing, "w")
        self.resize(columns)

    def resize(self, columns):
        size = struct.pack("HHHH", 24, columns, 0, 0)
        fcntl.ioctl(self.stream.fileno(), termios.TIOCSWINSZ, size)

    def hang_up(self):
        os.close(self._reading)
        self._reading = None

    def received(self):
        self.stream.write(END)  # what is on its way arrives before it
        self.stream.flush()
        text = ""
        while not text.endswith(END):
            text += os.read(self._reading, 65536).decode()
        return text.removesuffix(END)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._reading is not None:
            self.stream.close()
            os.close(self._reading)


def lines_of(text):
    """
    What a terminal shows of *text*: a carriage return goes back, and signs replace signs.
    """
    shown = []
    for line in text.split("\n"):
        cells = []
        for part in re.split("\r", line):
            cells[: len(part)] = part
        shown.append("".join(cells).rstrip())
    return shown
