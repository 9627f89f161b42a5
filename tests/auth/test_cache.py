from __future__ import annotations

import datetime as dt
import enum
import gc
import pathlib
import uuid
import weakref
from decimal import Decimal

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from careof import EmailAddress, Secret
from careof._reading.paths import Path
from careof.auth import AccessToken, MemoryTokenCache, _fingerprint
from careof.auth._cache import PROCESS_CACHE
from careof.auth._fingerprint import Fingerprint, FixedTexts
from careof.auth._lease import Lease
from careof.errors import ConfigurationError
from tests.support.forks import in_a_child
from tests.support.tokens import TokenServer, VoucherAuth, request_in


def fingerprint(*identity):
    return Fingerprint(identity).key


class Masked(str):
    """
    A text of a host's that hides itself, as secrets often do.
    """

    __slots__ = ()

    def __repr__(self):
        return "***"

    __str__ = __repr__


class Region(enum.Enum):
    EU = "eu"
    US = "us"


class Level(enum.IntEnum):
    ONE = 1
    UNO = 1
    TWO = 2


class Right(enum.Flag):
    READ = 1
    WRITE = 2
    ADMIN = 4


class Config:
    """
    An object of a host's that can be changed in place.
    """

    tenant = "a"


def enum_made_in_a_function():
    return enum.Enum("Region", ["EU"]).EU


class MaskedNumber(int):
    """
    A number that hides itself.
    """

    def __repr__(self):
        return "***"

    __str__ = __repr__


def test_a_token_is_found_under_its_key_only():
    cache = MemoryTokenCache()
    token = AccessToken("t")

    cache.set("a", token)

    assert cache.get("a") is token
    assert cache.get("b") is None


def test_a_token_is_dropped_if_it_is_the_one():
    cache = MemoryTokenCache()
    token = AccessToken("t")
    cache.set("a", token)

    cache.delete_if("a", token)

    assert cache.get("a") is None


def test_a_token_is_the_one_if_its_value_is():
    """
    One that came from another process is another object.
    """
    cache = MemoryTokenCache()
    cache.set("a", AccessToken("t"))

    cache.delete_if("a", AccessToken("t", 60))

    assert cache.get("a") is None


@pytest.mark.parametrize("key, value", [("a", "u"), ("b", "t")])
def test_another_token_is_not_dropped(key, value):
    cache = MemoryTokenCache()
    newer = AccessToken("t")
    cache.set("a", newer)

    cache.delete_if(key, AccessToken(value))

    assert cache.get("a") is newer


def test_a_full_cache_drops_what_was_set_first():
    cache = MemoryTokenCache(max_tokens=2)
    for key in ("a", "b", "a", "c"):
        cache.set(key, AccessToken(key))

    kept = [key for key in "abc" if cache.get(key)]

    assert kept == ["a", "c"]


def test_ten_thousand_tenants_do_not_fill_the_memory():
    cache = MemoryTokenCache(max_tokens=100)
    for tenant in range(10_000):
        cache.set(str(tenant), AccessToken("t"))

    assert repr(cache) == "MemoryTokenCache(100 tokens)"


@pytest.mark.parametrize("size", [0, -1, "a", 1.5, True, None])
def test_a_cache_without_room_is_refused(size):
    with pytest.raises(ConfigurationError, match=r"^MemoryTokenCache: max_tokens: "):
        MemoryTokenCache(max_tokens=size)


def test_a_cache_that_nobody_has_any_more_is_collected():
    cache = MemoryTokenCache()
    cache.set("a", AccessToken("t"))
    gone = weakref.ref(cache)

    del cache
    gc.collect()

    assert gone() is None


