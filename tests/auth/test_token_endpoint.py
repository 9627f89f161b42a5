from __future__ import annotations

import itertools
import json
import math

import httpx
import pytest

from careof import RetryPolicy, Secret
from careof.auth import TokenEndpointAuth
from careof.auth._lease import Lease
from careof.errors import (
    AuthenticationError,
    ConfigurationError,
    EndpointUnavailableError,
    RateLimitedError,
)
from careof.testing import FakeClock
from tests.support.canary import all_logs, frames_of
from tests.support.tokens import (
    EMAIL,
    TOKEN_URL,
    TokenServer,
    WatchedCache,
    insides_of,
    request_in,
    resolver,
)


def auth_of(**options):
    return TokenEndpointAuth(TOKEN_URL, **options)


def read(auth, body, status=200):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return auth.read_token(httpx.Response(status, content=content))


def form_of(request):
    return request.content.decode()


def test_by_default_it_posts_nothing_and_asks_for_json():
    request = auth_of().token_request()

    assert (request.method, request.url, request.content) == ("POST", TOKEN_URL, b"")
    assert request.headers["Accept"] == "application/json"
    assert request.headers["Content-Length"] == "0"


def test_a_get_has_no_body():
    request = auth_of(method="GET").token_request()

    assert (request.method, request.content) == ("GET", b"")
    assert "Content-Length" not in request.headers


def test_headers_may_be_secrets():
    request = auth_of(headers={"X-Key": Secret("k"), "X-Tenant": "7"}).token_request()

    assert (request.headers["X-Key"], request.headers["X-Tenant"]) == ("k", "7")


def test_a_header_replaces_ours_in_whatever_case():
    request = auth_of(headers={"accept": "text/json"}).token_request()

    assert request.headers.get_list("Accept") == ["text/json"]


def test_a_json_body_may_hold_secrets_at_any_depth():
    body = {"client": {"id": "c", "secret": Secret('s"')}, "n": [1, 1.5, True, None, Secret("t")]}

    request = auth_of(json=body).token_request()

    assert json.loads(request.content) == {
        "client": {"id": "c", "secret": 's"'},
        "n": [1, 1.5, True, None, "t"],
    }
    assert request.headers["Content-Type"] == "application/json"


def test_a_form_may_hold_secrets():
    request = auth_of(form={"user": "u", "password": Secret("a&b=c é")}).token_request()

    assert form_of(request) == "user=u&password=a%26b%3Dc+%C3%A9"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_secrets_are_read_when_they_are_used():
    values = itertools.count(1)
    auth = auth_of(form={"key": Secret.from_callable(lambda: f"k{next(values)}")})

    assert [form_of(auth.token_request()) for _ in range(2)] == ["key=k1", "key=k2"]


def test_what_the_caller_changes_afterwards_changes_nothing():
    headers, form, json_body = {"X-Tenant": "1"}, {"a": "1"}, {"a": [{"b": "1"}]}
    auths = [auth_of(headers=headers, form=form), auth_of(json=json_body)]
    keys = [key(auth) for auth in auths]

    headers["X-Tenant"] = form["a"] = json_body["a"][0]["b"] = "2"
    requests = [auth.token_request() for auth in auths]

    assert requests[0].headers["X-Tenant"] == "1"
    assert [request.content for request in requests] == [b"a=1", b'{"a":[{"b":"1"}]}']
    assert [key(auth) for auth in auths] == keys


@pytest.mark.parametrize(
    "options, body, token, lifetime",
    [
        ({}, {"access_token": "t", "expires_in": 3600}, "t", 3600.0),
        ({}, {"access_token": "t", "expires_in": "3600"}, "t", 3600.0),
        ({}, {"access_token": "t", "expires_in": -1}, "t", 0.0),
        ({}, {"access_token": "t", "expires_in": None}, "t", None),
        ({}, {"access_token": "t", "expires_in": "soon"}, "t", None),
        ({}, {"access_token": "t", "expires_in": True}, "t", None),
        ({}, {"access_token": "t"}, "t", None),
        ({}, {"access_token": " t\n"}, "t", None),
        ({}, {"access_token": "a b"}, "a b", None),
        ({"token_path": "$.data.token"}, {"data": {"token": "t"}}, "t", None),
        ({"token_path": "/tokens/1/value"}, {"tokens": [{}, {"value": "t"}]}, "t", None),
        ({"token_path": "$[0]"}, ["t"], "t", None),
        ({"expires_path": "$.ttl"}, {"access_token": "t", "ttl": 5, "expires_in": 9}, "t", 5.0),
        ({"expires_path": "$.a.b"}, {"access_token": "t"}, "t", None),
        ({"expires_path": None}, {"access_token": "t", "expires_in": 9}, "t", None),
    ],
)
def test_token_and_lifetime_stand_where_their_paths_say(options, body, token, lifetime):
    found = read(auth_of(**options), body)

    assert (found.value.reveal(), found.lifetime) == (token, lifetime)


