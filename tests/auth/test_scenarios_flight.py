"""
What goes wrong with tokens, A: the stampede and the flight.

Each test tells of something that happened to somebody; ``test_token_scenarios``
has the table.
"""

from __future__ import annotations

import asyncio
import threading

import anyio
import anyio.lowlevel
import httpx
import pytest
import trio

from careof import AsyncHttpResolver, HttpResolver, Limits
from careof.auth import _claim
from careof.auth._lease import Lease
from careof.errors import AuthenticationError, DeadlineError
from tests.support.crowds import (
    StoppedLoop,
    async_outcome_of,
    held,
    in_asyncio,
    in_loops_and_threads,
    in_threads,
    in_trio,
    looked_up,
    outcome_of,
)
from tests.support.forks import in_a_child
from tests.support.steps import driven
from tests.support.stores import AsyncSharedCache
from tests.support.tokens import (
    EMAIL,
    TokenServer,
    VoucherAuth,
    WatchedCache,
    request_in,
    resolver,
    wait_until,
)

backends = pytest.mark.parametrize("backend", ["asyncio", "trio"])


def at_once(server, cache, crowd, size, **options):
    """
    What a *crowd* gets if the endpoint answers when all have seen that there is no token.
    """
    with held(server, until=lambda: cache.misses >= size):
        return crowd(VoucherAuth(cache=cache), server, **options)


@pytest.mark.parametrize("crowd, size", [(in_asyncio, 200), (in_trio, 200), (in_threads, 50)])
def test_a_cold_burst_asks_for_one_token(crowd, size):
    """
    authlib#266, azure-sdk-for-net#13610, spring#11461 and #15295,
    google-auth-library-python#1780, msal-js#6566.
    """
    server = TokenServer()

    outcomes = at_once(server, WatchedCache(), crowd, size)

    assert outcomes == [EMAIL] * size
    assert len(server.token_requests) == 1
    assert set(server.lookups) == {"Bearer token-1"}


def test_four_loops_and_threads_on_one_strategy_ask_for_one_token():
    """
    haystack-core-integrations#3789, unstructured-python-client#339: "bound to a
    different event loop".
    """
    server = TokenServer()

    outcomes = at_once(server, WatchedCache(), in_loops_and_threads, 850)

    assert outcomes == [EMAIL] * 850
    assert len(server.token_requests) == 1


def test_two_hundred_tasks_and_fifty_threads_ask_for_one_token():
    """
    The two reports above, of one loop among threads; nobody has a cache of its own.
    """
    server = TokenServer()
    cache = WatchedCache()
    outcomes = []

    def crowd(auth, server):
        thread = threading.Thread(target=lambda: outcomes.extend(in_threads(auth, server)))
        thread.start()
        outcomes.extend(in_asyncio(auth, server))
        thread.join()
        return outcomes

    at_once(server, cache, crowd, 250)

    assert outcomes == [EMAIL] * 250
    assert len(server.token_requests) == 1


def test_who_comes_to_fetch_when_the_token_is_there_takes_it(shell):
    """
    Seen with httpx-auth: all wait for one lock, and each fetches when it
    is its turn.
    """
    server = TokenServer()
    auth = VoucherAuth(cache=WatchedCache())
    late = [Lease(auth, request_in(server)) for _ in range(50)]
    found = [lease.at_hand() for lease in late]

    token = driven(shell, Lease(auth, request_in(server)).fetched())
    tokens = [driven(shell, lease.fetched()) for lease in late]

    assert found == [None] * 50
    assert all(each is token for each in tokens)
    assert len(server.token_requests) == 1


@backends
def test_a_loop_goes_on_while_a_token_is_fetched(backend):
    """
    httpx_auth#48 and #72, hpe-networking-mcp#440.
    """
    server = TokenServer()
    server.hold()
    lookup = resolver(AsyncHttpResolver, VoucherAuth(cache=WatchedCache()), server)
    turns = []

    async def count():
        while server.token_requests == [] or len(turns) < 100:
            turns.append(1)
            await anyio.lowlevel.checkpoint()
        server.release()

    async def main():
        async with anyio.create_task_group() as group:
            group.start_soon(lookup.resolve, "C-1")
            group.start_soon(count)

    anyio.run(main, backend=backend)

    assert server.lookups == ["Bearer token-1"]


def test_the_slow_endpoint_of_one_tenant_holds_no_other(shell):
    """
    Seen with httpx-auth: 0.9 seconds behind a stranger's lock.
    """
    slow, quick = TokenServer(), TokenServer()
    slow.hold()
    auth = VoucherAuth(cache=WatchedCache())
    waiting = threading.Thread(
        target=outcome_of, args=[resolver(HttpResolver, auth, slow).resolve]
    )
    waiting.start()
    wait_until(lambda: slow.token_requests)

    outcome = looked_up(shell, auth, quick)

    assert outcome == EMAIL
    assert slow.lookups == []
    slow.release()
    waiting.join()


