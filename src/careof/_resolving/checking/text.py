"""
A report on a terminal: a line for each step, and below it where the guide explains it.
"""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterable

from careof._resolving.checking.step import CheckStep, State
from careof._values.terminal_text import (
    BOLD_RED,
    FAINT,
    GREEN,
    WIDTH,
    hanging,
    painted,
    visible,
)

MARKS: dict[State, str] = {"ok": "ok", "failed": "FAILED", "not needed": "-", "not reached": "?"}

_PAINTS: dict[State, str] = {
    "ok": GREEN,
    "failed": BOLD_RED,
    "not needed": FAINT,
    "not reached": FAINT,
}
_INDENT = 10  # where the names of the steps begin


def drawn(title: str, steps: Iterable[CheckStep], *, color: bool) -> str:
    """
    The report, line by line.
    """
    lines = textwrap.wrap(visible(title), WIDTH)
    for part, own in itertools.groupby(steps, key=lambda step: step.part):
        lines += [visible(part)] if part else []
        for step in own:
            lines += _lines(step, color=color)
    return "\n".join(lines)


def milliseconds(step: CheckStep) -> str:
    """
    How long *step* took, where that is known.
    """
    return "" if step.seconds is None else f"{step.seconds * 1000:.0f} ms"


def words(step: CheckStep) -> str:
    """
    What is said about *step* in one go.
    """
    said = step.remark or (step.state if step.state.startswith("not") else "")
    return f"{said} {step.advice}".strip()


def pointer(where: str) -> str:
    """
    The sentence that leads to the section *where* of the guide.
    """
    is_link = where.startswith("https://")
    return f"See {where}" if is_link else f"See {where} in the documentation of careof"


def _lines(step: CheckStep, *, color: bool) -> list[str]:
    mark = MARKS[step.state]
    head = f"  {mark:<7} {visible(step.name):<15} {milliseconds(step):>8}  "
    lines = hanging(head, visible(words(step)))
    if color:
        lines[0] = painted(lines[0], mark, _PAINTS[step.state])
    if step.help:
        # On a line of its own and in one piece, so that a terminal makes a link of it.
        lines.append(f"{' ' * _INDENT}{pointer(step.help)}")
    return lines
