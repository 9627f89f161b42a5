"""
Whose tokens a shared cache holds, and under which keys.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys

import httpx
import pytest

from careof import NetworkPolicy, Secret
from careof._network.network import AsyncNetwork, Network
from careof.auth import (
    AccessToken,
    AsyncEncryptedTokenCache,
    EncryptedTokenCache,
    MemoryTokenCache,
    OAuth2ClientCredentials,
)
from careof.auth._lease import Lease
from careof.auth._sharing import (
    Shared,
    _under_way,
    fleet_secret,
    is_async,
    is_cache,
    number_of_cache,
)
from careof.errors import AuthenticationError, ConfigurationError
from careof.pseudonyms import KeyRing
from tests.support.crowds import looked_up
from tests.support.stores import AsyncSharedCache, SharedCache, shared_cache
from tests.support.tokens import (
    CONTACT_URL,
    EMAIL,
    TOKEN_URL,
    TokenServer,
    VoucherAuth,
    request_in,
)


def test_equal_strategies_with_one_cache_share_a_token(shell):
    server = TokenServer()
    cache = shared_cache(shell)

    for _ in range(2):
        looked_up(shell, VoucherAuth(cache=cache), server)

    assert len(server.token_requests) == 1


def test_equal_strategies_with_other_caches_share_none(shell):
    """
    Each may be for a fleet of its own.
    """
    server = TokenServer()
    caches = [shared_cache(shell), shared_cache(shell), None]

    for cache in caches:
        looked_up(shell, VoucherAuth(cache=cache), server)

    assert len(server.token_requests) == 3
    assert [cache.values for cache in caches[:2]] == [["token-1"], ["token-2"]]


class Slots:
    """
    A cache that has no room for a weak reference.
    """

    __slots__ = ()

    get = set = delete_if = print


def test_each_cache_behind_the_memory_has_a_number_of_its_own():
    one, other, slots = SharedCache(), SharedCache(), Slots()

    numbers = [number_of_cache(cache) for cache in (one, other, slots)]

    assert len({*numbers, 0}) == 4
    assert [number_of_cache(cache) for cache in (one, other, slots)] == numbers
    assert [number_of_cache(cache) for cache in (None, MemoryTokenCache())] == [0, 0]


class InnerOnly(SharedCache):
    """
    A cache of the host's with another one inside, which may be for something else.
    """

    def __init__(self, inner):
        super().__init__()
        self._inner = inner


def test_what_seals_for_a_store_has_the_number_of_that_store():
    store = SharedCache()
    ring = KeyRing.generate()

    numbers = [number_of_cache(EncryptedTokenCache(store, ring)) for _ in range(3)]

    assert {*numbers} == {number_of_cache(store)}
    assert number_of_cache(InnerOnly(store)) != number_of_cache(store)


def test_a_seal_that_is_built_for_each_lookup_keeps_every_promise(shell):
    """
    As from a database row: one token request, and after a failure a pause.
    """
    server = TokenServer()
    store, ring = shared_cache(shell), KeyRing.generate()
    seal = EncryptedTokenCache if shell.name == "sync" else AsyncEncryptedTokenCache

    outcomes = [looked_up(shell, VoucherAuth(cache=seal(store, ring)), server) for _ in range(3)]

    assert outcomes == [EMAIL] * 3
    assert len(server.token_requests) == 1
    assert store.calls.count("get") == 1  # and then it is in the memory


def test_nothing_is_kept_of_a_call_that_has_ended():
    cache = SharedCache()
    shared = Shared(cache, "key", loop=None, seconds=1)

    before = len(_under_way)
    shared.get()
    cache.behave = lambda method: 1 / 0
    shared.get()

    assert len(_under_way) == before


def test_a_memory_of_its_own_takes_the_place_of_that_of_the_process():
    cache = MemoryTokenCache()
    lease = Lease(VoucherAuth(cache=cache), httpx.Request("GET", CONTACT_URL))

    assert lease._memory is cache
    assert lease._shared(Network()) is None


def test_without_a_cache_nothing_is_shared():
    lease = Lease(VoucherAuth(), httpx.Request("GET", CONTACT_URL))

    assert lease._shared(Network()) is None


class FleetCache(SharedCache):
    """
    A cache that may leave the process, such as ``EncryptedTokenCache``.
    """

    def __init__(self, secret=b"what the fleet knows"):
        super().__init__()
        self._secret = secret

    def _fingerprint_key(self):
        return self._secret


def oauth(cache):
    return OAuth2ClientCredentials(TOKEN_URL, "client", "secret", cache=cache)


def shared_key(cache, network, auth=None):
    """
    The key that *cache* is given in *network*.
    """
    call = network.call(5)
    request = call.carried_by(httpx.Request("GET", CONTACT_URL))
    return Lease(auth or oauth(cache), request)._shared(network)._key


IN_ANOTHER_PROCESS = """
from tests.auth.test_shared_keys import FleetCache, SharedCache, shared_key
from careof._network.network import Network
print(shared_key(FleetCache(), Network()))
print(shared_key(FleetCache(), Network(transport=object)))
print(shared_key(SharedCache(), Network()))
"""


def test_only_with_a_secret_of_the_fleet_another_process_finds_a_token():
    """
    And only where its network is the same everywhere: a token may be bound to a
    certificate.
    """
    ours = [
        shared_key(FleetCache(), Network()),
        shared_key(FleetCache(), Network(transport=object)),
        shared_key(SharedCache(), Network()),
    ]

    theirs = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    ).stdout.splitlines()

    assert [one == other for one, other in zip(ours, theirs, strict=True)] == [True, False, False]


def test_a_key_for_a_fleet_is_the_same_whatever_cache_and_network_object_it_is():
    keys = {shared_key(FleetCache(), Network()) for _ in range(2)}

    assert len(keys) == 1


def test_another_fleet_has_another_key():
    keys = {shared_key(FleetCache(secret), Network()) for secret in (b"one", b"other")}

    assert len(keys) == 2


def test_a_key_for_a_fleet_is_another_one_after_invalidate():
    cache = FleetCache()
    auth = OAuth2ClientCredentials(TOKEN_URL, "invalidated", "secret", cache=cache)
    before = shared_key(cache, Network(), auth)

    auth.invalidate()

    assert shared_key(cache, Network(), auth) != before


def test_a_key_for_a_fleet_is_another_one_in_a_network_with_another_policy():
    keys = {
        shared_key(FleetCache(), Network(policy=policy))
        for policy in (None, NetworkPolicy(ports={443, 8443}))
    }

    assert len(keys) == 2


def test_the_network_of_a_flight_is_as_anywhere_as_that_of_its_task():
    async def main():
        networks = [AsyncNetwork(), AsyncNetwork(transport=TokenServer())]
        return [network.blocking().is_anywhere for network in networks]

    assert asyncio.run(main()) == [True, False]


def test_a_class_of_a_function_is_refused_by_a_cache_that_a_fleet_shares():
    class LocalAuth(VoucherAuth):
        pass

    with pytest.raises(ConfigurationError, match=r"^LocalAuth: .* put it into a module"):
        shared_key(FleetCache(), Network(), LocalAuth(cache=FleetCache()))


def test_a_class_of_a_script_is_refused_by_a_cache_that_a_fleet_shares(shell):
    """
    In a resolver before anything is asked.
    """
    auth = type("ScriptAuth", (VoucherAuth,), {"__module__": "__main__"})(cache=FleetCache())

    error = looked_up(shell, auth, None)

    assert type(error) is AuthenticationError
    assert str(error).startswith("ScriptAuth: a class of a script")
    assert auth.cache.calls == []


def test_a_class_of_a_script_may_share_within_the_process(shell):
    kind = type("ScriptAuth", (VoucherAuth,), {"__module__": "__main__"})

    assert looked_up(shell, kind(cache=shared_cache(shell)), TokenServer()) == EMAIL


def test_what_a_fleet_knows_is_asked_of_its_cache():
    assert fleet_secret(FleetCache(b"known")) == b"known"
    assert fleet_secret(SharedCache()) is None


@pytest.mark.parametrize(
    "cache, expected",
    [
        (SharedCache(), (True, False)),
        (AsyncSharedCache(), (True, True)),
        (MemoryTokenCache(), (True, False)),
        ({}, (False, False)),
        (object(), (False, False)),
        (None, (False, False)),
    ],
)
def test_a_cache_is_known_by_its_methods(cache, expected):
    assert (is_cache(cache), is_async(cache)) == expected


def test_what_a_cache_returns_from_set_and_delete_is_ignored():
    cache = SharedCache()
    cache.result = lambda method: "rubbish"
    shared = Shared(cache, "key", loop=None, seconds=1)

    results = [shared.set(AccessToken("t")), shared.delete_if(AccessToken("t"))]

    assert results == [None, None]
    assert cache.keys == {"key"}


def test_a_cache_whose_key_cannot_be_read_is_as_good_as_none():
    """
    The lookup goes on; a token request helps.
    """
    ring = KeyRing({"k1": Secret.from_env("CAREOF_TESTS_NEVER_SET")}, primary="k1")
    lease = Lease(oauth(EncryptedTokenCache(FleetCache(), ring)), request_in(TokenServer()))

    assert lease._shared(Network()) is None
