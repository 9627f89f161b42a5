from __future__ import annotations

import base64
import copy
import json
import math
import pathlib
import pickle
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from careof import Secret
from careof._keys.key_ring import KeyRing
from careof.auth import AccessToken, MemoryTokenCache
from careof.auth._encrypted_cache import AsyncEncryptedTokenCache, EncryptedTokenCache
from careof.errors import ConfigurationError
from tests import strategies
from tests.support.caches import AsyncStoreCache, SqliteCache, StoreCache
from tests.support.canary import all_logs, every_view_of, every_view_of_error, frames_of, seen_in
from tests.support.raising import error_of

ROOT = pathlib.Path(__file__).parents[2]
TOKEN = "canary-token-0001"
KEY = "canary-key-of-32-bytes-or-more-0001"
OTHER_KEY = "canary-key-of-32-bytes-or-more-0002"
RING = KeyRing({"k1": KEY}, primary="k1")
FINGERPRINT = "0a" * 32
VALUES = [TOKEN, KEY, OTHER_KEY, base64.urlsafe_b64encode(TOKEN.encode()).decode()[:20]]


def facts(token):
    return None if token is None else (token.value.reveal(), token.expires_at, token.lifetime)


def labelled(*texts):
    return b"".join(len(text.encode()).to_bytes(4, "big") + text.encode() for text in texts)


def derived(secret, *labels):
    return HKDF(SHA256(), length=32, salt=None, info=labelled(*labels)).derive(secret.encode())


def encrypted(shell, store, keyring=RING):
    """
    The cache of *shell* around *store*.
    """
    if shell.name == "sync":
        return EncryptedTokenCache(store, keyring)
    return AsyncEncryptedTokenCache(AsyncStoreCache(store), keyring)


def stored(token=None, *, keyring=RING, key=FINGERPRINT):
    """
    A store with one entry, and the cache around it.
    """
    store = StoreCache()
    cache = EncryptedTokenCache(store, keyring)
    cache.set(key, token or AccessToken(TOKEN, 2e9, lifetime=3600.0))
    return store, cache


def envelope_of(store, key=FINGERPRINT):
    return store.entries[key][0].decode()


def sealed_by_hand(content, *, key=FINGERPRINT, key_id="k1"):
    """
    An envelope with our seal around whatever *content* is.
    """
    nonce = bytes(12)
    sealing = AESGCM(derived(KEY, "careof token cache", "encryption"))
    raw = nonce + sealing.encrypt(nonce, content, labelled(key, key_id))
    return f"{key_id}.{base64.urlsafe_b64encode(raw).rstrip(b'=').decode()}"


def test_a_token_comes_back_as_it_was(shell):
    cache = encrypted(shell, StoreCache())

    shell.call(cache.set, FINGERPRINT, AccessToken(TOKEN, 2e9, lifetime=3600.0))

    assert facts(shell.call(cache.get, FINGERPRINT)) == (TOKEN, 2e9, 3600.0)


def test_what_is_not_there_is_not_found(shell):
    assert shell.call(encrypted(shell, StoreCache()).get, FINGERPRINT) is None


@given(token=strategies.header_tokens, expires_at=strategies.times, lifetime=strategies.times)
def test_any_token_that_a_header_can_carry_comes_back(token, expires_at, lifetime):
    _, cache = stored(AccessToken(token, expires_at, lifetime=lifetime))

    assert facts(cache.get(FINGERPRINT)) == (token, expires_at, lifetime)


