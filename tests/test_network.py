from __future__ import annotations

import time

import anyio
import anyio.lowlevel
import httpx
import pytest
import respx

from careof import Limits, NetworkPolicy
from careof._network.network import MAX_REQUESTS, AsyncNetwork, Network
from careof._network.tls import default_context
from careof.auth import NoAuth
from careof.errors import (
    AuthenticationError,
    DeadlineError,
    DestinationRefusedError,
    ReferenceGoneError,
)
from careof.testing import FakeClock
from tests.support.server import BODY, Server

URL = "https://contacts.example/c/canary-ref"
CANARY = "canary-secret-0001"


def network_of(shell, answer=None, **settings):
    """
    A network over a transport that answers as *answer* does.
    """
    if callable(answer):
        settings["transport"] = httpx.MockTransport(answer)
    return (Network if shell.name == "sync" else AsyncNetwork)(**settings)


def converse(shell, network, auth=None, seconds=5, url=URL):
    call = network.call(seconds)
    return shell.call(network.converse, httpx.Request("GET", url), auth or NoAuth(), call)


def ok(request):
    return httpx.Response(200, json={"id": 1})


class Flow(httpx.Auth):
    """
    A strategy whose flow is a function of the request.
    """

    def __init__(self, flow):
        self._flow = flow

    def auth_flow(self, request):
        return self._flow(request)


def test_an_answer_comes_back_with_its_request(shell):
    router = respx.Router()
    route = router.get(URL).respond(json={"id": 1})
    response = converse(shell, network_of(shell, router.handler))

    assert (response.json(), response.request.url) == ({"id": 1}, URL)
    assert route.call_count == 1


def test_no_request_goes_where_the_policy_does_not_let_it(shell):
    router = respx.Router()
    failure = converse(shell, network_of(shell, router.handler), url="https://10.0.0.1/")

    assert type(failure) is DestinationRefusedError
    assert router.calls.call_count == 0


def test_a_request_of_a_strategy_is_guarded_as_well(shell):
    def flow(request):
        yield httpx.Request("GET", "http://169.254.169.254/latest/meta-data/")
        yield request

    router = respx.Router()
    failure = converse(shell, network_of(shell, router.handler), Flow(flow))

    assert type(failure) is DestinationRefusedError
    assert router.calls.call_count == 0


def test_a_strategy_may_ask_more_than_once_and_reads_each_answer(shell):
    def flow(request):
        token = yield httpx.Request("POST", "https://contacts.example/token")
        request.headers["Authorization"] = token.json()["token"]
        yield request

    def answer(request):
        if request.url.path == "/token":
            return httpx.Response(200, json={"token": "t"})
        return httpx.Response(200, json={"seen": request.headers["Authorization"]})

    response = converse(shell, network_of(shell, answer), Flow(flow))

    assert response.json() == {"seen": "t"}


def test_a_strategy_that_loops_is_stopped(shell):
    requests = []

    def flow(request):
        while True:
            yield request

    def answer(request):
        requests.append(request)
        return httpx.Response(401)

    failure = converse(shell, network_of(shell, answer), Flow(flow))

    assert (type(failure), len(requests)) == (AuthenticationError, MAX_REQUESTS)


def test_a_strategy_may_use_all_of_its_requests(shell):
    def flow(request):
        for _ in range(MAX_REQUESTS):
            yield request

    assert converse(shell, network_of(shell, ok), Flow(flow)).status_code == 200


def yields_nothing(request):
    return
    yield request


def test_a_strategy_that_yields_nothing_has_failed(shell):
    failure = converse(shell, network_of(shell, ok), Flow(yields_nothing))

    assert (type(failure), failure.step) == (AuthenticationError, "token")


def fails_at_first(request):
    raise LookupError(CANARY)
    yield request


def fails_after_the_answer(request):
    yield request
    raise LookupError(CANARY)


class FailsWhenClosed(httpx.Auth):
    def sync_auth_flow(self, request):
        try:
            while True:
                yield request
        finally:
            raise LookupError(CANARY)

    async def async_auth_flow(self, request):
        try:
            while True:
                yield request
        finally:
            raise LookupError(CANARY)


