"""
Several strategies in one: a request has the credentials of all, or is not sent.
"""

from __future__ import annotations

import pickle

import httpx
import pytest

from careof import HttpResolver, Secret
from careof._network.network import Network
from careof.auth import (
    ApiKeyAuth,
    AuthStrategy,
    BasicAuth,
    BearerAuth,
    MemoryTokenCache,
    NoAuth,
    OAuth2ClientCredentials,
    TokenEndpointAuth,
)
from careof.errors import AuthenticationError, ConfigurationError
from tests.support.asking import ELSEWHERE, Asking, as_it_is, marked, moved, own_request
from tests.support.canary import every_view_of
from tests.support.clients import client_of
from tests.support.tokens import EMAIL, TOKEN_URL, TokenServer, VoucherAuth, resolver

URL = "https://contacts.customer.example/people/C-1"
SECRET = "hidden-0001"

clients = pytest.mark.parametrize("kind", ["sync", "async"])


def endpoint(seen, *statuses):
    """
    A transport that notes requests, and answers with *statuses*, at last with a contact.
    """
    left = list(statuses)

    def answer(request):
        seen.append((str(request.url), dict(request.headers)))
        return httpx.Response(left.pop(0) if left else 200, json={"email": EMAIL})

    return httpx.MockTransport(answer)


def lookup(shell, auth, transport):
    return shell.call(resolver(shell.HttpResolver, auth, transport).resolve, "C-1")


def failure(shell, auth, transport):
    with pytest.raises(AuthenticationError) as caught:
        lookup(shell, auth, transport)
    return caught.value


def headers_of(seen, *names):
    return [tuple(headers.get(name) for name in names) for _, headers in seen]


@pytest.mark.parametrize(
    "auth, shown",
    [
        (
            ApiKeyAuth("X-Key", SECRET) + OAuth2ClientCredentials(TOKEN_URL, "c", SECRET),
            "ApiKeyAuth() + OAuth2ClientCredentials()",
        ),
        (
            httpx.DigestAuth("user", SECRET) + ApiKeyAuth("X-Key", SECRET),
            "DigestAuth() + ApiKeyAuth()",
        ),
        (
            (NoAuth() + VoucherAuth()) + (BasicAuth("u", SECRET) + ApiKeyAuth("X-Key", SECRET)),
            "NoAuth() + VoucherAuth() + BasicAuth() + ApiKeyAuth()",
        ),
    ],
)
def test_its_repr_names_its_parts(auth, shown):
    assert repr(auth) == shown


def test_a_repr_of_somebody_else_is_not_shown():
    class Talkative(httpx.Auth):
        def __repr__(self):
            return SECRET

    assert repr(Talkative() + NoAuth()) == "Talkative() + NoAuth()"


@pytest.mark.parametrize(
    "auth",
    [
        ApiKeyAuth("X-Key", SECRET) + BearerAuth(SECRET),
        httpx.DigestAuth("user", SECRET) + ApiKeyAuth("X-Key", SECRET),
        BearerAuth(SECRET) + ApiKeyAuth("key", SECRET, location="query"),
    ],
    ids=repr,
)
def test_nothing_of_it_is_shown(auth):
    assert SECRET not in "\n".join(every_view_of(auth))
    with pytest.raises(TypeError, match="refuses to be pickled"):
        pickle.dumps(auth)


@pytest.mark.parametrize("other", [None, 0, "text", ("user", "password"), lambda request: request])
def test_only_strategies_can_be_combined(other):
    with pytest.raises(TypeError):
        NoAuth() + other
    with pytest.raises(TypeError):
        other + NoAuth()


STATIC = [
    ApiKeyAuth("X-Key", "k-1") + BearerAuth("t-1"),
    BearerAuth("t-1") + ApiKeyAuth("X-Key", "k-1"),
    httpx.BasicAuth("u", "p") + ApiKeyAuth("X-Key", "k-1"),
    ApiKeyAuth("X-Key", "k-1") + httpx.BasicAuth("u", "p"),
    NoAuth() + ApiKeyAuth("X-Key", "k-1") + NoAuth() + BearerAuth("t-1"),
]


