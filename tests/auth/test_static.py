from __future__ import annotations

import itertools

import httpx
import pytest

from careof import ContactSelector, HttpResolver, NetworkPolicy, RequestTemplate, Secret
from careof.auth import ApiKeyAuth, BasicAuth, BearerAuth
from careof.auth._static import basic_credentials, credential_header_problem, header_value
from careof.errors import AuthenticationError, ConfigurationError
from tests.support.canary import frames_of
from tests.support.server import Server
from tests.support.tokens import EMAIL, insides_of, resolver

URL = "https://contacts.customer.example/people"
ILLEGAL = ["hidden\r\nX-Evil: 1", "hidden\x00", "hiddén", "hidden\x7f", "hidden\tden"]


def applied(strategy, url=URL):
    request = url if isinstance(url, httpx.Request) else httpx.Request("GET", url)
    [sent] = strategy.sync_auth_flow(request)
    return sent


def asked_in_a_resolver(strategy, url=URL):
    """
    The request that reaches the transport.
    """
    seen = []

    def answer(request):
        seen.append(request)
        return httpx.Response(200, json={"email": EMAIL})

    lookup = HttpResolver(
        RequestTemplate(url),
        ContactSelector(email="$.email"),
        auth=strategy,
        transport=httpx.MockTransport(answer),
    )
    lookup.resolve("C-1")
    return seen[0]


def unreachable(request):
    raise AssertionError("the request was sent")