def test_two_processes_share_one_file(tmp_path):
    path = str(tmp_path / "tokens.sqlite")
    program = f"""
import sys
from careof.auth import AccessToken
from careof.auth._encrypted_cache import EncryptedTokenCache
from careof.pseudonyms import KeyRing
from tests.support.caches import SqliteCache
cache = EncryptedTokenCache(SqliteCache({path!r}), KeyRing.parse(sys.stdin.read()))
seen = cache.get("mine").value.reveal()
cache.set("theirs", AccessToken(seen[::-1], 2e9, lifetime=60))
cache.delete_if("mine", AccessToken(seen))
print(cache._fingerprint_key().hex())
"""
    cache = EncryptedTokenCache(SqliteCache(path), RING)
    cache.set("mine", AccessToken(TOKEN, 2e9))

    other = subprocess.run(
        [sys.executable, "-c", program],
        input=RING.reveal(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert facts(cache.get("theirs")) == (TOKEN[::-1], 2e9, 60)
    assert cache.get("mine") is None
    assert other.stdout.strip() == cache._fingerprint_key().hex()
    assert seen_in([repr(pathlib.Path(path).read_bytes())], [*VALUES, TOKEN[::-1]]) == []


def test_the_envelope_is_aes_256_gcm_with_a_key_by_hkdf():
    """
    Opened here without a line of the library.
    """
    store, _ = stored()

    key_id, _, encoded = envelope_of(store).partition(".")
    raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    opening = AESGCM(derived(KEY, "careof token cache", "encryption"))
    content = opening.decrypt(raw[:12], raw[12:], labelled(FINGERPRINT, "k1"))

    assert key_id == "k1"
    assert json.loads(content) == {"token": TOKEN, "expires_at": 2e9, "lifetime": 3600.0}


def test_an_envelope_made_by_hand_is_opened():
    store, cache = stored()
    content = {"token": "other", "expires_at": None, "lifetime": 5}

    store.entries[FINGERPRINT] = (sealed_by_hand(json.dumps(content).encode()).encode(), None)

    assert facts(cache.get(FINGERPRINT)) == ("other", None, 5)


def test_the_store_is_told_when_the_token_ends_and_nothing_else():
    store, _ = stored()
    value, expires_at = store.entries[FINGERPRINT]

    assert expires_at == 2e9
    assert seen_in([repr(value), repr(store.entries)], VALUES) == []


def test_what_the_store_is_handed_prints_nothing():
    store = MemoryTokenCache()
    EncryptedTokenCache(store, RING).set(FINGERPRINT, AccessToken(TOKEN, 2e9, lifetime=3600.0))
    entry = store.get(FINGERPRINT)

    assert (repr(entry), entry.lifetime) == ("AccessToken(***)", None)
    assert seen_in([*every_view_of(entry), entry.value.reveal()], VALUES) == []


def test_the_times_inside_count_and_not_those_of_the_store():
    """
    Whoever can write into the store must not lengthen the life of a token.
    """
    store, cache = stored()

    store.entries[FINGERPRINT] = (store.entries[FINGERPRINT][0], 9e9)

    assert facts(cache.get(FINGERPRINT)) == (TOKEN, 2e9, 3600.0)


def test_a_change_of_any_letter_makes_it_not_found():
    store, cache = stored()
    envelope = envelope_of(store)
    found = []
    for place, letter in enumerate(envelope):
        for other in {chr(ord(letter) ^ 1), "A", "B", "-", "+", "=", "é", "."} - {letter}:
            changed = envelope[:place] + other + envelope[place + 1 :]
            store.entries[FINGERPRINT] = (changed.encode(), 2e9)
            found.append(cache.get(FINGERPRINT))

    assert len(found) >= 7 * len(envelope)
    assert set(found) == {None}


def test_a_change_of_any_bit_makes_it_not_found():
    store, cache = stored()
    key_id, _, encoded = envelope_of(store).partition(".")
    raw = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    found = []
    for bit in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        text = base64.urlsafe_b64encode(changed).rstrip(b"=")
        store.entries[FINGERPRINT] = (f"{key_id}.".encode() + text, 2e9)
        found.append(cache.get(FINGERPRINT))

    assert set(found) == {None}


def test_an_envelope_that_was_cut_or_went_on_is_not_found():
    store, cache = stored()
    envelope = envelope_of(store)
    cut = [envelope[:end] for end in range(1, len(envelope))]
    found = []
    for changed in [*cut, envelope[3:], *(envelope + end for end in ("=", "==", "A", ".", " "))]:
        store.entries[FINGERPRINT] = (changed.encode(), 2e9)
        found.append(cache.get(FINGERPRINT))

    assert set(found) == {None}


def test_an_entry_under_another_key_is_not_found():
    store, cache = stored()
    cache.set("other", AccessToken("other"))

    store.entries[FINGERPRINT], store.entries["other"] = (
        store.entries["other"],
        store.entries[FINGERPRINT],
    )

    assert [cache.get(FINGERPRINT), cache.get("other")] == [None, None]


@pytest.mark.parametrize(
    "keyring",
    [
        KeyRing({"k1": OTHER_KEY}, primary="k1"),
        KeyRing({"k2": KEY}, primary="k2"),
        KeyRing({"k1": KEY, "k2": OTHER_KEY}, primary="k2"),
    ],
    ids=["other secret", "other id", "after a rotation"],
)
def test_an_entry_of_another_primary_key_is_not_found(shell, keyring):
    store, _ = stored()

    assert shell.call(encrypted(shell, store, keyring).get, FINGERPRINT) is None


def test_the_id_of_the_key_is_sealed_as_well():
    """
    The same secret under two ids is two keys.
    """
    store, _ = stored()
    cache = EncryptedTokenCache(store, KeyRing({"k2": KEY}, primary="k2"))

    store.entries[FINGERPRINT] = (envelope_of(store).replace("k1.", "k2.", 1).encode(), 2e9)

    assert cache.get(FINGERPRINT) is None


def test_a_primary_key_that_was_rotated_back_finds_its_entries_again():
    store, cache = stored()
    rotated = EncryptedTokenCache(store, KeyRing({"k1": KEY, "k2": OTHER_KEY}, primary="k2"))

    rotated.set("other", AccessToken("new"))

    assert facts(rotated.get("other"))[0] == "new"
    assert facts(cache.get(FINGERPRINT))[0] == TOKEN


def failing():
    password = TOKEN
    raise LookupError(password)


@pytest.mark.parametrize(
    "found",
    [
        "k1.text",
        b"k1.text",
        7,
        {"value": TOKEN},
        AccessToken("x"),
        AccessToken("k1."),
        AccessToken("k1.AAAA"),
        AccessToken(".AAAA"),
        AccessToken("k1." + "A" * 64),
        AccessToken("k1.\U0001f600"),
        AccessToken(Secret.from_callable(failing)),
        AccessToken(Secret.from_callable(lambda: None)),
    ],
)
def test_whatever_else_the_store_answers_is_not_found(found):
    class Odd(StoreCache):
        def get(self, key):
            return found

    cache = EncryptedTokenCache(Odd(), RING)

    with all_logs() as logs:
        cache.delete_if(FINGERPRINT, AccessToken(TOKEN))
        token = cache.get(FINGERPRINT)

    assert (token, logs) == (None, [])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        TOKEN.encode(),
        b"[]",
        b"{}",
        b'{"token":"t","expires_at":1}',
        b'{"token":"t","expires_at":1,"lifetime":1,"more":1}',
        b'{"token":"t","token":"u","expires_at":1,"lifetime":1}',
        b'{"token":"t","expires_at":NaN,"lifetime":1}',
        b'{"token":"t","expires_at":1,"lifetime":1e18}',
        b'{"token":"t","expires_at":true,"lifetime":1}',
        b'{"token":"t","expires_at":1,"lifetime":"1"}',
        b'{"token":"t","expires_at":[],"lifetime":1}',
        b'{"token":"","expires_at":1,"lifetime":1}',
        b'{"token":"t\\n","expires_at":1,"lifetime":1}',
        b'{"token":null,"expires_at":1,"lifetime":1}',
        b'{"token":"\xff","expires_at":1,"lifetime":1}',
    ],
)
def test_what_another_release_may_have_sealed_is_not_found(content):
    store, cache = stored()

    store.entries[FINGERPRINT] = (sealed_by_hand(content).encode(), 2e9)

    assert cache.get(FINGERPRINT) is None