class FailsWithoutFlow(httpx.Auth):
    def sync_auth_flow(self, request):
        raise LookupError(CANARY)

    async_auth_flow = sync_auth_flow


@pytest.mark.parametrize(
    "auth",
    [
        Flow(fails_at_first),
        Flow(fails_after_the_answer),
        FailsWhenClosed(),
        FailsWithoutFlow(),
    ],
)
def test_of_a_strategy_that_fails_only_the_class_name_is_kept(shell, auth):
    failure = converse(shell, network_of(shell, ok), auth)

    assert (type(failure), failure.detail) == (AuthenticationError, "strategy:LookupError")
    assert failure.__context__ is None
    assert "canary" not in f"{failure} {vars(failure)}"


def test_a_strategy_that_yields_no_request_has_failed(shell):
    def flow(request):
        yield CANARY

    failure = converse(shell, network_of(shell, ok), Flow(flow))

    assert (type(failure), "canary" in str(failure)) == (AuthenticationError, False)


def test_an_error_of_ours_that_a_strategy_raises_stays(shell):
    error = ReferenceGoneError("Gone.")

    def flow(request):
        raise error
        yield request

    assert converse(shell, network_of(shell, ok), Flow(flow)) is error


def test_a_strategy_is_closed_when_its_request_fails(shell):
    closed = []

    def flow(request):
        try:
            yield request
        finally:
            closed.append(True)

    def answer(request):
        raise httpx.ConnectError(CANARY)

    converse(shell, network_of(shell, answer), Flow(flow))

    assert closed == [True]


def test_a_foreign_transport_is_told_how_much_time_is_left(shell):
    seen = []

    def answer(request):
        seen.append(request.extensions["timeout"]["read"])
        return ok(request)

    converse(shell, network_of(shell, answer, clock=FakeClock()), seconds=5)

    assert seen == [5]


@pytest.mark.parametrize("shell", ["asyncio", "trio"], indirect=True)
def test_an_async_call_ends_in_time_whatever_its_strategy_does(shell):
    class Hangs(httpx.Auth):
        async def async_auth_flow(self, request):
            await anyio.sleep(5)
            yield request

    began = time.monotonic()
    failure = converse(shell, network_of(shell, ok), Hangs(), seconds=0.1)

    assert time.monotonic() - began < 3
    assert (type(failure), failure.step) == (DeadlineError, "token")