def in_one_loop(backend, server, lookup, *, cancel):
    """
    What five tasks get of which one is cancelled while all wait.
    """
    outcomes = []

    async def one(scope):
        with scope:
            outcomes.append(await async_outcome_of(lookup.resolve))

    async def main():
        scopes = [anyio.CancelScope() for _ in range(5)]
        async with anyio.create_task_group() as group:
            for scope in scopes:
                group.start_soon(one, scope)
                await anyio.wait_all_tasks_blocked()
            scopes[cancel].cancel()
            await anyio.wait_all_tasks_blocked()
            server.release()

    anyio.run(main, backend=backend)
    return outcomes


@backends
def test_a_leader_that_is_cancelled_leaves_its_fetch_to_the_others(backend):
    """
    hyper-util#299, prime-rl#2836.
    """
    server = TokenServer()
    server.hold()
    lookup = resolver(AsyncHttpResolver, VoucherAuth(cache=WatchedCache()), server)

    outcomes = in_one_loop(backend, server, lookup, cancel=0)

    assert outcomes == [EMAIL] * 4
    assert len(server.token_requests) == 1


@backends
def test_a_waiter_that_is_cancelled_cancels_nobody_else(backend):
    """
    python-utcp#103; and ``asyncio.wrap_future``
    on a future that is pending cancels all who wait for it.
    """
    server = TokenServer()
    server.hold()
    lookup = resolver(AsyncHttpResolver, VoucherAuth(cache=WatchedCache()), server)

    outcomes = in_one_loop(backend, server, lookup, cancel=3)

    assert outcomes == [EMAIL] * 4
    assert len(server.token_requests) == 1


def test_callers_who_are_all_impatient_get_the_token_in_the_end(shell):
    """
    A fetch that each of them begins anew would never end.
    """
    server = TokenServer()
    server.hold()
    auth = VoucherAuth(cache=WatchedCache())
    errors = [looked_up(shell, auth, server, limits=Limits(deadline=0.02)) for _ in range(3)]

    server.release()
    wait_until(lambda: auth.cache.fillings == 1)
    outcome = looked_up(shell, auth, server)

    assert [type(error) for error in errors] == [DeadlineError] * 3
    assert outcome == EMAIL
    assert len(server.token_requests) == 1


@backends
def test_a_loop_that_ends_in_the_middle_of_a_fetch_leaves_it_to_others(backend):
    """
    azure-sdk-for-net#45351.
    """
    server = TokenServer()
    server.hold()
    auth = VoucherAuth(cache=WatchedCache())
    lookup = resolver(AsyncHttpResolver, auth, server)

    async def main():
        with anyio.move_on_after(0):
            await anyio.lowlevel.checkpoint_if_cancelled()
        async with anyio.create_task_group() as group:
            group.start_soon(async_outcome_of, lookup.resolve)
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()

    anyio.run(main, backend=backend)
    with held(server, until=lambda: auth.cache.misses == 2):
        outcome = outcome_of(resolver(HttpResolver, auth, server).resolve)

    assert outcome == EMAIL
    assert len(server.token_requests) == 1


@backends
def test_a_loop_that_stops_for_ever_in_the_middle_of_a_fetch_delays_nobody(shell, backend):
    """
    azure-sdk-for-net#45351: the fetch is on no loop.
    """
    server = TokenServer()
    server.hold()
    auth = VoucherAuth(cache=WatchedCache())
    lookup = resolver(AsyncHttpResolver, auth, server)

    with StoppedLoop(backend) as loop:

        async def main():
            async with anyio.create_task_group() as group:
                group.start_soon(async_outcome_of, lookup.resolve)
                await anyio.wait_all_tasks_blocked()
                loop.stop()

        loop.run(main)
        with held(server, until=lambda: auth.cache.misses == 2):
            outcome = looked_up(shell, auth, server)

    assert outcome == EMAIL
    assert len(server.token_requests) == 1


class LoopOnly(httpx.AsyncBaseTransport):
    """
    A transport that only a loop can run; the first token request stops that loop.
    """

    def __init__(self, loop):
        self._loop = loop
        self.token_requests = 0

    async def handle_async_request(self, request):
        if request.url.path != "/token":
            return httpx.Response(200, json={"email": EMAIL})
        self.token_requests += 1
        if self.token_requests == 1:
            self._loop.stop()
        return httpx.Response(200, json={"access_token": "t", "expires_in": 3600})


@pytest.fixture
def short(monkeypatch):
    """
    Limits under which a flight is given up soon, and long before its callers are.
    """
    monkeypatch.setattr(_claim, "GRACE", 0.05)
    return Limits(deadline=20, attempt=0.5)


@backends
def test_a_fetch_that_lives_on_a_loop_that_stopped_is_replaced(backend, short):
    """
    azure-sdk-for-net#45351.  Whoever waits for it already goes round again.
    """
    with StoppedLoop(backend) as loop:
        transport = LoopOnly(loop)
        auth = VoucherAuth(cache=WatchedCache())
        lookup = resolver(AsyncHttpResolver, auth, transport, limits=short)

        async def main():
            await async_outcome_of(lookup.resolve)

        loop.run(main)
        outcomes = [
            anyio.run(async_outcome_of, lookup.resolve, backend=other)
            for other in ("asyncio", "trio")
        ]

    assert outcomes == [EMAIL, EMAIL]
    assert transport.token_requests == 2