@pytest.mark.parametrize("auth", STATIC, ids=repr)
def test_a_request_has_the_credentials_of_all(shell, auth):
    seen = []
    lookup(shell, auth, endpoint(seen))
    [(_, headers)] = seen

    assert headers["x-key"] == "k-1"
    assert headers["authorization"] in ("Bearer t-1", "Basic dTpw")


@clients
@pytest.mark.parametrize("auth", STATIC, ids=repr)
def test_in_a_foreign_client_it_has_them_as_well(kind, auth):
    request = client_of(kind, auth=auth).get(URL).request

    assert request.headers["x-key"] == "k-1"
    assert request.headers["authorization"] in ("Bearer t-1", "Basic dTpw")


def test_two_keys_may_stand_in_the_query(shell):
    seen = []
    auth = ApiKeyAuth("id", "i 1", location="query") + ApiKeyAuth("key", "k&1", location="query")
    lookup(shell, auth, endpoint(seen))

    assert seen[0][0] == f"{URL}?id=i%201&key=k%261"


@clients
def test_in_a_foreign_client_two_keys_may_stand_in_the_query(kind):
    auth = ApiKeyAuth("id", "i-1", location="query") + ApiKeyAuth("key", "k-1", location="query")
    client = client_of(kind, auth=auth + Asking("b", as_it_is, as_it_is))
    client.get(f"{URL}?ref=1")

    assert [str(sent.url) for sent in client.requests] == [f"{URL}?ref=1&id=i-1&key=k-1"] * 2


class Silent(httpx.Auth):
    """
    One that asks nothing.
    """

    def sync_auth_flow(self, request):
        yield from ()

    async def async_auth_flow(self, request):
        for nothing in ():
            yield nothing


@pytest.mark.parametrize("place", ["left", "right"])
def test_no_request_is_sent_for_a_part_that_asks_nothing(shell, place):
    seen = []
    silent, key = Silent(), ApiKeyAuth("X-Key", SECRET)
    auth = silent + key if place == "left" else key + silent

    assert "sent no request" in str(failure(shell, auth, endpoint(seen)))
    assert seen == []


CLASHES = [
    (lambda: ApiKeyAuth("X-Key", SECRET) + ApiKeyAuth("x-KEY", SECRET), "header 'x-key'"),
    (lambda: BearerAuth(SECRET) + BasicAuth("u", SECRET), "header 'authorization'"),
    (lambda: httpx.BasicAuth("u", SECRET) + BearerAuth(SECRET), "header 'authorization'"),
    (lambda: BearerAuth(SECRET) + httpx.DigestAuth("u", SECRET), "header 'authorization'"),
    (
        lambda: BearerAuth(SECRET) + NoAuth() + TokenEndpointAuth(TOKEN_URL),
        "header 'authorization'",
    ),
    (
        lambda: TokenEndpointAuth(TOKEN_URL, header="X-Key") + ApiKeyAuth("X-Key", SECRET),
        "header 'x-key'",
    ),
    (
        lambda: (
            ApiKeyAuth("key", SECRET, location="query")
            + ApiKeyAuth("key", SECRET, location="query")
        ),
        "query parameter 'key'",
    ),
]


@pytest.mark.parametrize("build, part", CLASHES)
def test_two_that_set_the_same_are_refused_when_they_are_combined(build, part):
    with pytest.raises(ConfigurationError, match=f"both set the {part}") as caught:
        build()

    assert "Leave one of them out, or put one elsewhere (ApiKeyAuth: name; " in str(caught.value)
    assert SECRET not in str(caught.value)


class OtherDigest(httpx.DigestAuth):
    pass


