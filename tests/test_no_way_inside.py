"""
Promise 7: a URL that a tenant wrote never reaches an address inside.
"""

from __future__ import annotations

import socket

import anyio
import pytest

from careof import (
    CareofError,
    ContactSelector,
    NetworkPolicy,
    RequestTemplate,
)
from careof.auth import TokenEndpointAuth
from careof.errors import DestinationRefusedError
from tests.support.server import Server

SELECTOR = ContactSelector(email="$.email")


def resolves_to(monkeypatch, *addresses):
    def getaddrinfo(host, port, *arguments, **options):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize(
    "url",
    [
        "http://contacts.customer.example/{reference_id}",
        "https://127.0.0.1/{reference_id}",
        "https://localhost/{reference_id}",
        "https://169.254.169.254/{reference_id}",
        "https://[::1]/{reference_id}",
        "https://2130706433/{reference_id}",
        "https://contacts.customer.example:8443/{reference_id}",
        "https://metadata.internal/{reference_id}",
    ],
)
def test_a_url_that_points_inside_is_refused_when_the_resolver_is_built(shell, url):
    with pytest.raises(DestinationRefusedError):
        shell.HttpResolver(RequestTemplate(url), SELECTOR)


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.5"],
        ["169.254.169.254"],
        ["93.184.216.34", "127.0.0.1"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        [],
    ],
)
def test_a_name_that_points_inside_is_refused_before_anything_is_opened(
    shell, monkeypatch, addresses
):
    opened = []

    async def connect_tcp(*arguments, **options):
        opened.append(arguments)

    resolves_to(monkeypatch, *addresses)
    monkeypatch.setattr(socket, "create_connection", lambda *what, **_: opened.append(what))
    monkeypatch.setattr(anyio, "connect_tcp", connect_tcp)
    resolver = shell.HttpResolver(
        RequestTemplate("https://contacts.customer.example/{reference_id}"), SELECTOR
    )
    with pytest.raises(DestinationRefusedError) as caught:
        shell.call(resolver.resolve, "ref-1")

    assert opened == []
    assert caught.value.detail == "destination"


def test_a_redirect_inside_is_not_followed(shell):
    with Server() as inside, Server("redirect", location=inside.origin) as outside:
        resolver = shell.HttpResolver(
            RequestTemplate(outside.origin + "/{reference_id}"),
            SELECTOR,
            network=NetworkPolicy.for_loopback(),
        )
        with pytest.raises(CareofError):
            shell.call(resolver.resolve, "ref-1")

    assert inside.connections == 0


def test_a_proxy_of_the_environment_is_not_asked(shell, monkeypatch):
    with Server() as proxy, Server() as endpoint:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.origin)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        resolver = shell.HttpResolver(
            RequestTemplate(endpoint.origin + "/{reference_id}"),
            SELECTOR,
            network=NetworkPolicy.for_loopback(),
        )
        shell.call(resolver.resolve, "ref-1")

    assert (proxy.connections, endpoint.connections) == (0, 1)


def test_the_token_endpoint_goes_through_the_same_guard(shell):
    with Server() as inside:
        auth = TokenEndpointAuth(inside.origin.replace("127.0.0.1", "127.0.0.2") + "/token")
        resolver = shell.HttpResolver(
            RequestTemplate("https://contacts.customer.example/{reference_id}"),
            SELECTOR,
            auth=auth,
        )
        with pytest.raises(DestinationRefusedError) as caught:
            shell.call(resolver.resolve, "ref-1")

    assert caught.value.step == "token"
    assert inside.connections == 0


def test_the_loopback_policy_opens_this_machine_and_nothing_else(shell):
    policy = NetworkPolicy.for_loopback()
    with pytest.raises(DestinationRefusedError):
        shell.HttpResolver(
            RequestTemplate("https://contacts.customer.example/{reference_id}"),
            SELECTOR,
            network=policy,
        )