def test_no_nonce_comes_twice_in_ten_thousand():
    store = StoreCache()
    cache = EncryptedTokenCache(store, RING)
    token = AccessToken(TOKEN, 2e9)
    nonces = set()
    for _ in range(10_000):
        cache.set(FINGERPRINT, token)
        nonces.add(base64.urlsafe_b64decode(envelope_of(store)[3:19]))

    assert {len(nonce) for nonce in nonces} == {12}
    assert len(nonces) == 10_000


def test_a_token_is_dropped_if_it_is_the_one_that_is_meant(shell):
    store, _ = stored()

    shell.call(encrypted(shell, store).delete_if, FINGERPRINT, AccessToken(TOKEN))

    assert store.entries == {}


@pytest.mark.parametrize(
    "meant",
    [
        AccessToken("other"),
        AccessToken(f"{TOKEN}x"),
        AccessToken("ä"),
        AccessToken(Secret.from_callable(failing)),
    ],
)
def test_another_token_is_not_dropped(shell, meant):
    store, _ = stored()

    shell.call(encrypted(shell, store).delete_if, FINGERPRINT, meant)

    assert list(store.entries) == [FINGERPRINT]


def test_what_is_not_there_cannot_be_dropped(shell):
    class Untouched(StoreCache):
        def delete_if(self, key, token):
            raise AssertionError

    shell.call(encrypted(shell, Untouched()).delete_if, FINGERPRINT, AccessToken(TOKEN))


