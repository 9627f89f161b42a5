"""
How the demo looks in a terminal: at most 80 columns, colour only where it is seen.
"""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from email.message import EmailMessage

from careof import Receipt

WIDTH = 78
_BOLD, _DIM, _RED, _GREEN = "1", "2", "31", "32"


def paint(text: str, colour: str) -> str:
    """
    The *text* in a colour, if somebody looks at it (https://no-color.org).
    """
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        return f"\x1b[{colour}m{text}\x1b[0m"
    return text


def title(text: str) -> str:
    """
    The first lines.
    """
    return f"{paint(text, _BOLD)}\n{'=' * len(text)}"


def section(heading: str, words: str = "") -> str:
    """
    A heading, and a sentence or two on what follows.
    """
    lines = ["", paint(heading, _BOLD), paint("-" * len(heading), _DIM)]
    return "\n".join([*lines, *textwrap.wrap(words, WIDTH)])


def indented(text: str) -> str:
    """
    The *text*, set off from what is told.
    """
    return textwrap.indent(text, "  ")


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, right: str = "") -> str:
    """
    Columns as wide as they must be; those named in *right* are flush right.
    """
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]

    def line(cells: Sequence[str]) -> str:
        placed = [
            cell.rjust(width) if name in right.split() else cell.ljust(width)
            for cell, width, name in zip(cells, widths, head, strict=True)
        ]
        return "  ".join(placed).rstrip()

    return "\n".join([paint(line(lines[0]), _DIM), *map(line, lines[1:])])


def receipts_table(receipts: Iterable[Receipt]) -> str:
    """
    One line for each receipt.
    """
    return table(
        ("reference", "outcome", "detail", "ms"),
        ((r.reference_id, r.outcome, r.detail, f"{r.duration * 1000:.0f}") for r in receipts),
        right="ms",
    )


def envelope(mail: EmailMessage, addresses: Sequence[str], link: str) -> str:
    """
    One message in three lines.
    """
    return f"To       {', '.join(addresses)}\nSubject  {mail['Subject']}\nLink     {link}"


def whole(mail: EmailMessage) -> str:
    """
    One message as its reader has it: headers, and both of its parts.
    """
    headers = [f"{name}: {value}" for name, value in mail.items() if name != "Content-Type"]
    texts = [f"[{p.get_content_type()}]\n{p.get_content().strip()}" for p in parts(mail)]
    return "\n".join([*headers, "", "\n\n".join(texts)])


def parts(mail: EmailMessage) -> list[EmailMessage]:
    """
    The parts of *mail* that hold text.
    """
    return [part for part in mail.walk() if not part.is_multipart()]


def search_table(
    places: Mapping[str, Sequence[str]], hits: Mapping[str, int], canaries: Mapping[str, int]
) -> str:
    """
    What was searched, what was found, and whether a planted address is found there.
    """
    rows = [
        (
            kind,
            str(len(texts)),
            f"{sum(map(len, texts)):,}",
            str(hits[kind]),
            "found" if canaries[kind] else "NOT FOUND",
        )
        for kind, texts in places.items()
    ]
    return table(
        ("place", "texts", "characters", "hits", "planted"), rows, right="texts characters hits"
    )


def verdict(problems: Sequence[str], seconds: float) -> str:
    """
    The last lines.
    """
    if not problems:
        return paint(f"Everything above is as it must be. ({seconds:.1f} s)", _GREEN)
    heading = paint("This is not as it must be:", _RED)
    return "\n".join([heading, *(f"  - {problem}" for problem in problems)])
