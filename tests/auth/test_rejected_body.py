from __future__ import annotations

import httpx
import pytest

from careof.auth import TokenEndpointAuth
from careof.auth._rejected_body import RejectedBody
from careof.errors import AuthenticationError, ConfigurationError
from tests.support.tokens import EMAIL, TOKEN_URL, WatchedCache, resolver

EXPIRED = ("$.error.code", "TOKEN_EXPIRED")


@pytest.mark.parametrize(
    "rule, body, found",
    [
        (EXPIRED, b'{"error": {"code": "TOKEN_EXPIRED"}}', True),
        (("/error/code", "TOKEN_EXPIRED"), b'{"error": {"code": "TOKEN_EXPIRED"}}', True),
        (EXPIRED, b'{"error": {"code": "token_expired"}}', False),
        (EXPIRED, b'{"error": {"code": null}}', False),
        (EXPIRED, b'{"email": "a@b.example"}', False),
        (EXPIRED, b"", False),
        (EXPIRED, b"<html>TOKEN_EXPIRED</html>", False),
        (("$.code", 190), b'{"code": 190}', True),
        (("$.code", 190), b'{"code": "190"}', False),
        (("$.code", 1), b'{"code": true}', False),
        (("$.expired", True), b'{"expired": true}', True),
        (("$.expired", True), b'{"expired": 1}', False),
    ],
)
def test_an_answer_is_a_rejection_if_that_very_value_stands_there(rule, body, found):
    assert RejectedBody(rule, "rejected_body").is_in(body) is found


@pytest.mark.parametrize(
    "rule",
    [
        "$.error",
        ["$.error", "x"],
        ("$.error",),
        ("$.error", "x", "y"),
        (1, "x"),
        ("$.error", None),
        ("$.error", 1.5),
        ("error", "hidden"),
        ("$..error", "hidden"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_when_it_is_built(rule):
    with pytest.raises(ConfigurationError, match=r"TokenEndpointAuth: rejected_body: ") as caught:
        TokenEndpointAuth(TOKEN_URL, rejected_body=rule)

    assert "hidden" not in str(caught.value)


class Desk:
    """
    An endpoint that says in the body that a token has expired.
    """

    def __init__(self, status, *, accepts="token-2"):
        self.status = status
        self.accepts = f"Bearer {accepts}"
        self.tokens = 0
        self.lookups = []

    def __call__(self, request):
        if request.url.path == "/token":
            self.tokens += 1
            return httpx.Response(200, json={"access_token": f"token-{self.tokens}"})
        self.lookups.append(request.headers["authorization"])
        if self.lookups[-1] == self.accepts:
            return httpx.Response(200, json={"email": EMAIL})
        return httpx.Response(self.status, json={"error": {"code": "TOKEN_EXPIRED"}})


def lookup_of(shell, desk):
    auth = TokenEndpointAuth(TOKEN_URL, rejected_body=EXPIRED, cache=WatchedCache())
    return resolver(shell.HttpResolver, auth, httpx.MockTransport(desk))


@pytest.mark.parametrize("status", [200, 403])
def test_an_expired_token_is_replaced_whatever_the_status(shell, status):
    desk = Desk(status, accepts="token-1")
    lookup = lookup_of(shell, desk)
    shell.call(lookup.resolve, "C-1")
    desk.accepts = "Bearer token-2"

    contact = shell.call(lookup.resolve, "C-1")

    assert contact.email.reveal() == EMAIL
    assert desk.lookups == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize("status", [200, 403])
def test_a_fresh_token_that_is_said_to_have_expired_is_a_failed_authentication(shell, status):
    desk = Desk(status, accepts="none")

    with pytest.raises(AuthenticationError) as caught:
        shell.call(lookup_of(shell, desk).resolve, "C-1")

    assert (caught.value.detail, caught.value.status) == ("token_rejected", status)
    assert desk.tokens == 1


def test_in_a_client_of_the_host_the_body_is_read_and_given_to_the_caller(monkeypatch):
    from careof._network.network import Network
    from careof.auth import _claim

    desk = Desk(200, accepts="token-1")
    network = Network(transport=httpx.MockTransport(desk))
    monkeypatch.setattr(_claim, "own_network", lambda: network)
    auth = TokenEndpointAuth(TOKEN_URL, rejected_body=EXPIRED, cache=WatchedCache())

    with httpx.Client(transport=httpx.MockTransport(desk), auth=auth) as client:
        client.get("https://contacts.customer.example/people/C-1")
        desk.accepts = "Bearer token-2"
        answer = client.get("https://contacts.customer.example/people/C-1")

    assert answer.json() == {"email": EMAIL}
    assert desk.tokens == 2
