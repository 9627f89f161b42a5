"""
JSON as RFC 8259 has it, and nothing that two readers could read differently.

``json.loads`` guesses UTF-16, takes NaN, lets the last of two equal keys win
(possibly another person) and recurses as deep as the text says.  All of that
is refused before or while it parses.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from careof.errors import UnexpectedAnswerError

JsonTree = dict[str, Any] | list[Any]

_MAX_NUMBER = 64  # digits; int() of a megabyte of digits takes minutes

# A string that does not end goes to the end: were it tried again from each of
# its quotes, 64 KB of them would take half a minute.
_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def read_json(body: bytes, *, max_depth: int) -> JsonTree | UnexpectedAnswerError:
    """
    The object or array that *body* is, or the error that says why it is none.

    Args:
        body: UTF-8 without a byte order mark.
        max_depth: How deep objects and arrays may stand inside each other.
    """
    try:
        text = body.decode("utf-8", "strict")
    except UnicodeDecodeError:
        return _unreadable("it is not UTF-8", "encoding")
    if _depth(body) > max_depth:
        return _unreadable(f"it is nested deeper than {max_depth} levels", "depth")
    try:
        tree = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse,
            parse_int=_integer,
            parse_float=_decimal,
        )
        if _SURROGATE.search(text):
            # RFC 8259 §8.2: half a character has no meaning, and every codec
            # that meets it later fails and quotes the text around it.
            json.dumps(tree, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        # JSONDecodeError keeps the whole text; it ends here.
        return _unreadable(
            "it is not one JSON document with unique keys and whole characters", "json"
        )
    if isinstance(tree, dict | list):
        return tree
    return _unreadable("it is neither a JSON object nor an array", "json_type")


def _depth(body: bytes) -> int:
    if body.count(b"{") + body.count(b"[") <= 1:
        return 1
    deepest = depth = 0
    for match in _STRING_OR_BRACKET.finditer(body):
        first = match[0][0]
        if first in b"{[":
            depth += 1
            deepest = max(deepest, depth)
        elif first in b"}]":
            depth -= 1
    return deepest


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError
    return result


def _integer(digits: str) -> int:
    if len(digits) > _MAX_NUMBER:
        raise ValueError
    return int(digits)


def _decimal(digits: str) -> float:
    number = float(digits)
    if len(digits) > _MAX_NUMBER or number in (float("inf"), float("-inf")):
        raise ValueError
    return number


def _refuse(_constant: str) -> NoReturn:
    raise ValueError


def _unreadable(reason: str, detail: str) -> UnexpectedAnswerError:
    return UnexpectedAnswerError(
        f"The answer cannot be read: {reason}.", detail=detail, step="body"
    )
