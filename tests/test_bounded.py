"""
Promise 6: every call ends within its deadline, with bounded memory, whatever the other side does.
"""

from __future__ import annotations

import asyncio
import socket
import time
import tracemalloc

import httpx
import pytest

from careof import (
    CareofError,
    ContactSelector,
    Limits,
    NetworkPolicy,
    RequestTemplate,
    RetryPolicy,
)
from careof._network.connection import CHUNK, MOST_SILENT
from careof.auth import TokenEndpointAuth
from careof.errors import DeadlineError, EndpointUnavailableError
from tests.support.server import EMAIL, Server, trusting
from tests.support.streams import talkative

SELECTOR = ContactSelector(email="$.email")
QUICK = Limits(deadline=0.5, attempt=0.4, connect=0.3)
GENEROUS = 4.0  # seconds: machines are shared, and a call that hangs takes for ever
MEBIBYTE = 1024 * 1024


def resolver(shell, server, **options):
    return shell.HttpResolver(
        RequestTemplate(server.origin + "/{reference_id}"),
        SELECTOR,
        network=NetworkPolicy.for_loopback(),
        **{"limits": QUICK, **options},
    )


@pytest.mark.parametrize(
    "mode",
    ["silence", "dripped_headers", "dripped_body", "dripped_chunks", "dripped_interim"],
)
def test_a_server_that_takes_its_time_does_not_take_ours(shell, mode):
    with Server(mode) as server:
        begun = time.monotonic()
        with pytest.raises(DeadlineError):
            shell.call(resolver(shell, server).resolve, "ref-1")

        assert time.monotonic() - begun < GENEROUS


@pytest.mark.parametrize(
    "mode", ["endless_body", "announced_giant", "huge_headers", "endless_interim"]
)
def test_a_server_that_sends_too_much_does_not_fill_our_memory(shell, mode):
    with Server(mode) as server:
        kept = resolver(shell, server, limits=Limits(deadline=5))
        tracemalloc.start()
        try:
            with pytest.raises(CareofError):
                shell.call(kept.resolve, "ref-1")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    # The cap, the libraries that are imported on first use, and the server's
    # own half of this process.
    assert peak < 16 * MEBIBYTE


def resolve_over_tls(shell, server):
    # As long as it likes: what ends the call is not the deadline.
    return resolver(
        shell,
        server,
        limits=Limits(deadline=60, attempt=60, connect=60),
        ssl_context=trusting(),
        retry=RetryPolicy.never(),
    ).resolve


@pytest.mark.parametrize("tickets", [0, 4])
def test_a_few_session_tickets_do_no_harm(shell, tickets):
    with Server(tls=talkative(tickets)) as server:
        contact = shell.call(resolve_over_tls(shell, server), "ref-1")

    assert contact.email.reveal() == EMAIL


def test_session_tickets_without_end_are_not_listened_to(shell):
    with Server(tls=talkative(20_000)) as server:
        begun = time.monotonic()
        with pytest.raises(EndpointUnavailableError) as caught:
            shell.call(resolve_over_tls(shell, server), "ref-1")

        assert time.monotonic() - begun < GENEROUS
        assert caught.value.detail == "incomplete_answer"


@pytest.mark.parametrize("shell", ["asyncio"], indirect=True)
def test_an_event_loop_turns_between_two_pieces_of_session_tickets(shell, monkeypatch):
    """
    How much is read in one turn is what holds up the other tasks of the host.
    """
    taken = [0]  # bytes, one number for each turn of the loop

    class Counted(socket.socket):
        def recv(self, size):
            data = super().recv(size)
            taken[-1] += len(data)
            return data

    async def count_turns():
        while True:
            taken.append(0)
            await asyncio.sleep(0)

    async def main(resolve):
        counting = asyncio.create_task(count_turns())
        with pytest.raises(EndpointUnavailableError):
            await resolve("ref-1")
        counting.cancel()

    with Server(tls=talkative(20_000)) as server:
        monkeypatch.setattr(socket, "socket", Counted)
        shell.call(main, resolve_over_tls(shell, server))

    assert sum(taken) > MOST_SILENT
    assert max(taken) <= CHUNK


def test_a_silent_token_endpoint_is_bounded_as_well(shell):
    with Server("silence") as tokens, Server() as server:
        auth = TokenEndpointAuth(tokens.origin + "/token")
        begun = time.monotonic()
        with pytest.raises(DeadlineError) as caught:
            shell.call(resolver(shell, server, auth=auth).resolve, "ref-1")

        assert time.monotonic() - begun < GENEROUS
        assert caught.value.step == "token"
        assert server.connections == 0


def test_an_async_transport_of_somebody_else_is_cut_off_at_the_deadline(shell):
    if shell.name == "sync":
        transport = httpx.MockTransport(lambda request: _raise(httpx.ReadTimeout("late")))
    else:

        async def never(request):
            import anyio

            await anyio.sleep_forever()

        transport = httpx.MockTransport(never)
    kept = shell.HttpResolver(
        RequestTemplate("https://contacts.customer.example/{reference_id}"),
        SELECTOR,
        limits=QUICK,
        transport=transport,
    )
    with pytest.raises(DeadlineError):
        shell.call(kept.resolve, "ref-1")


def _raise(error):
    raise error


@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan"), "soon"])
def test_no_limit_can_be_taken_away(value):
    with pytest.raises(ValueError, match="deadline"):
        Limits(deadline=value)
