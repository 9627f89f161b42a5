"""
What stops a command, in words for whoever typed it.
"""

from __future__ import annotations

import os

import attrs

from careof._reading.file_errors import reason_of
from careof._values.terminal_text import visible


@attrs.frozen
class Problem:
    """
    Why a command did nothing: one line, in which no cell and no secret is repeated.
    """

    text: str


def of_file(action: str, path: os.PathLike[str], error: OSError) -> Problem:
    """
    The problem with *path*, where *action* ("read", "write") met *error*.
    """
    return Problem(f"cannot {action} {shown(path)}: {reason_of(error)}.")


def shown(path: str | os.PathLike[str]) -> str:
    """
    A path, or another text that was typed, on one line, whatever is in it.
    """
    return visible(os.fspath(path))
