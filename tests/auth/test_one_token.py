"""
Promise 8: any number of threads, tasks and event loops cause one token request
per configuration, and no tenant ever sees another tenant's token.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

import anyio
import httpx
import pytest
import trio
import trio.testing

from careof import AsyncHttpResolver, HttpResolver, Limits, Secret
from careof.auth import OAuth2ClientCredentials, TokenEndpointAuth
from careof.errors import (
    AuthenticationError,
    CareofError,
    DeadlineError,
)
from careof.testing import FakeClock
from tests.support.canary import frames_of
from tests.support.forks import in_a_child
from tests.support.tokens import (
    EMAIL,
    TOKEN_URL,
    TokenServer,
    VoucherAuth,
    WatchedCache,
    resolver,
    wait_until,
)

TASKS = 200
THREADS = 50


def outcome_of(resolve):
    try:
        return resolve("C-1").email.reveal()
    except CareofError as error:
        return error


async def async_outcome_of(resolve):
    try:
        return (await resolve("C-1")).email.reveal()
    except CareofError as error:
        return error


async def tasks(lookup, number):
    """
    What *number* tasks of this loop get that resolve at once.
    """
    outcomes = []

    async def one():
        outcomes.append(await async_outcome_of(lookup.resolve))

    async with anyio.create_task_group() as group:
        for _ in range(number):
            group.start_soon(one)
    return outcomes


def in_asyncio(auth, server, **options):
    return asyncio.run(tasks(resolver(AsyncHttpResolver, auth, server, **options), TASKS))


def in_trio(auth, server, **options):
    return trio.run(tasks, resolver(AsyncHttpResolver, auth, server, **options), TASKS)


def in_threads(auth, server, **options):
    lookup = resolver(HttpResolver, auth, server, **options)
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(outcome_of, [lookup.resolve] * THREADS))


def in_loops_and_threads(auth, server, **options):
    """
    Two loops of asyncio, two of Trio, and plain threads, all at once.
    """
    crowds = [in_asyncio, in_trio, in_asyncio, in_trio, in_threads]
    with ThreadPoolExecutor(len(crowds)) as pool:
        parts = list(pool.map(lambda crowd: crowd(auth, server, **options), crowds))
    return [outcome for part in parts for outcome in part]


CROWDS = [(in_asyncio, 200), (in_trio, 200), (in_threads, 50), (in_loops_and_threads, 850)]
crowds = pytest.mark.parametrize("crowd, size", CROWDS)


@contextlib.contextmanager
def held(server, *, until):
    """
    Let *server* answer token requests only when the condition *until* holds.
    """

    def release():
        try:
            wait_until(until)
        finally:
            server.release()

    server.hold()
    thread = threading.Thread(target=release)
    thread.start()
    try:
        yield
    finally:
        thread.join()


@crowds
def test_a_cold_burst_asks_for_one_token(crowd, size):
    """
    The endpoint answers when all have seen that there is none: every one of
    them would ask, if it did not join the flight or look again.
    """
    server = TokenServer()
    auth = VoucherAuth(cache=WatchedCache())

    with held(server, until=lambda: auth.cache.misses >= size):
        outcomes = crowd(auth, server)

    assert outcomes == [EMAIL] * size
    assert len(server.token_requests) == 1
    assert set(server.lookups) == {"Bearer token-1"}


@crowds
def test_when_a_token_has_expired_a_burst_asks_for_one(crowd, size):
    clock = FakeClock()
    server = TokenServer()
    auth = VoucherAuth(cache=WatchedCache(), clock=clock)
    outcome_of(resolver(HttpResolver, auth, server).resolve)
    clock.advance(3600)

    outcomes = crowd(auth, server)

    assert outcomes == [EMAIL] * size
    assert len(server.token_requests) == 2
    assert set(server.lookups[1:]) == {"Bearer token-2"}


@crowds
def test_when_a_token_is_revoked_all_calls_succeed_with_one_more(crowd, size):
    """
    The endpoint gives the next one when each has been rejected, or has seen
    that there is none any more.
    """
    server = TokenServer()
    auth = VoucherAuth(cache=WatchedCache())
    outcome_of(resolver(HttpResolver, auth, server).resolve)
    server.revoke()
    before = auth.cache.misses

    with held(server, until=lambda: server.rejections + auth.cache.misses - before >= size):
        outcomes = crowd(auth, server)

    assert outcomes == [EMAIL] * size
    assert len(server.token_requests) == 2
    assert server.lookups.count("Bearer token-2") == size


@crowds
def test_near_its_end_a_burst_uses_the_token_and_asks_for_one(crowd, size):
    clock = FakeClock()
    server = TokenServer()
    auth = VoucherAuth(cache=WatchedCache(), clock=clock)
    outcome_of(resolver(HttpResolver, auth, server).resolve)
    clock.advance(3570)
    server.hold()

    outcomes = crowd(auth, server)
    server.release()
    wait_until(lambda: auth.cache.fillings == 2)

    assert outcomes == [EMAIL] * size
    assert len(server.token_requests) == 2
    assert set(server.lookups) == {"Bearer token-1"}


@crowds
def test_an_endpoint_that_fails_is_asked_once_for_a_wave(crowd, size):
    server = TokenServer()
    server.answer = httpx.Response(401, json={"error": "invalid_client"})
    auth = OAuth2ClientCredentials(TOKEN_URL, "client", "secret", cache=WatchedCache())

    with held(server, until=lambda: auth.cache.misses >= size):
        outcomes = crowd(auth, server)

    assert len(server.token_requests) == 1
    assert {(type(error), error.error, error.step) for error in outcomes} == {
        (AuthenticationError, "invalid_client", "token")
    }
    assert len({id(error) for error in outcomes}) == size
    assert {name for error in outcomes for name in frames_of(error)} <= {"resolve", "unwrap"}
    assert server.lookups == []


def test_a_slow_endpoint_of_one_tenant_does_not_hold_another(shell):
    slow, quick = TokenServer(), TokenServer()
    slow.hold()
    cache = WatchedCache()
    auth = VoucherAuth(cache=cache)
    waiting = threading.Thread(
        target=outcome_of, args=(resolver(HttpResolver, auth, slow).resolve,)
    )
    waiting.start()
    wait_until(lambda: slow.token_requests)

    contact = shell.call(resolver(shell.HttpResolver, auth, quick).resolve, "C-1")

    assert contact.email.reveal() == EMAIL
    assert slow.lookups == []
    slow.release()
    waiting.join()


def test_no_tenant_gets_the_token_of_another(shell):
    """
    One endpoint, one process cache, many clients, each asked for twice.
    """
    server = TokenServer()
    clients = [("a", "s"), ("b", "s"), ("a", "t"), ("as", ""), ("a", "s ")]
    lookups = [
        resolver(shell.HttpResolver, OAuth2ClientCredentials(TOKEN_URL, *client), server)
        for client in clients
        if client[1]
    ] * 2

    for lookup in lookups:
        shell.call(lookup.resolve, "C-1")

    first, second = server.lookups[:4], server.lookups[4:]
    assert first == second
    assert len(set(first)) == len(server.token_requests) == 4


class ThreadsTenant(threading.local):
    """
    The tenant of a thread, with the words of a context variable.
    """

    name = "nobody"

    def set(self, name):
        self.name = name

    def get(self):
        return self.name


def bank(request):
    """
    A customer whose tokens name their tenant, and whose contacts name their token.
    """
    if request.url.path == "/token":
        token = request.content.decode().removeprefix("secret=")
        return httpx.Response(200, json={"access_token": token, "expires_in": 3600})
    name = request.headers["authorization"].removeprefix("Bearer ")
    return httpx.Response(200, json={"email": f"{name}@customer.example"})


@pytest.fixture(params=["context", "thread"])
def tenant(request):
    """
    Where a host keeps the tenant that it works for.
    """
    if request.param == "thread":
        return ThreadsTenant()
    return contextvars.ContextVar("tenant", default="nobody")


def test_a_secret_that_depends_on_the_tenant_brings_the_token_of_that_tenant(shell, tenant):
    """
    Read on the thread of the flight, it would be the secret of somebody else.
    """
    auth = TokenEndpointAuth(
        TOKEN_URL, form={"secret": Secret.from_callable(tenant.get)}, cache=WatchedCache()
    )
    lookup = resolver(shell.HttpResolver, auth, httpx.MockTransport(bank))
    found = []

    for name in ("kim", "lee", "kim", "lee"):
        tenant.set(name)
        found.append(shell.call(lookup.resolve, "C-1").email.reveal().partition("@")[0])

    assert found == ["kim", "lee", "kim", "lee"]
    assert auth.cache.fillings == 2


def test_a_secret_rotated_during_the_lookup_keeps_its_token_under_its_own_key(shell):
    """
    The new token belongs to the new secret, and not to the one the lookup began with.
    """
    secret, revoked = ["old"], []

    def endpoint(request):
        if request.headers.get("authorization") in revoked:
            secret[:] = ["new"]
            return httpx.Response(401)
        return bank(request)

    auth = TokenEndpointAuth(
        TOKEN_URL, form={"secret": Secret.from_callable(lambda: secret[0])}, cache=WatchedCache()
    )
    lookup = resolver(shell.HttpResolver, auth, httpx.MockTransport(endpoint))

    found = []

    for _ in range(3):
        found.append(shell.call(lookup.resolve, "C-1").email.reveal())
        revoked[:] = ["Bearer old"]

    assert found == ["old@customer.example", "new@customer.example", "new@customer.example"]
    assert auth.cache.fillings == 2


def test_the_answer_is_read_with_the_context_variables_of_the_caller(shell):
    tenant = contextvars.ContextVar("tenant", default="nobody")
    seen = []

    class ReadingAuth(VoucherAuth):
        def read_token(self, response):
            seen.append(tenant.get())
            return super().read_token(response)

    tenant.set("kim")
    auth = ReadingAuth(cache=WatchedCache())
    shell.call(resolver(shell.HttpResolver, auth, TokenServer()).resolve, "C-1")

    assert seen == ["kim"]


def test_a_wrong_secret_is_not_served_from_the_cache(shell):
    server = TokenServer()
    right = OAuth2ClientCredentials(TOKEN_URL, "client", Secret("right"))
    shell.call(resolver(shell.HttpResolver, right, server).resolve, "C-1")
    server.answer = httpx.Response(401, json={"error": "invalid_client"})
    wrong = OAuth2ClientCredentials(TOKEN_URL, "client", Secret("wrong"))

    with pytest.raises(AuthenticationError, match="invalid_client"):
        shell.call(resolver(shell.HttpResolver, wrong, server).resolve, "C-1")


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_leader_that_is_cancelled_does_not_take_the_token_with_it(backend):
    server = TokenServer()
    server.hold()
    lookup = resolver(AsyncHttpResolver, VoucherAuth(cache=WatchedCache()), server)

    outcomes = []

    async def lead(scope):
        with scope:
            await lookup.resolve("C-1")
            outcomes.append("the leader went on")

    async def follow():
        outcomes.append(await async_outcome_of(lookup.resolve))

    async def main():
        leader = anyio.CancelScope()
        async with anyio.create_task_group() as group:
            group.start_soon(lead, leader)
            await anyio.wait_all_tasks_blocked()
            for _ in range(5):
                group.start_soon(follow)
            await anyio.wait_all_tasks_blocked()
            leader.cancel()
            await anyio.wait_all_tasks_blocked()
            server.release()

    anyio.run(main, backend=backend)

    assert outcomes == [EMAIL] * 5
    assert len(server.token_requests) == 1


def test_when_every_caller_is_impatient_the_token_still_arrives(shell):
    """
    A fetch that each caller begins anew would never end.
    """
    server = TokenServer()
    server.hold()
    auth = VoucherAuth(cache=WatchedCache())
    hurried = resolver(shell.HttpResolver, auth, server, limits=Limits(deadline=0.02))

    for _ in range(3):
        with pytest.raises(DeadlineError):
            shell.call(hurried.resolve, "C-1")
    server.release()
    wait_until(lambda: auth.cache.fillings == 1)
    shell.call(hurried.resolve, "C-1")

    assert len(server.token_requests) == 1


def cancelled_in_asyncio(lookup):
    async def main():
        task = asyncio.ensure_future(lookup.resolve("C-1"))
        await anyio.wait_all_tasks_blocked()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())


def cancelled_in_trio(lookup):
    async def main():
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(lookup.resolve, "C-1")
                await trio.testing.wait_all_tasks_blocked()
                scope.cancel()

    trio.run(main)


@pytest.mark.parametrize("run", [cancelled_in_asyncio, cancelled_in_trio])
def test_a_loop_that_ends_leaves_the_flight_to_the_others(run):
    server = TokenServer()
    server.hold()
    auth = VoucherAuth(cache=WatchedCache())

    run(resolver(AsyncHttpResolver, auth, server))
    with held(server, until=lambda: auth.cache.misses == 2):
        outcome = outcome_of(resolver(HttpResolver, auth, server).resolve)

    assert outcome == EMAIL
    assert len(server.token_requests) == 1


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_blocking_code_on_the_thread_of_a_loop_shares_its_flight(backend):
    """
    If the loop had to run for the token to come, this would never end.
    """
    server = TokenServer()
    auth = VoucherAuth(cache=WatchedCache())
    blocking = resolver(HttpResolver, auth, server)
    waiting = resolver(AsyncHttpResolver, auth, server)
    outcomes = []

    async def one():
        outcomes.append(await async_outcome_of(waiting.resolve))

    async def main():
        async with anyio.create_task_group() as group:
            group.start_soon(one)
            await anyio.wait_all_tasks_blocked()
            outcomes.append(outcome_of(blocking.resolve))

    with held(server, until=lambda: auth.cache.misses == 2):
        anyio.run(main, backend=backend)

    assert outcomes == [EMAIL, EMAIL]
    assert len(server.token_requests) == 1


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_other_tasks_of_a_loop_run_while_a_token_is_fetched(backend):
    server = TokenServer()
    server.hold()
    lookup = resolver(AsyncHttpResolver, VoucherAuth(cache=WatchedCache()), server)
    outcomes = []

    async def main():
        async with anyio.create_task_group() as group:
            group.start_soon(lookup.resolve, "C-1")
            await anyio.wait_all_tasks_blocked()
            outcomes.append("ran")
            server.release()

    anyio.run(main, backend=backend)

    assert outcomes == ["ran"]
    assert len(server.lookups) == 1


def test_one_strategy_works_in_one_loop_after_another_and_in_between():
    server = TokenServer()
    auth = VoucherAuth(cache=WatchedCache())

    outcomes = [
        *in_asyncio(auth, server),
        *in_trio(auth, server),
        outcome_of(resolver(HttpResolver, auth, server).resolve),
        *in_asyncio(auth, server),
    ]

    assert outcomes == [EMAIL] * (3 * TASKS + 1)
    assert len(server.token_requests) == 1


def test_a_child_forked_during_a_flight_fetches_for_itself():
    """
    The flight is in a thread that the child does not have.
    """
    server = TokenServer()
    server.hold()
    auth = VoucherAuth(cache=WatchedCache())
    lookup = resolver(HttpResolver, auth, server)
    parent = threading.Thread(target=outcome_of, args=(lookup.resolve,))
    parent.start()
    wait_until(lambda: server.token_requests)

    def child():
        server.is_in_a_child()
        outcome = outcome_of(lookup.resolve)
        return outcome, len(server.token_requests)

    result = in_a_child(child)
    server.release()
    parent.join()

    assert result == str((EMAIL, 2))
    assert len(server.token_requests) == 1


def test_a_token_request_through_the_strategy_itself_ends_as_an_error(shell):
    """
    It would wait for itself.
    """

    class Loop(VoucherAuth):
        def token_request(self):
            lookup = resolver(HttpResolver, self, server, limits=Limits(deadline=0.02))
            raise outcome_of(lookup.resolve)

    server = TokenServer()

    with pytest.raises(AuthenticationError, match="the token that it asks for") as caught:
        shell.call(resolver(shell.HttpResolver, Loop(), server).resolve, "C-1")

    assert (caught.value.step, caught.value.detail) == ("token", "strategy")
    assert server.token_requests == []