def test_an_entry_that_cannot_be_opened_is_not_dropped(shell):
    store, _ = stored()
    cache = encrypted(shell, store, KeyRing({"k1": OTHER_KEY}, primary="k1"))

    shell.call(cache.delete_if, FINGERPRINT, AccessToken(TOKEN))

    assert list(store.entries) == [FINGERPRINT]


def test_a_token_that_came_while_the_old_one_was_compared_is_kept(shell):
    """
    The store is told to drop exactly what was read.
    """

    class Busy(StoreCache):
        def get(self, key):
            found = super().get(key)
            self.entries[key] = self.entries["new"]
            return found

    store = Busy()
    EncryptedTokenCache(store, RING).set("new", AccessToken("new"))
    EncryptedTokenCache(store, RING).set(FINGERPRINT, AccessToken(TOKEN))

    shell.call(encrypted(shell, store).delete_if, FINGERPRINT, AccessToken(TOKEN))

    assert store.entries[FINGERPRINT] == store.entries["new"]


@pytest.mark.parametrize("secret", [Secret.from_callable(failing), Secret.from_callable(str)])
def test_a_key_that_cannot_be_read_finds_nothing_and_keeps_nothing(shell, secret):
    store, _ = stored()
    before = dict(store.entries)
    cache = encrypted(shell, store, KeyRing({"k1": secret}, primary="k1"))

    shell.call(cache.delete_if, FINGERPRINT, AccessToken(TOKEN))
    error = error_of(shell.call, cache.set, FINGERPRINT, AccessToken("new"))

    assert shell.call(cache.get, FINGERPRINT) is None
    assert str(error).startswith("The secret callable ")
    assert store.entries == before


@pytest.mark.parametrize(
    "token",
    [
        AccessToken(Secret.from_callable(failing)),
        AccessToken(TOKEN, math.inf),
        AccessToken(TOKEN, -math.inf),
        AccessToken(TOKEN, lifetime=math.inf),
    ],
)
def test_a_token_without_value_or_with_a_time_that_is_none_is_refused_and_not_shown(token):
    store = StoreCache()
    cache = EncryptedTokenCache(store, RING)

    error = error_of(cache.set, FINGERPRINT, token)

    assert isinstance(error, ConfigurationError)
    assert list(frames_of(error)) == ["set", "unwrap"]
    assert seen_in(every_view_of_error(error), VALUES) == []
    assert store.entries == {}


