"""
A copy of a strategy is another strategy: what changes on the one stays off the other.
"""

from __future__ import annotations

import copy
import dataclasses
import threading

import attrs
import httpx
import pytest

from careof import HttpResolver, Secret
from careof.auth import (
    AccessToken,
    ApiKeyAuth,
    AuthStrategy,
    BasicAuth,
    BearerAuth,
    MemoryTokenCache,
    NoAuth,
    OAuth2ClientCredentials,
    OAuth2RefreshToken,
    TokenEndpointAuth,
)
from careof.auth._access_token import held
from careof.auth._identity import key_of
from careof.errors import DestinationRefusedError
from careof.testing import FakeClock
from tests.support.clients import client_of
from tests.support.tokens import TOKEN_URL, TokenServer, VoucherAuth, resolver

OURS = "https://crm.customer.example"
SECRET = "hidden-0001"

copies = pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])


class DeskAuth(VoucherAuth):
    """
    What a host writes: a key that tells its tenants apart.
    """

    def __init__(self, key, **options):
        super().__init__(**options)
        self.key = Secret(key)

    def token_request(self):
        return httpx.Request("POST", TOKEN_URL, headers={"X-Key": self.key.reveal()})


class KeyAuth(AuthStrategy):
    def __init__(self, key):
        self.key = key
        self.more = {"roles": ["reader"]}

    def apply(self, request):
        request.headers["X-Mine"] = self.key


@attrs.define
class DefinedAuth(KeyAuth):
    key: str
    more: dict[str, list[str]]


class SlottedAuth(KeyAuth):
    __slots__ = ("key", "more", "never_set")


@dataclasses.dataclass(frozen=True)
class FrozenAuth(KeyAuth):
    key: str
    more: dict[str, list[str]]


OF_HOSTS = [
    lambda: KeyAuth("k-1"),
    lambda: DefinedAuth("k-1", {"roles": ["reader"]}),
    lambda: SlottedAuth("k-1"),
    lambda: FrozenAuth("k-1", {"roles": ["reader"]}),
]
EVERY_KIND = [
    NoAuth(),
    BasicAuth("user", SECRET),
    BearerAuth(SECRET),
    ApiKeyAuth("X-Key", SECRET),
    DeskAuth(SECRET),
    TokenEndpointAuth(TOKEN_URL, json={"a": [Secret(SECRET)]}, rejected_body=("$[?@.a].b", 1)),
    OAuth2ClientCredentials(TOKEN_URL, "client", SECRET),
    OAuth2RefreshToken(TOKEN_URL, "client", SECRET, refresh_token=SECRET),
    BearerAuth(SECRET) + ApiKeyAuth("X-Key", SECRET),
]


@copies
@pytest.mark.parametrize("auth", EVERY_KIND, ids=repr)
def test_a_copy_is_another_object_of_its_class(auth, copied):
    twin = copied(auth)

    assert twin is not auth
    assert type(twin) is type(auth)
    assert repr(twin) == repr(auth)


@copies
def test_a_tenant_that_is_derived_from_another_leaves_that_one_as_it_was(shell, copied):
    """
    A copy that were the thing itself would send the secret of one for both.
    """
    server = TokenServer()
    one = DeskAuth("key-of-a", cache=MemoryTokenCache())
    other = copied(one)
    other.key = Secret("key-of-b")
    for auth in (one, other, one):
        shell.call(resolver(shell.HttpResolver, auth, server).resolve, "C-1")

    assert [each.headers["x-key"] for each in server.token_requests] == ["key-of-a", "key-of-b"]
    assert server.lookups == ["Bearer token-1", "Bearer token-2", "Bearer token-1"]


@copies
def test_a_copy_has_the_token_of_its_likeness_and_notes_of_its_own(shell, copied):
    server = TokenServer()
    auth = DeskAuth("key", cache=MemoryTokenCache(), clock=FakeClock())
    shell.call(resolver(shell.HttpResolver, auth, server).resolve, "C-1")

    twin = copied(auth)
    assert "careof_fingerprint" not in vars(twin)
    shell.call(resolver(shell.HttpResolver, twin, server).resolve, "C-1")

    assert len(server.token_requests) == 1
    assert key_of(twin) == key_of(auth)
    assert (twin.cache is auth.cache, twin.clock is auth.clock) == (True, True)
    assert twin.careof_fingerprint is not auth.careof_fingerprint


@copies
def test_a_copy_is_bound_to_what_the_host_has_named(copied):
    twin = copied(BearerAuth(SECRET).bound_to(OURS))

    with pytest.raises(DestinationRefusedError):
        client_of("sync", auth=twin).get("https://evil.example")


