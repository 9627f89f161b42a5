"""
What stops a command, in words for whoever typed it.
"""

from __future__ import annotations

import os

import attrs

# What is most often wrong with a file.  Everything else is told as the system tells it.
_REASONS: dict[type[OSError], str] = {
    FileNotFoundError: "there is no such file or folder",
    IsADirectoryError: "it is a folder",
    NotADirectoryError: "a folder on the way to it is a file",
    PermissionError: "this user is not allowed to",
    FileExistsError: "it exists, and nothing is overwritten: move it, or choose another name",
}


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
    reason = _REASONS.get(type(error)) or error.strerror or type(error).__name__
    return Problem(f"cannot {action} {shown(path)}: {reason}.")


def shown(path: str | os.PathLike[str]) -> str:
    """
    A path, or another text that was typed, on one line, whatever is in it.
    """
    return "".join(sign if sign.isprintable() else "?" for sign in os.fspath(path))
