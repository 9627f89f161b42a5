"""
Promise 6: every call ends within its deadline, with bounded memory, whatever the other side does.
"""

from __future__ import annotations

import time
import tracemalloc

import httpx
import pytest

from careof import CareofError, ContactSelector, Limits, NetworkPolicy, RequestTemplate
from careof.auth import TokenEndpointAuth
from careof.errors import DeadlineError
from tests.support.server import Server

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