@pytest.mark.parametrize(
    "body, reason",
    [
        (b"", "its answer is not JSON"),
        (b"<html>hidden</html>", "its answer is not JSON"),
        (b"access_token=hidden", "its answer is not JSON"),
        (b'"hidden"', "its answer is not JSON"),
        (b'{"access_token": "hidden", "access_token": "hidden"}', "its answer is not JSON"),
        (b'{"access_token": "hidden", "expires_in": NaN}', "its answer is not JSON"),
        (b"[" * 17 + b"]" * 17, "its answer is not JSON"),
        ({"token": "hidden"}, "$.access_token selects no text in its answer"),
        ({"access_token": None}, "$.access_token selects no text in its answer"),
        ({"access_token": 5}, "$.access_token selects no text in its answer"),
        ({"access_token": ["hidden"]}, "$.access_token selects no text in its answer"),
        ({"access_token": {"value": "hidden"}}, "$.access_token selects no text in its answer"),
        ({"access_token": ""}, "$.access_token selects no text in its answer"),
        ({"access_token": " \n"}, "$.access_token selects no text in its answer"),
        (["hidden"], "$.access_token selects no text in its answer"),
        ({"access_token": "hidden\nhidden"}, "its token has characters that no header can carry"),
        ({"access_token": "hiddén"}, "its token has characters that no header can carry"),
    ],
)
def test_an_answer_without_a_token_is_an_error_that_repeats_nothing_of_it(body, reason):
    with pytest.raises(AuthenticationError) as caught:
        read(auth_of(), body)

    assert str(caught.value) == f"The token endpoint answered 200, but {reason}."
    assert (caught.value.status, caught.value.detail) == (200, "token_answer")
    assert "hidd" not in str(caught.value)


def test_a_good_status_with_an_error_of_the_standard_names_it():
    with pytest.raises(AuthenticationError) as caught:
        read(auth_of(), {"error": "invalid_client", "error_description": "hidden"})

    assert caught.value.error == "invalid_client"
    assert "200 with the error invalid_client" in str(caught.value)


@pytest.mark.parametrize(
    "status, answer, kind, words",
    [
        (401, {"json": {"error": "invalid_client"}}, AuthenticationError, "401 invalid_client"),
        (400, {"text": "hidden"}, AuthenticationError, "400"),
        (307, {"headers": {"Location": "https://hidden.example"}}, AuthenticationError, "307"),
        (404, {"text": "hidden"}, AuthenticationError, "404"),
        (200, {"html": "<p>hidden</p>"}, AuthenticationError, "200"),
        (200, {"json": {"token": "hidden"}}, AuthenticationError, r"200.*\$\.access_token"),
        (200, {"json": {"access_token": 1}}, AuthenticationError, r"200.*\$\.access_token"),
        (429, {"headers": {"Retry-After": "7"}}, RateLimitedError, "429"),
        (503, {"text": "hidden"}, EndpointUnavailableError, "503"),
    ],
)
def test_a_resolver_names_status_and_path_and_never_the_body(shell, status, answer, kind, words):
    server = TokenServer()
    server.answer = httpx.Response(status, **answer)
    auth = auth_of(form={"password": Secret("hidden")})
    lookup = resolver(shell.HttpResolver, auth, server, retry=RetryPolicy.never())

    with all_logs() as logs, pytest.raises(kind, match=words) as caught:
        shell.call(lookup.resolve, "C-1")

    assert type(caught.value) is kind
    assert (caught.value.step, caught.value.status) == ("token", status)
    assert set(frames_of(caught.value)) <= {"resolve", "unwrap"}
    assert "hidden" not in insides_of(caught.value)
    assert "hidden" not in "".join(logs)
    assert len(server.token_requests) == 1
    assert server.lookups == []


def test_a_rate_limit_keeps_how_long_to_wait(shell):
    server = TokenServer()
    server.answer = httpx.Response(429, headers={"Retry-After": "7"})
    lookup = resolver(shell.HttpResolver, auth_of(), server)

    with pytest.raises(RateLimitedError) as caught:
        shell.call(lookup.resolve, "C-1")

    assert caught.value.retry_after == 7.0


