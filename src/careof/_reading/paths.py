"""
Paths into a JSON tree: JSONPath (RFC 9535) and JSON Pointer (RFC 6901).

Theory of operation: a path must name exactly one value, or be able to say
that there is none.  So it is cut before its last step.  The part before the
cut must select one node, the *parent*; the last step, taken from there, selects
one value or nothing.  No parent means that the answer has another shape, which
is a different thing from a person without an address.

Paths of names and indices, nearly all of them, are walked directly; only
filters and wildcards are run by the library that parsed them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from careof._reading.steps import PointerStep, Step, child, fold
from careof._reading.strict_json import JsonTree
from careof.errors import ConfigurationError

_PLAIN_PATH = re.compile(r"\$(?:\.[A-Za-z_][A-Za-z0-9_]*)+")


class Path:
    """
    A parsed path.  ``find`` gives the value, ``MISSING``, ``ASTRAY`` or ``SIMILAR``.
    """

    __slots__ = ("_query", "_steps", "text")

    def __init__(self, text: str, *, parameter: str) -> None:
        self.text = text
        self._query: Callable[[JsonTree], object] | None = None
        if not isinstance(text, str) or not text.startswith(("$", "/")):
            raise _wrong(parameter, "expected a JSONPath ($.a.b) or a JSON Pointer (/a/b)")
        steps: Iterable[Step]
        if text.startswith("/"):
            steps = _pointer_steps(text, parameter)
        elif _PLAIN_PATH.fullmatch(text):
            steps = text.split(".")[1:]
        else:
            steps, self._query = _parse(text, parameter)
        self._steps = [(step, fold(step) if isinstance(step, str) else "") for step in steps]

    def find(self, tree: JsonTree) -> object:
        """
        The value at this path in *tree*, or which kind of nothing is there.
        """
        if self._query is not None:
            return self._query(tree)
        node: object = tree
        for step, folded in self._steps:
            node = child(node, step, folded)
        return node

    def __repr__(self) -> str:
        return f"Path({self.text!r})"


def _pointer_steps(text: str, parameter: str) -> list[Step]:
    if re.search(r"~(?![01])", text):
        raise _wrong(parameter, "in a JSON Pointer, ~ is written ~0 and / in a name ~1")
    return [
        PointerStep(step.replace("~1", "/").replace("~0", "~")) for step in text.split("/")[1:]
    ]


def _parse(
    text: str, parameter: str
) -> tuple[Iterable[Step], Callable[[JsonTree], object] | None]:
    from careof._reading import queries

    query = queries.parse(text)
    if isinstance(query, str):
        raise _wrong(parameter, query)
    plain = [step for step in query.steps if step is not None]
    return (plain, None) if len(plain) == len(query.steps) else ([], query.find)


def _wrong(parameter: str, expected: str) -> ConfigurationError:
    return ConfigurationError(f"{parameter}: {expected}.")