@pytest.mark.parametrize("digest", [httpx.DigestAuth, OtherDigest])
@pytest.mark.parametrize("order", ["digest first", "key first"])
def test_a_digest_and_a_key_that_it_never_sees_are_refused_when_they_are_combined(digest, order):
    signing, key = digest("user", SECRET), ApiKeyAuth("key", SECRET, location="query") + NoAuth()

    with pytest.raises(ConfigurationError, match="Put the key into a header") as caught:
        signing + key if order == "digest first" else key + signing

    assert str(caught.value).startswith(f"{digest.__name__}() + ApiKeyAuth(): ")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "build",
    [
        lambda: ApiKeyAuth("key", SECRET) + ApiKeyAuth("key", SECRET, location="query"),
        lambda: (
            ApiKeyAuth("key", SECRET, location="query")
            + ApiKeyAuth("KEY", SECRET, location="query")
        ),
        lambda: BearerAuth(SECRET) + TokenEndpointAuth(TOKEN_URL, header="X-Token"),
    ],
)
def test_what_only_looks_the_same_can_be_combined(build):
    assert build()


class OtherBearer(BearerAuth):
    """
    A host's: what careof knows of ours may not hold for it.
    """


class OtherBasic(httpx.BasicAuth):
    pass


class OtherPlace(BearerAuth):
    def apply(self, request):
        request.headers["X-Bearer"] = "b-1"


@pytest.mark.parametrize(
    "auth",
    [
        BearerAuth(SECRET) + OtherBearer(SECRET),
        OtherBearer(SECRET) + BearerAuth(SECRET),
        OtherBasic("u", SECRET) + BearerAuth(SECRET),
    ],
    ids=repr,
)
def test_a_clash_that_nobody_could_know_of_is_found_before_anything_is_sent(shell, auth):
    seen = []
    error = failure(shell, auth, endpoint(seen))

    assert (error.detail, seen) == ("credential_clash", [])
    assert "header 'authorization'" in str(error)


def test_a_subclass_may_put_its_credential_elsewhere(shell):
    seen = []
    lookup(shell, BearerAuth("t-1") + OtherPlace(SECRET), endpoint(seen))

    assert headers_of(seen, "authorization", "x-bearer") == [("Bearer t-1", "b-1")]


@pytest.mark.parametrize("location", ["header", "query"])
def test_two_keys_of_one_name_clash_when_a_host_hides_what_they_are(shell, location):
    class OtherKey(ApiKeyAuth):
        pass

    seen = []
    auth = OtherKey("key", SECRET, location=location) + OtherKey("key", SECRET, location=location)

    assert failure(shell, auth, endpoint(seen)).detail == "credential_clash"
    assert seen == []


@clients
@pytest.mark.parametrize("location", ["header", "query"])
def test_in_a_foreign_client_they_clash_as_well(kind, location):
    class OtherKey(ApiKeyAuth):
        pass

    auth = OtherKey("key", SECRET, location=location) + OtherKey("key", SECRET, location=location)
    client = client_of(kind, auth=auth)
    with pytest.raises(AuthenticationError, match="'key' already"):
        client.get(URL)

    assert client.requests == []


def bare(request):
    """
    A request of the same kind, with nothing in it of what was there.
    """
    return httpx.Request(request.method, request.url.copy_with(query=None))


def overwrite(request):
    request.headers["Authorization"] = "other"
    request.headers["X-Key"] = "other"
    request.url = request.url.copy_set_param("key", "other")
    return request


LOST = [
    (ApiKeyAuth("X-Key", SECRET), bare),
    (ApiKeyAuth("key", SECRET, location="query"), bare),
    (BearerAuth(SECRET), bare),
    (ApiKeyAuth("X-Key", SECRET), overwrite),
    (BearerAuth(SECRET), overwrite),
    # To another host it must not go.
    (ApiKeyAuth("X-Key", SECRET), moved),
    (ApiKeyAuth("key", SECRET, location="query"), moved),
    (BearerAuth(SECRET), moved),
]


