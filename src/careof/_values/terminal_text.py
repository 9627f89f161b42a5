"""
Text for a terminal: 80 columns, in colour where that was asked for.

The words say everything, and the colour repeats it.  What stands in a report may
come from a form that somebody filled in, so nothing in it moves the cursor.
"""

from __future__ import annotations

import os
import textwrap
from typing import TextIO

from careof._values.terminal_line import is_terminal

WIDTH = 80  # columns of a terminal
GREEN, BOLD_RED, YELLOW, FAINT = "\x1b[32m", "\x1b[1;31m", "\x1b[33m", "\x1b[2m"
_PLAIN = "\x1b[0m"


def shows_colours(stream: TextIO) -> bool:
    """
    Whether what is written to *stream* may have colours (https://no-color.org).
    """
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


def painted(line: str, word: str, paint: str) -> str:
    """
    The *line* with its first *word* in a colour.
    """
    return line.replace(word, f"{paint}{word}{_PLAIN}", 1)


def visible(text: str) -> str:
    """
    The *text* without control characters, and what else a terminal obeys.
    """
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def hanging(head: str, text: str) -> list[str]:
    """
    The lines of *text* behind *head*, the others as far in as the first one.
    """
    indent = " " * len(head)
    lines = textwrap.wrap(text, WIDTH, initial_indent=head, subsequent_indent=indent)
    return lines or [head.rstrip()]