@backends
def test_blocking_code_on_the_thread_of_a_loop_gets_its_token(backend):
    """
    Seen with other libraries: a loop cannot run while its thread waits for it.
    """
    server = TokenServer()
    auth = VoucherAuth(cache=WatchedCache())
    waiting = resolver(AsyncHttpResolver, auth, server)
    outcomes = []

    async def one():
        outcomes.append(await async_outcome_of(waiting.resolve))

    async def main():
        async with anyio.create_task_group() as group:
            group.start_soon(one)
            await anyio.wait_all_tasks_blocked()
            outcomes.append(outcome_of(resolver(HttpResolver, auth, server).resolve))

    with held(server, until=lambda: auth.cache.misses == 2):
        anyio.run(main, backend=backend)

    assert outcomes == [EMAIL, EMAIL]
    assert len(server.token_requests) == 1


@backends
def test_blocking_code_on_the_thread_of_a_loop_cannot_use_its_async_cache(backend):
    """
    The same deadlock, one storey below: it is refused.
    """
    server = TokenServer()
    auth = VoucherAuth(cache=AsyncSharedCache())

    async def main():
        return outcome_of(resolver(HttpResolver, auth, server).resolve)

    error = anyio.run(main, backend=backend)

    assert str(error) == (
        "cache: an AsyncTokenCache is for async code; here a TokenCache is needed."
    )


class AsksFirst(VoucherAuth):
    """
    Looks up a contact to make its token request.
    """

    def token_request(self):
        raise outcome_of(resolver(HttpResolver, self, self.server).resolve)


class AsksAfterwards(VoucherAuth):
    """
    Looks up a contact to read its answer.
    """

    def read_token(self, response):
        raise outcome_of(resolver(HttpResolver, self, self.server).resolve)


class ThroughItself(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """
    A transport that sends through a client with the very strategy that it serves.
    """

    def __init__(self, auth):
        self._auth = auth

    def handle_request(self, request):
        next(self._auth.sync_auth_flow(request))
        raise AssertionError("it got a token")


@pytest.mark.parametrize("kind", [AsksFirst, AsksAfterwards, VoucherAuth])
def test_a_token_request_that_needs_its_own_token_is_told_so(shell, kind):
    """
    It would wait for itself until the deadline.
    """
    auth = kind(cache=WatchedCache())
    server = ThroughItself(auth) if kind is VoucherAuth else TokenServer()
    kind.server = server  # of the class, or it would be part of the key

    error = looked_up(shell, auth, server)

    assert type(error) is AuthenticationError
    assert str(error).startswith("The token request wants the token that it asks for.")
    assert (error.step, error.detail) == ("token", "strategy")


def test_a_child_forked_during_a_fetch_fetches_for_itself():
    """
    Neither the flight's thread nor who holds its lock is there in the child.
    """
    server = TokenServer()
    server.hold()
    auth = VoucherAuth(cache=WatchedCache())
    lookup = resolver(HttpResolver, auth, server)
    parent = threading.Thread(target=outcome_of, args=[lookup.resolve])
    parent.start()
    wait_until(lambda: server.token_requests)

    def child():
        server.is_in_a_child()
        return outcome_of(lookup.resolve), len(server.token_requests)

    with _claim._FLIGHTS._lock:
        result = in_a_child(child)
    server.release()
    parent.join()

    assert result == str((EMAIL, 2))
    assert len(server.token_requests) == 1


@pytest.mark.parametrize("hook", ["token_request", "identity"])
def test_a_fetch_that_fails_before_anything_is_sent_leaves_the_way_free(shell, hook):
    """
    ReviewStage/luke#1052: the promise that was noted first was never cleared.
    """

    class BrokenAuth(VoucherAuth):
        is_broken = True

    def broken(self):
        if self.is_broken:
            raise KeyError("hidden")
        return getattr(VoucherAuth, hook)(self)

    setattr(BrokenAuth, hook, broken)
    server = TokenServer()
    auth = BrokenAuth(cache=WatchedCache())
    error = looked_up(shell, auth, server)
    auth.is_broken = False

    outcome = looked_up(shell, auth, server)

    assert error.detail == "strategy:KeyError"
    assert outcome == EMAIL


def test_trio_and_asyncio_take_turns_on_one_strategy():
    """
    haystack-core-integrations#3789: an asyncio lock met its second loop.
    """
    server = TokenServer()
    auth = VoucherAuth(cache=WatchedCache())
    lookup = resolver(AsyncHttpResolver, auth, server)

    async def main():
        return (await lookup.resolve("C-1")).email.reveal()

    outcomes = [asyncio.run(main()), trio.run(main), asyncio.run(main())]

    assert outcomes == [EMAIL] * 3
    assert len(server.token_requests) == 1
