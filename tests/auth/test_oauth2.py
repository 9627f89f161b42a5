from __future__ import annotations

import base64
from urllib.parse import parse_qsl, unquote_plus

import pytest

from careof import Secret
from careof.auth import OAuth2ClientCredentials
from careof.auth._lease import Lease
from careof.errors import AuthenticationError, ConfigurationError
from tests.support.tokens import EMAIL, TOKEN_URL, TokenServer, insides_of, request_in, resolver


def asked(client_id="client", client_secret="secret", **options):
    return OAuth2ClientCredentials(TOKEN_URL, client_id, client_secret, **options).token_request()


def form_of(request):
    return parse_qsl(request.content.decode(), keep_blank_values=True)


def basic_of(request):
    scheme, _, credentials = request.headers["Authorization"].partition(" ")
    assert scheme == "Basic"
    return base64.b64decode(credentials, validate=True).decode("ascii")


def test_the_client_says_who_it_is_in_the_header():
    request = asked()

    assert (request.method, request.url) == ("POST", TOKEN_URL)
    assert basic_of(request) == "client:secret"
    assert form_of(request) == [("grant_type", "client_credentials")]
    assert request.headers["Accept"] == "application/json"


@pytest.mark.parametrize(
    "value, encoded",
    [
        (":", "%3A"),
        ("/", "%2F"),
        ("+", "%2B"),
        ("%", "%25"),
        (" ", "+"),
        ("é", "%C3%A9"),
        ("€", "%E2%82%AC"),
        ("a&b=c", "a%26b%3Dc"),
        ("%2B", "%252B"),
    ],
)
def test_id_and_secret_are_form_encoded_before_they_are_joined(value, encoded):
    """
    RFC 6749 §2.3.1.
    """
    assert basic_of(asked(f"i{value}", f"s{value}")) == f"i{encoded}:s{encoded}"


def test_a_server_that_decodes_finds_id_and_secret_again():
    value = ": / + % ~ é € \t&="

    encoded = basic_of(asked(value, value)).split(":")

    assert [unquote_plus(part) for part in encoded] == [value, value]


def test_the_client_says_who_it_is_in_the_form():
    request = asked("i:1", Secret("s/ é"), client_auth="client_secret_post")

    assert "Authorization" not in request.headers
    assert form_of(request) == [
        ("grant_type", "client_credentials"),
        ("client_id", "i:1"),
        ("client_secret", "s/ é"),
    ]


def test_a_client_without_a_secret_gives_its_name():
    request = asked("i", None, client_auth="none")

    assert "Authorization" not in request.headers
    assert form_of(request) == [("grant_type", "client_credentials"), ("client_id", "i")]


@pytest.mark.parametrize(
    "options, fields",
    [
        ({"scope": "a b"}, [("scope", "a b")]),
        ({"scope": ""}, [("scope", "")]),
        ({"audience": "https://api.example"}, [("audience", "https://api.example")]),
        ({"resource": "urn:r"}, [("resource", "urn:r")]),
        ({"params": {"tenant": "7"}}, [("tenant", "7")]),
        ({"params": {"key": Secret("k é")}}, [("key", "k é")]),
        (
            {"scope": "s", "audience": "a", "resource": "r", "params": {"x": "y"}},
            [("scope", "s"), ("audience", "a"), ("resource", "r"), ("x", "y")],
        ),
    ],
)
def test_wishes_and_parameters_go_into_the_form(options, fields):
    assert form_of(asked(**options)) == [("grant_type", "client_credentials"), *fields]


@pytest.mark.parametrize("client_auth", ["client_secret_basic", "client_secret_post"])
def test_a_rotated_secret_is_used_at_once(shell, client_auth):
    server = TokenServer()
    current = ["old"]
    auth = OAuth2ClientCredentials(
        TOKEN_URL,
        "client",
        Secret.from_callable(lambda: current[0]),
        client_auth=client_auth,
    )
    lookup = resolver(shell.HttpResolver, auth, server)

    shell.call(lookup.resolve, "C-1")
    current[0] = "new"
    shell.call(lookup.resolve, "C-1")

    assert server.lookups == ["Bearer token-1", "Bearer token-2"]


def test_a_resolver_gets_its_token_with_it(shell):
    server = TokenServer()
    auth = OAuth2ClientCredentials(TOKEN_URL, "client", "secret", scope="read")
    lookup = resolver(shell.HttpResolver, auth, server)

    contact = shell.call(lookup.resolve, "C-1")

    assert contact.email.reveal() == EMAIL
    assert basic_of(server.token_requests[0]) == "client:secret"


