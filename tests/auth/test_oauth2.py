from __future__ import annotations

import base64
import inspect
import ssl
from urllib.parse import parse_qsl, unquote, unquote_plus

import httpx
import pytest
from werkzeug.datastructures import Authorization

from careof import ContactSelector, NetworkPolicy, RequestTemplate, Secret
from careof.auth import MemoryTokenCache, OAuth2ClientCredentials, TokenEndpointAuth
from careof.auth._lease import Lease
from careof.auth._oauth2 import GrantOptions, OAuth2Grant, TokenOptions
from careof.auth._refresh_token import OAuth2RefreshToken
from careof.errors import AuthenticationError, CareofError, ConfigurationError
from careof.testing import FakeClock
from tests.support.server import Server, authority, certificate, trusting
from tests.support.tokens import EMAIL, TOKEN_URL, TokenServer, insides_of, request_in, resolver

# The grants, and what only one of them wants.
GRANTS = {OAuth2ClientCredentials: {}, OAuth2RefreshToken: {"refresh_token": "hidden-too"}}
OURS = "grant_type client_id client_secret client_assertion client_assertion_type refresh_token "
OURS = (OURS + "scope audience resource").split()
AWKWARD = [":", "/", "+", "%", " ", "~", "é", "€", "%2B", "a&b=c", ": / + % é €", "\t"]


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
        (" ", "%20"),
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


@pytest.mark.parametrize("decode", [unquote, unquote_plus])
@pytest.mark.parametrize("value", AWKWARD)
def test_every_server_that_decodes_finds_id_and_secret_again(decode, value):
    """
    Many read a plus sign as a plus sign: a space is %20, which all of them read.
    """
    encoded = basic_of(asked(value, value)).split(":")

    assert [decode(part) for part in encoded] == [value, value]


@pytest.mark.parametrize("value", AWKWARD)
def test_a_server_that_does_not_decode_finds_the_secret_as_it_stands(value):
    """
    AppAuth-Android #337, openid-client #134, oauth4webapi #199: servers differ.
    """
    request = asked("client", value, encode_credentials=False)

    found = Authorization.from_header(request.headers["Authorization"])
    assert (found.type, found.username, found.password) == ("basic", "client", value)


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
        ({"resource": ("urn:r", "urn:s")}, [("resource", "urn:r"), ("resource", "urn:s")]),
        ({"resource": ()}, []),
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
        {"resource": ("a", "b")},
        {"encode_credentials": False},
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
        (("c", "hidden"), {"client_auth": ["none"]}, "client_auth"),
        (("", "hidden"), {}, "client_id"),
        ((None, "hidden"), {}, "client_id"),
        ((Secret("c"), "hidden"), {}, "client_id"),
        (("\ud800", "hidden"), {}, "client_id"),
        (("a:b", "hidden"), {"encode_credentials": False}, "client_id: as it stands"),
        (("c", "hidden"), {"encode_credentials": None}, "encode_credentials"),
        (("c",), {}, 'client_secret: needed with client_auth="client_secret_basic"'),
        (
            ("c",),
            {"client_auth": "client_secret_post"},
            'client_secret: needed with client_auth="client_secret_post"',
        ),
        (("c", ""), {}, "client_secret"),
        (("c", "hidden\n"), {}, "client_secret"),
        (("c", b"hidden"), {}, "client_secret"),
        (
            ("c", "hidden"),
            {"client_auth": "none"},
            'client_secret: leave it out with client_auth="none"',
        ),
        (
            ("c", "hidden"),
            {"client_auth": "private_key_jwt"},
            'client_secret: leave it out with client_auth="private_key_jwt"',
        ),
        (("c", "hidden"), {"scope": ["a", "b"]}, "scope"),
        (("c", "hidden"), {"scope": "\ud800"}, "scope"),
        (("c", "hidden"), {"audience": 5}, "audience"),
        (("c", "hidden"), {"resource": b"r"}, "resource"),
        (("c", "hidden"), {"resource": 0}, "resource"),
        (("c", "hidden"), {"resource": ["r"]}, "resource"),
        (("c", "hidden"), {"resource": ("r", 5)}, "resource"),
        (("c", "hidden"), {"resource": ("\ud800",)}, "resource"),
        (("c", "hidden"), {"params": {"a": object()}}, "params: expected"),
        (("c", "hidden"), {"params": {5: "hidden"}}, "params: expected"),
        (("c", "hidden"), {"params": ["hidden"]}, "params: expected"),
        (("c", "hidden"), {"params": {"a": "hidden\ud800"}}, "params['a']"),
        (("c", "hidden"), {"params": {"a": "hidden"}, "audience": 5}, "audience"),
        (("", "hidden"), {"params": {"a": "hidden"}}, "client_id"),
        (("c", "hidden"), {"params": {"a": "hidden"}, "lifetime": 0}, "lifetime"),
        (("c", "hidden"), {"private_key": "hidden"}, "private_key"),
        (("c", "hidden"), {"private_key": b"hidden"}, "private_key"),
        (("c", "hidden"), {"lifetime": 0}, "lifetime"),
        (("c", "hidden"), {"leeway": -1}, "leeway"),
        (("c", "hidden"), {"token_path": "token"}, "token_path"),
        (("c", "hidden"), {"expires_path": "expires"}, "expires_path"),
        (("c", "hidden"), {"header": "a b"}, "header"),
        (("c", "hidden"), {"prefix": "a\nb"}, "prefix"),
        (("c", "hidden"), {"cache": "cache"}, "cache"),
        (("c", "hidden"), {"rejected_statuses": 401}, "rejected_statuses"),
    ],
)
@pytest.mark.parametrize("grant", GRANTS, ids=lambda grant: grant.__name__)
def test_what_cannot_work_is_refused_when_it_is_built(grant, arguments, options, parameter):
    with pytest.raises(ConfigurationError) as caught:
        grant(TOKEN_URL, *arguments, **options, **GRANTS[grant])

    assert str(caught.value).startswith(f"{grant.__name__}: {parameter}")
    assert "hidden" not in insides_of(caught.value)


