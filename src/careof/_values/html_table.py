"""
A table as a notebook draws it.

No colour and no rule of its own: text and lines take those of the page around
them, so it reads in a light theme and in a dark one.  What something is, it
says by words.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence


def html_table(caption: str, rows: Iterable[Sequence[str]], *, head: Sequence[str] = ()) -> str:
    """
    The HTML of *rows* of texts, each escaped, below *caption* and the names in *head*.
    """
    return (
        f"<table>{_element('caption', caption)}"
        + (f"<thead>{_row('th', head)}</thead>" if head else "")
        + f"<tbody>{''.join(_row('td', row) for row in rows)}</tbody></table>"
    )


def _row(kind: str, cells: Iterable[str]) -> str:
    return f"<tr>{''.join(_element(kind, cell) for cell in cells)}</tr>"


def _element(kind: str, text: str) -> str:
    # Some notebooks set cells to the right.
    return f'<{kind} style="text-align:left">{html.escape(text)}</{kind}>'
