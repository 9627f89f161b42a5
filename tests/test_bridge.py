from __future__ import annotations

import asyncio

import anyio.lowlevel
import httpx
import pytest
import trio
from anyio import to_thread

from careof import Limits
from careof._network import bridge
from careof._network.network import AsyncNetwork
from careof.auth import NoAuth
from careof.errors import CareofError, DeadlineError, UnexpectedAnswerError
from tests.support.crowds import StoppedLoop

REQUEST = httpx.Request("GET", "https://a.example/token")


class LoopOnly(httpx.AsyncBaseTransport):
    """
    A transport that only an event loop can run, such as ``httpx.ASGITransport``.
    """

    def __init__(self, *, pause=0.001, **answer):
        self._pause = pause
        self._answer = answer

    async def handle_async_request(self, request):
        await anyio.sleep(self._pause)
        return httpx.Response(200, **self._answer)


def asked_from_a_thread(run, transport, seconds=5, **limits):
    async def main():
        network = AsyncNetwork(transport=transport, limits=Limits(**limits))
        blocking = network.blocking()
        call = blocking.call(seconds)
        return await to_thread.run_sync(blocking.converse, REQUEST, NoAuth(), call)

    return asyncio.run(main()) if run == "asyncio" else trio.run(main)


@pytest.mark.parametrize("run", ["asyncio", "trio"])
def test_a_thread_asks_through_the_loop(run):
    response = asked_from_a_thread(run, LoopOnly(json={"id": 1}))

    assert response.json() == {"id": 1}


@pytest.mark.parametrize("run", ["asyncio", "trio"])
def test_a_thread_waits_no_longer_than_its_call(run):
    failure = asked_from_a_thread(run, LoopOnly(pause=5), seconds=0.1)

    assert type(failure) is DeadlineError


@pytest.mark.parametrize("run", ["asyncio", "trio"])
def test_the_cap_holds_on_the_way_through_the_loop(run):
    failure = asked_from_a_thread(run, LoopOnly(content=b" " * 11), max_body=10)

    assert (type(failure), failure.detail) == (UnexpectedAnswerError, "too_large")


def test_a_loop_that_is_gone_is_an_error_of_ours():
    async def main():
        return AsyncNetwork(transport=LoopOnly()).blocking()

    blocking = asyncio.run(main())

    assert isinstance(blocking.send(REQUEST), CareofError)


@pytest.mark.parametrize("run", ["asyncio", "trio"])
def test_a_loop_that_stands_still_holds_no_thread_for_ever(run, monkeypatch):
    monkeypatch.setattr(bridge, "GRACE", 0.05)
    networks = []

    with StoppedLoop(run) as loop:

        async def main():
            networks.append(AsyncNetwork(transport=LoopOnly()).blocking())
            loop.stop()

        loop.run(main)
        call = networks[0].call(0.05)
        failure = networks[0].converse(REQUEST, NoAuth(), call)

    assert (type(failure), failure.step) == (DeadlineError, "status")


def test_on_the_way_through_the_loop_a_network_stays_the_same_to_tokens():
    async def main():
        network = AsyncNetwork(transport=LoopOnly())
        return network.place, network.blocking().place

    place, blocking = asyncio.run(main())

    assert blocking == place


def test_a_transport_for_threads_as_well_is_asked_directly():
    transport = httpx.MockTransport(lambda request: httpx.Response(200))

    assert AsyncNetwork(transport=transport).blocking().send(REQUEST).status_code == 200


def test_a_request_that_belongs_to_no_call_has_the_deadline_of_all():
    async def main(seconds):
        transport = LoopOnly(pause=0.1)
        blocking = AsyncNetwork(transport=transport, limits=Limits(deadline=seconds)).blocking()
        request = httpx.Request("GET", "https://a.example/token")
        return await to_thread.run_sync(blocking.send, request)

    assert asyncio.run(main(10)).status_code == 200
    assert type(asyncio.run(main(0.05))) is DeadlineError
