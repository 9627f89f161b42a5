"""
Where the progress of a run is shown: a line of a terminal, a cell of a notebook.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import Any, Protocol, TextIO

from careof._sending.watching.picture import Picture
from careof._values.terminal_line import TerminalLine, is_terminal


class Screen(Protocol):
    """
    Shows a picture in the place of the one before.
    """

    def show(self, picture: Picture) -> None:
        """
        Show *picture*; another one will follow.
        """
        ...

    def leave(self, picture: Picture) -> None:
        """
        Show *picture* for good.
        """
        ...


class Terminal:
    """
    One line of a terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._line = TerminalLine(stream)

    def show(self, picture: Picture) -> None:
        """
        Write as much of *picture* as the terminal is wide.
        """
        self._line.draw(picture.line(self._line.room))

    def leave(self, picture: Picture) -> None:
        """
        Write all of *picture*, however wide the terminal is, and begin another line.
        """
        self._line.leave(str(picture))


class Notebook:
    """
    One display of a notebook.

    Args:
        display: ``IPython.display.display``.
    """

    def __init__(self, display: Callable[..., Any]) -> None:
        self._display = display
        self._handle: Any = None

    def show(self, picture: Picture) -> None:
        """
        Update the display, or make it.
        """
        with contextlib.suppress(Exception):  # a notebook that is gone stops no work
            if self._handle is None:
                self._handle = self._display(picture, display_id=True)
            else:
                self._handle.update(picture)

    def leave(self, picture: Picture) -> None:
        """
        Update the display a last time; what follows has one of its own.
        """
        self.show(picture)
        self._handle = None


class Nowhere:
    """
    A pipe or a log: nobody looks.
    """

    def show(self, picture: Picture) -> None:
        """
        Show nothing.
        """

    leave = show


def screen_for(stream: TextIO | None) -> Screen:
    """
    Where to show progress: on *stream* if one was given, else in the notebook
    that this is, else on the standard error.
    """
    display = None if stream is not None else _display_of_a_notebook()
    if display is not None:
        return Notebook(display)
    stream = sys.stderr if stream is None else stream
    return Terminal(stream) if is_terminal(stream) else Nowhere()


def _display_of_a_notebook() -> Callable[..., Any] | None:
    # Whoever runs in a notebook has imported IPython; nobody else needs it.
    with contextlib.suppress(Exception):
        shell = sys.modules["IPython"].get_ipython()
        # IPython in a terminal has no kernel, and can update nothing.
        if getattr(shell, "kernel", None) is not None:
            display: Callable[..., Any] = sys.modules["IPython.display"].display
            return display
    return None