@pytest.mark.parametrize(
    "use",
    [
        lambda cache: cache.set("b", AccessToken("t")),
        lambda cache: cache.delete_if("b", AccessToken("t")),
    ],
    ids=["set", "delete_if"],
)
def test_a_lock_that_was_held_at_a_fork_is_free_in_the_child(use):
    cache = MemoryTokenCache()
    use(cache)

    with cache._lock:
        result = in_a_child(lambda: cache.set("a", AccessToken("t")))

    assert result == "None"


def test_strategies_share_one_cache_in_a_process():
    caches = [Lease(VoucherAuth(), request_in(TokenServer()))._memory for _ in range(2)]

    assert caches == [PROCESS_CACHE] * 2


DIFFERENT = [
    (),
    (None,),
    ("",),
    ("a",),
    (b"a",),
    (Secret("a"),),
    (("a",),),
    (frozenset({"a"}),),
    ({"a": "a"},),
    ({"a": Secret("a")},),
    ({"a": "b"},),
    ({"a": None},),
    ({"b": "a"},),
    (["a", "a"],),
    ("a", "a"),
    ("ab", "c"),
    ("a", "bc"),
    (("ab",), "c"),
    ("ab", ("c",)),
    ("abc",),
    ("text", "a"),
    ({},),
    ((),),
    (frozenset(),),
    ((), ()),
    ({"a": {"b": "c"}},),
    ({"a": {"b": "c"}, "d": "e"},),
    ({"a": {"b": "c", "d": "e"}},),
    ({"a": "a", "b": "c"},),
    (1,),
    (True,),
    (1.0,),
    ("1",),
    (0,),
    (False,),
    ("None",),
    (Masked("a1"),),
    (Masked("b1"),),
    (Region.EU,),
    (Region.US,),
    (Level.ONE,),
    (Level.TWO,),
    (2,),
    (MaskedNumber(1), 0),
    (MaskedNumber(2), 0),
    (2.0,),
    (10**5000,),
    (Right.READ,),
    (Right.READ | Right.WRITE,),
    (Right.READ | Right.ADMIN,),
    (uuid.UUID(int=1),),
    (uuid.UUID(int=2),),
    (dt.date(2024, 1, 1),),
    (dt.datetime(2024, 1, 1),),  # noqa: DTZ001  # a host may store one
    (dt.datetime(2024, 1, 1, tzinfo=dt.UTC),),
    (dt.timedelta(1),),
    (dt.timedelta(2),),
    (Decimal(1),),
    (Decimal("1.0"),),
    (pathlib.PurePosixPath("$.a.b"),),
    (httpx.URL("https://a.example/token"),),
    (httpx.URL("https://b.example/token"),),
    ("https://a.example/token",),
    (Path("$.a.b", parameter="p"),),
    (Path("$.a.c", parameter="p"),),
    ("$.a.b",),
    ("\udc80",),
    ("é",),
    ("e\u0301",),
]


@pytest.mark.parametrize("between", ["", ",", " ", "\x00", "|", "\n"])
def test_a_text_cannot_pretend_to_be_two(between):
    one = fingerprint(f"a{between}text{between}b", "c")
    other = fingerprint("a", f"b{between}text{between}c")

    assert one != other


def test_what_differs_has_different_fingerprints():
    fingerprints = {fingerprint(*identity) for identity in DIFFERENT}

    assert len(fingerprints) == len(DIFFERENT)


@pytest.mark.parametrize("identity", DIFFERENT, ids=range(len(DIFFERENT)))
def test_what_is_the_same_has_the_same_fingerprint(identity):
    assert fingerprint(*identity) == fingerprint(*identity)


def test_two_secrets_with_one_value_are_one_configuration():
    """
    A strategy that is rebuilt for every request still finds its token.
    """
    assert fingerprint({"a": Secret("s")}) == fingerprint({"a": Secret("s")})


@pytest.mark.parametrize(
    "one, other",
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (frozenset("abc"), frozenset("cba")),
        (["a"], ("a",)),
        (httpx.URL("https://a.example"), httpx.URL("https://a.example")),
        (Path("/a/b", parameter="p"), Path("/a/b", parameter="q")),
    ],
)
def test_order_and_kind_of_a_collection_make_no_difference(one, other):
    assert fingerprint(one) == fingerprint(other)


