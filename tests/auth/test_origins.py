"""
In a foreign client a strategy gives its credentials to its own origins only.
"""

from __future__ import annotations

import asyncio
import copy
import dataclasses

import attrs
import httpx
import pytest

from careof import Secret
from careof.auth import (
    ApiKeyAuth,
    AuthStrategy,
    BasicAuth,
    BearerAuth,
    MemoryTokenCache,
    NoAuth,
    OAuth2ClientCredentials,
)
from careof.auth._origins import bound_twin, check_origins
from careof.errors import ConfigurationError, DestinationRefusedError
from tests.support.clients import client_of
from tests.support.tokens import (
    EMAIL,
    TOKEN_URL,
    TokenServer,
    VoucherAuth,
    insides_of,
    request_in,
    resolver,
)

OURS = "https://crm.customer.example"
EVIL = "https://evil.example/next?ref=hidden-ref"
SECRET = "hidden-0001"

STRATEGIES = [
    lambda: BasicAuth("user", SECRET),
    lambda: BearerAuth(SECRET),
    lambda: ApiKeyAuth("X-Key", SECRET),
    lambda: ApiKeyAuth("key", SECRET, location="query"),
    lambda: ApiKeyAuth("X-Key", SECRET) + BearerAuth(SECRET),
    lambda: httpx.BasicAuth("user", SECRET) + ApiKeyAuth("X-Key", SECRET),
]
# Another host, port or scheme, as a link may have it that looks like ours.
OTHERS = [
    "https://evil.example/",
    "https://crm.customer.example.evil.example/",
    "https://api.crm.customer.example/",
    "https://customer.example/",
    "https://crm.customer.example:8443/",
    "https://crm.customer.example:80/",
    "http://crm.customer.example/",
    "http://crm.customer.example:443/",
    "https://crm.customer.example@evil.example/",
    "https://crm.customer.example:443@evil.example/",
    # RFC 6454 §4 compares hosts as they are written: it may be another one here.
    "https://crm.customer.example./",
]
SAME = [
    f"{OURS}/",
    f"{OURS}:443/page/2?x=1#y",
    "HTTPS://CRM.Customer.EXAMPLE/people",
    "https://user:password@crm.customer.example/people",
]

clients = pytest.mark.parametrize("kind", ["sync", "async"])


class SignedAuth(AuthStrategy):
    """
    What a host writes.
    """

    def apply(self, request):
        request.headers["X-Signature"] = SECRET


class ChallengedAuth(AuthStrategy):
    """
    What a host writes that has to ask twice.
    """

    def auth_flow(self, request):
        yield request
        request.headers["X-Signature"] = SECRET
        yield request


class SlottedAuth(SignedAuth):
    __slots__ = ("key", "never_set")

    def __init__(self, key):
        self.key = key


@attrs.define
class DefinedAuth(SignedAuth):
    key: str


@attrs.frozen
class FrozenAuth(SignedAuth):
    key: str


@dataclasses.dataclass(frozen=True)
class FrozenDataAuth(SignedAuth):
    key: str


@dataclasses.dataclass(frozen=True, slots=True)
class SlottedDataAuth(SignedAuth):
    key: str


class KeywordAuth(SignedAuth):
    """
    One that cannot be built from what it keeps.
    """

    def __new__(cls, *, tenant):
        return super().__new__(cls)

    def __init__(self, *, tenant):
        self.key = tenant


OF_HOSTS = [SlottedAuth, DefinedAuth, FrozenAuth, FrozenDataAuth, SlottedDataAuth]


@clients
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("url", OTHERS)
def test_a_strategy_that_was_used_for_one_origin_is_used_for_no_other(kind, strategy, url):
    """
    ``Client(base_url=A, auth=...).get("https://evil/...")``, as with a link to
    the next page, sends the credentials to evil.
    """
    client = client_of(kind, auth=strategy())
    client.get(f"{OURS}/people")

    with pytest.raises(DestinationRefusedError):
        client.get(url)

    assert len(client.requests) == 1


@clients
@pytest.mark.parametrize("url", SAME)
@pytest.mark.parametrize("bind", [lambda auth: auth, lambda auth: auth.bound_to(OURS)])
def test_its_origin_may_be_spelt_in_any_way(kind, url, bind):
    client = client_of(kind, auth=bind(BearerAuth(SECRET)))
    client.get(f"{OURS}/people")
    client.get(url)

    assert [sent.headers["authorization"] for sent in client.requests] == [f"Bearer {SECRET}"] * 2


