"""
A cache that others use as well, behind the memory of this process.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from unittest.mock import Mock

import anyio
import httpx
import pytest

from careof import AsyncHttpResolver, HttpResolver, Limits
from careof._network.network import AsyncNetwork, Network
from careof._network.waits import drive
from careof.auth import AccessToken, _claim
from careof.auth._lease import AsyncLease, Lease
from careof.auth._sharing import Shared
from careof.errors import AuthenticationError, ConfigurationError
from careof.testing import FakeClock
from tests.support.canary import all_logs, frames_of
from tests.support.crowds import (
    StoppedLoop,
    async_outcome_of,
    held,
    in_asyncio,
    in_threads,
    in_trio,
    landed,
    looked_up,
    outcome_of,
)
from tests.support.stores import AsyncSharedCache, SharedCache, misbehaving, shared_cache
from tests.support.tokens import (
    CONTACT_URL,
    EMAIL,
    TokenServer,
    VoucherAuth,
    request_in,
    resolver,
    wait_until,
)

NOW = FakeClock().time()


def in_turn(shell, auth, server, *between):
    """
    A lookup, and after each of *between* another one, while the loop goes on.
    """
    lookup = resolver(shell.HttpResolver, auth, server)

    def main():
        lookup.resolve("C-1")
        for act in between:
            act()
            lookup.resolve("C-1")
            landed()

    async def async_main():
        await lookup.resolve("C-1")
        for act in between:
            act()
            await lookup.resolve("C-1")
            await anyio.to_thread.run_sync(landed)

    shell.call(main if shell.name == "sync" else async_main)


@pytest.mark.parametrize(
    "crowd, size, kind",
    [
        (in_threads, 50, SharedCache),
        (in_asyncio, 200, AsyncSharedCache),
        (in_trio, 200, AsyncSharedCache),
        (in_asyncio, 200, SharedCache),
        (in_trio, 200, SharedCache),
    ],
)
def test_for_a_crowd_it_is_asked_once(crowd, size, kind):
    server = TokenServer()
    cache = kind()
    auth = VoucherAuth(cache=cache)

    # A loop that is busy with its crowd may come to the cache late.
    limits = Limits(deadline=60, attempt=30)

    with held(server, until=lambda: server.token_requests):
        outcomes = crowd(auth, server, limits=limits)

    assert outcomes == [EMAIL] * size
    assert cache.calls == ["get", "set"]
    assert len(server.token_requests) == 1


def test_a_token_that_is_there_is_used_without_a_token_request(shell):
    server = TokenServer()
    server._accepted.add("Bearer theirs")
    cache = shared_cache(shell)
    cache.result = lambda method: AccessToken("theirs", lifetime=60)

    outcome = looked_up(shell, VoucherAuth(cache=cache), server)

    assert outcome == EMAIL
    assert server.lookups == ["Bearer theirs"]
    assert (server.token_requests, cache.calls) == ([], ["get"])


def test_a_token_that_was_fetched_is_put_there(shell):
    server = TokenServer()
    cache = shared_cache(shell)

    looked_up(shell, VoucherAuth(cache=cache), server)

    assert cache.values == ["token-1"]


def test_a_token_in_memory_asks_nobody(shell):
    server = TokenServer()
    cache = shared_cache(shell)
    auth = VoucherAuth(cache=cache)
    for _ in range(3):
        looked_up(shell, auth, server)

    assert cache.calls == ["get", "set"]


def test_a_token_that_is_there_and_rejected_is_dropped_there_and_another_one_fetched(shell):
    server = TokenServer()
    cache = shared_cache(shell)
    auth = VoucherAuth(cache=cache)
    looked_up(shell, auth, server)
    server.revoke()

    outcome = looked_up(shell, auth, server)

    assert outcome == EMAIL
    assert cache.calls == ["get", "set", "get", "delete_if", "set"]
    assert cache.values == ["token-2"]


def test_a_rejected_token_is_dropped_there_even_if_no_other_one_comes(shell):
    server = TokenServer()
    cache = shared_cache(shell)
    auth = VoucherAuth(cache=cache)
    looked_up(shell, auth, server)
    server.revoke()
    server.answer = httpx.Response(503)

    looked_up(shell, auth, server)

    assert cache.values == []


def test_a_rejected_token_that_is_not_there_any_more_is_dropped_nowhere(shell):
    server = TokenServer()
    cache = shared_cache(shell)
    auth = VoucherAuth(cache=cache)
    looked_up(shell, auth, server)
    server.revoke()
    cache.tokens.clear()

    looked_up(shell, auth, server)

    assert cache.calls == ["get", "set", "get", "set"]


def test_what_another_process_put_there_meanwhile_is_used_in_place_of_a_rejected_one(shell):
    server = TokenServer()
    cache = shared_cache(shell)
    auth = VoucherAuth(cache=cache)
    looked_up(shell, auth, server)
    server.revoke()
    server._accepted.add("Bearer theirs")
    cache.put(AccessToken("theirs", lifetime=60))

    outcome = looked_up(shell, auth, server)

    assert outcome == EMAIL
    assert server.lookups == ["Bearer token-1", "Bearer token-1", "Bearer theirs"]
    assert len(server.token_requests) == 1


def test_what_another_process_put_there_meanwhile_ends_a_refresh(shell):
    clock = FakeClock()
    server = TokenServer(lifetime=100)
    server._accepted.add("Bearer theirs")
    cache = shared_cache(shell)
    auth = VoucherAuth(cache=cache, clock=clock)

    def meanwhile():
        clock.advance(85)
        cache.put(AccessToken("theirs", clock.time() + 100, lifetime=100))

    in_turn(shell, auth, server, meanwhile, lambda: None)

    assert server.lookups == ["Bearer token-1", "Bearer token-1", "Bearer theirs"]
    assert len(server.token_requests) == 1


@pytest.mark.parametrize("lifetime", [100, None], ids=["said", "not said"])
def test_our_own_token_near_its_end_is_no_better_from_there(shell, lifetime):
    """
    Taken from there it would look new, and its successor would never come in time.
    """
    clock = FakeClock()
    server = TokenServer(lifetime=100)
    cache = shared_cache(shell)
    auth = VoucherAuth(cache=cache, clock=clock)

    def meanwhile():
        cache.put(AccessToken("token-1", clock.time() + 100, lifetime=lifetime))
        clock.advance(80)

    in_turn(shell, auth, server, meanwhile)

    assert len(server.token_requests) == 2
    assert cache.values == ["token-2"]


@pytest.mark.parametrize("passed, requests", [(79.5, 0), (80, 1)])
def test_leeway_counts_from_the_lifetime_that_a_token_began_with(shell, passed, requests):
    """
    Not from what is left of it: a process that starts late refreshes when the others do.
    """
    clock = FakeClock()
    server = TokenServer(lifetime=100)
    server._accepted.add("Bearer theirs")
    cache = shared_cache(shell)
    cache.result = lambda method: AccessToken("theirs", NOW + 100, lifetime=100)
    clock.advance(passed)

    outcome = looked_up(shell, VoucherAuth(cache=cache, clock=clock), server)

    assert outcome == EMAIL
    assert len(server.token_requests) == requests


@pytest.mark.parametrize(
    "token",
    [
        AccessToken("theirs", NOW),
        AccessToken("theirs", NOW - 5),
        AccessToken("theirs", NOW + 5, lifetime=0),
        AccessToken("theirs", float("-inf")),
    ],
    ids=["now", "past", "for one use", "ages ago"],
)
def test_a_token_that_has_ended_is_not_used(shell, token):
    server = TokenServer()
    cache = shared_cache(shell)
    cache.result = lambda method: token

    looked_up(shell, VoucherAuth(cache=cache, clock=FakeClock()), server)

    assert server.lookups == ["Bearer token-1"]


def test_a_token_from_there_ends_when_it_says(shell):
    clock = FakeClock()
    server = TokenServer()
    server._accepted.add("Bearer theirs")
    cache = shared_cache(shell)
    cache.result = lambda method: AccessToken("theirs", NOW + 50, lifetime=3600)
    auth = VoucherAuth(cache=cache, clock=clock, leeway=0)
    looked_up(shell, auth, server)
    clock.advance(49)
    looked_up(shell, auth, server)
    clock.advance(1)
    looked_up(shell, auth, server)

    assert server.lookups == ["Bearer theirs", "Bearer theirs", "Bearer token-1"]


def token_with(**times):
    """
    A token as no ``AccessToken`` can be built.
    """
    token = AccessToken("theirs")
    for name, value in times.items():
        object.__setattr__(token, name, value)
    return token


RUBBISH = [
    None,
    "theirs",
    b"theirs",
    5,
    {"value": "theirs"},
    Mock(),
    AccessToken,
    token_with(expires_at="soon"),
    token_with(lifetime="soon"),
    token_with(lifetime=object()),
]


@pytest.mark.parametrize("rubbish", RUBBISH, ids=range(len(RUBBISH)))
def test_what_is_no_token_is_as_good_as_nothing(shell, rubbish):
    server = TokenServer()
    cache = shared_cache(shell)
    cache.result = lambda method: rubbish

    outcome = looked_up(shell, VoucherAuth(cache=cache), server)

    assert outcome == EMAIL
    assert server.lookups == ["Bearer token-1"]
    assert cache.calls == ["get", "set"]


@pytest.mark.parametrize(
    "error",
    [ConnectionError("hidden"), KeyError("hidden"), TimeoutError("hidden"), SystemExit("hidden")],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("method", ["get", "set", "delete_if"])
def test_a_method_that_raises_costs_a_token_request_and_shows_nothing(shell, method, error):
    def behave(name):
        if name == method:
            raise error

    server = TokenServer()
    cache = SharedCache() if isinstance(error, SystemExit) else shared_cache(shell)
    auth = VoucherAuth(cache=cache)
    cache.behave = behave if isinstance(cache, SharedCache) else misbehaving(shell, behave)

    with all_logs() as logs:
        outcomes = [looked_up(shell, auth, server)]
        server.revoke()
        outcomes.append(looked_up(shell, auth, server))

    assert outcomes == [EMAIL, EMAIL]
    assert server.lookups == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]
    assert [text for text in logs if "hidden" in text] == []


def test_a_failure_of_the_token_endpoint_is_shown_without_the_cache_behind_it(shell):
    def behave(name):
        raise ConnectionError("hidden")

    server = TokenServer()
    server.answer = httpx.Response(503)
    cache = shared_cache(shell)
    cache.behave = misbehaving(shell, behave)

    error = looked_up(shell, VoucherAuth(cache=cache), server)

    assert (error.step, error.status) == ("token", 503)
    assert (error.__cause__, error.__context__) == (None, None)
    assert set(frames_of(error)) <= {"resolve", "unwrap"}


async def hang(method):
    await anyio.sleep_forever()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_an_async_cache_that_hangs_costs_one_attempt_and_no_more(backend):
    """
    It is not asked again: four of its methods would take the time of the lookup.
    """
    server = TokenServer()
    cache = AsyncSharedCache()
    auth = VoucherAuth(cache=cache)
    limits = Limits(deadline=5, attempt=0.05)
    lookup = resolver(AsyncHttpResolver, auth, server, limits=limits)
    left = []

    async def hang_and_look(method):
        left.append(anyio.current_effective_deadline() - anyio.current_time())
        await anyio.sleep_forever()

    cache.behave = hang_and_look
    outcome = anyio.run(async_outcome_of, lookup.resolve, backend=backend)

    assert outcome == EMAIL
    assert cache.calls == ["get"]
    assert 0 < left[0] <= 0.05


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_what_an_async_cache_takes_is_counted_over_all_its_methods(backend):
    cache = AsyncSharedCache()

    async def main():
        async def slow(method):
            await anyio.sleep(0.05)

        cache.behave = slow
        lease = AsyncLease(VoucherAuth(cache=cache), httpx.Request("GET", CONTACT_URL))
        shared = lease._shared(Network())

        def four_times():
            for _ in range(4):
                shared.get()
            return shared._seconds

        return await anyio.to_thread.run_sync(four_times)

    left = anyio.run(main, backend=backend)

    assert Limits().attempt - 2 < left < Limits().attempt - 0.19


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_an_async_cache_whose_loop_ends_meanwhile_is_none(backend, caplog):
    """
    The one who began the flight is gone; those who wait for it get a token.
    """
    server = TokenServer()
    cache = AsyncSharedCache()
    cache.behave = hang
    auth = VoucherAuth(cache=cache)
    flights = []

    async def main():
        call = AsyncNetwork(transport=server).call(5)
        lease = AsyncLease(auth, call.carried_by(httpx.Request("GET", CONTACT_URL)))
        flights.append(lease._joined())
        await anyio.to_thread.run_sync(wait_until, lambda: cache.calls)

    anyio.run(main, backend=backend)

    assert flights[0].result(10).value.reveal() == "token-1"
    assert cache.calls == ["get"]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_an_async_cache_whose_loop_has_ended_is_none(backend):
    cache = AsyncSharedCache()

    async def main():
        return AsyncLease(VoucherAuth(cache=cache), httpx.Request("GET", CONTACT_URL))._shared(
            Network()
        )

    shared = anyio.run(main, backend=backend)

    assert shared.get() is None
    assert cache.calls == []


@pytest.fixture
def short(monkeypatch):
    """
    Limits under which a flight is given up soon.
    """
    monkeypatch.setattr(_claim, "GRACE", 0.05)
    return Limits(deadline=5, attempt=0.1)


@pytest.mark.parametrize("method", ["get", "set"])
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_when_the_loop_of_an_async_cache_stops_for_ever_others_get_a_token(backend, method, short):
    """
    azure-sdk-for-net#45351, for a store that only a loop can reach.
    """
    server = TokenServer()
    cache = AsyncSharedCache()
    lookup = resolver(AsyncHttpResolver, VoucherAuth(cache=cache), server, limits=short)

    with StoppedLoop(backend) as loop:

        async def stop(name):
            if name == method:
                cache.behave = None
                loop.stop()

        async def main():
            await async_outcome_of(lookup.resolve)

        cache.behave = stop
        loop.run(main)
        outcome = anyio.run(async_outcome_of, lookup.resolve, backend=backend)
        landed()  # the flight of the one that stopped as well

    assert outcome == EMAIL


def test_a_blocking_cache_in_async_code_holds_no_loop():
    """
    httpx_auth#48 and #72, for a store that is slow.
    """
    server = TokenServer()
    cache = SharedCache()
    may_end = threading.Event()
    cache.behave = lambda method: may_end.wait(10)
    lookup = resolver(AsyncHttpResolver, VoucherAuth(cache=cache), server)
    ran = []

    async def main():
        task = asyncio.ensure_future(lookup.resolve("C-1"))
        await asyncio.to_thread(wait_until, lambda: cache.calls)
        ran.append("another task")
        may_end.set()
        return (await task).email.reveal()

    assert asyncio.run(main()) == EMAIL
    assert ran == ["another task"]


def test_the_context_variables_of_the_caller_are_seen(shell):
    tenant = contextvars.ContextVar("tenant", default="nobody")
    seen = []
    cache = shared_cache(shell)
    cache.behave = misbehaving(shell, lambda method: seen.append((method, tenant.get())))

    tenant.set("kim")
    looked_up(shell, VoucherAuth(cache=cache), TokenServer())

    assert seen == [("get", "kim"), ("set", "kim")]


ASYNC_ONLY = "cache: an AsyncTokenCache is for async code; here a TokenCache is needed."


def test_blocking_code_with_an_async_cache_is_told_so_at_once():
    """
    Not only when the memory has no token, or it would work at times.
    """
    auth = VoucherAuth(cache=AsyncSharedCache())

    with pytest.raises(ConfigurationError) as caught:
        Lease(auth, httpx.Request("GET", CONTACT_URL))

    assert str(caught.value) == ASYNC_ONLY


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_blocking_code_on_the_thread_of_a_loop_is_told_so_as_well(backend):
    """
    The loop could not run while it waits.
    """
    server = TokenServer()
    auth = VoucherAuth(cache=AsyncSharedCache())
    blocking = resolver(HttpResolver, auth, server)
    waiting = resolver(AsyncHttpResolver, auth, server)

    async def main():
        found = await async_outcome_of(waiting.resolve)
        return found, outcome_of(blocking.resolve)

    found, error = anyio.run(main, backend=backend)

    assert found == EMAIL
    assert type(error) is AuthenticationError
    assert str(error) == ASYNC_ONLY


@pytest.mark.parametrize("value", ["tok\u00e9n", "a\r\nX-Evil: 1", "a b\x00"])
def test_a_token_there_that_no_header_can_carry_is_none(value):
    clock = FakeClock()
    server = TokenServer()
    cache = SharedCache()
    auth = VoucherAuth(cache=cache, clock=clock)
    lease = Lease(auth, request_in(server, clock=clock))
    cache.get = lambda key: AccessToken(value, clock.time() + 100)

    assert drive(lease.fetched()).value.reveal() == "token-1"


def test_a_token_there_that_was_revoked_is_replaced_within_the_lookup(shell):
    """
    Another process fetched it, a while ago: it is not fresh, as one of our own would be.
    """
    server = TokenServer()
    cache = SharedCache()
    cache.get = lambda key: AccessToken("revoked", 9e9)

    outcome = looked_up(shell, VoucherAuth(cache=cache), server)

    assert outcome == EMAIL
    assert server.lookups == ["Bearer revoked", "Bearer token-1"]


def test_while_one_call_of_a_cache_hangs_the_others_do_without_it():
    """
    Each would have a thread that hangs as well, until there are no more.
    """
    comes_back = threading.Event()
    cache = SharedCache()
    calls = []

    def hang(key):
        calls.append(key)
        comes_back.wait(10)

    cache.get = hang
    stuck = Shared(cache, "a", loop=None, seconds=0.01)
    thread = threading.Thread(target=stuck.get)
    thread.start()
    wait_until_true(stuck._is_stuck)

    assert Shared(cache, "b", loop=None, seconds=0.01).get() is None
    assert calls == ["a"]
    comes_back.set()
    thread.join()
    assert not stuck._is_stuck()


def wait_until_true(condition):
    ended = threading.Event()
    for _ in range(1000):
        if condition():
            return
        ended.wait(0.005)
    raise AssertionError


def test_siblings_of_one_parent_do_not_meet_in_a_store(monkeypatch):
    """
    Numbers of things are given out alike in all that were forked from one process:
    two tenants that differ in their certificate would have had one token.
    """
    cache = SharedCache()
    keys = []
    cache.get = keys.append
    server = TokenServer()
    for process in (1, 2):
        monkeypatch.setattr(os, "getpid", lambda number=process: number)
        lease = Lease(VoucherAuth(cache=cache), request_in(server))
        lease._shared(lease._network).get()

    assert len(set(keys)) == 2
