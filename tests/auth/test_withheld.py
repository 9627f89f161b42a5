"""
A key in a header of its own goes to no other origin, wherever a client is redirected.
"""

from __future__ import annotations

import copy
import functools
import pickle

import httpx
import pytest

from careof._network.network import Network
from careof.auth import ApiKeyAuth, AuthStrategy, BearerAuth, TokenEndpointAuth, _claim
from careof.auth._withheld import WithheldHeaders, withhold
from careof.errors import ConfigurationError
from tests.support.clients import client_of
from tests.support.server import Server
from tests.support.tokens import (
    TOKEN_URL,
    TokenServer,
    VoucherAuth,
    WatchedCache,
    insides_of,
    request_in,
)

OURS = "https://crm.customer.example"
SECRET = "hidden-0001"

clients = pytest.mark.parametrize("kind", ["sync", "async"])


def redirecting(status, location):
    def answer(request):
        if request.url.path == "/first":
            return httpx.Response(status, headers={"Location": location})
        return httpx.Response(200)

    return answer


@clients
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/",
        "//evil.example/",
        "http://crm.customer.example/",
        "https://crm.customer.example:8443/",
        # No request that follows has it, at the same origin neither.
        "/second",
    ],
)
def test_a_redirect_does_not_take_a_key_along(kind, status, method, location):
    """
    Of the credentials httpx takes away only ``Authorization``; ``X-Api-Key``
    went to another origin and into clear text (openai-python#3516,
    tldw_chatbook#1925).
    """
    auth = ApiKeyAuth("X-Api-Key", SECRET)
    client = client_of(kind, redirecting(status, location), auth=auth, follow_redirects=True)
    client.request(method, f"{OURS}/first")
    first, second = client.requests

    assert first.headers["x-api-key"] == SECRET
    assert "x-api-key" not in second.headers
    assert SECRET not in str(second.headers.raw)


@clients
def test_the_request_that_would_follow_does_not_have_it(kind):
    auth = ApiKeyAuth("X-Api-Key", SECRET)
    client = client_of(kind, redirecting(302, "https://evil.example/"), auth=auth)

    assert "x-api-key" not in client.get(f"{OURS}/first").next_request.headers


@clients
def test_two_keys_stay_behind_both(kind):
    auth = ApiKeyAuth("X-Api-Key", SECRET) + ApiKeyAuth("X-App-Id", SECRET)
    client = client_of(
        kind, redirecting(302, "https://evil.example/"), auth=auth, follow_redirects=True
    )
    client.get(f"{OURS}/first")
    first, second = client.requests

    assert {"x-api-key", "x-app-id"} <= set(first.headers)
    assert not {"x-api-key", "x-app-id"} & set(second.headers)


@clients
def test_httpx_takes_authorization_to_the_same_origin_only(kind):
    def answer(request):
        following = {"/first": "/second", "/second": "https://evil.example/"}
        if request.url.path in following:
            return httpx.Response(302, headers={"Location": following[request.url.path]})
        return httpx.Response(200)

    client = client_of(kind, answer, auth=BearerAuth(SECRET), follow_redirects=True)
    client.get(f"{OURS}/first")

    assert [sent.headers.get("authorization") for sent in client.requests] == [
        f"Bearer {SECRET}",
        f"Bearer {SECRET}",
        None,
    ]


def test_over_a_socket_the_key_is_sent_once():
    with Server() as other, Server("redirect", location=f"{other.origin}/") as first:
        auth = ApiKeyAuth("X-Api-Key", SECRET)
        with httpx.Client(auth=auth, follow_redirects=True, trust_env=False) as client:
            assert client.get(f"{first.origin}/first").status_code == 200

        assert b"X-Api-Key: hidden-0001\r\n" in first.requests[0]
        assert b"hidden" not in other.requests[0].lower()


@clients
@pytest.mark.parametrize(
    "strategy", [BearerAuth, lambda key: ApiKeyAuth("X-Api-Key", key)], ids=["bearer", "key"]
)
def test_what_a_hook_of_the_client_sets_is_sent(kind, strategy):
    def mark(request):
        request.headers["X-Trace"] = "t-1"
        request.headers.update({"User-Agent": "u-1"})

    async def async_mark(request):
        mark(request)

    hooks = {"request": [mark if kind == "sync" else async_mark]}
    client = client_of(kind, auth=strategy(SECRET), event_hooks=hooks)
    client.get(OURS)
    [sent] = client.requests

    assert (sent.headers["x-trace"], sent.headers["user-agent"]) == ("t-1", "u-1")
    assert SECRET in str(sent.headers.raw)


