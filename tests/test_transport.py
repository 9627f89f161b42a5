from __future__ import annotations

import ipaddress
import socket
import ssl
import time

import httpx
import pytest

from careof import Limits, NetworkPolicy
from careof._network.call import call_of
from careof._network.network import Network
from careof._network.transport import AsyncGuardedTransport, GuardedTransport
from careof._values.clock import SYSTEM_CLOCK
from careof.errors import (
    CareofError,
    DeadlineError,
    DestinationRefusedError,
    EndpointUnavailableError,
    UnexpectedAnswerError,
)
from tests.support.canary import frames_of
from tests.support.server import BODY, Server, authority, certificate, trusting


def transport(shell, *, policy=None, ssl_context=None, **limits):
    kind = GuardedTransport if shell.name == "sync" else AsyncGuardedTransport
    limits = Limits(**{"deadline": 5, **limits})
    return kind(policy or NetworkPolicy.for_loopback(), limits, ssl_context)


def ask(shell, guarded, url):
    request = httpx.Request("GET", url)
    if shell.name == "sync":
        return guarded.handle_request(request)
    return shell.call(guarded.handle_async_request, request)


def failure_of(shell, guarded, url):
    with pytest.raises(CareofError) as caught:
        ask(shell, guarded, url)
    return caught.value


@pytest.mark.parametrize("mode", ["good", "chunked", "byte_by_byte", "interim"])
@pytest.mark.parametrize("names", [(), ("127.0.0.1",)])
def test_a_complete_answer_comes_back_whole(shell, mode, names):
    with Server(mode, tls=certificate(*names) if names else None) as server:
        response = ask(shell, transport(shell, ssl_context=trusting()), server.origin)

    assert (response.status_code, response.content) == (200, BODY)


class FalseContext(ssl.SSLContext):
    def __bool__(self):
        return False


@pytest.mark.parametrize("shell", ["sync"], indirect=True)
def test_tls_settings_that_are_false_are_used(shell):
    """
    By us; anyio asks for their truth by itself.
    """
    context = FalseContext(ssl.PROTOCOL_TLS_CLIENT)
    authority().configure_trust(context)
    with Server(tls=certificate("127.0.0.1")) as server:
        response = ask(shell, transport(shell, ssl_context=context), server.origin)

    assert response.status_code == 200


@pytest.mark.parametrize(
    "mode, kind, detail",
    [
        ("endless_interim", UnexpectedAnswerError, "interim_answers"),
        ("endless_body", UnexpectedAnswerError, "too_large"),
        ("announced_giant", UnexpectedAnswerError, "too_large"),
        ("close_delimited", UnexpectedAnswerError, "unframed"),
        ("gzip", UnexpectedAnswerError, "content_encoding"),
        ("nested_gzip", UnexpectedAnswerError, "content_encoding"),
        ("short_body", EndpointUnavailableError, "incomplete_answer"),
        ("missing_last_chunk", EndpointUnavailableError, "incomplete_answer"),
        ("reset_midway", EndpointUnavailableError, "incomplete_answer"),
        ("hang_up", EndpointUnavailableError, "incomplete_answer"),
        ("huge_headers", EndpointUnavailableError, "incomplete_answer"),
        ("garbage", EndpointUnavailableError, "incomplete_answer"),
    ],
)
@pytest.mark.parametrize("names", [(), ("127.0.0.1",)])
def test_anything_but_a_complete_answer_is_refused_at_once(shell, mode, kind, detail, names):
    with Server(mode, tls=certificate(*names) if names else None) as server:
        failure = failure_of(shell, transport(shell, ssl_context=trusting()), server.origin)

    assert (type(failure), failure.detail) == (kind, detail)


@pytest.mark.parametrize(
    "mode, names",
    [
        ("silence", ()),
        ("dripped_headers", ()),
        ("dripped_body", ()),
        ("dripped_chunks", ()),
        ("dripped_interim", ()),
        ("silence", ("127.0.0.1",)),
        ("dripped_body", ("127.0.0.1",)),
    ],
)
def test_an_answer_without_end_keeps_the_deadline(shell, mode, names):
    with Server(mode, tls=certificate(*names) if names else None) as server:
        guarded = transport(shell, ssl_context=trusting(), deadline=0.2)
        began = time.monotonic()
        failure = failure_of(shell, guarded, server.origin)
        lasted = time.monotonic() - began

    assert lasted < 3
    assert (type(failure), failure.step) == (DeadlineError, "status")


def test_one_attempt_ends_before_the_whole_call(shell):
    with Server("silence") as server:
        guarded = transport(shell, deadline=60, attempt=0.2)
        began = time.monotonic()
        failure = failure_of(shell, guarded, server.origin)
        lasted = time.monotonic() - began

    assert lasted < 3
    assert type(failure) is DeadlineError


def test_a_redirect_is_an_answer_and_nobody_follows_it(shell):
    with Server() as target, Server("redirect", location=target.origin) as server:
        response = ask(shell, transport(shell), server.origin)

    assert response.status_code == 302
    assert (server.connections, target.connections) == (1, 0)


def test_the_proxies_of_the_environment_are_not_used(shell, monkeypatch):
    with Server() as proxy, Server() as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.origin)
            monkeypatch.setenv(name.lower(), proxy.origin)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        ask(shell, transport(shell), server.origin)

    assert (server.connections, proxy.connections) == (1, 0)


