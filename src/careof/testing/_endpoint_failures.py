"""
The ways in which a contact endpoint fails, by name.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

import httpx

Failure = Literal[
    "not_found",
    "gone",
    "unauthorized",
    "forbidden",
    "token_expired",
    "token_refused",
    "token_unavailable",
    "rate_limited",
    "unavailable",
    "malformed",
    "duplicate_keys",
    "empty",
    "not_json",
    "error_answer",
    "no_address",
    "somebody_else",
    "cached",
    "compressed",
    "too_large",
    "redirect",
    "no_connection",
    "disconnected",
    "timeout",
]
_Person: TypeAlias = Mapping[str, Any]

_LARGE = 2_000_000  # bytes, above what anybody sets as max_body
_ADDRESS = re.compile(r"\S+@\S+|\+?[0-9][0-9 ().\-]{6,}")
_STATUSES = {
    "not_found": 404,
    "gone": 410,
    "unauthorized": 401,
    "forbidden": 403,
    "unavailable": 503,
}
_ERRORS: dict[str, Callable[[httpx.Request], httpx.TransportError]] = {
    "no_connection": lambda request: httpx.ConnectError("refused", request=request),
    "disconnected": lambda request: httpx.RemoteProtocolError("cut off", request=request),
    "timeout": lambda request: httpx.ReadTimeout("silence", request=request),
}
# Each is right but for one thing, so that it is this which is noticed.
_ANSWERS: dict[str, Callable[[_Person], httpx.Response]] = {
    "rate_limited": lambda _: httpx.Response(429, headers={"Retry-After": "30"}),
    "redirect": lambda _: httpx.Response(302, headers={"Location": "https://elsewhere.example/"}),
    "malformed": lambda _: httpx.Response(200, content=b'{"email": "cut@off.exa'),
    "duplicate_keys": lambda person: httpx.Response(200, content=_doubled(person)),
    "empty": lambda _: httpx.Response(200),
    "not_json": lambda _: httpx.Response(200, html="<html>Please log in</html>"),
    "error_answer": lambda _: httpx.Response(200, json={"error": "out of order"}),
    "cached": lambda person: httpx.Response(200, json=person, headers={"Age": "60"}),
    "compressed": lambda person: httpx.Response(
        200,
        stream=httpx.ByteStream(gzip.compress(json.dumps(person).encode())),
        headers={"Content-Encoding": "gzip"},
    ),
    "too_large": lambda person: httpx.Response(200, json={**person, "more": "x" * _LARGE}),
}


def failed_answer(
    failure: str, request: httpx.Request, person: _Person, reference: str | None
) -> httpx.Response:
    """
    What is answered about *person*, or raised, in such a *failure*.
    """
    if failure in _ERRORS:
        raise _ERRORS[failure](request)
    if failure in _STATUSES:
        return httpx.Response(_STATUSES[failure], json={"error": failure})
    if failure == "no_address":
        return httpx.Response(200, json=_without_addresses(person, reference))
    return _ANSWERS[failure](person)


def _doubled(person: _Person) -> str:
    # Every name twice, with null the second time.
    pairs = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in person.items()]
    return "{" + ", ".join([*pairs, *(f"{json.dumps(name)}: null" for name in person)]) + "}"


def _without_addresses(tree: Any, reference: str | None) -> Any:
    """
    *tree* with null where an address or a number stands that is not the *reference*.
    """
    if isinstance(tree, Mapping):
        return {name: _without_addresses(value, reference) for name, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_without_addresses(value, reference) for value in tree]
    is_text = isinstance(tree, str) and tree != reference
    return None if is_text and _ADDRESS.fullmatch(tree) else tree
