"""
JSONPath queries, parsed and run by python-jsonpath in its strict mode.

Imported with the first path that is more than ``$.a.b``, because of jsonpath.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from jsonpath import JSONPath, JSONPathEnvironment, JSONPathError
from jsonpath.selectors import IndexSelector, NameSelector

from careof._reading.steps import ASTRAY, MISSING, SIMILAR, Step, child, fold, is_spelt_otherwise
from careof._reading.strict_json import JsonTree


class Query:
    """
    A parsed query, cut before its last step.
    """

    __slots__ = ("_last_segment", "_last_step", "_parent", "steps")

    def __init__(self, path: JSONPath, steps: Sequence[Step | None]) -> None:
        self.steps = steps
        self._parent = JSONPath(env=path.env, segments=path.segments[:-1])
        self._last_segment = path.segments[-1]
        self._last_step = steps[-1]

    def find(self, tree: JsonTree) -> object:
        """
        The one value that it selects in *tree*, or which kind of nothing.
        """
        try:
            return self._run(tree)
        except _SimilarNamesError:
            return SIMILAR

    def _run(self, tree: JsonTree) -> object:
        # Two are enough to know that it is not one; there could be millions.
        parents = list(islice(self._parent.finditer(tree), 2))
        if len(parents) != 1 or not isinstance(parents[0].obj, dict | list):
            return ASTRAY
        if self._last_step is not None:
            name = self._last_step
            return child(parents[0].obj, name, fold(name) if isinstance(name, str) else "")
        found = [match.obj for match in islice(self._last_segment.resolve(parents), 2)]
        if len(found) > 1:
            return ASTRAY
        return found[0] if found else MISSING


def parse(text: str) -> Query | str:
    """
    The query that *text* is, or what was expected of it.
    """
    environment = _Environment(strict=True)
    try:
        kinds = [(token.kind, token.value) for token in environment.lexer.tokenize(text)]
        path = environment.compile(text)
    except (JSONPathError, ValueError, OverflowError, RecursionError):
        # The two in the middle for its numbers, the last for its brackets.
        path = None
    if not isinstance(path, JSONPath) or not path.segments:
        return "expected a JSONPath as RFC 9535 has it, such as $.data.email"
    if any(kind == "TOKEN_DDOT" for kind, _ in kinds):
        return "'..' searches everywhere and could find somebody else"
    if any(kind == "TOKEN_FUNCTION" and name in ("match", "search") for kind, name in kinds):
        return "match() and search() run a pattern for as long as it takes"
    if any(kind == "TOKEN_COMMA" for kind, _ in kinds):
        # [*,*] visits every node twice, [*,*][*,*] four times, and so on.
        return "a list of selectors names several values; name one"
    steps = [_step(segment) for segment in path.segments]
    roots, filters = (
        sum(kind == wanted for kind, _ in kinds) for wanted in ("TOKEN_ROOT", "TOKEN_FILTER")
    )
    if roots > 1 and (filters > 1 or steps.count(None) > 1):
        # In a filter within a filter the library takes $ for something else than
        # the answer; in one that runs on many nodes it looks it up for each.
        return "'$' inside a filter goes with no other filter, wildcard or slice"
    return Query(path, steps)


def _step(segment: Any) -> Step | None:
    # A name or an index; None for what may select several values.
    (selector,) = segment.selectors  # one: a list of them was refused
    if isinstance(selector, NameSelector):
        return selector.name
    return selector.index if isinstance(selector, IndexSelector) else None


class _SimilarNamesError(Exception):
    """
    A name that the query reads is there in another spelling.
    """


class _Environment(JSONPathEnvironment):
    """
    The library, with an eye on every name that a query reads, inside filters too.
    """

    def getitem(self, obj: Any, key: Any) -> Any:
        """
        The item of *obj* at *key*, as the library reads it.
        """
        if isinstance(key, str) and is_spelt_otherwise(key, fold(key), obj):
            raise _SimilarNamesError
        return super().getitem(obj, key)
