"""
A customer's contact endpoint without a network.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any, Literal, get_args
from urllib.parse import parse_qsl, unquote

import httpx

from careof.errors import ConfigurationError

Failure = Literal[
    "not_found",
    "gone",
    "unauthorized",
    "forbidden",
    "rate_limited",
    "unavailable",
    "malformed",
    "not_json",
    "somebody_else",
    "redirect",
    "no_connection",
    "timeout",
]
_STATUSES = {
    "not_found": 404,
    "gone": 410,
    "unauthorized": 401,
    "forbidden": 403,
    "unavailable": 503,
}


class FakeContactEndpoint(httpx.MockTransport):
    """
    The ``transport=`` of a resolver in a test: knows people by reference.

    It looks for a reference it knows in the last parts of the path, in the
    query, in the body (JSON or form) and in the headers, each of which holds
    the reference and nothing else, and answers with that person's JSON.  With
    *token_path* it issues tokens there and asks for one everywhere else.

    Args:
        people: Reference ids to the JSON of their answers.
        token_path: Where tokens are issued, such as ``"/oauth/token"``.
        token_lifetime: Their ``expires_in``, in seconds.

    Attributes:
        lookups: How many references were asked about.
        token_requests: How many tokens were asked for.
    """

    def __init__(
        self,
        people: Mapping[str, Mapping[str, Any]],
        *,
        token_path: str | None = None,
        token_lifetime: float = 3600,
    ) -> None:
        if not (isinstance(people, Mapping) and all(map(_is_person, people.items()))):
            raise ConfigurationError(
                "FakeContactEndpoint: people: expected reference ids (str) to the JSON objects "
                "(dict) of their answers."
            )
        if not (token_path is None or (isinstance(token_path, str) and token_path[:1] == "/")):
            raise ConfigurationError(
                'FakeContactEndpoint: token_path: expected a path that begins with "/", or None.'
            )
        super().__init__(self._answer)
        self.lookups: int = 0
        self.token_requests: int = 0
        self._people = {reference: dict(person) for reference, person in people.items()}
        self._token_path = token_path
        self._token_lifetime = token_lifetime
        self._tokens: set[str] = set()
        self._failures: dict[str | None, str] = {}

    def play(self, failure: Failure | None, *, reference_id: str | None = None) -> None:
        """
        Fail by name from now on, for one reference or for all; None to work again.
        """
        if failure is None:
            self._failures.pop(reference_id, None)
        elif failure in get_args(Failure):
            self._failures[reference_id] = failure
        else:
            raise ConfigurationError(
                f"FakeContactEndpoint: failure: expected one of {', '.join(get_args(Failure))}."
            )

    def revoke_tokens(self) -> None:
        """
        Accept none of the tokens that were issued so far.
        """
        self._tokens.clear()

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self._token_path is not None and request.url.path == self._token_path:
            return self._issue()
        self.lookups += 1
        if self._token_path is not None and not self._knows_token(request):
            return httpx.Response(401, json={"error": "invalid_token"})
        # Whoever is gone may well be missing from the people.
        known = self._people.keys() | self._failures.keys()
        reference = next((text for text in _texts(request) if text in known), None)
        failure = self._failures.get(reference) or self._failures.get(None)
        if failure is not None:
            return self._fail(failure, request)
        if reference is None or reference not in self._people:
            return httpx.Response(404, json={"error": "not found"})
        return httpx.Response(200, json=self._people[reference])

    def _issue(self) -> httpx.Response:
        self.token_requests += 1
        token = secrets.token_urlsafe(16)
        self._tokens.add(token)
        return httpx.Response(
            200,
            json={
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": self._token_lifetime,
            },
        )

    def _knows_token(self, request: httpx.Request) -> bool:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and token in self._tokens

    def _fail(self, failure: str, request: httpx.Request) -> httpx.Response:
        match failure:
            case "no_connection":
                raise httpx.ConnectError("refused", request=request)
            case "timeout":
                raise httpx.ReadTimeout("silence", request=request)
            case "rate_limited":
                return httpx.Response(429, headers={"Retry-After": "30"})
            case "redirect":
                return httpx.Response(302, headers={"Location": "https://elsewhere.example/"})
            case "malformed":
                return httpx.Response(200, content=b'{"email": "cut@off.exa')
            case "not_json":
                return httpx.Response(200, html="<html>Please log in</html>")
            case "somebody_else":
                return httpx.Response(200, json=self._somebody_else(request))
            case _:
                return httpx.Response(_STATUSES[failure], json={"error": failure})

    def _somebody_else(self, request: httpx.Request) -> Mapping[str, Any]:
        asked = set(_texts(request))
        return next((p for r, p in self._people.items() if r not in asked), {})

    def __repr__(self) -> str:
        return f"FakeContactEndpoint({len(self._people)} people, {self.lookups} lookups)"


def _is_person(item: tuple[object, object]) -> bool:
    reference, person = item
    return isinstance(reference, str) and isinstance(person, Mapping)


def _texts(request: httpx.Request) -> list[str]:
    path = [unquote(part) for part in request.url.raw_path.decode().partition("?")[0].split("/")]
    query = [value for _, value in request.url.params.multi_items()]
    headers = list(request.headers.values())
    body = request.content.decode("utf-8", "replace")
    try:
        inside = list(_leaves(json.loads(body)))
    except ValueError:
        inside = [value for _, value in parse_qsl(body)]
    return [*reversed(path), *query, *inside, *headers]


def _leaves(tree: object) -> list[str]:
    if isinstance(tree, dict):
        return [text for value in tree.values() for text in _leaves(value)]
    if isinstance(tree, list):
        return [text for value in tree for text in _leaves(value)]
    return [str(tree)]
