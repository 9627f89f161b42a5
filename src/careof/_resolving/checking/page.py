"""
A report in a notebook: one table, which reads the same on white and on black.

Text has the colour of the page.  The bar at the left of a row only repeats what
the row says in words.
"""

from __future__ import annotations

import html
import itertools
from collections.abc import Iterable

from careof._resolving.checking.step import CheckStep, State
from careof._resolving.checking.text import MARKS, milliseconds, pointer, words
from careof._values.terminal_text import visible

# Seen on both; nothing is written in them.
_BARS: dict[State, str] = {
    "ok": "#2da44e",
    "failed": "#d1242f",
    "not needed": "#8b949e",
    "not reached": "#8b949e",
}
_TABLE = "border-collapse:collapse;color:inherit;background:none;text-align:left"
_CELL = "text-align:left;vertical-align:top;padding:.2em .8em;color:inherit"
_NAME = f"{_CELL};font-weight:normal;white-space:nowrap"


def page(title: str, steps: Iterable[CheckStep]) -> str:
    """
    The report as a table.
    """
    groups = itertools.groupby(steps, key=lambda step: step.part)
    bodies = "".join(
        f"<tbody>{_heading(part)}{''.join(map(_row, own))}</tbody>" for part, own in groups
    )
    caption = f'<caption style="text-align:left;font-weight:bold">{_safe(title)}</caption>'
    return f'<table style="{_TABLE}">{caption}{bodies}</table>'


def _heading(part: str) -> str:
    if not part:
        return ""
    return f'<tr><th colspan="4" scope="rowgroup" style="{_CELL}">{_safe(part)}</th></tr>'


def _row(step: CheckStep) -> str:
    weight = ";font-weight:bold" if step.state == "failed" else ""
    bar = f"{_CELL};border-left:.3em solid {_BARS[step.state]}{weight}"
    cells = [
        f'<td style="{bar}">{MARKS[step.state]}</td>',
        f'<th scope="row" style="{_NAME}">{_safe(step.name)}</th>',
        f'<td style="{_CELL};white-space:nowrap">{milliseconds(step)}</td>',
        f'<td style="{_CELL}">{_safe(words(step))}{_link(step.help)}</td>',
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _link(where: str) -> str:
    if not where:
        return ""
    if where.startswith("https://"):
        return f'<br><a href="{_safe(where)}">{_safe(where)}</a>'
    return f"<br>{_safe(pointer(where))}"  # a notebook does not stand beside the guide


def _safe(text: str) -> str:
    return html.escape(visible(text))