@pytest.mark.parametrize(
    "one, other",
    [
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://BÜCHER.example/", "https://bücher.example/"),
        ("http://crm.customer.example/", "http://crm.customer.example:80/"),
        ("https://[::1]/", "https://[::1]:443/"),
    ],
)
def test_two_spellings_of_an_origin_are_one(one, other):
    client = client_of("sync", auth=BearerAuth(SECRET))
    client.get(one)

    assert client.get(other).request.headers["authorization"] == f"Bearer {SECRET}"


def begin(auth, request):
    """
    Take the flow of *auth* to its first request.
    """
    return next(auth.sync_auth_flow(request))


def async_begin(auth, request):
    async def main():
        flow = auth.async_auth_flow(request)
        try:
            return await anext(flow)
        finally:
            await flow.aclose()

    return asyncio.run(main())


@pytest.mark.parametrize("begin", [begin, async_begin])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_request_that_is_refused_has_no_credential(strategy, begin):
    request = httpx.Request("GET", EVIL)
    before = (request.url, request.headers.raw, request.extensions)
    auth = strategy().bound_to(OURS)

    with pytest.raises(DestinationRefusedError):
        begin(auth, request)

    assert (request.url, request.headers.raw, request.extensions) == before


def test_the_error_names_both_origins_and_what_to_do():
    auth = BearerAuth(SECRET).bound_to(OURS, "https://[::1]:8443", "http://localhost:80/")

    with pytest.raises(DestinationRefusedError) as caught:
        next(auth.sync_auth_flow(httpx.Request("GET", EVIL)))

    assert str(caught.value) == (
        "BearerAuth gives its credentials to http://localhost and "
        "https://[::1]:8443 and https://crm.customer.example only, and not to "
        "https://evil.example. Name every origin with bound_to(...)."
    )
    assert (caught.value.detail, caught.value.step) == ("destination", "destination")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_error_shows_nothing_secret(strategy):
    auth = strategy().bound_to(OURS)
    caught = None
    try:
        client_of("sync", auth=auth).get(EVIL)
    except DestinationRefusedError as error:
        caught = error

    assert SECRET not in insides_of(caught)
    assert "hidden-ref" not in str(caught)


def test_the_frame_that_refuses_shows_no_url():
    caught = None
    try:
        check_origins([BearerAuth(SECRET).bound_to(OURS)], httpx.Request("GET", EVIL))
    except DestinationRefusedError as error:
        caught = error

    assert "check_origins" in insides_of(caught)
    assert "hidden-ref" not in insides_of(caught)


def test_the_frame_that_refuses_an_origin_does_not_show_it():
    caught = None
    try:
        bound_twin(NoAuth(), ["https://user:hidden@crm.customer.example"])
    except ConfigurationError as error:
        caught = error

    assert "bound_twin" in insides_of(caught)
    assert "hidden" not in insides_of(caught)


@clients
def test_a_strategy_may_be_bound_to_several_origins(kind):
    client = client_of(kind, auth=ApiKeyAuth("X-Key", SECRET).bound_to(OURS, "https://b.example"))
    client.get(f"{OURS}/people")
    client.get("https://b.example/people")

    assert [sent.headers["x-key"] for sent in client.requests] == [SECRET] * 2


@clients
def test_a_strategy_that_is_bound_trusts_nobody_at_first_use(kind):
    client = client_of(kind, auth=BearerAuth(SECRET).bound_to(OURS))

    with pytest.raises(DestinationRefusedError):
        client.get(EVIL)

    assert client.requests == []
    assert client.get(OURS).status_code == 200


def test_the_twin_is_bound_and_the_strategy_is_not():
    auth = BearerAuth(SECRET)
    auth.bound_to(OURS)

    assert client_of("sync", auth=auth).get(EVIL).status_code == 200


def test_a_twin_may_be_bound_to_another_origin():
    auth = BearerAuth(SECRET).bound_to(OURS).bound_to("https://b.example")

    assert client_of("sync", auth=auth).get("https://b.example/").status_code == 200
    with pytest.raises(DestinationRefusedError):
        client_of("sync", auth=auth).get(OURS)