@pytest.mark.parametrize("part, ask", LOST)
def test_a_request_that_misses_a_part_is_not_sent(shell, part, ask):
    seen = []
    error = failure(shell, part + Asking("other", ask), endpoint(seen))

    assert (error.detail, error.step, seen) == ("credential_lost", "token", [])
    assert str(error).startswith("Asking sends a request without the credentials")


@clients
@pytest.mark.parametrize(
    "part, ask",
    [
        *LOST[:6],
        (BearerAuth(SECRET), moved),
        (ApiKeyAuth("key", SECRET, location="query"), overwrite),
    ],
)
def test_in_a_foreign_client_it_is_not_sent_either(kind, part, ask):
    client = client_of(kind, auth=part + Asking("other", ask))
    with pytest.raises(AuthenticationError, match="without the credentials"):
        client.get(URL)

    assert client.requests == []


def test_a_parameter_that_comes_later_does_not_stand_beside_a_key(shell):
    """
    Two of one name are read as the first by some, and as the last by others.
    """
    seen = []
    auth = ApiKeyAuth("key", SECRET, location="query") + Asking("other", overwrite)
    error = failure(shell, auth, endpoint(seen))

    assert (error.detail, seen) == ("credential_clash", [])


def test_a_conversation_elsewhere_has_no_credential_of_another_part(shell):
    """
    As that of a strategy that asks for its token in its own flow.
    """
    seen = []
    auth = Asking("a", own_request(ELSEWHERE), marked("a")) + ApiKeyAuth("X-Key", "k-1")
    lookup(shell, auth, endpoint(seen))

    assert [url for url, _ in seen] == [ELSEWHERE, URL]
    assert headers_of(seen, "x-key", "x-marks") == [(None, None), ("k-1", "a")]


@pytest.mark.parametrize("order", ["left", "right"])
def test_a_conversation_elsewhere_of_the_right_part_has_none_either(shell, order):
    seen = []
    asking = Asking("a", own_request(ELSEWHERE), as_it_is)
    key = ApiKeyAuth("X-Key", "k-1")
    lookup(shell, asking + key if order == "left" else key + asking, endpoint(seen))

    assert headers_of(seen, "x-key") == [(None,), ("k-1",)]


@clients
def test_in_a_foreign_client_a_conversation_elsewhere_binds_nobody(kind):
    key = ApiKeyAuth("X-Key", "k-1")
    client = client_of(kind, auth=Asking("a", own_request(ELSEWHERE), as_it_is) + key)
    client.get(URL)

    assert [sent.headers.get("x-key") for sent in client.requests] == [None, "k-1"]
    assert key.careof_origins == {("https", "contacts.customer.example", 443)}


def test_a_conversation_at_the_endpoint_has_them(shell):
    seen = []
    auth = Asking("a", own_request(f"{URL}/token"), as_it_is) + ApiKeyAuth("X-Key", "k-1")
    lookup(shell, auth, endpoint(seen))

    assert headers_of(seen, "x-key") == [("k-1",), ("k-1",)]


def test_what_a_part_asks_of_its_own_goes_the_way_of_the_call(shell):
    """
    Or a token for it would come through another network.
    """
    server = TokenServer()
    auth = Asking("a", own_request(URL)) + VoucherAuth(cache=MemoryTokenCache())
    lookup(shell, auth, server)

    assert len(server.token_requests) == 1
    assert server.lookups == ["Bearer token-1"]


@pytest.mark.parametrize("order", ["key first", "token first"])
def test_a_key_and_a_token(shell, order):
    server = TokenServer()
    token = OAuth2ClientCredentials(TOKEN_URL, "c", SECRET, cache=MemoryTokenCache())
    key = ApiKeyAuth("X-Key", "k-1")
    auth = key + token if order == "key first" else token + key
    lookup(shell, auth, server)
    server.revoke()
    lookup(shell, auth, server)

    assert server.lookups == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]
    assert [request.headers.get("x-key") for request in server.token_requests] == [None, None]