@pytest.mark.parametrize("shell", ["asyncio", "trio"], indirect=True)
def test_an_async_call_ends_in_time_whatever_its_transport_does(shell):
    class Hangs(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            await anyio.sleep(5)
            return ok(request)

    began = time.monotonic()
    failure = converse(shell, AsyncNetwork(transport=Hangs()), seconds=0.1)

    assert time.monotonic() - began < 3
    assert (type(failure), failure.step) == (DeadlineError, "status")


def test_a_probe_goes_nowhere_that_the_policy_refuses(shell):
    policy = NetworkPolicy(ports=None, allow_networks=["127.0.0.0/8"])
    request = httpx.Request("GET", "http://127.0.0.1:1/")
    failure = shell.call(network_of(shell, policy=policy).probe, request)

    assert type(failure) is DestinationRefusedError


def test_a_probe_of_our_own_transport_opens_a_connection(shell):
    network = network_of(shell, policy=NetworkPolicy.for_loopback())
    request = network.call(5).carried_by(httpx.Request("GET", "http://127.0.0.1:1/"))

    assert shell.call(network.probe, request).step == "connect"


def test_the_network_for_a_thread_is_the_same_to_tokens(shell):
    network = network_of(shell, ok, limits=Limits(deadline=7), clock=FakeClock())
    blocking = network.blocking()

    assert isinstance(blocking, Network)
    assert (blocking.place, blocking.is_anywhere, blocking.limits, blocking.clock) == (
        network.place,
        network.is_anywhere,
        network.limits,
        network.clock,
    )


@pytest.mark.parametrize("shell", ["asyncio", "trio"], indirect=True)
def test_a_transport_that_only_a_loop_can_run_serves_a_thread_as_well(shell):
    class LoopOnly(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            await anyio.lowlevel.checkpoint()
            return ok(request)

    async def main():
        blocking = AsyncNetwork(transport=LoopOnly()).blocking()
        return await anyio.to_thread.run_sync(blocking.send, httpx.Request("GET", URL))

    assert shell.call(main).status_code == 200


class FalseTransport(httpx.MockTransport):
    """
    A double that records calls, of which there is none yet, is false.
    """

    def __len__(self):
        return 0


def test_a_transport_that_is_false_is_used_and_not_the_network(shell):
    network = network_of(shell, transport=FalseTransport(ok))

    assert converse(shell, network).status_code == 200


class FalsePolicy(NetworkPolicy):
    def __len__(self):
        return 0


class FalseLimits(Limits):
    def __len__(self):
        return 0


def test_a_policy_and_limits_that_are_false_are_kept(shell):
    policy, limits = FalsePolicy(), FalseLimits()
    network = network_of(shell, ok, policy=policy, limits=limits)

    assert network.policy is policy
    assert network.limits is limits


def test_networks_with_other_transports_are_other_places(shell):
    assert network_of(shell, ok).place != network_of(shell, ok).place


def test_networks_without_anything_of_their_own_are_one_place(shell):
    assert network_of(shell).place == network_of(shell).place


@pytest.mark.parametrize(
    "policy",
    [
        NetworkPolicy(allow_http=True),
        NetworkPolicy(ports={443, 8443}),
        NetworkPolicy(ports=None),
        NetworkPolicy(allow_networks=["10.1.0.0/16"]),
        NetworkPolicy.for_loopback(),
    ],
)
def test_what_one_policy_lets_in_is_not_there_under_another(policy):
    """
    A token that was fetched where a lenient policy lets it would serve a strict one.
    """
    assert Network(policy=policy).place != Network().place


def test_equal_policies_are_one_place():
    ports = [443, 8443, 8080, 1, 2, 3]
    policies = [NetworkPolicy(ports=ports), NetworkPolicy(ports=ports[::-1])]

    assert len({Network(policy=policy).place for policy in policies}) == 1


def test_only_a_network_without_anything_of_its_own_is_the_same_elsewhere():
    networks = [
        Network(),
        Network(transport=httpx.MockTransport(ok)),
        Network(ssl_context=default_context()),
    ]

    assert [network.is_anywhere for network in networks] == [True, False, False]


class Double:
    """
    A connection without a socket.
    """

    opened = 1000.0
    closed = False

    def is_quiet(self):
        return True

    def close(self):
        self.closed = True


ORIGIN = ("https", "contacts.example", 443)


def test_a_network_that_is_closed_closes_its_idle_connections(shell):
    network = network_of(shell, reuse=True, clock=FakeClock())
    connection = Double()
    with network.call(5, may_reuse=True) as call:
        call.park(ORIGIN, connection)
        call.confirm()
    before = connection.closed
    network.close()

    assert (before, connection.closed) == (False, True)


def test_a_network_that_keeps_no_connections_can_be_closed(shell):
    network = network_of(shell, clock=FakeClock())
    network.close()

    assert network.call(5, may_reuse=True).take(ORIGIN) is None


def test_a_connection_serves_more_than_one_call_only_where_both_agree(shell):
    keeping, other = network_of(shell, reuse=True), network_of(shell)

    calls = keeping.call(5, may_reuse=True), keeping.call(5), other.call(5, may_reuse=True)
    for call in calls:
        call.question = httpx.Request("GET", "https://contacts.example/p-1")

    assert [call.may_reuse(call.question) for call in calls] == [True, False, False]


def test_our_own_strategy_asks_over_our_own_transport(shell):
    network = network_of(shell, policy=NetworkPolicy.for_loopback())
    with Server() as server:
        response = converse(shell, network, NoAuth(), url=f"{server.origin}/c/canary-ref")

    assert response.content == BODY
    assert len(server.requests) == 1