def test_in_a_resolver_headers_are_headers():
    request = request_in(TokenServer())
    ApiKeyAuth("X-Api-Key", SECRET).apply(request)

    assert type(request.headers) is httpx.Headers
    assert request.headers["x-api-key"] == SECRET


def test_a_token_in_a_header_of_its_own_stays_behind_as_well():
    auth = TokenEndpointAuth(TOKEN_URL, header="X-Token", prefix="")
    request = httpx.Request("GET", OURS)
    auth.apply_token(request, auth.read_token(httpx.Response(200, json={"access_token": SECRET})))

    assert request.headers["x-token"] == SECRET
    assert "x-token" not in httpx.Headers(request.headers)


class SignedAuth(AuthStrategy):
    """
    A host's own scheme, which sets headers as every host would.
    """

    def apply(self, request):
        request.headers["X-Sig"] = SECRET
        request.headers["User-Agent"] = f"desk {SECRET}"
        request.headers["X-Name"] = f"zoë {SECRET}"
        request.headers["Authorization"] = f"Sig {SECRET}"


class SignedTokenAuth(VoucherAuth):
    """
    The same with a token.
    """

    def apply_token(self, request, token):
        SignedAuth().apply(request)


class SignedOnlyAuth(AuthStrategy):
    def apply(self, request):
        request.headers["X-Sig"] = SECRET


def signing(apply):
    @functools.wraps(apply)
    def sign(self, request):
        apply(self, request)
        request.headers["X-Sig"] = SECRET

    return sign


class DecoratedAuth(BearerAuth):
    apply = signing(BearerAuth.apply)


class Signature:
    def __call__(self, request):
        request.headers["X-Sig"] = SECRET


def with_an_object():
    auth = BearerAuth("t")
    auth.apply = Signature()
    return auth


def with_both():
    return BearerAuth("t") + SignedOnlyAuth()


def with_a_decorator():
    return DecoratedAuth("t")


@clients
@pytest.mark.parametrize("location", ["https://evil.example/", "/second"])
@pytest.mark.parametrize("bound", [False, True])
@pytest.mark.parametrize("make", [SignedAuth, with_both, with_a_decorator, with_an_object])
def test_what_a_host_s_own_scheme_sets_stays_behind_as_well(kind, location, bound, make):
    auth = make().bound_to(OURS) if bound else make()
    client = client_of(kind, redirecting(302, location), auth=auth, follow_redirects=True)
    client.get(f"{OURS}/first", headers={"X-Trace": "t-1"})
    first, second = client.requests

    assert first.headers["x-sig"] == SECRET
    assert first.headers["x-trace"] == second.headers["x-trace"] == "t-1"
    assert "x-sig" not in second.headers
    if location != "/second":  # where httpx takes Authorization along
        assert SECRET not in str(second.headers.raw)


def test_what_a_host_s_own_scheme_sets_is_sent_as_it_was_set():
    request = httpx.Request("GET", OURS)
    next(SignedAuth().sync_auth_flow(request))

    assert request.headers["x-name"] == f"zoë {SECRET}"
    assert request.headers["user-agent"] == f"desk {SECRET}"
    assert request.headers["authorization"] == f"Sig {SECRET}"
    assert SECRET not in repr(request.headers)


@clients
def test_what_a_scheme_with_tokens_sets_in_its_own_way_stays_behind(kind, monkeypatch):
    server = TokenServer()
    network = Network(transport=server)
    monkeypatch.setattr(_claim, "own_network", lambda: network)
    client = client_of(
        kind,
        redirecting(302, "https://evil.example/"),
        auth=SignedTokenAuth(cache=WatchedCache()),
        follow_redirects=True,
    )
    client.get(f"{OURS}/first")
    first, second = client.requests

    assert first.headers["x-sig"] == SECRET
    assert SECRET not in str(second.headers.raw)


def test_in_a_resolver_what_a_host_s_own_scheme_sets_is_a_header_like_others():
    request = request_in(TokenServer())
    next(SignedAuth().sync_auth_flow(request))

    assert type(request.headers) is httpx.Headers


@pytest.fixture
def headers():
    withheld = WithheldHeaders(httpx.Headers([("A", "1"), ("a", "2"), ("B", "3")]))
    withheld.withhold(b"X-Key", SECRET.encode())
    return withheld