@pytest.mark.parametrize("name", sorted(OURS))
@pytest.mark.parametrize("grant", GRANTS, ids=lambda grant: grant.__name__)
def test_a_parameter_that_careof_sets_is_refused(grant, name):
    with pytest.raises(ConfigurationError) as caught:
        grant(TOKEN_URL, "c", "hidden", params={name: "hidden"}, **GRANTS[grant])

    assert str(caught.value) == f"{grant.__name__}: params[{name!r}]: careof sets this one."
    assert "hidden" not in insides_of(caught.value)


@pytest.mark.parametrize("option", ["scpe", "client_secrett", "headers", "method", "json", "form"])
@pytest.mark.parametrize("grant", GRANTS, ids=lambda grant: grant.__name__)
def test_an_option_that_there_is_not_is_named_and_not_shown(grant, option):
    with pytest.raises(ConfigurationError) as caught:
        grant(TOKEN_URL, "c", "hidden", **{option: "hidden"}, **GRANTS[grant])

    assert str(caught.value) == f"{grant.__name__}: {option}: there is no such option."
    assert "hidden" not in insides_of(caught.value)


@pytest.mark.parametrize("url", ["", "token", "http://", "https://u:hidden@id.example/token"])
@pytest.mark.parametrize("grant", GRANTS, ids=lambda grant: grant.__name__)
def test_a_token_url_that_is_none_is_refused(grant, url):
    with pytest.raises(ConfigurationError, match=f"^{grant.__name__}: token_url: expected an abs"):
        grant(url, "c", "hidden", **GRANTS[grant])


def test_a_grant_takes_every_option_that_says_what_becomes_of_a_token():
    """
    Those that say how to ask for one are what a grant is made of.
    """
    parameters = inspect.signature(TokenEndpointAuth).parameters.values()
    options = {each.name for each in parameters if each.kind is each.KEYWORD_ONLY}

    assert options - {"method", "headers", "json", "form"} == TokenOptions.__optional_keys__


