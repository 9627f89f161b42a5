"""
What somebody may have meant who mistyped a name.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LONGEST = 40  # characters; what is longer is no name of ours, and slow to compare


def meant(word: object, known: Iterable[str]) -> str:
    """
    A question about the one of *known* that is close to *word*; empty if none is.

    It repeats the name that was meant, and never the word.
    """
    if not isinstance(word, str) or len(word) > _LONGEST:
        return ""
    written = {each.lower(): each for each in known}
    close = difflib.get_close_matches(word.lower(), written, 1)
    return f'did you mean "{written[close[0]]}"?' if close else ""