@pytest.fixture
def plain():
    return httpx.Headers([("A", "1"), ("a", "2"), ("B", "3"), ("X-Key", SECRET)])


@pytest.mark.parametrize(
    "read",
    [
        lambda headers: headers.raw,
        list,
        len,
        lambda headers: list(headers.keys()),
        lambda headers: list(headers.values()),
        lambda headers: list(headers.items()),
        lambda headers: headers.multi_items(),
        lambda headers: headers.get_list("x-KEY"),
        lambda headers: headers.get_list("a"),
        lambda headers: headers.get_list("A", split_commas=True),
        lambda headers: headers["X-key"],
        lambda headers: headers["a"],
        lambda headers: headers.get("x-key"),
        lambda headers: headers.get("none", "default"),
        lambda headers: ["X-KEY" in headers, "a" in headers, "none" in headers],
        dict,
        lambda headers: headers.encoding,
        lambda headers: headers.pop("x-key"),
        lambda headers: headers.setdefault("x-key", "other"),
        lambda headers: headers.setdefault("none", "other"),
    ],
)
def test_whoever_reads_them_sees_all(headers, plain, read):
    assert read(headers) == read(plain)
    assert sorted(headers.raw) == sorted(plain.raw)


def test_they_equal_what_they_show(headers, plain):
    assert headers == plain
    assert plain == headers
    assert headers == plain.raw
    assert headers != httpx.Headers(headers)
    assert headers != {}


@pytest.mark.parametrize(
    "change",
    [
        lambda headers: headers.__setitem__("a", "new"),
        lambda headers: headers.__setitem__("x-KEY", "new"),
        lambda headers: headers.__delitem__("A"),
        lambda headers: headers.__delitem__("x-KEY"),
        lambda headers: headers.pop("x-key"),
        lambda headers: headers.update({"X-Key": "new", "a": "new"}),
        lambda headers: headers.update({"X-New": "new"}),
        lambda headers: headers.clear(),
    ],
)
def test_a_change_changes_what_they_show(headers, plain, change):
    change(headers)
    change(plain)

    assert sorted(headers.multi_items()) == sorted(plain.multi_items())


@pytest.mark.parametrize("name", ["none", "x-key"])
def test_what_is_not_there_cannot_be_taken_away(headers, name):
    headers.pop(name, None)

    with pytest.raises(KeyError):
        del headers[name]


def test_what_somebody_sets_in_their_place_is_a_header_like_others(headers):
    headers["X-Key"] = "of somebody else"

    assert httpx.Headers(headers)["x-key"] == "of somebody else"
    assert headers.get_list("x-key") == ["of somebody else"]


@pytest.mark.parametrize(
    "copied",
    [
        httpx.Headers,
        lambda headers: headers.copy(),
        copy.copy,
        copy.deepcopy,
        lambda headers: pickle.loads(pickle.dumps(headers)),
        lambda headers: httpx.Request("GET", OURS, headers=headers, stream=None).headers,
    ],
)
def test_no_copy_has_the_credential(headers, copied):
    copy_of = copied(headers)

    assert type(copy_of) is httpx.Headers
    assert copy_of.get_list("a") == ["1", "2"]
    assert SECRET not in str(copy_of.raw)


def test_they_read_what_is_not_ascii_as_before():
    plain = httpx.Headers([(b"X-Name", "Zoë".encode("latin-1"))], encoding="latin-1")
    headers = WithheldHeaders(plain)
    headers.withhold(b"X-Key", SECRET.encode())

    assert headers["x-name"] == plain["x-name"] == "Zoë"


def test_their_repr_masks_it(headers):
    assert repr(headers) == "Headers([('a', '1'), ('a', '2'), ('b', '3'), ('x-key', '***')])"


def test_they_cannot_be_hashed_as_no_headers_can(headers):
    with pytest.raises(TypeError):
        hash(headers)


def test_an_httpx_whose_copies_take_everything_is_not_trusted(monkeypatch):
    """
    The redirect of such a version would take the key along, and no other test
    would run there.
    """
    request = httpx.Request("GET", OURS)

    original = httpx.Headers

    class Copies(original):
        def __init__(self, headers=None, encoding=None):
            pairs = headers.raw if isinstance(headers, original) else headers
            super().__init__(pairs, encoding)

    monkeypatch.setattr(httpx, "Headers", Copies)

    with pytest.raises(ConfigurationError, match="This version of httpx") as caught:
        withhold(request, "X-Key", SECRET)

    assert SECRET not in insides_of(caught.value)
    assert "x-key" not in request.headers