def test_a_lookup_shows_neither_secret_nor_token_in_any_log(shell):
    server = TokenServer()
    auth = auth_of(headers={"X-Key": Secret("hidden-1")}, json={"password": Secret("hidden-2")})
    lookup = resolver(shell.HttpResolver, auth, server)

    with all_logs() as logs:
        contact = shell.call(lookup.resolve, "C-1")
        server.revoke()
        shell.call(lookup.resolve, "C-1")

    assert contact.email.reveal() == EMAIL
    assert server.token_requests[0].headers["X-Key"] == "hidden-1"
    assert [text for text in logs if "hidden" in text or "token-" in text] == []


@pytest.mark.parametrize("where", ["headers", "json", "form"])
def test_a_secret_that_cannot_be_read_ends_the_call_as_a_wrong_credential(shell, where):
    auth = auth_of(**{where: {"X-Key": Secret.from_env("CAREOF_TESTS_NEVER_SET")}})
    lookup = resolver(shell.HttpResolver, auth, TokenServer())

    with pytest.raises(AuthenticationError, match="env:CAREOF_TESTS_NEVER_SET") as caught:
        shell.call(lookup.resolve, "C-1")

    assert (caught.value.step, caught.value.detail) == ("token", "secret")


@pytest.mark.parametrize("value", ["hidden\r\nX-Evil: 1", "hiddén"])
def test_a_secret_that_no_header_can_carry_is_neither_sent_nor_quoted(shell, value):
    server = TokenServer()
    lookup = resolver(shell.HttpResolver, auth_of(headers={"X-Key": Secret(value)}), server)

    with pytest.raises(AuthenticationError) as caught:
        shell.call(lookup.resolve, "C-1")

    assert (caught.value.step, caught.value.detail) == ("token", "credential_characters")
    assert "hidd" not in insides_of(caught.value)
    assert server.token_requests == []


@pytest.mark.parametrize(
    "options, header, value",
    [
        ({}, "authorization", "Bearer token-1"),
        ({"prefix": "Token"}, "authorization", "Token token-1"),
        ({"header": "X-Access", "prefix": ""}, "x-access", "token-1"),
    ],
)
def test_header_and_prefix_say_how_the_token_is_sent(shell, options, header, value):
    server = TokenServer()
    seen = []

    def endpoint(request):
        if request.url.path == "/token":
            return server.handle_request(request)
        seen.append(request.headers[header])
        return httpx.Response(200, json={"email": EMAIL})

    lookup = resolver(shell.HttpResolver, auth_of(**options), httpx.MockTransport(endpoint))
    shell.call(lookup.resolve, "C-1")

    assert seen == [value]


SERVER = TokenServer()


def key(auth):
    return Lease(auth, request_in(SERVER))._key


SAME = {
    "headers": {"X-Key": "k"},
    "form": {"a": "1", "b": "2"},
    "lifetime": 60,
}


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"form": {"b": "2", "a": "1"}},
        {"cache": WatchedCache()},
        {"clock": FakeClock()},
        {"leeway": 5},
        {"header": "X-Token"},
        {"prefix": ""},
        {"rejected_statuses": frozenset({403})},
    ],
    ids=lambda changed: ", ".join(changed) or "nothing",
)
def test_the_same_token_request_shares_a_token(changed):
    assert key(auth_of(**SAME)) == key(auth_of(**{**SAME, **changed}))


@pytest.mark.parametrize(
    "changed",
    [
        {"url": "https://id.customer.example/token?tenant=2"},
        {"url": "https://id.other.example/token"},
        {"headers": {"X-Key": "l"}},
        {"headers": {"X-Key": Secret("k")}},
        {"headers": {"X-Key": "k", "X-Tenant": "2"}},
        {"headers": None},
        {"form": {"a": "1", "b": "3"}},
        {"form": {"a": "1", "b": Secret("2")}},
        {"form": {"a": "1"}},
        {"form": None},
        {"form": None, "json": {"a": "1", "b": "2"}},
        {"form": None, "method": "GET"},
        {"token_path": "$.token"},
        {"expires_path": None},
        {"expires_path": "$.ttl"},
        {"lifetime": 61},
        {"lifetime": None},
    ],
    ids=str,
)
def test_another_token_request_shares_none(changed):
    other = {"url": TOKEN_URL, **SAME, **changed}

    assert key(auth_of(**SAME)) != key(TokenEndpointAuth(other.pop("url"), **other))