def test_an_error_of_the_store_passes_through_frames_that_show_nothing():
    class Down(StoreCache):
        def set(self, key, token):
            raise ConnectionError

    error = error_of(EncryptedTokenCache(Down(), RING).set, FINGERPRINT, AccessToken(TOKEN))

    assert isinstance(error, ConnectionError)
    assert seen_in(every_view_of_error(error), VALUES) == []


def test_fingerprints_have_a_key_of_their_own_which_is_the_same_everywhere():
    key = derived(KEY, "careof token cache", "fingerprint")
    keyring = KeyRing.parse(RING.reveal())
    caches = [
        EncryptedTokenCache(StoreCache(), keyring),
        AsyncEncryptedTokenCache(AsyncStoreCache(StoreCache()), keyring),
    ]

    assert [cache._fingerprint_key() for cache in caches] == [key, key]


@pytest.fixture(params=[EncryptedTokenCache, AsyncEncryptedTokenCache])
def kind(request):
    return request.param


def store_for(kind):
    return StoreCache() if kind is EncryptedTokenCache else AsyncStoreCache(StoreCache())


def test_a_cache_prints_the_names_of_classes_and_nothing_else(kind):
    store = store_for(kind)
    cache = kind(store, RING)

    assert {repr(cache), str(cache)} == {f"{kind.__name__}({type(store).__name__})"}
    assert seen_in(every_view_of(cache), [*VALUES, "k1"]) == []


def test_pickling_is_refused_and_the_message_names_the_fix(kind):
    with pytest.raises(TypeError, match="with the same key ring"):
        pickle.dumps(kind(store_for(kind), RING))


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_is_the_cache_itself(kind, copied):
    cache = kind(store_for(kind), RING)

    assert copied(cache) is cache


@pytest.mark.parametrize("inner", [None, {}, RING, object()])
def test_what_is_no_cache_is_refused_when_it_is_built(kind, inner):
    with pytest.raises(
        ConfigurationError, match=f"{kind.__name__}: inner: expected a token cache"
    ):
        kind(inner, RING)


def test_a_blocking_cache_does_not_fit_around_an_async_one():
    with pytest.raises(ConfigurationError, match="inner: expected a blocking token cache"):
        EncryptedTokenCache(AsyncStoreCache(StoreCache()), RING)


def test_an_async_cache_does_not_fit_around_a_blocking_one():
    with pytest.raises(ConfigurationError, match="inner: expected an async token cache"):
        AsyncEncryptedTokenCache(MemoryTokenCache(), RING)


def test_an_encrypted_cache_fits_into_another_one(shell):
    store = StoreCache()
    cache = type(outer := encrypted(shell, store))(outer, RING)

    shell.call(cache.set, FINGERPRINT, AccessToken(TOKEN, 2e9))

    assert facts(shell.call(cache.get, FINGERPRINT)) == (TOKEN, 2e9, None)


@pytest.mark.parametrize("keyring", [None, KEY, {"k1": KEY}])
def test_what_is_no_key_ring_is_refused_and_not_shown(kind, keyring):
    error = error_of(kind, store_for(kind), keyring)

    assert str(error) == f"{kind.__name__}: keyring: expected a KeyRing."
    assert seen_in(every_view_of_error(error), VALUES) == []


@given(text=st.text())
def test_no_text_in_the_store_is_an_error(text):
    class Odd(StoreCache):
        def get(self, key):
            return AccessToken(Secret.from_callable(lambda: text))

    assert EncryptedTokenCache(Odd(), RING).get(FINGERPRINT) is None