def test_every_request_has_a_connection_of_its_own(shell):
    with Server() as server:
        guarded = transport(shell)
        for _ in range(3):
            ask(shell, guarded, server.origin)

    assert (server.connections, len(server.requests)) == (3, 3)


def test_the_policy_is_asked_again_for_each_url(shell):
    with Server() as server:
        failure = failure_of(shell, transport(shell, policy=NetworkPolicy()), server.origin)

    assert type(failure) is DestinationRefusedError
    assert server.connections == 0


def test_a_url_is_refused_even_where_its_address_would_do(shell):
    policy = NetworkPolicy(ports=None, allow_networks=["127.0.0.0/8"])
    with Server() as server:
        failure = failure_of(shell, transport(shell, policy=policy), server.origin)

    assert type(failure) is DestinationRefusedError
    assert server.connections == 0


def test_a_name_that_leads_inside_is_not_connected_to(shell, monkeypatch):
    resolves(monkeypatch, "contacts.example", ["127.0.0.1"])
    policy = NetworkPolicy(allow_http=True, ports=None)
    with Server() as server:
        failure = failure_of(
            shell, transport(shell, policy=policy), f"http://contacts.example:{server.port}/"
        )

    assert type(failure) is DestinationRefusedError
    assert server.connections == 0


def resolves(monkeypatch, name, found):
    """
    Let *name* resolve to *found*, and return the list of the names asked for.
    """
    asked = []
    really = socket.getaddrinfo

    def getaddrinfo(host, port, *rest, **options):
        if host != name:
            # Literal addresses only: no test asks a name server.
            ipaddress.ip_address(host)
            return really(host, port, *rest, **options)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, port)) for text in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_the_connection_goes_to_the_address_that_was_judged(shell, monkeypatch):
    """
    A second look-up could give another address (DNS rebinding).
    """
    asked = resolves(monkeypatch, "localhost", ["127.0.0.1"])
    with Server() as server:
        ask(shell, transport(shell), f"http://localhost:{server.port}/")

    assert asked == ["localhost"]
    assert b"Host: localhost" in server.requests[0]


def test_the_next_address_is_tried_where_the_first_takes_no_connection(shell, monkeypatch):
    resolves(monkeypatch, "localhost", ["127.0.0.2", "127.0.0.1"])
    with Server() as server:
        response = ask(shell, transport(shell), f"http://localhost:{server.port}/")

    assert response.status_code == 200
    assert server.connections == 1


def test_the_first_address_that_takes_a_connection_is_the_last_one_tried(shell, monkeypatch):
    resolves(monkeypatch, "localhost", ["127.0.0.1", "127.0.0.1"])
    with Server() as server:
        ask(shell, transport(shell), f"http://localhost:{server.port}/")

    assert server.connections == 1


def test_where_no_address_takes_a_connection_the_endpoint_is_unavailable(shell, monkeypatch):
    resolves(monkeypatch, "localhost", ["127.0.0.2", "127.0.0.3"])
    with Server() as server:
        failure = failure_of(shell, transport(shell), f"http://localhost:{server.port}/")

    assert (type(failure), failure.step) == (EndpointUnavailableError, "connect")


def test_an_answer_that_was_refused_leaves_no_way_to_it_behind(shell):
    with Server("short_body") as server:
        failure = failure_of(shell, transport(shell), f"{server.origin}/canary")

    assert (failure.__cause__, failure.__context__) == (None, None)


class InterruptedPolicy(NetworkPolicy):
    """
    Where Ctrl-C comes down upon.
    """

    def allows_url(self, url):
        raise KeyboardInterrupt


def test_control_c_passes_without_a_frame_that_knows_the_request(shell):
    guarded = transport(shell, policy=InterruptedPolicy())
    with pytest.raises(KeyboardInterrupt) as caught:
        ask(shell, guarded, "https://contacts.example/canary")

    assert set(frames_of(caught.value)) <= {"handle_request", "handle_async_request"}


def carried(url):
    call = Network(clock=SYSTEM_CLOCK).call(5)
    return call.carried_by(httpx.Request("GET", url))


def test_a_probe_connects_and_sends_nothing(shell):
    with Server(tls=certificate("127.0.0.1")) as server:
        request = carried(server.origin)
        failure = shell.call(transport(shell, ssl_context=trusting()).probe, request)

    assert failure is None
    assert [step.name for step in call_of(request).steps] == ["destination", "connect", "tls"]
    assert (server.connections, server.requests) == (1, [])


def test_a_probe_of_clear_text_has_no_tls(shell):
    with Server() as server:
        request = carried(server.origin)
        shell.call(transport(shell).probe, request)

    assert [step.name for step in call_of(request).steps] == ["destination", "connect"]


@pytest.mark.parametrize(
    "url, step", [("http://127.0.0.1:1/", "connect"), ("http://10.0.0.1/", "destination")]
)
def test_a_probe_that_fails_says_where(shell, url, step):
    assert shell.call(transport(shell).probe, carried(url)).step == step


def test_it_works_in_a_foreign_client(shell):
    with Server() as server:
        guarded = transport(shell)
        if shell.name == "sync":
            with httpx.Client(transport=guarded) as client:
                content = client.get(server.origin).content
        else:

            async def get():
                async with httpx.AsyncClient(transport=guarded) as client:
                    return (await client.get(server.origin)).content

            content = shell.call(get)

    assert content == BODY
