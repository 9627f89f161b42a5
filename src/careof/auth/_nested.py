"""
One auth flow inside another, so that a request has the credentials of both.

Theory of operation: what the outer flow yields is handed to the inner one, and
the last answer that the inner one gets goes back to the outer.  So each of them
may ask as often as it must: a token that is rejected is fetched anew around, or
within, a digest that wants a challenge first.  Two things are seen to on every
request that a part yields.  At the endpoint it has everything that the parts
before put into it, or it is not sent.  Elsewhere, as at a token endpoint that a
part asks in its own flow, it has nothing of theirs, and no other part sees it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator

import httpx

from careof._network.asked import place_of
from careof._network.call import call_of
from careof._network.credentials import credentials_of, is_carried
from careof._network.failures import no_request
from careof._values.unwrap import forget_the_way, unwrap
from careof.errors import AuthenticationError, CareofError

Parts = tuple[httpx.Auth, ...]  # the outer ones first


def nested(parts: Parts, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
    """
    The flow of the first of *parts* around that of the others.
    """
    if not parts:
        yield request
        return
    handed = _Handed(parts, request)
    rejection: CareofError | None = None
    flow = parts[0].sync_auth_flow(request)
    try:
        wanted = next(flow)
        while True:
            rejection = None
            answer: httpx.Response | CareofError = no_request()
            inside = nested(unwrap(handed.rest(wanted)), wanted)
            try:
                asked = next(inside)
                while True:
                    answer = yield asked
                    asked = inside.send(answer)
            except StopIteration:
                pass
            except AuthenticationError as error:
                rejection = handed.rejection(error, answer)
            finally:
                inside.close()
            wanted = flow.send(unwrap(answer))
    except StopIteration:
        pass
    finally:
        flow.close()
    unwrap(rejection)


async def async_nested(
    parts: Parts, request: httpx.Request
) -> AsyncGenerator[httpx.Request, httpx.Response]:
    """
    The flow of the first of *parts* around that of the others.
    """
    if not parts:
        yield request
        return
    handed = _Handed(parts, request)
    rejection: CareofError | None = None
    flow = parts[0].async_auth_flow(request)
    try:
        wanted = await anext(flow)
        while True:
            rejection = None
            answer: httpx.Response | CareofError = no_request()
            inside = async_nested(unwrap(handed.rest(wanted)), wanted)
            try:
                asked = await anext(inside)
                while True:
                    answer = yield asked
                    asked = await inside.asend(answer)
            except StopAsyncIteration:
                pass
            except AuthenticationError as error:
                rejection = handed.rejection(error, answer)
            finally:
                await inside.aclose()
            wanted = await flow.asend(unwrap(answer))
    except StopAsyncIteration:
        pass
    finally:
        await flow.aclose()
    unwrap(rejection)


class _Handed:
    """
    What the first of *parts* was handed, and what it may make of it.
    """

    __slots__ = ("_call", "_credentials", "_origin", "_parts")

    def __init__(self, parts: Parts, request: httpx.Request) -> None:
        self._parts = parts
        self._call = call_of(request)
        self._origin = place_of(request).origin
        self._credentials = credentials_of(request)

    def rejection(self, error: AuthenticationError, answer: object) -> CareofError:
        """
        The *error* of an inner part, if it only says that the endpoint rejects it.

        The first part may have something that the endpoint likes better: it
        sees the *answer*, and only when it asks no more the call has failed.
        """
        if error.step == "status" and isinstance(answer, httpx.Response):
            return forget_the_way(error)
        raise error

    def rest(self, wanted: httpx.Request) -> Parts | CareofError:
        """
        The parts that see what the first one wants to send, or why nobody may.
        """
        if self._call is not None:
            self._call.carried_by(wanted)  # it may be a request of the part's own
        is_home = place_of(wanted).origin == self._origin
        now = credentials_of(wanted)
        for part, credential in self._credentials.items():
            # Who has set it may have set it anew.
            if is_carried(wanted, part, now.get(part, credential)) is not is_home:
                return AuthenticationError(
                    f"{type(self._parts[0]).__name__} sends a request without the credentials of "
                    "the strategies on its left, or sends these to another host: put it first.",
                    detail="credential_lost",
                    step="token",
                )
        return self._parts[1:] if is_home else ()