def test_what_a_subclass_stores_keeps_its_tokens_apart():
    class TenantAuth(TokenEndpointAuth):
        def __init__(self, tenant):
            super().__init__(TOKEN_URL)
            self.tenant = tenant

        def token_request(self):
            request = super().token_request()
            request.headers["X-Tenant"] = self.tenant
            return request

    assert key(TenantAuth("a")) == key(TenantAuth("a"))
    assert key(TenantAuth("a")) != key(TenantAuth("b"))


def test_a_strategy_that_is_rebuilt_for_every_request_finds_its_token(shell):
    server = TokenServer()

    for _ in range(3):
        auth = auth_of(form={"password": Secret("s")})
        shell.call(resolver(shell.HttpResolver, auth, server).resolve, "C-1")

    assert len(server.token_requests) == 1


@pytest.mark.parametrize(
    "options, parameter",
    [
        ({"url": "hidden"}, "url"),
        ({"url": "ftp://hidden.example"}, "url"),
        ({"url": "https://"}, "url"),
        ({"url": "https://user:hidden@id.example/token"}, "url"),
        ({"url": "https://hidden.example/\x00"}, "url"),
        ({"url": None}, "url"),
        ({"url": "https://xn--hidden-\u00e9.example/"}, "url"),
        ({"url": "https://hidden.example:99999/"}, "url"),
        ({"method": "PUT"}, "method"),
        ({"method": "GET", "json": {}}, "method"),
        ({"method": "GET", "form": {}}, "method"),
        ({"json": {}, "form": {}}, "json, form"),
        ({"json": {"a": object()}}, "json"),
        ({"json": {"a": math.nan}}, "json"),
        ({"json": {1: "a"}}, "json"),
        ({"json": "hidden"}, "json: expected"),
        ({"json": b"hidden"}, "json: expected"),
        ({"form": {"a": object()}}, "form"),
        ({"form": {"a": 1}}, "form: expected"),
        ({"form": ["hidden"]}, "form: expected"),
        ({"headers": ["hidden"]}, "headers: expected"),
        ({"headers": {"Content-Length": "3"}}, "headers['Content-Length']"),
        ({"headers": {"Transfer-Encoding": "chunked"}}, "headers['Transfer-Encoding']"),
        ({"headers": {"a": "hidden", "A": "hidden"}}, "headers: a name stands there twice"),
        ({"headers": {"X Key": "hidden"}}, "headers"),
        ({"headers": {"X-Key": "hidden\n"}}, "headers"),
        ({"headers": {"X-Key": None}}, "headers"),
        ({"header": "X Token"}, "header: expected"),
        ({"header": 5}, "header: expected"),
        ({"header": "Host"}, "header: careof sets"),
        ({"header": "transfer-encoding"}, "header: careof sets"),
        ({"cache": 5}, "cache: expected get, set and delete_if"),
        ({"cache": {}}, "cache: expected get, set and delete_if"),
        ({"url": "https://xn--a/hidden"}, "url"),
        ({"url": "https://hidden.example/\ud800"}, "url"),
        ({"prefix": "Bearer\n"}, "prefix"),
        ({"prefix": 5}, "prefix"),
        ({"token_path": "access_token"}, "token_path"),
        ({"token_path": "$..token"}, "token_path"),
        ({"expires_path": "expires_in"}, "expires_path"),
        ({"lifetime": 0}, "lifetime"),
        ({"leeway": -1}, "leeway"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_built(options, parameter):
    with pytest.raises(ConfigurationError) as caught:
        TokenEndpointAuth(**{"url": TOKEN_URL, **options})

    assert str(caught.value).startswith(f"TokenEndpointAuth: {parameter}")
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"headers": {"X-Key": "hidden\n"}},
        {"headers": {"X-Key": "hidden"}, "json": {"a": object()}},
        {"json": {"a": "hidden", "b": object()}},
        {"form": {"a": "hidden", "b": 5}},
        {"form": {"a": "hidden"}, "json": {}},
        {"form": {"a": "hidden"}, "header": "X Token"},
        {"form": {"a": "hidden"}, "url": "id.example"},
    ],
    ids=" ".join,
)
def test_a_mistake_shows_no_key_that_was_written_as_a_text(options):
    with pytest.raises(ConfigurationError) as caught:
        TokenEndpointAuth(**{"url": TOKEN_URL, **options})

    assert "hidden" not in insides_of(caught.value)