@pytest.mark.parametrize("client_auth", ["client_secret_basic", "client_secret_post"])
def test_a_secret_that_cannot_be_read_ends_the_call_as_a_wrong_credential(shell, client_auth):
    auth = OAuth2ClientCredentials(
        TOKEN_URL,
        "client",
        Secret.from_env("CAREOF_TESTS_NEVER_SET"),
        client_auth=client_auth,
    )

    with pytest.raises(AuthenticationError, match="env:CAREOF_TESTS_NEVER_SET") as caught:
        shell.call(resolver(shell.HttpResolver, auth, TokenServer()).resolve, "C-1")

    assert (caught.value.step, caught.value.detail) == ("token", "secret")


SERVER = TokenServer()


def key(auth):
    return Lease(auth, request_in(SERVER))._key


@pytest.mark.parametrize(
    "one, other",
    [
        (("a", "s"), ("b", "s")),
        (("a", "s"), ("a", "t")),
        (("ab", "c"), ("a", "bc")),
        (("a", "b"), ("b", "a")),
    ],
)
@pytest.mark.parametrize("client_auth", ["client_secret_basic", "client_secret_post"])
def test_another_client_never_gets_the_token(one, other, client_auth):
    keys = [
        key(OAuth2ClientCredentials(TOKEN_URL, *client, client_auth=client_auth))
        for client in (one, other)
    ]

    assert keys[0] != keys[1]


@pytest.mark.parametrize(
    "changed",
    [
        {"scope": "b"},
        {"scope": None},
        {"audience": "a"},
        {"resource": "a"},
        {"params": {"tenant": "2"}},
        {"params": {"tenant": Secret("1")}},
        {"client_auth": "client_secret_post"},
        {"token_path": "$.id_token"},
    ],
    ids=str,
)
def test_another_wish_is_another_token(changed):
    options = {"scope": "a", "params": {"tenant": "1"}}
    one = OAuth2ClientCredentials(TOKEN_URL, "c", "s", **options)
    other = OAuth2ClientCredentials(TOKEN_URL, "c", "s", **{**options, **changed})

    assert key(one) != key(other)


def test_a_text_and_a_secret_of_the_same_value_are_the_same_client():
    one = OAuth2ClientCredentials(TOKEN_URL, "c", "s")
    other = OAuth2ClientCredentials(TOKEN_URL, "c", Secret("s"))

    assert key(one) == key(other)


@pytest.mark.parametrize(
    "arguments, options, parameter",
    [
        (("c", "hidden"), {"client_auth": "private_key"}, "client_auth"),
        (("", "hidden"), {}, "client_id"),
        ((None, "hidden"), {}, "client_id"),
        ((Secret("c"), "hidden"), {}, "client_id"),
        (("c",), {}, "client_secret"),
        (("c", ""), {}, "client_secret"),
        (("c", "hidden\n"), {}, "client_secret"),
        (("c", b"hidden"), {}, "client_secret"),
        (("c", "hidden"), {"client_auth": "none"}, "client_secret"),
        (("c", "hidden"), {"scope": ["a", "b"]}, "scope"),
        (("c", "hidden"), {"audience": 5}, "audience"),
        (("c", "hidden"), {"resource": b"r"}, "resource"),
        (("c", "hidden"), {"params": {"a": object()}}, "params: expected"),
        (("c", "hidden"), {"params": {5: "hidden"}}, "params: expected"),
        (("c", "hidden"), {"params": ["hidden"]}, "params: expected"),
        (("c", "hidden"), {"params": {"grant_type": "hidden"}}, "params['grant_type']"),
        (("c", "hidden"), {"params": {"client_id": "hidden"}}, "params['client_id']"),
        (("c", "hidden"), {"params": {"client_secret": "hidden"}}, "params['client_secret']"),
        (("c", "hidden"), {"params": {"scope": "hidden"}}, "params['scope']"),
        (("c", "hidden"), {"params": {"audience": "hidden"}}, "params['audience']"),
        (("c", "hidden"), {"params": {"resource": "hidden"}}, "params['resource']"),
        (("c", "hidden"), {"lifetime": 0}, "lifetime"),
        (("c", "hidden"), {"token_path": "token"}, "token_path"),
        (("c", "hidden"), {"header": "a b"}, "header"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_built(arguments, options, parameter):
    with pytest.raises(ConfigurationError) as caught:
        OAuth2ClientCredentials(TOKEN_URL, *arguments, **options)

    assert str(caught.value).startswith(f"OAuth2ClientCredentials: {parameter}")
    assert "hidden" not in insides_of(caught.value)