def test_both_grants_take_the_same_options():
    parameters = inspect.signature(OAuth2Grant).parameters.values()
    options = {each.name for each in parameters if each.kind is each.KEYWORD_ONLY}

    assert options | TokenOptions.__optional_keys__ == GrantOptions.__optional_keys__


@pytest.mark.parametrize("grant", GRANTS, ids=lambda grant: grant.__name__)
def test_the_options_of_a_token_endpoint_are_those_of_a_grant(grant):
    cache, clock = MemoryTokenCache(), FakeClock()
    auth = grant(
        TOKEN_URL,
        "c",
        "s",
        token_path="$.token",
        expires_path=None,
        lifetime=60,
        leeway=5,
        header="X-Token",
        prefix="",
        rejected_statuses=frozenset({419}),
        cache=cache,
        clock=clock,
        **GRANTS[grant],
    )
    request = request_in(SERVER)

    token = auth.read_token(httpx.Response(200, json={"token": "t", "expires_in": 5}))
    auth.apply_token(request, token)

    assert request.headers["X-Token"] == "t"
    assert token.lifetime is None
    assert (auth.lifetime, auth.leeway, auth.cache, auth.clock) == (60, 5, cache, clock)
    assert auth.is_rejected(httpx.Response(419))


@pytest.mark.parametrize("grant", GRANTS, ids=lambda grant: grant.__name__)
def test_a_secret_that_cannot_be_read_leaves_no_trace_of_the_others(grant):
    auth = grant(
        TOKEN_URL,
        "c",
        Secret.from_env("CAREOF_TESTS_NEVER_SET"),
        params={"key": "hidden"},
        **GRANTS[grant],
    )

    with pytest.raises(CareofError, match="env:CAREOF_TESTS_NEVER_SET") as caught:
        auth.token_request()

    assert "hidden" not in insides_of(caught.value)


@pytest.fixture(scope="module")
def demanding():
    """
    TLS settings of a server that wants to see a certificate of its client.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert("127.0.0.1").configure_cert(context)
    authority().configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def with_a_certificate():
    context = trusting()
    authority().issue_cert("client.example").configure_cert(context)
    return context


def lookup_with(shell, token_endpoint, contact_endpoint, ssl_context):
    return shell.HttpResolver(
        RequestTemplate(f"{contact_endpoint.origin}/c/{{reference_id}}"),
        ContactSelector(email="$.email"),
        auth=OAuth2ClientCredentials(
            f"{token_endpoint.origin}/token",
            "client",
            client_auth="none",
            cache=MemoryTokenCache(),
        ),
        network=NetworkPolicy.for_loopback(),
        ssl_context=ssl_context,
    )


def test_a_client_with_a_certificate_needs_no_secret(shell, demanding):
    """
    RFC 8705 §2: the certificate says who asks, the form which client that is.
    """
    with (
        Server(tls=demanding, body=b'{"access_token": "bound"}') as token_endpoint,
        Server(tls=certificate("127.0.0.1")) as contact_endpoint,
    ):
        lookup = lookup_with(shell, token_endpoint, contact_endpoint, with_a_certificate())
        shell.call(lookup.resolve, "ref-1")

    assert token_endpoint.requests[0].endswith(
        b"\r\n\r\ngrant_type=client_credentials&client_id=client"
    )
    assert b"\r\nauthorization: Bearer bound\r\n" in contact_endpoint.requests[0].replace(
        b"Authorization", b"authorization"
    )


def test_a_client_without_its_certificate_gets_no_token(shell, demanding):
    with (
        Server(tls=demanding) as token_endpoint,
        Server(tls=certificate("127.0.0.1")) as contact_endpoint,
    ):
        lookup = lookup_with(shell, token_endpoint, contact_endpoint, trusting())
        with pytest.raises(CareofError) as caught:
            shell.call(lookup.resolve, "ref-1")

    assert caught.value.step == "token"
    assert (token_endpoint.requests, contact_endpoint.requests) == ([], [])