class TwoTokens(httpx.MockTransport):
    """
    A gateway and an endpoint behind it, each with tokens of its own.
    """

    def __init__(self):
        super().__init__(self._answer)
        self.issued = []
        self.lookups = []
        self.good = set()
        self.accepts = True

    def _answer(self, request):
        name = request.url.path.strip("/")
        if name in ("one", "two"):
            self.issued.append(name)
            token = f"{name}-{len(self.issued)}"
            self.good.add(token)
            return httpx.Response(200, json={"access_token": token, "expires_in": 3600})
        tokens = (request.headers.get("x-one"), request.headers.get("x-two"))
        self.lookups.append(tokens)
        is_good = self.accepts and set(tokens) <= self.good
        return httpx.Response(200 if is_good else 401, json={"email": EMAIL})


def two_tokens(cache):
    one, two = (
        TokenEndpointAuth(
            f"https://id.customer.example/{name}", header=f"X-{name}", prefix="", cache=cache
        )
        for name in ("one", "two")
    )
    return one + two


@pytest.mark.parametrize("rejected", ["one", "two"])
def test_two_tokens_of_which_one_is_rejected(shell, rejected):
    server, auth = TwoTokens(), two_tokens(MemoryTokenCache())
    lookup(shell, auth, server)
    server.good = {token for token in server.good if not token.startswith(rejected)}
    server.lookups.clear()
    assert lookup(shell, auth, server)

    assert all(None not in tokens for tokens in server.lookups)
    assert len(server.lookups) <= 3
    assert len(server.issued) <= 4


def test_a_401_for_ever_ends(shell):
    server, auth = TwoTokens(), two_tokens(MemoryTokenCache())
    lookup(shell, auth, server)
    server.lookups.clear()
    server.accepts = False

    assert failure(shell, auth, server).detail == "token_rejected"
    assert len(server.lookups) == 3
    assert len(server.issued) == 4


def digest_endpoint(seen):
    """
    One that asks for a digest and for a key.
    """

    def answer(request):
        seen.append((str(request.url), dict(request.headers)))
        if not request.headers.get("authorization", "").startswith("Digest "):
            challenge = 'Digest realm="r", nonce="n", qop="auth", algorithm=MD5'
            return httpx.Response(401, headers={"WWW-Authenticate": challenge})
        return httpx.Response(200, json={"email": EMAIL})

    return httpx.MockTransport(answer)


@pytest.mark.parametrize("order", ["digest first", "key first"])
def test_a_digest_and_a_key(shell, order):
    seen = []
    digest, key = httpx.DigestAuth("user", SECRET), ApiKeyAuth("X-Key", "k-1")
    auth = digest + key if order == "digest first" else key + digest
    lookup(shell, auth, digest_endpoint(seen))

    assert headers_of(seen, "x-key") == [("k-1",), ("k-1",)]


@clients
@pytest.mark.parametrize("order", ["digest first", "key first"])
def test_in_a_foreign_client_a_digest_and_a_key(kind, order):
    seen = []
    digest, key = httpx.DigestAuth("user", SECRET), ApiKeyAuth("X-Key", "k-1")
    auth = digest + key if order == "digest first" else key + digest
    client = client_of(kind, digest_endpoint(seen).handler, auth=auth)

    assert client.get(URL).status_code == 200
    assert headers_of(seen, "x-key") == [("k-1",), ("k-1",)]


def test_a_rotated_key_is_used_when_another_part_asks_again(shell):
    values = iter(["k-1", "k-2"])
    seen = []
    key = ApiKeyAuth("X-Key", Secret.from_callable(lambda: next(values)))
    lookup(shell, Asking("a", as_it_is, as_it_is) + key, endpoint(seen))

    assert headers_of(seen, "x-key") == [("k-1",), ("k-2",)]