@pytest.mark.parametrize("kind", OF_HOSTS)
def test_a_strategy_of_a_host_is_bound_with_all_that_it_keeps(kind):
    auth = kind("k-1").bound_to(OURS)

    assert type(auth) is kind
    assert auth.key == "k-1"
    with pytest.raises(DestinationRefusedError):
        client_of("sync", auth=auth).get(EVIL)


@pytest.mark.parametrize("kind", OF_HOSTS)
def test_a_strategy_of_a_host_trusts_the_first_origin(kind):
    client = client_of("sync", auth=kind("k-1"))
    client.get(OURS)

    with pytest.raises(DestinationRefusedError):
        client.get(EVIL)


def test_a_strategy_that_cannot_be_built_again_is_bound_as_it_is():
    assert KeywordAuth(tenant="t-1").bound_to(OURS).key == "t-1"


@clients
@pytest.mark.parametrize("bind", [lambda auth: auth, lambda auth: auth.bound_to(OURS)])
def test_a_strategy_with_a_flow_of_its_own_is_bound_as_well(kind, bind):
    client = client_of(kind, auth=bind(ChallengedAuth()))
    client.get(OURS)

    with pytest.raises(DestinationRefusedError):
        client.get(EVIL)

    assert len(client.requests) == 2


def test_a_flow_that_a_host_wraps_is_bound_as_well():
    auth = BearerAuth(SECRET).bound_to(OURS)

    class Wrapped(httpx.Auth):
        def auth_flow(self, request):
            yield from auth.auth_flow(request)

    with pytest.raises(DestinationRefusedError):
        client_of("sync", auth=Wrapped()).get(EVIL)


@pytest.mark.parametrize("begin", [begin, async_begin])
def test_a_token_is_not_even_asked_for_when_the_origin_is_another(begin):
    asked = []

    class Watched(VoucherAuth):
        def token_request(self):
            asked.append(1)
            return super().token_request()

    with pytest.raises(DestinationRefusedError):
        begin(Watched(cache=MemoryTokenCache()).bound_to(OURS), httpx.Request("GET", EVIL))

    assert asked == []


def test_a_twin_shares_the_token(shell):
    server = TokenServer()
    auth = OAuth2ClientCredentials(TOKEN_URL, "client", SECRET, cache=MemoryTokenCache())
    for each in (auth, auth.bound_to("https://contacts.customer.example"), auth):
        shell.call(resolver(shell.HttpResolver, each, server).resolve, "C-1")

    assert len(server.token_requests) == 1


THEIRS = "https://contacts.customer.example"  # that of the resolvers here
BOUND_ELSEWHERE = [
    lambda: BearerAuth(SECRET).bound_to(OURS),
    lambda: ApiKeyAuth("key", SECRET, location="query").bound_to(OURS, "https://b.example"),
    lambda: OAuth2ClientCredentials(TOKEN_URL, "client", SECRET).bound_to(OURS),
    lambda: BearerAuth(SECRET).bound_to(THEIRS).bound_to(OURS),
    lambda: BearerAuth(SECRET).bound_to(f"{THEIRS}:8443"),
    lambda: BearerAuth(SECRET) + ApiKeyAuth("X-Key", SECRET).bound_to(OURS),
    lambda: ApiKeyAuth("X-Key", SECRET).bound_to(OURS) + httpx.BasicAuth("user", SECRET),
    lambda: (BearerAuth(SECRET) + ApiKeyAuth("X-Key", SECRET)).bound_to(OURS),
    lambda: copy.copy(BearerAuth(SECRET).bound_to(OURS)),
]


@pytest.mark.parametrize("auth", BOUND_ELSEWHERE)
def test_a_resolver_of_another_endpoint_is_refused_when_it_is_built(shell, auth):
    """
    Whoever mixed up two customers would send the secret of one to the other.
    """
    with pytest.raises(DestinationRefusedError) as caught:
        resolver(shell.HttpResolver, auth(), TokenServer())

    assert "only, and not to https://contacts.customer.example. Name every" in str(caught.value)
    assert SECRET not in insides_of(caught.value)


