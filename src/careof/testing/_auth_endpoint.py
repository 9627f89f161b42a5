"""
The two endpoints that a strategy meets, in one: it notes what it is asked, and holds tokens back.

Theory of operation: whatever does not go to the contact endpoint is a token
request.  The first one is held until every caller of a burst waits for its
answer, so that each of them has found no token; a second one is all the proof
that is needed and ends the wait.  Who waits is known by the deadline of its
call: in the step "token" it is looked at by nobody but those who wait for one.
A strategy that waits in ways of its own is not seen, and is held for a moment.
"""

from __future__ import annotations

import functools
import json
import math
import secrets
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any, cast

import httpx

from careof._network.call import Call
from careof._network.flights import async_wait_for, wait_for
from careof._network.limits import Deadline, RetryPolicy
from careof._resolving.configured import Configured
from careof._resolving.resolver import AsyncHttpResolver, HttpResolver
from careof._resolving.selector import ContactSelector
from careof._resolving.template import RequestTemplate
from careof._values.clock import SYSTEM_CLOCK

HOST = "contacts.conformance.example"
MOMENT = 0.25  # seconds

Parts = list[tuple[str, str]]


class AuthEndpoint(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """
    The ``transport=`` of the resolvers that a strategy is proved with.

    Args:
        token_answer: What answers a token request; it is given a new token.
        rejection: What a lookup is answered whose token is no longer good.

    Attributes:
        token_requests: How many tokens were asked for.
        tokens: Those that were issued.
        lookups: What each lookup said, in parts.
        asked: It is done when the first token has been asked for.
    """

    def __init__(
        self,
        token_answer: Callable[[str], httpx.Response],
        rejection: Callable[[], httpx.Response],
    ) -> None:
        self.token_requests: int = 0
        self.tokens: list[str] = []
        self.lookups: list[Parts] = []
        self.asked: Future[None] = Future()
        self._token_answer = token_answer
        self._rejection = rejection
        self._accepts_from = 0.0  # so many token requests
        self._lock = threading.Lock()
        self._waiting: set[int] = set()
        self._expected = 0
        self._seconds = MOMENT
        self._gate = _opened()

    def hold(self, callers: int, *, seconds: float = MOMENT) -> None:
        """
        Issue no token until so many *callers* wait for it, or another one is asked for.

        Args:
            seconds: How long, where not all are seen to wait.
        """
        self._expected, self._seconds = callers, seconds
        self._waiting, self._gate = set(), Future()

    def is_waited_for(self, call: Call) -> None:
        """
        Hear that *call* is about to wait for a token.
        """
        with self._lock:
            self._waiting.add(id(call))
            is_complete = len(self._waiting) >= self._expected
        if is_complete:
            self.release()

    def release(self) -> None:
        """
        Hold nothing back any more.
        """
        with self._lock:
            if not self._gate.done():
                self._gate.set_result(None)

    def revoke(self, *, for_ever: bool = False) -> None:
        """
        Reject all lookups until another token has been issued, or for ever.
        """
        self._accepts_from = math.inf if for_ever else self.token_requests + 1

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """
        The answer of the one endpoint or the other.
        """
        wait_for(self._gate_for(request), self._seconds)
        return self._answer(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """
        The answer of the one endpoint or the other.
        """
        await async_wait_for(self._gate_for(request), self._seconds)
        return self._answer(request)

    def _gate_for(self, request: httpx.Request) -> Future[None]:
        if request.url.host == HOST:
            return _opened()
        with self._lock:
            self.token_requests += 1
            is_first = self.token_requests == 1
        if is_first:
            self.asked.set_result(None)
        else:
            self.release()
        return self._gate

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.host != HOST:
            token = secrets.token_urlsafe(24)
            self.tokens.append(token)
            return self._token_answer(token)
        self.lookups.append(_parts_of(request))
        if self.token_requests < self._accepts_from:
            return self._rejection()
        return httpx.Response(200, json={"email": "somebody@conformance.example"})


class _Watched(Configured[Any]):
    # Tells its endpoint when a call begins to wait for a token.

    endpoint: AuthEndpoint

    def _call(self) -> Call:
        call = super()._call()
        call.deadline = _WatchedDeadline(call, self.endpoint)
        return call


class _WatchedDeadline(Deadline):
    __slots__ = ("_call", "_endpoint")

    def __init__(self, call: Call, endpoint: AuthEndpoint) -> None:
        super().__init__(SYSTEM_CLOCK, call.deadline.left())
        self._call = call
        self._endpoint = endpoint

    def left(self) -> float:
        if self._call.step == "token":
            self._endpoint.is_waited_for(self._call)
        return super().left()


class _Resolver(_Watched, HttpResolver):
    pass


class _AsyncResolver(_Watched, AsyncHttpResolver):
    pass


def resolver(auth: httpx.Auth, endpoint: AuthEndpoint) -> HttpResolver:
    """
    A resolver that asks *endpoint* with *auth*.
    """
    made = _Resolver(*_question(), auth=auth, retry=RetryPolicy.never(), transport=endpoint)
    made.endpoint = endpoint
    return made


def async_resolver(auth: httpx.Auth, endpoint: AuthEndpoint) -> AsyncHttpResolver:
    """
    As ``resolver``, for asyncio and Trio.
    """
    made = _AsyncResolver(*_question(), auth=auth, retry=RetryPolicy.never(), transport=endpoint)
    made.endpoint = endpoint
    return made


@functools.cache
def _question() -> tuple[RequestTemplate, ContactSelector]:
    # When it is asked for, so that importing careof.testing imports no library for it.
    request = RequestTemplate(
        f"https://{HOST}/people/{{reference_id}}?fields=a%20b&lang=en",
        method="POST",
        headers={"X-Own": "kept"},
        json={"reference": "{reference_id}", "own": "kept"},
    )
    return request, ContactSelector(email="$.email")


def _opened() -> Future[None]:
    gate: Future[None] = Future()
    gate.set_result(None)
    return gate


def _parts_of(request: httpx.Request) -> Parts:
    # Not request.read(): it would make a body replayable that is not.
    body = b"".join(cast(Iterable[bytes], request.stream))
    try:
        tree = json.loads(body)
    except ValueError:
        tree = None
    if isinstance(tree, dict):
        inside = [(f"body {name!r}", json.dumps(leaf)) for name, leaf in tree.items()]
    else:
        inside = [("body", body.decode("latin-1"))]
    return [
        ("method", request.method),
        ("path", request.url.path),
        *((f"query parameter {name!r}", text) for name, text in request.url.params.multi_items()),
        *(
            (f"header {name!r}", text)
            for name, text in request.headers.multi_items()
            if name != "content-length"
        ),
        *inside,
    ]
