"""
One flow inside another: who sees what, and who is closed.
"""

from __future__ import annotations

import asyncio

import httpx
import pytest
import trio

from careof.auth import NoAuth
from careof.errors import AuthenticationError
from tests.support.asking import Asking, as_it_is, marked

URL = "https://contacts.customer.example/people/C-1"


def run(kind, flow, answers):
    """
    Drive the flow of *kind* with the status codes *answers*; what it yielded.
    """
    sent = []

    def answered(request):
        sent.append(request)
        return httpx.Response(answers[len(sent) - 1], request=request)

    if kind == "sync":
        try:
            request = next(flow)
            while True:
                request = flow.send(answered(request))
        except StopIteration:
            return sent

    async def main():
        try:
            request = await anext(flow)
            while True:
                request = await flow.asend(answered(request))
        except StopAsyncIteration:
            return sent

    return _run(kind, main)


def begun(kind, flow, *, answers=0, throw=None):
    """
    Drive the flow of *kind* through a number of *answers*, and close it or throw into it.
    """

    async def main():
        request = await anext(flow)
        for _ in range(answers):
            request = await flow.asend(httpx.Response(200, request=request))
        await (flow.aclose() if throw is None else flow.athrow(throw))

    if kind != "sync":
        _run(kind, main)
        return
    request = next(flow)
    for _ in range(answers):
        request = flow.send(httpx.Response(200, request=request))
    flow.close() if throw is None else flow.throw(throw)


def _run(kind, main):
    return asyncio.run(main()) if kind == "asyncio" else trio.run(main)


def flow_of(kind, auth, request):
    return auth.sync_auth_flow(request) if kind == "sync" else auth.async_auth_flow(request)


flows = pytest.mark.parametrize("kind", ["sync", "asyncio", "trio"])


@flows
def test_what_the_left_one_asks_goes_through_those_on_its_right(kind):
    left, right = Asking("a", marked("a"), marked("A")), Asking("b", marked("b"), marked("B"))
    request = httpx.Request("GET", URL)
    marks = []

    def note(request):
        marks.append(request.headers["x-marks"])
        return request

    last = Asking("c", note)
    run(kind, flow_of(kind, left + NoAuth() + right + last, request), [401, 402, 403, 200])

    # The right one gets every answer, the left one the last of each time.
    assert marks == ["ab", "abB", "abBAb", "abBAbB"]
    assert (left.answers, right.answers) == ([402, 200], [401, 402, 403, 200])
    assert (left.closed, right.closed, last.closed) == (1, 2, 4)


@flows
@pytest.mark.parametrize("answers", [0, 1])
def test_a_flow_that_is_given_up_closes_all_that_are_in_it(kind, answers):
    parts = [Asking(name, as_it_is, as_it_is) for name in "abc"]
    flow = flow_of(kind, parts[0] + NoAuth() + parts[1] + parts[2], httpx.Request("GET", URL))
    begun(kind, flow, answers=answers)

    assert [part.closed for part in parts] == [1, 1, 1]


class Failing(httpx.Auth):
    """
    One that fails, before it has asked or when it has its answer.
    """

    def __init__(self, asks, error):
        self.asks = asks
        self.error = error

    def auth_flow(self, request):
        for _ in range(self.asks):
            yield request
        raise self.error


@flows
@pytest.mark.parametrize("asks", [0, 1])
@pytest.mark.parametrize("error", [LookupError, KeyboardInterrupt, GeneratorExit])
@pytest.mark.parametrize("place", ["left", "right"])
def test_a_part_that_fails_closes_the_others(kind, asks, error, place):
    others = [Asking("a", as_it_is), Asking("b", as_it_is)]
    failing = Failing(asks, error())
    parts = [failing, *others] if place == "left" else [*others, failing]
    flow = flow_of(kind, parts[0] + NoAuth() + parts[1] + parts[2], httpx.Request("GET", URL))
    with pytest.raises(error):
        run(kind, flow, [200, 200])

    begun = 1 if asks or place == "right" else 0
    assert [part.closed for part in others] == [begun, begun]


@flows
def test_an_error_that_is_thrown_in_closes_all(kind):
    parts = [Asking("a", as_it_is), Asking("b", as_it_is)]
    flow = flow_of(kind, parts[0] + NoAuth() + parts[1], httpx.Request("GET", URL))

    with pytest.raises(LookupError):
        begun(kind, flow, throw=LookupError())

    assert [part.closed for part in parts] == [1, 1]


class Stubborn(httpx.Auth):
    """
    One that fails while it is closed.
    """

    def sync_auth_flow(self, request):
        try:
            yield request
        finally:
            raise LookupError

    async def async_auth_flow(self, request):
        try:
            yield request
        finally:
            raise LookupError


@flows
def test_a_part_that_fails_while_it_is_closed_leaves_no_other_open(kind):
    parts = [Asking("a", as_it_is), Asking("b", as_it_is)]
    auth = parts[0] + NoAuth() + Stubborn() + parts[1]
    flow = flow_of(kind, auth, httpx.Request("GET", URL))

    with pytest.raises(LookupError):
        begun(kind, flow)

    assert [part.closed for part in parts] == [1, 1]


class Slow(httpx.Auth):
    """
    A strategy that waits, until its task is cancelled.
    """

    async def async_auth_flow(self, request):
        await trio.sleep_forever()
        yield request


def test_a_task_that_is_cancelled_closes_all():
    part = Asking("a", as_it_is)
    flow = (part + NoAuth() + Slow()).async_auth_flow(httpx.Request("GET", URL))

    async def main():
        with trio.move_on_after(0.01):
            await anext(flow)

    trio.run(main)

    assert part.closed == 1


class Rejected(httpx.Auth):
    """
    One that raises what a strategy of ours raises when the endpoint rejects it.
    """

    def __init__(self, *, asks=1, step="status"):
        self.asks = asks
        self.step = step

    def auth_flow(self, request):
        for _ in range(self.asks):
            response = yield request
        if self.asks == 0 or response.status_code == 401:
            raise AuthenticationError("Rejected.", step=self.step)


@flows
def test_an_inner_part_that_is_rejected_leaves_it_to_the_outer_one_to_mend_that(kind):
    outer = Asking("a", as_it_is, as_it_is)
    flow = flow_of(kind, outer + NoAuth() + Rejected(), httpx.Request("GET", URL))

    assert len(run(kind, flow, [401, 200])) == 2
    assert outer.answers == [401, 200]


@flows
def test_its_error_ends_the_call_when_nobody_asks_any_more(kind):
    outer = Asking("a", as_it_is)
    flow = flow_of(kind, outer + NoAuth() + Rejected(), httpx.Request("GET", URL))
    with pytest.raises(AuthenticationError, match="Rejected"):
        run(kind, flow, [401])

    assert (outer.answers, outer.closed) == ([401], 1)


@flows
@pytest.mark.parametrize("inner", [Rejected(asks=0), Rejected(step="token")])
def test_any_other_error_of_an_inner_part_ends_the_call_at_once(kind, inner):
    outer = Asking("a", as_it_is, as_it_is)
    flow = flow_of(kind, outer + NoAuth() + inner, httpx.Request("GET", URL))
    with pytest.raises(AuthenticationError, match="Rejected"):
        run(kind, flow, [401])

    assert (outer.answers, outer.closed) == ([], 1)