@pytest.mark.parametrize(
    "auth",
    [
        BearerAuth(SECRET).bound_to(THEIRS),
        BearerAuth(SECRET).bound_to(OURS, f"{THEIRS}:443"),
        (BearerAuth(SECRET) + ApiKeyAuth("X-Key", SECRET)).bound_to(THEIRS),
        NoAuth().bound_to(OURS),
    ],
    ids=repr,
)
def test_a_resolver_of_its_endpoint_takes_a_bound_strategy(shell, auth):
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"email": EMAIL}))

    assert shell.call(resolver(shell.HttpResolver, auth, transport).resolve, "C-1")


@pytest.mark.parametrize("part", [lambda auth: auth, lambda auth: auth + NoAuth()])
def test_where_a_strategy_was_used_first_binds_no_resolver(shell, part):
    auth = part(BearerAuth(SECRET))
    client_of("sync", auth=auth).get(OURS)

    assert resolver(shell.HttpResolver, auth, TokenServer())


def test_a_resolver_binds_to_nothing():
    auth = BearerAuth(SECRET)
    for host in ("a.example", "b.example"):
        next(auth.sync_auth_flow(request_in(TokenServer(), url=f"https://{host}/")))

    assert client_of("sync", auth=auth).get(OURS).status_code == 200


def test_who_has_nothing_to_give_is_bound_to_nobody():
    client = client_of("sync", auth=NoAuth())
    client.get(OURS)

    assert client.get(EVIL).status_code == 200


def test_a_subclass_of_it_that_has_is_bound():
    class Marked(NoAuth):
        def apply(self, request):
            request.headers["X-Mark"] = SECRET

    client = client_of("sync", auth=Marked())
    client.get(OURS)

    with pytest.raises(DestinationRefusedError):
        client.get(EVIL)


@pytest.mark.parametrize("url", ["/people", "people", "//", "https:///people"])
def test_a_url_that_is_not_absolute_is_trusted_by_nobody(url):
    auth = BearerAuth(SECRET)

    with pytest.raises(DestinationRefusedError, match="absolute"):
        next(auth.sync_auth_flow(httpx.Request("GET", url)))

    assert client_of("sync", auth=auth).get(OURS).status_code == 200


@pytest.mark.parametrize(
    "origins",
    [
        (),
        ("",),
        ("crm.customer.example",),
        ("//crm.customer.example",),
        ("ftp://crm.customer.example",),
        ("https://",),
        ("https://user:hidden@crm.customer.example",),
        (f"{OURS}/api",),
        (f"{OURS}?x=1",),
        (f"{OURS}:99999",),
        (OURS, "hidden"),
        (OURS, None),
    ],
)
def test_what_is_no_origin_is_refused(origins):
    """
    A path would be taken for a border that nobody guards.
    """
    with pytest.raises(ConfigurationError, match=r"^bound_to: expected") as caught:
        NoAuth().bound_to(*origins)

    assert "hidden" not in str(caught.value)


class SomebodyWasFirst(list):
    """
    Strategies of which each is used by another thread once they were looked at.
    """

    def __iter__(self):
        yield from super().__iter__()
        for strategy in super().__iter__():
            vars(strategy).setdefault("careof_origins", frozenset([("https", "b.example", 443)]))


def test_of_two_threads_with_two_origins_one_is_the_first():
    strategies = SomebodyWasFirst([BearerAuth(SECRET)])

    with pytest.raises(DestinationRefusedError, match=r"to https://b\.example only"):
        check_origins(strategies, httpx.Request("GET", OURS))

    assert strategies[0].careof_origins == {("https", "b.example", 443)}


def test_the_parts_of_a_combination_trust_nobody_whom_one_of_them_refuses():
    bound, other = BearerAuth(SECRET).bound_to(OURS), ApiKeyAuth("X-Key", SECRET)
    client = client_of("sync", auth=other + bound)
    with pytest.raises(DestinationRefusedError):
        client.get(EVIL)

    assert client.get(OURS).request.headers["x-key"] == SECRET


def test_a_secret_is_not_read_for_another_origin():
    reads = []
    auth = BearerAuth(Secret.from_callable(lambda: reads.append(1) or SECRET)).bound_to(OURS)
    with pytest.raises(DestinationRefusedError):
        client_of("sync", auth=auth).get(EVIL)

    assert reads == []
