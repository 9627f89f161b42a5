"""
A report on a terminal: 80 columns, in colour where that was asked for.

The words say everything, and the colour repeats it.  What stands in a report may
come from a form that somebody filled in, so nothing in it moves the cursor.
"""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterable, Iterator

from careof._resolving.checking.step import CheckStep, State

WIDTH = 80  # columns of a terminal
MARKS: dict[State, str] = {"ok": "ok", "failed": "FAILED", "not needed": "-", "not reached": "?"}

_COLOURS: dict[State, str] = {
    "ok": "\x1b[32m",
    "failed": "\x1b[1;31m",
    "not needed": "\x1b[2m",
    "not reached": "\x1b[2m",
}
_PLAIN = "\x1b[0m"
_MARK = 7
_INDENT = 10  # where the names of the steps begin


def drawn(title: str, steps: Iterable[CheckStep], *, color: bool) -> str:
    """
    The report, line by line.
    """
    lines = textwrap.wrap(visible(title), WIDTH)
    for part, own in itertools.groupby(steps, key=lambda step: step.part):
        lines += [visible(part)] if part else []
        for step in own:
            lines += _rows(step, color=color)
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


def visible(text: str) -> str:
    """
    The *text* without control characters, and what else a terminal obeys.
    """
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def _rows(step: CheckStep, *, color: bool) -> Iterator[str]:
    mark = f"{MARKS[step.state]:<{_MARK}}"
    rest = f" {visible(step.name):<15} {milliseconds(step):>8}  "
    column = 2 + len(mark) + len(rest)
    said = textwrap.wrap(visible(words(step)), WIDTH - column) or [""]
    if color:
        mark = f"{_COLOURS[step.state]}{mark}{_PLAIN}"
    yield f"  {mark}{rest}{said[0]}".rstrip()
    yield from (" " * column + line for line in said[1:])
    if step.help:
        # On a line of its own and in one piece, so that a terminal makes a link of it.
        yield f"{' ' * _INDENT}See {step.help}"