@pytest.mark.parametrize(
    "username, password, header",
    [
        # RFC 7617 §2 and §2.1
        ("Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ("test", "123£", "Basic dGVzdDoxMjPCow=="),
        (Secret("Aladdin"), Secret("open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ("u", "a:b", "Basic dTphOmI="),
    ],
)
def test_basic_sends_user_and_password_as_utf8(username, password, header):
    assert applied(BasicAuth(username, password)).headers["Authorization"] == header


def test_a_query_parameter_may_have_the_name_of_a_reserved_header():
    sent = applied(ApiKeyAuth("host", "k", location="query"))

    assert sent.url.query == b"host=k"


def test_bearer_sends_its_token():
    assert applied(BearerAuth("abc.def")).headers["Authorization"] == "Bearer abc.def"


def test_a_key_goes_into_the_header_of_its_name():
    assert applied(ApiKeyAuth("X-Api-Key", "k 1")).headers["X-Api-Key"] == "k 1"


@pytest.mark.parametrize(
    "before, after",
    [
        ("", "?key=k"),
        ("?ref=C-1", "?ref=C-1&key=k"),
        ("?flag", "?flag&key=k"),
        ("?keys=a&xkey=b", "?keys=a&xkey=b&key=k"),
    ],
)
def test_a_key_goes_into_the_query_beside_the_others(before, after):
    sent = applied(ApiKeyAuth("key", "k", location="query"), URL + before)

    assert str(sent.url) == URL + after


@pytest.mark.parametrize(
    "before, after",
    [
        ("?ref={reference_id}", "?ref=C-1&key=k"),
        ("?ref={reference_id}&x=a%20b", "?ref=C-1&x=a%20b&key=k"),
        ("/{reference_id}", "/C-1?key=k"),
    ],
)
def test_in_a_resolver_a_key_goes_out_beside_the_others(before, after):
    sent = asked_in_a_resolver(ApiKeyAuth("key", "k", location="query"), URL + before)

    assert str(sent.url) == URL + after


def test_over_the_wire_a_key_goes_into_the_query(shell):
    with Server() as server:
        lookup = shell.HttpResolver(
            RequestTemplate(server.origin + "/people?ref={reference_id}"),
            ContactSelector(email="$.email"),
            auth=ApiKeyAuth("key", "k&1", location="query"),
            network=NetworkPolicy.for_loopback(),
        )
        shell.call(lookup.resolve, "C-1")

        assert server.requests[0].startswith(b"GET /people?ref=C-1&key=k%261 HTTP/1.1\r\n")


OUT, ALWAYS = "Take it out, or put the credential", "Every request has one: put the credential"
CLASHES = [
    (ApiKeyAuth("key", "k", location="query"), "?key=hidden&ref=1", {}, "query parameter 'key'"),
    (ApiKeyAuth("key", "k", location="query"), "?k%65y=hidden", {}, "query parameter 'key'"),
    (ApiKeyAuth("key", "k", location="query"), "?key", {}, "query parameter 'key'"),
    (ApiKeyAuth("X-Id", "k"), "", {"x-id": "hidden"}, "header 'x-id'"),
    (ApiKeyAuth("Accept", "k"), "", {"accept": "hidden"}, "header 'accept'"),
    (ApiKeyAuth("User-Agent", "k"), "", {"user-agent": "hidden"}, "header 'user-agent'"),
    (BearerAuth("k"), "", {"Authorization": "hidden"}, "header 'authorization'"),
    (BasicAuth("u", "k"), "", {"Authorization": "hidden"}, "header 'authorization'"),
]


@pytest.mark.parametrize("auth, query, headers, part", CLASHES)
def test_what_a_request_has_already_is_not_replaced(auth, query, headers, part):
    """
    It may be the reference, and then another person would be asked for.
    """
    request = httpx.Request("GET", URL + query, headers=headers)

    with pytest.raises(AuthenticationError) as caught:
        auth.apply(request)

    assert (caught.value.detail, caught.value.step) == ("credential_clash", "token")
    assert f"a {part} already" in str(caught.value)
    advice = ALWAYS if part in ("header 'accept'", "header 'user-agent'") else OUT
    assert str(caught.value).endswith(f"{advice} elsewhere.")
    assert "hidden" not in str(caught.value)
    assert str(request.url) == URL + query


@pytest.mark.parametrize(
    "auth", [ApiKeyAuth("id", "k", location="query"), ApiKeyAuth("X-Id", "k")], ids=str
)
def test_a_reference_is_never_replaced_by_a_key(shell, auth):
    template = RequestTemplate(
        "https://contacts.customer.example/people?id={reference_id}",
        headers={"X-Id": "{reference_id}"},
    )
    lookup = shell.HttpResolver(
        template,
        ContactSelector(email="$.email"),
        auth=auth,
        transport=httpx.MockTransport(unreachable),
    )

    with pytest.raises(AuthenticationError) as caught:
        shell.call(lookup.resolve, "hidden-1")

    assert caught.value.detail == "credential_clash"
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    "strategy",
    [
        lambda secret: ApiKeyAuth("key", secret, location="query"),
        lambda secret: ApiKeyAuth("X-Key", secret),
        BearerAuth,
    ],
    ids=["query", "header", "bearer"],
)
def test_a_request_that_is_sent_again_gets_the_new_credential(strategy):
    values = itertools.count(1)
    auth = strategy(Secret.from_callable(lambda: f"secret-{next(values)}"))
    request = httpx.Request("GET", URL)

    for _ in range(2):
        auth.apply(request)

    shown = f"{request.url} {request.headers.get('x-key')} {request.headers.get('authorization')}"
    assert "secret-2" in shown
    assert "secret-1" not in shown


@pytest.mark.parametrize(
    "strategy",
    [
        lambda secret: BasicAuth("u", secret),
        lambda secret: BasicAuth(secret, "p"),
        BearerAuth,
        lambda secret: ApiKeyAuth("X-Key", secret),
        lambda secret: ApiKeyAuth("key", secret, location="query"),
    ],
    ids=["password", "username", "bearer", "header", "query"],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_line_break_at_the_end_is_refused_when_it_is_built(strategy, end):
    """
    Copied from a file or a shell; it was sent, or quoted in an error of h11
    (typesafe-sdk-python#9, deer-flow#5097, feature-store-api#1145).
    """
    with pytest.raises(ConfigurationError) as caught:
        strategy(f"hidden-0001{end}")

    assert "hidden" not in insides_of(caught.value)


@pytest.mark.parametrize(
    "strategy, headers, query",
    [
        (lambda: BearerAuth(Secret.from_callable(lambda: "hidden\x00")), {}, ""),
        (lambda: ApiKeyAuth("X-Key", "hidden"), {"X-Key": "1"}, ""),
        (lambda: ApiKeyAuth("key", "hidden", location="query"), {}, "?key=1"),
    ],
    ids=["characters", "header", "query"],
)
def test_in_a_foreign_client_no_frame_of_ours_shows_it(strategy, headers, query):
    auth, caught = strategy(), None
    try:
        applied(auth, httpx.Request("GET", URL + query, headers=headers))
    except AuthenticationError as error:
        caught = error

    assert "set_" in insides_of(caught)
    assert "hidden" not in insides_of(caught)


@pytest.mark.parametrize("value", ["hidden\n", "hidd\u00e9n"])
def test_the_frame_of_a_value_that_no_header_can_carry_does_not_show_it(value):
    caught = None
    try:
        header_value(value)
    except AuthenticationError as error:
        caught = error

    assert "hidd" not in insides_of(caught)


@pytest.mark.parametrize("query", ["ref=a%20b", "ref=a+b", "ref=a%2Bb", "ref=%C3%A9&x=%26%3D"])
def test_the_rest_of_the_query_keeps_its_spelling(query):
    """
    A space that becomes a plus is another reference to a server that reads
    queries by RFC 3986.
    """
    sent = applied(ApiKeyAuth("key", "k", location="query"), f"{URL}?{query}")

    assert sent.url.query.decode() == f"{query}&key=k"


@pytest.mark.parametrize("key", ["a b", "a+b", "a&b=c", "a#b", "a%20b", "é€", "a/b?c", "a\nb"])
def test_a_key_of_any_characters_survives_the_query(key):
    sent = applied(ApiKeyAuth("key", key, location="query"), f"{URL}?ref=1")

    assert sent.url.params.multi_items() == [("ref", "1"), ("key", key)]
    assert sent.url.path == "/people"


@pytest.mark.parametrize(
    "strategy, header",
    [
        (lambda secret: BasicAuth("u", secret), "authorization"),
        (BearerAuth, "authorization"),
        (lambda secret: ApiKeyAuth("X-Key", secret), "x-key"),
    ],
)
def test_a_rotated_secret_is_used_at_the_next_request(strategy, header):
    values = itertools.count(1)
    auth = strategy(Secret.from_callable(lambda: f"secret-{next(values)}"))

    assert applied(auth).headers[header] != applied(auth).headers[header]


@pytest.mark.parametrize(
    "build, parameter",
    [
        (lambda: BasicAuth("a:b", "hidden"), "BasicAuth: username: it cannot have a colon"),
        (lambda: BasicAuth(None, "hidden"), "BasicAuth: username: expected"),
        (lambda: BasicAuth("", "hidden"), "BasicAuth: username: expected"),
        (lambda: BasicAuth("u", b"hidden"), "BasicAuth: password: expected"),
        (lambda: BasicAuth("u", "hidden\n"), "BasicAuth: password: expected"),
        (lambda: BearerAuth(None), "BearerAuth: token: expected"),
        (lambda: BearerAuth("hidden\n"), "BearerAuth: token: no header"),
        (lambda: ApiKeyAuth("X-Key", 5), "ApiKeyAuth: key: expected"),
        (lambda: ApiKeyAuth("X Key", "hidden"), "ApiKeyAuth: name: expected"),
        (lambda: ApiKeyAuth(None, "hidden"), "ApiKeyAuth: name: expected"),
        (lambda: ApiKeyAuth("Host", "hidden"), "ApiKeyAuth: name: careof sets"),
        (lambda: ApiKeyAuth("content-LENGTH", "hidden"), "ApiKeyAuth: name: careof sets"),
        (
            lambda: ApiKeyAuth("X-Key", "hidden", location="cookie"),
            "ApiKeyAuth: location: expected",
        ),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_built(build, parameter):
    with pytest.raises(ConfigurationError) as caught:
        build()

    assert str(caught.value).startswith(parameter)
    assert "hidden" not in insides_of(caught.value)


@pytest.mark.parametrize(
    "name, problem",
    [
        ("X-Token", ""),
        ("X Token", "expected the name of an HTTP header"),
        (None, "expected the name of an HTTP header"),
        ("Host", "careof sets this one"),
    ],
)
def test_a_header_for_a_token_is_judged_by_its_name(name, problem):
    assert credential_header_problem(name) == problem


@pytest.mark.parametrize("value", ILLEGAL)
@pytest.mark.parametrize(
    "strategy", [BearerAuth, lambda key: ApiKeyAuth("X-Key", key)], ids=["bearer", "key"]
)
def test_a_text_that_no_header_can_carry_is_refused_when_it_is_built(strategy, value):
    with pytest.raises(ConfigurationError, match="no header can carry it") as caught:
        strategy(value)

    assert "hidd" not in insides_of(caught.value)


@pytest.mark.parametrize("value", ILLEGAL)
@pytest.mark.parametrize(
    "strategy", [BearerAuth, lambda key: ApiKeyAuth("X-Key", key)], ids=["bearer", "key"]
)
def test_a_secret_that_no_header_can_carry_is_neither_sent_nor_quoted(shell, strategy, value):
    """
    h11 would quote it in its own error.
    """
    auth = strategy(Secret.from_callable(lambda: value))
    lookup = resolver(shell.HttpResolver, auth, httpx.MockTransport(unreachable))

    with pytest.raises(AuthenticationError) as caught:
        shell.call(lookup.resolve, "C-1")

    assert caught.value.detail == "credential_characters"
    assert caught.value.step == "token"
    assert "hidd" not in insides_of(caught.value)


def test_a_secret_user_name_with_a_colon_is_refused_when_it_is_used():
    """
    What follows the colon would be taken for the beginning of the password.
    """
    with pytest.raises(AuthenticationError, match="colon") as caught:
        applied(BasicAuth(Secret("hid:den"), "p"))

    assert "hid:den" not in str(caught.value)


@pytest.mark.parametrize(
    "strategy",
    [
        lambda secret: BasicAuth("u", secret),
        lambda secret: BasicAuth(secret, "p"),
        BearerAuth,
        lambda secret: ApiKeyAuth("X-Key", secret),
        lambda secret: ApiKeyAuth("key", secret, location="query"),
    ],
    ids=["password", "username", "bearer", "header", "query"],
)
def test_a_secret_that_cannot_be_read_ends_the_call_as_a_wrong_credential(shell, strategy):
    auth = strategy(Secret.from_env("CAREOF_TESTS_NEVER_SET"))
    lookup = resolver(shell.HttpResolver, auth, httpx.MockTransport(unreachable))

    with pytest.raises(AuthenticationError, match="env:CAREOF_TESTS_NEVER_SET") as caught:
        shell.call(lookup.resolve, "C-1")

    assert set(frames_of(caught.value)) <= {"resolve", "unwrap"}


def test_a_key_as_user_name_needs_no_password():
    request = httpx.Request("GET", "https://contacts.customer.example/")
    BasicAuth("key", "").apply(request)

    assert request.headers["Authorization"] == basic_credentials("key", "")