@copies
def test_a_copy_is_not_bound_to_where_the_first_one_was_used_first(copied):
    auth = BearerAuth(SECRET)
    client_of("sync", auth=auth).get(OURS)

    twin = copied(auth)
    client_of("sync", auth=twin).get("https://b.example")

    with pytest.raises(DestinationRefusedError):
        client_of("sync", auth=auth).get("https://b.example")
    with pytest.raises(DestinationRefusedError):
        client_of("sync", auth=twin).get(OURS)


@copies
@pytest.mark.parametrize("build", OF_HOSTS)
def test_a_strategy_of_a_host_is_copied_with_all_that_it_keeps(build, copied):
    auth = build()
    twin = copied(auth)

    assert (twin is not auth, twin.key, twin.more) == (True, "k-1", {"roles": ["reader"]})


@pytest.mark.parametrize("build", OF_HOSTS)
def test_a_deep_copy_has_containers_of_its_own_and_a_shallow_one_has_not(build):
    auth = build()
    shallow, deep = copy.copy(auth), copy.deepcopy(auth)

    deep.more["roles"].append("writer")

    assert auth.more == {"roles": ["reader"]}
    assert shallow.more is auth.more


def test_a_deep_copy_calls_who_the_first_one_calls():
    class Vault:
        def __init__(self):
            self.kept = []

        def keep(self, token):
            self.kept.append(token)

    vault = Vault()
    auth = OAuth2RefreshToken(
        TOKEN_URL, "client", SECRET, refresh_token=SECRET, on_rotate=vault.keep
    )

    assert copy.deepcopy(auth).careof_on_rotate.__self__ is vault


def test_a_deep_copy_asks_the_same_cache_wherever_it_is_kept():
    @attrs.define(eq=False)
    class FieldsAuth(VoucherAuth):
        cache: MemoryTokenCache
        more: list[str]

    auth = FieldsAuth(MemoryTokenCache(), ["reader"])

    twin = copy.deepcopy(auth)

    assert twin.cache is auth.cache
    assert twin.more is not auth.more


def test_a_deep_copy_may_lead_back_to_itself():
    auth = KeyAuth("k-1")
    auth.more = {"me": auth, "hook": auth.apply}

    twin = copy.deepcopy(auth)

    assert twin.more["me"] is twin
    assert twin.more["hook"].__self__ is twin


@copies
@pytest.mark.parametrize(
    "thing", [AccessToken(SECRET), held(AccessToken(SECRET)), Secret(SECRET)], ids=repr
)
def test_what_cannot_be_changed_is_its_own_copy(thing, copied):
    assert copied(thing) is thing


def test_what_holds_a_strategy_twice_holds_one_copy_of_it_twice():
    auth = KeyAuth("k-1")

    one, other = copy.deepcopy([auth, auth])

    assert one is other
    assert one is not auth


def test_what_cannot_be_copied_is_not_shared_in_silence():
    """
    What hangs on it could be another tenant's.
    """
    auth = KeyAuth("k-1")
    auth.lock = threading.Lock()

    assert copy.copy(auth).lock is auth.lock
    with pytest.raises(TypeError, match="lock"):
        copy.deepcopy(auth)


class ForeignAuth(httpx.Auth):
    def __init__(self):
        self.roles = ["reader"]


@copies
def test_the_parts_of_a_combination_are_copied_as_well(copied):
    auth = KeyAuth("key-of-a") + BearerAuth(SECRET)

    twin = copied(auth)
    twin.careof_parts[0].key = "key-of-b"

    sent = [client_of("sync", auth=each).get(OURS).request.headers for each in (auth, twin)]
    assert [headers["x-mine"] for headers in sent] == ["key-of-a", "key-of-b"]
    assert [headers["authorization"] for headers in sent] == [f"Bearer {SECRET}"] * 2


def test_a_part_that_is_not_of_careof_is_copied_only_where_all_is():
    auth = KeyAuth("k-1") + ForeignAuth()

    shallow, deep = copy.copy(auth), copy.deepcopy(auth)
    deep.careof_parts[1].roles.append("writer")

    assert shallow.careof_parts[1] is auth.careof_parts[1]
    assert auth.careof_parts[1].roles == ["reader"]


def test_a_copy_works_where_the_first_one_is_under_way():
    server = TokenServer()
    server.hold()
    auth = DeskAuth("key", cache=MemoryTokenCache())
    first = threading.Thread(target=resolver(HttpResolver, auth, server).resolve, args=["C-1"])
    first.start()

    lookup = resolver(HttpResolver, copy.deepcopy(auth), server)
    server.release()
    lookup.resolve("C-1")
    first.join()

    assert server.lookups == ["Bearer token-1"] * 2