def test_a_body_is_there_for_all_of_them(shell):
    class Signing(httpx.Auth):
        requires_request_body = True
        requires_response_body = True

        def auth_flow(self, request):
            request.headers["X-Length"] = str(len(request.content))
            response = yield request
            assert response.json()

    seen = []
    lookup(shell, Signing() + ApiKeyAuth("X-Key", "k-1"), endpoint(seen))

    assert headers_of(seen, "x-length", "x-key") == [("0", "k-1")]


@pytest.mark.parametrize("name", ["auth_flow", "apply"])
def test_it_cannot_be_used_without_its_flows(name):
    auth = ApiKeyAuth("X-Key", SECRET) + NoAuth()

    with pytest.raises(ConfigurationError, match="call sync_auth_flow"):
        getattr(auth, name)(httpx.Request("GET", URL))


def test_a_combination_that_is_bound_has_bound_parts():
    other = Asking("other", as_it_is)
    auth = (ApiKeyAuth("X-Key", SECRET) + other + BearerAuth(SECRET)).bound_to("https://a.example")
    key, foreign, bearer = auth.careof_parts

    assert key.careof_origins == bearer.careof_origins == {("https", "a.example", 443)}
    assert foreign is other
    assert repr(auth) == "ApiKeyAuth() + Asking() + BearerAuth()"


class GateAuth(TokenEndpointAuth):
    """
    One with a token of its own, in a header of its own.
    """

    def __init__(self, **options):
        super().__init__("https://gate.example/token", header="X-Gate", prefix="", **options)


def test_invalidate_forgets_the_tokens_of_each_part(shell):
    server, seen = TokenServer(), []

    def answer(request):
        if request.method == "POST":
            return server.handle_request(httpx.Request("POST", TOKEN_URL))
        seen.append((request.headers["x-gate"], request.headers["authorization"]))
        return httpx.Response(200, json={"email": EMAIL})

    desk = TokenEndpointAuth(TOKEN_URL, cache=MemoryTokenCache())
    auth = GateAuth(cache=MemoryTokenCache()) + ApiKeyAuth("X-Key", SECRET) + Asking("b", as_it_is)
    auth = auth + desk
    lookup(shell, auth, httpx.MockTransport(answer))
    auth.invalidate()
    lookup(shell, auth, httpx.MockTransport(answer))

    assert len(set(seen)) == 2
    assert len({gate for gate, _ in seen}) == len({token for _, token in seen}) == 2


def test_a_part_whose_secret_cannot_be_read_keeps_no_other_from_being_invalidated():
    forgotten = []

    class Notes(NoAuth):
        def invalidate(self):
            forgotten.append(self)

    unreadable = GateAuth(form={"key": Secret.from_env("CAREOF_TESTS_NEVER_SET")})
    with pytest.raises(ConfigurationError, match="env:CAREOF_TESTS_NEVER_SET"):
        (Notes() + unreadable + Notes()).invalidate()

    assert len(forgotten) == 2


def test_where_there_are_no_tokens_nothing_is_invalidated():
    for auth in (NoAuth(), ApiKeyAuth("X-Key", SECRET) + BearerAuth(SECRET)):
        assert auth.invalidate() is None


@pytest.mark.parametrize(
    "auth, is_ours",
    [
        (ApiKeyAuth("X-Key", SECRET) + BearerAuth(SECRET), True),
        (ApiKeyAuth("X-Key", SECRET) + httpx.BasicAuth("u", SECRET), False),
        (httpx.BasicAuth("u", SECRET) + ApiKeyAuth("X-Key", SECRET), False),
        (ApiKeyAuth("X-Key", SECRET) + NoAuth() + OtherBearer(SECRET), False),
    ],
    ids=repr,
)
def test_it_is_ours_only_if_all_its_parts_are(auth, is_ours):
    """
    What is not may wait without a deadline, and write to the log.
    """
    assert Network()._is_ours(auth) is is_ours


def test_a_resolver_takes_it():
    assert isinstance(NoAuth() + NoAuth(), AuthStrategy)
    assert resolver(HttpResolver, NoAuth() + httpx.BasicAuth("u", "p"), endpoint([]))
