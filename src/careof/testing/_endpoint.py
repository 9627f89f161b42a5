"""
A customer's contact endpoint without a network.

Theory of operation: where a request says who it is about is the host's to choose, so
every place is looked at, and a reference is known by being one of the people's.  A
request about many is told by its path alone: one about a single person may well have
its reference inside an array.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any, get_args
from urllib.parse import parse_qsl, unquote

import httpx

from careof.errors import ConfigurationError
from careof.testing._endpoint_failures import Failure, failed_answer

_OF_TOKENS = ("token_expired", "token_refused", "token_unavailable")
_MISSING = ("not_found", "gone")  # from an answer about many


def _array(found: Mapping[str, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return list(found.values())


class FakeContactEndpoint(httpx.MockTransport):
    """
    The ``transport=`` of a resolver in a test: knows people by reference.

    It looks for a reference it knows in the last parts of the path, in the
    query, in the body (JSON or form) and in the headers, each of which holds
    the reference and nothing else, and answers with that person's JSON.  With
    *token_path* it issues tokens there and asks for one everywhere else.  With
    *batch_path* a request there is about many: about all whose references stand
    anywhere in it, alone or joined by commas.

    Args:
        people: Reference ids to the JSON of their answers.
        token_path: Where tokens are issued, such as ``"/oauth/token"``.
        token_lifetime: Their ``expires_in``, in seconds.
        batch_path: Where many are asked about at once, such as ``"/people/batch"``.
        batch_answer: What is answered there, made of those who are known, by
            reference; by default an array of their answers.

    Attributes:
        lookups: How many requests asked about people, with one reference or with many.
        token_requests: How many tokens were asked for.

    Raises:
        ConfigurationError: An argument cannot work.
    """

    def __init__(
        self,
        people: Mapping[str, Mapping[str, Any]],
        *,
        token_path: str | None = None,
        token_lifetime: float = 3600,
        batch_path: str | None = None,
        batch_answer: Callable[[dict[str, Mapping[str, Any]]], Any] = _array,
    ) -> None:
        if not (isinstance(people, Mapping) and all(map(_is_person, people.items()))):
            raise ConfigurationError(
                "FakeContactEndpoint: people: expected reference ids (str) to the JSON objects "
                "(dict) of their answers."
            )
        for name, path in (("token_path", token_path), ("batch_path", batch_path)):
            if not (path is None or (isinstance(path, str) and path[:1] == "/")):
                raise ConfigurationError(
                    f'FakeContactEndpoint: {name}: expected a path that begins with "/", or None.'
                )
        super().__init__(self._answer)
        self.lookups: int = 0
        self.token_requests: int = 0
        self._people = {reference: dict(person) for reference, person in people.items()}
        self._token_path = token_path
        self._token_lifetime = token_lifetime
        self._batch_path = batch_path
        self._batch_answer = batch_answer
        self._tokens: set[str] = set()
        self._failures: dict[str | None, str] = {}

    def play(self, failure: Failure | None, *, reference_id: str | None = None) -> None:
        """
        Fail by name from now on, for one reference or for all; None to work again.

        ``"token_expired"`` happens once: all tokens that were issued are rejected.
        ``"token_refused"`` and ``"token_unavailable"`` are those of the token endpoint,
        and nobody's alone.  In an answer about many, whoever is ``"not_found"`` or
        ``"gone"`` is missing and ``"somebody_else"`` has another reference; any other
        failure of one is that of the whole answer.

        Raises:
            ConfigurationError: There is no such failure, or it is nobody's alone.
        """
        if failure is None:
            self._failures.pop(reference_id, None)
        elif failure == "token_expired":
            self.revoke_tokens()
        elif failure in _OF_TOKENS and reference_id is not None:
            raise ConfigurationError(
                "FakeContactEndpoint: failure: a token is issued for all; leave out reference_id=."
            )
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
        if self._batch_path is not None and request.url.path == self._batch_path:
            return self._answer_many(request)
        # Whoever is gone may well be missing from the people.
        known = self._people.keys() | self._failures.keys()
        reference = next((text for text in _texts(request) if text in known), None)
        failure = self._failure_of(reference)
        if failure is not None:
            return self._fail(failure, request, reference)
        if reference is None or reference not in self._people:
            return httpx.Response(404, json={"error": "not found"})
        return httpx.Response(200, json=self._people[reference])

    def _failure_of(self, reference: str | None) -> str | None:
        general = self._failures.get(None)
        return self._failures.get(reference) or (None if general in _OF_TOKENS else general)

    def _answer_many(self, request: httpx.Request) -> httpx.Response:
        asked = {part for text in _texts(request) for part in (text, *text.split(","))}
        found: dict[str, Mapping[str, Any]] = {}
        for reference, person in self._people.items():
            failure = self._failure_of(reference) if reference in asked else "not_found"
            if failure is None:
                found[reference] = person
            elif failure == "somebody_else":
                found |= [it for it in self._people.items() if it[0] not in asked][:1]
            elif failure not in _MISSING:
                return self._fail(failure, request, reference)
        return httpx.Response(200, json=self._batch_answer(found))

    def _issue(self) -> httpx.Response:
        self.token_requests += 1
        match self._failures.get(None):
            case "token_refused":
                return httpx.Response(401, json={"error": "invalid_client"})
            case "token_unavailable":
                return httpx.Response(503, json={"error": "temporarily_unavailable"})
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

    def _fail(self, failure: str, request: httpx.Request, reference: str | None) -> httpx.Response:
        if failure == "somebody_else":
            asked = set(_texts(request))
            person = next((p for r, p in self._people.items() if r not in asked), {})
            return httpx.Response(200, json=person)
        person = self._people.get(reference or "", {})
        return failed_answer(failure, request, person, reference)

    def __repr__(self) -> str:
        return f"FakeContactEndpoint(people={len(self._people)}, lookups={self.lookups})"


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
