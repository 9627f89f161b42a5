from __future__ import annotations

import httpx
import pytest

from careof.auth._token_answer import error_code, no_token, refused_token
from careof.errors import AuthenticationError, EndpointUnavailableError, RateLimitedError
from tests.support.tokens import insides_of


@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_success_may_hold_a_token(status):
    assert refused_token(httpx.Response(status)) is None


@pytest.mark.parametrize(
    "status, kind",
    [
        (100, AuthenticationError),
        (302, AuthenticationError),
        (307, AuthenticationError),
        (400, AuthenticationError),
        (401, AuthenticationError),
        (403, AuthenticationError),
        (404, AuthenticationError),
        (407, AuthenticationError),
        (408, EndpointUnavailableError),
        (409, AuthenticationError),
        (428, AuthenticationError),
        (429, RateLimitedError),
        (430, AuthenticationError),
        (499, AuthenticationError),
        (500, EndpointUnavailableError),
        (503, EndpointUnavailableError),
        (599, EndpointUnavailableError),
    ],
)
def test_a_status_says_who_must_act(status, kind):
    error = refused_token(httpx.Response(status, text="hidden"))

    assert type(error) is kind
    assert error.status == status
    assert error.detail == "token"
    assert str(status) in str(error)
    assert "hidden" not in insides_of(error)


@pytest.mark.parametrize("status", [408, 429, 503])
@pytest.mark.parametrize("header, seconds", [("30", 30.0), ("soon", None), (None, None)])
def test_retry_after_is_kept_where_waiting_helps(status, header, seconds):
    headers = {} if header is None else {"Retry-After": header}

    error = refused_token(httpx.Response(status, headers=headers))

    assert error.retry_after == seconds
    assert error.retryable


@pytest.mark.parametrize(
    "code, advice",
    [
        ("invalid_client", "client_auth"),
        ("invalid_scope", "scope, audience and resource"),
        ("invalid_target", "scope, audience and resource"),
        ("unsupported_grant_type", "offers this grant"),
        ("unauthorized_client", "offers this grant, and to this client"),
        ("invalid_grant", "spent or revoked, or has expired: somebody must sign in anew"),
        ("access_denied", "Check the token URL"),
    ],
)
@pytest.mark.parametrize("status", [400, 401])
def test_a_word_of_the_standard_is_repeated_with_advice(status, code, advice):
    answer = {"error": code, "error_description": "hidden", "error_uri": "hidden"}

    error = refused_token(httpx.Response(status, json=answer))

    assert (error.error, error.detail, error.status) == (code, code, status)
    assert f"({status} {code})" in str(error)
    assert advice in str(error)
    assert "hidden" not in insides_of(error)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hidden",
        b"<html>hidden</html>",
        b'"invalid_client"',
        b'["invalid_client"]',
        b'{"error": "hidden"}',
        b'{"error": "invalid_client hidden"}',
        b'{"error": ["invalid_client"]}',
        b'{"error": {"error": "invalid_client"}}',
        b'{"error": null}',
        b'{"Error": "invalid_client"}',
        b'{"error": "hidden", "error": "invalid_client"}',
        b'\xff\xfe{"error": "invalid_client"}',
        b"[" * 100_000,
    ],
)
def test_no_other_word_of_an_answer_is_repeated(body):
    response = httpx.Response(400, content=body)

    error = refused_token(response)

    assert error_code(response) == ""
    assert str(error).startswith("The token endpoint gave no token (400). ")
    assert "hidden" not in insides_of(error)


def test_a_good_status_without_a_token_says_why():
    error = no_token(httpx.Response(200, json={"hidden": 1}), "$.token selects no text")

    assert str(error) == "The token endpoint answered 200, but $.token selects no text."
    assert (error.error, error.detail, error.status) == ("", "token_answer", 200)


def test_a_good_status_with_an_error_names_it():
    error = no_token(httpx.Response(200, json={"error": "invalid_scope"}), "there is none")

    assert str(error) == (
        "The token endpoint answered 200 with the error invalid_scope, but there is none."
    )
    assert (error.error, error.detail) == ("invalid_scope", "invalid_scope")
