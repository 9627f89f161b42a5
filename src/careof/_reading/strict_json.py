"""
JSON as RFC 8259 has it, and nothing that two readers could read differently.

``json.loads`` guesses UTF-16, takes NaN, lets the last of two equal keys win
(possibly another person) and recurses as deep as the text says.  All of that
is refused before or while it parses.
"""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from typing import Any, Final, NoReturn

from careof.errors import UnexpectedAnswerError

JsonTree = dict[str, Any] | list[Any]

_MAX_NUMBER = 64  # digits; int() of a megabyte of digits takes minutes
_NO_NUMBER = f"a number is not finite, or longer than {_MAX_NUMBER} digits"

# An empty object takes two bytes of an answer, and a hundred times that in memory.
MOST_CONTAINERS = 4096

# A string that does not end goes to the end: were it tried again from each of
# its quotes, 64 KB of them would take half a minute.
_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def read_json(
    body: bytes, *, max_depth: int, most: int = MOST_CONTAINERS
) -> JsonTree | UnexpectedAnswerError:
    """
    The object or array that *body* is, or the error that says why it is none.

    Args:
        body: UTF-8 without a byte order mark.
        max_depth: How deep objects and arrays may stand inside each other.
        most: How many of them there may be.
    """
    try:
        text = body.decode("utf-8", "strict")
    except UnicodeDecodeError:
        return _unreadable(body, "it is not UTF-8", "encoding")
    if body.count(b"{") + body.count(b"[") > min(max_depth, most):
        count, depth = _containers(body)
        if depth > max_depth:
            return _unreadable(body, f"it is nested deeper than {max_depth} levels", "depth")
        if count > most:
            reason = f"it has more than {most} objects and arrays"
            return _unreadable(body, reason, "crowded")
    try:
        tree = _DECODER.decode(text)
        if "\\u" in text and _SURROGATE.search(text):
            # RFC 8259 §8.2: half a character has no meaning, and every codec
            # that meets it later fails and quotes the text around it.
            json.dumps(tree, ensure_ascii=False).encode()
    except _AmbiguousError as found:
        return _unreadable(body, str(found), "json")
    except (ValueError, RecursionError):
        # JSONDecodeError keeps the whole text; it ends here.
        return _unreadable(body, "it is not one JSON document in whole characters", "json")
    if isinstance(tree, dict | list):
        return tree
    return _unreadable(
        body, f"it is {_kind(tree)}, neither a JSON object nor an array", "json_type"
    )


def _containers(body: bytes) -> tuple[int, int]:
    # How many objects and arrays there are, and how deep they stand.
    count = deepest = depth = 0
    for match in _STRING_OR_BRACKET.finditer(body):
        first = match[0][0]
        if first in b"{[":
            count += 1
            depth += 1
            deepest = max(deepest, depth)
        elif first in b"}]":
            depth -= 1
    return count, deepest


class _AmbiguousError(ValueError):
    """
    Two readers would read it differently: its text says what, and quotes nothing.
    """


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _AmbiguousError("a key stands twice in one object")
    return result


def _integer(digits: str) -> int:
    if len(digits) > _MAX_NUMBER:
        raise _AmbiguousError(_NO_NUMBER)
    return int(digits)


def _decimal(digits: str) -> float:
    number = float(digits)
    if len(digits) > _MAX_NUMBER or number in (float("inf"), float("-inf")):
        raise _AmbiguousError(_NO_NUMBER)
    return number


def _refuse(_constant: str) -> NoReturn:
    raise _AmbiguousError(_NO_NUMBER)


# Built once: json.loads builds one for each call that passes it hooks.
_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_constant=_refuse,
    parse_int=_integer,
    parse_float=_decimal,
)


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    return "one text" if isinstance(value, str) else "one number"


def _unreadable(body: bytes, reason: str, detail: str) -> UnexpectedAnswerError:
    # What came may be no JSON at all, and that is what whoever looks has to know.
    beginning = body.removeprefix(BOM_UTF8).lstrip()[:1]
    if not beginning:
        return _refusal("it is empty", "empty")
    if beginning == b"<":
        return _refusal("it is HTML or XML, such as a login page, and not JSON", "html")
    if body.startswith(BOM_UTF8):
        return _refusal("it begins with a byte order mark", "encoding")
    return _refusal(reason, detail)


def _refusal(reason: str, detail: str) -> UnexpectedAnswerError:
    return UnexpectedAnswerError(
        f"The answer cannot be read: {reason}.", detail=detail, step="body"
    )
