"""
Where secrets are read, and what may be said about it.

Theory of operation: whoever writes ``Secret.from_env(os.environ["KEY"])`` gives
the secret in the place of its name, and whatever names the source would show
it.  So what can be no name and no path is refused, and what is one is named
only if no key looks like that, or if it is there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from careof._values.sealed import is_whole

_LONGEST_PATH = 1024
_LONGEST_NAME = 64
_LONGEST_TEXT = 2**20  # characters; /dev/zero has no end

_BLANK = re.compile(r"[\s=\0]")
# Upper-case words, more than one: a single one could be a password, and one
# with digits inside, or without an end, a key.
_WORDS = re.compile(r"_?[A-Z]{1,14}[0-9]?(?:_(?:[A-Z]{1,14}[0-9]?|[0-9]{1,4}))+", re.ASCII)

# Folders and files, more than one, of words: in base64, which has slashes as
# well, small and capital letters and digits follow each other in any order.
_WORD = "(?:[A-Z]?[a-z]+[0-9]{0,4}|[A-Z]+[0-9]{0,4}|[0-9]{1,8})"
_PART = rf"(?:\.{{1,2}}|[._-]*{_WORD}(?:[._-]+{_WORD})*)"
_PATH = re.compile(rf"(?:[A-Za-z]:)?[/\\]?{_PART}(?:[/\\]{_PART})+", re.ASCII)


# For one that is not named: what was given, and what should have been.
_ADVICE = {
    "env": (
        "variable given to Secret.from_env",
        "its name, not its value, and check that it is set",
    ),
    "file": (
        "file given to Secret.from_file",
        "its path, not the text in it, and check that it exists",
    ),
}


class Source:
    """
    What a secret is read from.

    Attributes:
        read: Reads it.
    """

    __slots__ = ("_kind", "_name", "read")

    def __init__(
        self, read: Callable[[], str], kind: str, name: Callable[[], str | None] = lambda: ""
    ) -> None:
        self.read = read
        self._kind = kind
        self._name = name

    @property
    def shown(self) -> str:
        """
        Its kind, and its name unless that could be a secret.
        """
        name = self._name()
        return self._kind if name == "" else f"{self._kind}:{name or '***'}"

    def unreadable(self, reason: str) -> str:
        """
        The words for a secret that cannot be read, for a *reason*.
        """
        shown = self.shown
        if shown.endswith(":***"):
            given, advice = _ADVICE[self._kind]
            return f"The {given} cannot be read ({reason}). Give {advice}."
        return (
            f"The secret {shown} cannot be read ({reason}). "
            "Check that its source exists and that this process may read it."
        )


def variable(name: object) -> Source | None:
    """
    The environment variable *name*; None if there can be none of that name.
    """
    if not (isinstance(name, str) and name and is_whole(name)) or _BLANK.search(name):
        return None
    return Source(
        lambda: os.environ[name],
        "env",
        lambda: name if _is_name(name) or name in os.environ else None,
    )


def file(path: object) -> Source | None:
    """
    The text of the file at *path*, without the newline at its end; None if that is no path.
    """
    if not isinstance(path, str | os.PathLike):
        return None
    text = os.fspath(path)
    if not isinstance(text, str) or len(text) > _LONGEST_PATH:
        return None
    if text.splitlines() != [text] or "\0" in text or "-----BEGIN" in text:
        return None
    location = Path(text)
    return Source(
        lambda: _text_of(location).removesuffix("\n").removesuffix("\r"),
        "file",
        lambda: text if _PATH.fullmatch(text) or _is_there(text) else None,
    )


def _text_of(path: Path) -> str:
    with path.open(encoding="utf-8") as file:
        text = file.read(_LONGEST_TEXT + 1)
    if len(text) > _LONGEST_TEXT:
        raise OverflowError
    return text


def _is_name(name: str) -> bool:
    return len(name) <= _LONGEST_NAME and bool(_WORDS.fullmatch(name))


def _is_there(path: str) -> bool:
    return os.path.exists(path)  # noqa: PTH110  that of a Path raises, and names it
