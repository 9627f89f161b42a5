"""
Why a file cannot be read or written, in words for whoever named it.
"""

from __future__ import annotations

# What is most often wrong.  Everything else is told as the system tells it.
_REASONS: dict[type[Exception], str] = {
    FileNotFoundError: "there is no such file or folder",
    IsADirectoryError: "it is a folder",
    NotADirectoryError: "a folder on the way to it is a file",
    PermissionError: "this user is not allowed to",
    FileExistsError: "it exists, and nothing is overwritten: move it, or choose another name",
}


def reason_of(error: Exception) -> str:
    """
    What *error* says of a file.  It repeats neither the name nor anything in it.
    """
    known = _REASONS.get(type(error)) or getattr(error, "strerror", None)
    return known or type(error).__name__
