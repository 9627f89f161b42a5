"""
What we send, read by an authorization server that somebody else has written.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from authlib.oauth2.rfc6749.util import extract_basic_authorization
from werkzeug.datastructures import Authorization

import careof
from careof import ContactSelector, NetworkPolicy, RequestTemplate
from careof.auth import BasicAuth, MemoryTokenCache, OAuth2ClientCredentials
from careof.auth._refresh_token import OAuth2RefreshToken
from careof.errors import AuthenticationError
from careof.testing import FakeClock
from tests.support.authorization import (
    ASSERTION,
    BASIC,
    CONTACT_URL,
    EMAIL,
    POST,
    TOKEN_URL,
    AuthorizationServer,
    Client,
    served,
)
from tests.support.keys import SIGNERS, pem, verifying_key
from tests.support.tokens import insides_of

AWKWARD = ["s", ":", "/", "+", "%", " ", "~", "é", "€", "%2B", "a&b=c", ": / + % é €"]


def lookup_at(shell, server, auth, **options):
    return shell.HttpResolver(
        RequestTemplate(options.pop("url", CONTACT_URL)),
        ContactSelector(email="$.email"),
        auth=auth,
        **{"transport": server.transport, **options},
    )


def credentials(client_id="client", client_secret="secret", url=TOKEN_URL, **options):
    return OAuth2ClientCredentials(
        url, client_id, client_secret, cache=MemoryTokenCache(), **options
    )


def failure_of(shell, server, auth):
    with pytest.raises(AuthenticationError) as caught:
        shell.call(lookup_at(shell, server, auth).resolve, "C-1")
    return caught.value


@pytest.mark.parametrize("method", [BASIC, POST])
@pytest.mark.parametrize("value", AWKWARD)
def test_a_client_is_known_by_any_secret(method, value):
    """
    RFC 6749 §2.3.1, both ways.
    """
    server = AuthorizationServer(Client(f"id {value}", value, methods=[method]))
    auth = credentials(f"id {value}", value, client_auth=method)

    response = server.answer(auth.token_request())

    assert response.status_code == 200
    assert auth.read_token(response).value.reveal() == "access-1"


def test_a_token_is_issued_and_accepted(shell):
    """
    RFC 6749 §4.4, then RFC 6750 §2.1.
    """
    server = AuthorizationServer(Client("client", "secret"), needs=["read"])

    contact = shell.call(lookup_at(shell, server, credentials(scope="read write")).resolve, "C-1")

    assert contact.email.reveal() == EMAIL
    assert server.answers[0][1]["scope"] == "read write"


def test_a_token_is_issued_and_accepted_over_a_socket(shell):
    server = AuthorizationServer(Client("client", "s: /+%é€"))
    with served(server) as origin:
        auth = credentials("client", "s: /+%é€", url=f"{origin}/token")
        lookup = lookup_at(
            shell,
            server,
            auth,
            url=f"{origin}/people/{{reference_id}}",
            transport=None,
            network=NetworkPolicy.for_loopback(),
        )
        contacts = [shell.call(lookup.resolve, "C-1") for _ in range(2)]

    assert [contact.email.reveal() for contact in contacts] == [EMAIL, EMAIL]
    assert len(server.requests) == 1


def test_a_token_with_too_narrow_a_scope_is_rejected(shell):
    """
    RFC 6750 §3.1: 403, which no other token with this scope would change.
    """
    server = AuthorizationServer(Client("client", "secret"), needs=["write"])

    error = failure_of(shell, server, credentials(scope="read"))

    assert error.status == 403
    assert len(server.requests) == 1


def test_a_client_without_a_secret_is_known_by_its_id(shell):
    server = AuthorizationServer(Client("client", methods=["none"]))
    auth = credentials("client", None, client_auth="none")

    assert shell.call(lookup_at(shell, server, auth).resolve, "C-1").email.reveal() == EMAIL


class Password(OAuth2ClientCredentials):
    """
    A grant that the server does not offer.
    """

    _grant_type = "password"


@pytest.mark.parametrize(
    "client, auth, code, advice",
    [
        ({"secret": "another"}, credentials(), "invalid_client", "Check client_id"),
        ({"client_id": "another"}, credentials(), "invalid_client", "Check client_id"),
        ({"methods": [POST]}, credentials(), "invalid_client", "client_auth"),
        ({}, credentials(scope="admin"), "invalid_scope", "Check scope"),
        ({"grants": ["refresh_token"]}, credentials(), "unauthorized_client", "this grant"),
        ({}, Password(TOKEN_URL, "client", "secret"), "unsupported_grant_type", "this grant"),
    ],
)
def test_a_refusal_is_understood(shell, client, auth, code, advice):
    """
    RFC 6749 §5.2.
    """
    server = AuthorizationServer(Client(**{"client_id": "client", "secret": "secret", **client}))

    error = failure_of(shell, server, auth)

    status, answer = server.answers[0]
    assert (error.error, error.detail, error.step) == (code, code, "token")
    assert (error.status, answer["error"]) == (status, code)
    assert advice in str(error)
    assert answer.get("error_description", "secret") not in insides_of(error)


@pytest.mark.parametrize("algorithm, kind", [*SIGNERS.items(), ("EdDSA", "ed448")])
def test_a_client_is_known_by_what_it_signs(shell, algorithm, kind):
    """
    RFC 7523 §3.
    """
    client = Client("client", methods=[ASSERTION], public_key=verifying_key(kind))
    server = AuthorizationServer(client)
    auth = credentials(
        "client",
        None,
        client_auth="private_key_jwt",
        private_key=pem(kind),
        algorithm=algorithm,
        key_id="k1",
    )

    contact = shell.call(lookup_at(shell, server, auth).resolve, "C-1")

    assert contact.email.reveal() == EMAIL
    assert server.assertions[0][0] == {"alg": algorithm, "kid": "k1", "typ": "JWT"}


def signing(**options):
    client = Client("client", methods=[ASSERTION], public_key=verifying_key("ed25519"))
    auth = credentials("client", None, client_auth="private_key_jwt", algorithm="EdDSA", **options)
    return AuthorizationServer(client), auth


def test_an_assertion_is_good_once_and_the_next_request_has_another():
    server, auth = signing(private_key=pem("ed25519"))
    request = auth.token_request()

    statuses = [
        server.answer(each).status_code for each in (request, request, auth.token_request())
    ]

    assert statuses == [200, 400, 200]


def test_a_server_that_wants_its_issuer_gets_it(shell):
    server, auth = signing(private_key=pem("ed25519"), assertion_audience="https://issuer.example")
    server.audiences = ["https://issuer.example"]

    assert shell.call(lookup_at(shell, server, auth).resolve, "C-1").email.reveal() == EMAIL


@pytest.mark.parametrize(
    "options",
    [
        {"private_key": pem("ed448")},
        {"private_key": pem("ed25519"), "assertion_audience": "https://another.example"},
    ],
    ids=["another key", "another audience"],
)
def test_an_assertion_that_is_not_believed_is_an_unknown_client(shell, options):
    server, auth = signing(**options)

    assert failure_of(shell, server, auth).error == "invalid_client"


def signed_in(client, **options):
    server = AuthorizationServer(client)
    return server, OAuth2RefreshToken(
        TOKEN_URL,
        client.client_id,
        refresh_token=server.sign_in(client, "read"),
        cache=MemoryTokenCache(),
        **options,
    )


@pytest.mark.parametrize("method", [BASIC, POST, "none"])
def test_a_grant_is_renewed_with_a_new_refresh_token_each_time(shell, method):
    """
    RFC 6749 §6, at a server that ends the grant when a spent one comes again.
    """
    clock, stored = FakeClock(), []
    secret = None if method == "none" else "secret"
    server, auth = signed_in(
        Client(f"{method} in {shell.name}", secret, methods=[method]),
        client_secret=secret,
        client_auth=method,
        clock=clock,
        on_rotate=lambda token: stored.append(token.reveal()),
    )
    lookup = lookup_at(shell, server, auth)

    for _ in range(3):
        shell.call(lookup.resolve, "C-1")
        shell.call(lookup.resolve, "C-2")
        clock.advance(3600)

    assert len(server.requests) == 3
    assert stored == ["refresh-2", "refresh-3", "refresh-4"]
    assert server.reuses == 0


def test_a_strategy_from_an_old_row_does_not_end_the_grant(shell):
    """
    Built anew for each lookup, from a row that nobody has written.
    """
    clock = FakeClock()
    client = Client(f"with an old row in {shell.name}", "secret")
    server = AuthorizationServer(client)
    row = server.sign_in(client)
    cache = MemoryTokenCache()

    for _ in range(3):
        auth = OAuth2RefreshToken(
            TOKEN_URL, client.client_id, "secret", refresh_token=row, cache=cache, clock=clock
        )
        for reference in ("C-1", "C-2"):
            shell.call(lookup_at(shell, server, auth).resolve, reference)
        clock.advance(3600)

    assert len(server.requests) == 3
    assert server.reuses == 0


def test_a_grant_is_renewed_once_for_many_threads():
    server, auth = signed_in(Client("with threads", "secret"), client_secret="secret")
    lookup = lookup_at(careof, server, auth)

    with ThreadPoolExecutor(20) as threads:
        contacts = list(threads.map(lookup.resolve, map(str, range(60))))

    assert {contact.email.reveal() for contact in contacts} == {EMAIL}
    assert (len(server.requests), server.reuses) == (1, 0)


def test_a_new_refresh_token_that_could_not_be_stored_is_told_again(shell):
    """
    The server has spent the old one: to forget the new one would end the grant.
    """
    clock, told = FakeClock(), []

    def store(token):
        told.append(token.reveal())
        if len(told) == 1:
            raise OSError(token.reveal())

    client = Client(f"with a broken store in {shell.name}", "secret")
    server, auth = signed_in(client, client_secret="secret", clock=clock, on_rotate=store)
    lookup = lookup_at(shell, server, auth)

    with pytest.raises(AuthenticationError, match="OSError") as caught:
        shell.call(lookup.resolve, "C-1")
    clock.advance(60)
    shell.call(lookup.resolve, "C-1")

    assert told == ["refresh-2", "refresh-3"]
    assert server.reuses == 0
    assert "refresh-2" not in insides_of(caught.value)


@pytest.mark.parametrize("scope, code", [("read", ""), ("read write", "invalid_scope")])
def test_no_more_than_was_granted_may_be_wished_for(scope, code):
    """
    RFC 6749 §6.
    """
    client = Client(f"who wants {scope}", "secret")
    server, auth = signed_in(client, client_secret="secret", scope=scope)

    response = server.answer(auth.token_request())

    assert response.json().get("error", "") == code


def test_a_grant_that_has_ended_says_that_somebody_must_sign_in(shell):
    server, auth = signed_in(Client(f"ended in {shell.name}", "secret"), client_secret="secret")
    server.refresh_tokens.clear()

    error = failure_of(shell, server, auth)

    assert (error.error, error.detail, error.status) == ("invalid_grant", "invalid_grant", 400)
    assert "somebody must sign in anew" in str(error)


@pytest.mark.parametrize("value", AWKWARD)
def test_a_user_name_and_a_password_are_read_as_they_stand(value):
    """
    RFC 7617 §2 and §2.1, by a parser that takes them for UTF-8.
    """
    username = f"ada {value}".replace(":", "")
    request = httpx.Request("GET", TOKEN_URL)

    BasicAuth(username, value).apply(request)

    found = Authorization.from_header(request.headers["Authorization"])
    assert (found.type, found.username, found.password) == ("basic", username, value)


def test_a_server_that_does_not_decode_needs_the_switch():
    """
    RFC 7617 as it stands, in place of RFC 6749 §2.3.1.
    """

    def as_it_stands(query_client, request):
        found = Authorization.from_header(request.headers["Authorization"])
        client = query_client(found.username)
        return client if client.check_client_secret(found.password) else None

    server = AuthorizationServer(Client("client", "s:/+%é€"))
    server.register_client_auth_method(BASIC, as_it_stands)
    answers = [
        server.answer(credentials("client", "s:/+%é€", encode_credentials=encoded).token_request())
        for encoded in (True, False)
    ]

    assert [answer.status_code for answer in answers] == [401, 200]


def test_what_we_encode_is_what_the_server_decodes():
    request = credentials("i :", "s é").token_request()
    headers = {"Authorization": request.headers["Authorization"]}

    assert extract_basic_authorization(headers) == ("i :", "s é")
