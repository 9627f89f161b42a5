"""
The test of the way to a gateway: as far as one can go without a message.
"""

from __future__ import annotations

import anyio
import httpx

from careof import CheckStep, Limits, NetworkPolicy, Secret
from careof.auth import BearerAuth, MemoryTokenCache, TokenEndpointAuth
from careof.errors import (
    AuthenticationError,
    DeadlineError,
    EndpointUnavailableError,
    SendUnavailableError,
)
from tests.support.canary import SECRET, all_logs, every_view_of, seen_in
from tests.support.server import Server, certificate, trusting
from tests.support.texts import request

LIMITS = Limits(deadline=10, attempt=10, connect=5)


def checked(shell, origin="https://sms.gateway.example", auth=None, parts=None, **options):
    sender = shell.HttpGatewaySender(
        request(f"{origin}/messages", **(parts or {})),
        auth,
        **{"network": NetworkPolicy.for_loopback(), "limits": LIMITS, **options},
    )
    return shell.call(sender.check)


def states(report):
    return {step.name: step.state for step in report.steps}


def test_a_gateway_that_can_be_reached_is_sent_nothing(shell):
    with Server(tls=certificate("127.0.0.1")) as server:
        report = checked(shell, server.origin, BearerAuth(SECRET), ssl_context=trusting())

    assert report
    assert (server.connections, server.requests) == (1, [])
    assert states(report) == {
        "template": "ok",
        "destination": "ok",
        "connect": "ok",
        "tls": "ok",
        "token": "not needed",
        "message": "not needed",
    }
    assert "none was sent" in str(report)
    assert seen_in(every_view_of(report), (SECRET,)) == []


def test_a_gateway_without_tls_needs_none(shell):
    with Server() as server:
        report = checked(shell, server.origin)

    assert states(report)["tls"] == "not needed"
    assert server.requests == []


def test_a_token_is_fetched(shell):
    with Server() as gateway, Server(body=b'{"access_token": "t"}') as tokens:
        auth = TokenEndpointAuth(
            tokens.origin, json={"key": Secret(SECRET)}, cache=MemoryTokenCache()
        )
        report = checked(shell, gateway.origin, auth)

    assert report
    assert states(report)["token"] == "ok"
    assert (len(tokens.requests), gateway.requests) == (1, [])


def test_a_token_that_is_refused_is_told(shell):
    with Server() as gateway, Server(body=b'{"error": "x"}', status="401 No") as tokens:
        auth = TokenEndpointAuth(
            tokens.origin, json={"key": Secret(SECRET)}, cache=MemoryTokenCache()
        )
        with all_logs() as logs:
            report = checked(shell, gateway.origin, auth)

    assert not report
    assert type(report.error) is AuthenticationError
    assert states(report)["token"] == "failed"
    assert states(report)["message"] == "not reached"
    assert gateway.requests == []
    assert seen_in([*logs, *every_view_of(report)], (SECRET,)) == []


def test_what_is_wrong_on_the_way_is_told(shell):
    with Server(tls=certificate("other.example")) as server:
        report = checked(shell, server.origin, ssl_context=trusting())

    assert type(report.error) is EndpointUnavailableError
    assert states(report) == {
        "template": "ok",
        "destination": "ok",
        "connect": "ok",
        "tls": "failed",
        "token": "not reached",
        "message": "not reached",
    }


def test_a_secret_that_cannot_be_read_is_told(shell):
    body = {"to": "{phone}", "text": "{text}", "key": Secret.from_env("CAREOF_NO_SUCH_VARIABLE")}
    with Server() as server:
        report = checked(shell, server.origin, parts={"json": body})

    assert type(report.error) is SendUnavailableError
    assert report.steps[0].state == "failed"
    assert "CAREOF_NO_SUCH_VARIABLE" in report.steps[0].remark
    assert server.connections == 0


def test_a_transport_of_the_hosts_own_tells_nothing_about_connections(shell):
    report = checked(
        shell, network=NetworkPolicy(), transport=httpx.MockTransport(lambda _: 1 / 0)
    )

    assert report
    assert report.steps[1] == CheckStep(name="destination", state="not needed")


class Hanging(httpx.Auth):
    async def async_auth_flow(self, request):
        await anyio.sleep(60)
        yield request

    def sync_auth_flow(self, request):
        raise TimeoutError
        yield request


def test_a_strategy_that_hangs_does_not_hold_the_test(shell):
    with Server() as server:
        report = checked(
            shell, server.origin, Hanging(), limits=Limits(deadline=1.2, attempt=1, connect=1)
        )

    expected = AuthenticationError if shell.name == "sync" else DeadlineError
    assert type(report.error) is expected
    assert states(report)["token"] == "failed"
    assert server.requests == []