def test_members_of_two_enums_of_one_name_are_told_apart():
    one, other = enum_made_in_a_function(), enum_made_in_a_function()

    assert fingerprint(one) != fingerprint(other)


def test_a_rotated_secret_changes_the_fingerprint():
    values = iter(["old", "new"])
    secret = Secret.from_callable(lambda: next(values))

    assert fingerprint(secret) != fingerprint(secret)


@pytest.mark.parametrize("identity", DIFFERENT, ids=range(len(DIFFERENT)))
def test_a_fingerprint_is_that_of_its_own_identity_and_of_no_other(identity):
    """
    It may deny one that it has, which costs a hash, and never claim one that it has not.
    """
    known = Fingerprint(identity)
    claimed = [other for other in DIFFERENT if known.is_of(other)]

    assert all(fingerprint(*other) == known.key for other in claimed)


@pytest.mark.parametrize("value", ["a", 1, 1.5, None, Secret("s"), ("a", (1, "b")), b"c"])
def test_what_cannot_change_is_not_hashed_again(value):
    identity = ("a", value)

    assert Fingerprint(identity).is_of(("a", value))


@pytest.mark.parametrize("value", [{"a": "b"}, ["a"], {"a"}])
def test_what_can_change_in_place_is_hashed_each_time(value):
    identity = ("a", value)

    assert not Fingerprint(identity).is_of(identity)


def test_a_secret_that_changed_at_its_source_is_seen():
    values = ["old"]
    identity = ("a", Secret.from_callable(lambda: values[-1]))
    known = Fingerprint(identity)
    before = known.is_of(identity)
    values.append("new")

    assert (before, known.is_of(identity)) == (True, False)


def test_texts_that_are_fixed_are_those_of_a_mapping():
    texts = FixedTexts({"b": "2", "a": Secret("1")})

    assert (list(texts), len(texts), texts["b"]) == (["b", "a"], 2, "2")
    assert fingerprint(texts) == fingerprint({"a": Secret("1"), "b": "2"})
    assert Fingerprint(("x", texts)).is_of(("x", texts))


def test_a_fingerprint_shows_nothing_of_what_it_is_made_of():
    text = fingerprint("hidden", Secret("hidden"))

    assert len(text) == 64
    assert set(text) <= set("0123456789abcdef")


def test_a_fingerprint_cannot_be_made_outside_of_the_process(monkeypatch):
    """
    Without a key, one could try all passwords of a list.
    """
    before = fingerprint("a")
    monkeypatch.setattr(_fingerprint, "_PROCESS_KEY", b"another process")

    assert fingerprint("a") != before


@pytest.mark.parametrize(
    "value",
    [
        10j,
        bytearray(b"a"),
        range(2),
        Config(),
        Config,
        print,
        EmailAddress.parse("a@b.example"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_value_is_refused(value):
    """
    Changed in place, it would go on finding the token of what it was.
    """
    with pytest.raises(ConfigurationError, match="override identity") as caught:
        fingerprint({"config": [value]})

    assert f"identity(): a {type(value).__name__} " in str(caught.value)


identities = st.recursive(
    st.text(max_size=3) | st.integers(-2, 2) | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=5,
)


def canonical(value):
    if isinstance(value, dict):
        return ("mapping", sorted((name, canonical(item)) for name, item in value.items()))
    if isinstance(value, list):
        return ("sequence", [canonical(item) for item in value])
    return (type(value).__name__, value)


@given(identities, identities)
def test_two_identities_have_one_fingerprint_if_and_only_if_they_are_equal(one, other):
    same = repr(canonical(one)) == repr(canonical(other))

    assert (fingerprint(one) == fingerprint(other)) is same
