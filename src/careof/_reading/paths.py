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
from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

from careof._reading.strict_json import JsonTree
from careof.errors import ConfigurationError

MISSING: Final = object()  # the parent is there, the value is not
ASTRAY: Final = object()  # no parent, or several nodes: not the shape we were told

Step = str | int

# RFC 6901 §4: "0", or digits without a leading zero.
_POINTER_INDEX = re.compile(r"0|[1-9][0-9]*", re.ASCII)
_PLAIN_PATH = re.compile(r"\$(?:\.[A-Za-z_][A-Za-z0-9_]*)+")


class Path:
    """
    A parsed path.  ``find`` gives the value, ``MISSING`` or ``ASTRAY``.
    """

    __slots__ = ("_query", "_steps", "text")

    def __init__(self, text: str, *, parameter: str) -> None:
        self.text = text
        self._query: tuple[Any, Any, Step | None] | None = None
        if not isinstance(text, str) or not text.startswith(("$", "/")):
            raise _wrong(parameter, "expected a JSONPath ($.a.b) or a JSON Pointer (/a/b)")
        if text.startswith("/"):
            self._steps: Sequence[Step] = _pointer_steps(text, parameter)
        elif _PLAIN_PATH.fullmatch(text):
            self._steps = text.split(".")[1:]
        else:
            self._steps, self._query = _parse(text, parameter)

    def find(self, tree: JsonTree) -> object:
        """
        The value at this path in *tree*, ``MISSING`` or ``ASTRAY``.
        """
        if self._query is not None:
            return _run(*self._query, tree)
        node: object = tree
        for step in self._steps:
            node = _child(node, step)
        return node

    def __repr__(self) -> str:
        return f"Path({self.text!r})"


class _PointerStep(str):
    """
    A step of a JSON Pointer: a name in an object, an index in an array.
    """

    __slots__ = ()


def _child(node: object, step: Step) -> object:
    # What is no object and no array has no children, MISSING itself included.
    if isinstance(node, dict) and isinstance(step, str):
        return node.get(step, MISSING)
    if isinstance(node, list):
        if isinstance(step, _PointerStep):
            is_index = _POINTER_INDEX.fullmatch(step) and len(step) < 10
            step = int(step) if is_index else len(node)
        if isinstance(step, int):
            return node[step] if -len(node) <= step < len(node) else MISSING
    return ASTRAY


def _pointer_steps(text: str, parameter: str) -> list[Step]:
    if re.search(r"~(?![01])", text):
        raise _wrong(parameter, "in a JSON Pointer, ~ is written ~0 and / in a name ~1")
    return [
        _PointerStep(step.replace("~1", "/").replace("~0", "~")) for step in text.split("/")[1:]
    ]


def _parse(
    text: str, parameter: str
) -> tuple[Sequence[Step], tuple[Any, Any, Step | None] | None]:
    from jsonpath import JSONPath, JSONPathEnvironment, JSONPathError
    from jsonpath.selectors import IndexSelector, NameSelector

    environment = JSONPathEnvironment(strict=True)
    problem = "expected a JSONPath as RFC 9535 has it, such as $.data.email"
    try:
        kinds = [(token.kind, token.value) for token in environment.lexer.tokenize(text)]
        path = environment.compile(text)
    except (JSONPathError, ValueError, OverflowError):  # the last two for its numbers
        path = None
    if not isinstance(path, JSONPath) or not path.segments:
        raise _wrong(parameter, problem)
    if any(kind == "TOKEN_DDOT" for kind, _ in kinds):
        raise _wrong(parameter, "'..' searches everywhere and could find somebody else")
    if any(kind == "TOKEN_FUNCTION" and name in ("match", "search") for kind, name in kinds):
        raise _wrong(parameter, "match() and search() run a pattern for as long as it takes")
    if any(kind == "TOKEN_COMMA" for kind, _ in kinds):
        # [*,*] visits every node twice, [*,*][*,*] four times, and so on.
        raise _wrong(parameter, "a list of selectors names several values; name one")
    steps: list[Step | None] = []
    for segment in path.segments:
        (selector,) = segment.selectors  # one: a list of them was refused
        if isinstance(selector, NameSelector | IndexSelector):
            steps.append(selector.name if isinstance(selector, NameSelector) else selector.index)
        else:
            steps.append(None)
    plain = [step for step in steps if step is not None]
    if len(plain) == len(steps):
        return plain, None
    parent = JSONPath(env=environment, segments=path.segments[:-1])
    return [], (parent, path.segments[-1], steps[-1])


def _run(parent: Any, last_segment: Any, last_step: Step | None, tree: JsonTree) -> object:
    # Two are enough to know that it is not one; there could be millions.
    parents = list(islice(parent.finditer(tree), 2))
    if len(parents) != 1 or not isinstance(parents[0].obj, dict | list):
        return ASTRAY
    if last_step is not None:
        return _child(parents[0].obj, last_step)
    found = [match.obj for match in islice(last_segment.resolve(parents), 2)]
    if len(found) > 1:
        return ASTRAY
    return found[0] if found else MISSING


def _wrong(parameter: str, expected: str) -> ConfigurationError:
    return ConfigurationError(f"{parameter}: {expected}.")
