"""
Which token a strategy wants: when its key is remembered, and when it must not be.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import attrs
import httpx
import pytest

from careof import HttpResolver, Secret
from careof.auth import MemoryTokenCache, OAuth2ClientCredentials, _identity
from careof.auth._identity import (
    Remembered,
    begin_epoch,
    key_at,
    key_of,
    key_of_identity,
    remembered,
    shared_key_of,
    stored_identity,
)
from careof.auth._lease import Lease
from careof.errors import AuthenticationError, CareofError, ConfigurationError
from careof.testing import FakeClock
from tests.support.crowds import outcome_of
from tests.support.stores import SharedCache
from tests.support.tokens import (
    TOKEN_URL,
    TokenServer,
    VoucherAuth,
    WatchedCache,
    insides_of,
    request_in,
    resolver,
    wait_until,
)


class TenantAuth(VoucherAuth):
    """
    A host's strategy with two fields.
    """

    region = "eu"

    def __init__(self, tenant, note=None):
        super().__init__()
        self.tenant = tenant
        self.note = note


class NamedAuth(TenantAuth):
    """
    A strategy that says itself what shapes its token, and counts how often it was asked.
    """

    asked = 0

    def identity(self):
        type(self).asked += 1
        return ("named", self.tenant)


@attrs.define
class SlottedAuth(VoucherAuth):
    tenant: str


class WithSlots(VoucherAuth):
    """
    Slots beside a dictionary.
    """

    __slots__ = ("tenant",)


@dataclasses.dataclass(frozen=True)
class FrozenAuth(VoucherAuth):
    """
    A strategy that nothing can be set on, not even by us.
    """

    tenant: str


def is_remembered(auth):
    """
    Whether the key of *auth* is found again without a look at anything but what is stored.
    """
    key_of(auth)
    known = auth.careof_fingerprint
    key_of(auth)
    return known._stored is not None and auth.careof_fingerprint is known


def test_the_key_of_a_strategy_that_stays_as_it_is_is_made_once():
    assert is_remembered(TenantAuth("kim"))


@pytest.mark.parametrize(
    "value", ["a", None, 5, 1.5, True, b"b", ("a", ("b", 1)), Secret("s")], ids=repr
)
def test_what_cannot_change_in_place_is_remembered(value):
    assert is_remembered(TenantAuth(value))


@pytest.mark.parametrize("value", [["a"], {"a": "b"}, {"a"}, ("a", ["b"])], ids=repr)
def test_what_can_change_in_place_is_looked_at_each_time(value):
    assert not is_remembered(TenantAuth(value))


@pytest.mark.parametrize(
    "value, change",
    [
        (["a"], lambda value: value.append("b")),
        ({"a": "b"}, lambda value: value.update(a="c")),
        ({"a"}, lambda value: value.add("b")),
        (("a", ["b"]), lambda value: value[1].append("c")),
    ],
    ids=["list", "dict", "set", "inside a tuple"],
)
def test_a_change_in_place_is_seen(value, change):
    auth = TenantAuth(value)
    before = key_of(auth)

    change(value)

    assert key_of(auth) != before


def test_what_shapes_no_token_may_change_in_place_and_is_remembered():
    auth = TenantAuth("kim")
    auth.clock = FakeClock()
    auth.cache = WatchedCache()

    assert is_remembered(auth)


@pytest.mark.parametrize(
    "change",
    [
        lambda auth: setattr(auth, "tenant", "lee"),
        lambda auth: setattr(auth, "note", "new"),
        lambda auth: setattr(auth, "more", None),
        lambda auth: delattr(auth, "tenant"),
        lambda auth: delattr(auth, "note"),
        lambda auth: setattr(auth, "region", "us"),
        lambda auth: setattr(auth, "tenant", Secret("kim")),
        lambda auth: vars(auth).update(tenant="lee"),
        lambda auth: setattr(auth, "lifetime", 5.0),
        lambda auth: vars(auth).update(other=vars(auth).pop("tenant")),
        lambda auth: vars(auth).update(other=vars(auth).pop("note")),
    ],
    ids=[
        "set",
        "set where None was",
        "added",
        "deleted",
        "deleted where None was",
        "set over that of the class",
        "set to a secret",
        "set behind its back",
        "an option",
        "renamed",
        "renamed where None was",
    ],
)
def test_any_change_of_what_is_stored_is_seen(change):
    auth = TenantAuth("kim")
    before = key_of(auth)

    change(auth)

    assert key_of(auth) != before


def test_two_attributes_that_change_places_are_seen():
    auth = TenantAuth("kim", "lee")
    before = key_of(auth)

    auth.tenant, auth.note = auth.note, auth.tenant

    assert key_of(auth) != before


def test_an_equal_value_in_place_of_another_has_the_same_key():
    auth = TenantAuth("KIM".lower())
    before = key_of(auth)

    auth.tenant = "Kim".lower()

    assert key_of(auth) == before
    assert is_remembered(auth)


@pytest.mark.parametrize("one, other", [(1, True), (1, 1.0), (0, False), ("", b"")])
def test_what_is_equal_in_python_and_no_more_is_another_key(one, other):
    auth = TenantAuth(one)
    before = key_of(auth)

    auth.tenant = other

    assert key_of(auth) != before


def test_back_to_what_it_was_is_back_to_its_key():
    auth = TenantAuth("kim")
    before = key_of(auth)
    auth.tenant = "lee"
    key_of(auth)

    auth.tenant = "kim"

    assert key_of(auth) == before


@pytest.mark.parametrize(
    "name",
    ["cache", "clock", "leeway", "rejected_statuses", "_rejected_body", "header", "prefix"],
)
def test_how_a_token_is_used_is_no_part_of_which_token_it_is(name):
    auth = TenantAuth("kim")
    before = key_of(auth)

    setattr(auth, name, object())

    assert key_of(auth) == before


@pytest.mark.parametrize("name", ["careof_origins", "careof_on_rotate"])
def test_what_careof_notes_on_a_strategy_is_no_part_of_it_either(name):
    auth = TenantAuth("kim")
    before = key_of(auth)

    setattr(auth, name, object())

    assert key_of(auth) == before
    assert is_remembered(auth)


def test_a_name_of_the_host_s_that_begins_alike_is_part_of_it():
    """
    Left out, two tenants would have had one token.
    """
    one, other = TenantAuth("kim"), TenantAuth("kim")

    one.careof_tenant, other.careof_tenant = "kim", "lee"

    assert key_of(one) != key_of(other)


def test_what_stands_on_the_class_is_the_same_for_all_of_it():
    assert key_of(TenantAuth("kim")) == key_of(TenantAuth("kim"))
    assert ("region", "eu") not in stored_identity(TenantAuth("kim"))


def test_a_secret_that_is_rotated_at_its_source_is_seen():
    value = ["old"]
    auth = TenantAuth(Secret.from_callable(lambda: value[0]))
    before = key_of(auth)
    assert key_of(auth) == before

    value[0] = "new"

    assert key_of(auth) != before


def test_a_secret_with_a_source_is_read_once_for_each_look():
    reads = []
    auth = TenantAuth(Secret.from_callable(lambda: reads.append(1) or "secret"))
    key_of(auth)
    reads.clear()

    key_of(auth)

    assert len(reads) == 1


def test_a_secret_that_cannot_be_read_any_more_is_an_error_and_no_old_key():
    values = iter(["secret"])
    auth = TenantAuth(Secret.from_callable(lambda: next(values)))
    key_of(auth)

    with pytest.raises(ConfigurationError, match="StopIteration"):
        key_of(auth)


def test_an_identity_of_the_host_is_asked_each_time():
    """
    It may look anywhere.
    """
    auth = NamedAuth("kim")
    keys = {key_of(auth) for _ in range(3)}
    asked = NamedAuth.asked
    auth.tenant = "lee"

    assert len(keys) == 1
    assert asked == 3
    assert key_of(auth) not in keys


def test_an_identity_of_the_host_may_leave_out_what_is_stored():
    auth = NamedAuth("kim")
    before = key_of(auth)

    auth.note = ["anything"]

    assert key_of(auth) == before


def test_an_identity_that_a_mixin_brings_is_the_hosts_as_well():
    class Mixin:
        def identity(self):
            return ("mixed", current[0])

    class MixedAuth(Mixin, VoucherAuth):
        pass

    current = ["kim"]
    auth = MixedAuth()
    before = key_of(auth)

    current[0] = "lee"

    assert key_of(auth) != before


@pytest.mark.parametrize("kind", [SlottedAuth, WithSlots])
def test_what_stands_in_slots_is_looked_at_each_time(kind):
    auth = kind.__new__(kind)
    VoucherAuth.__init__(auth)
    auth.tenant = "kim"
    before = key_of(auth)
    is_snapshot = auth.careof_fingerprint._stored is not None

    auth.tenant = "lee"

    assert not is_snapshot
    assert key_of(auth) != before


def test_a_slot_that_is_not_set_is_left_out():
    auth = WithSlots()

    assert "tenant" not in dict(stored_identity(auth))
    assert key_of(auth)


def test_a_strategy_that_cannot_be_changed_is_remembered():
    auth = FrozenAuth("kim")

    assert is_remembered(auth)
    assert key_of(auth) != key_of(FrozenAuth("lee"))


def test_two_classes_with_equal_fields_have_keys_of_their_own():
    class OtherAuth(TenantAuth):
        pass

    assert key_of(OtherAuth("kim")) != key_of(TenantAuth("kim"))


def test_what_is_remembered_shows_nothing():
    auth = TenantAuth(Secret("hidden-1"), "hidden-2")
    key_of(auth)

    known = auth.careof_fingerprint

    assert "hidden" not in f"{known!r} {known}"
    assert isinstance(known, Remembered)


def test_the_key_that_an_identity_will_have_is_the_one_it_has_then():
    auth = NamedAuth("kim")
    expected = key_of_identity(auth, ("named", "lee"))

    auth.tenant = "lee"

    assert key_of(auth) == expected


def test_the_key_of_an_identity_changes_nothing():
    auth = NamedAuth("kim")
    before = key_of(auth)

    key_of_identity(auth, ("named", "lee"))

    assert key_of(auth) == before


SECRET = b"what the fleet knows"


@pytest.mark.parametrize(
    "one, other",
    [
        ((TenantAuth("kim"), "p", SECRET), (TenantAuth("lee"), "p", SECRET)),
        ((TenantAuth(Secret("s")), "p", SECRET), (TenantAuth(Secret("t")), "p", SECRET)),
        ((TenantAuth("kim"), "p", SECRET), (TenantAuth("kim"), "q", SECRET)),
        ((TenantAuth("kim"), "p", SECRET), (TenantAuth("kim"), "p", b"another fleet")),
        ((TenantAuth("kim"), "p", SECRET), (FrozenAuth("kim"), "p", SECRET)),
    ],
    ids=["identity", "secret", "place", "fleet", "class"],
)
def test_a_key_for_a_fleet_differs_where_anything_does(one, other):
    assert shared_key_of(*one) != shared_key_of(*other)


def test_a_key_for_a_fleet_is_the_same_for_equal_strategies():
    one, other = (TenantAuth(Secret("s"), "note") for _ in range(2))

    assert shared_key_of(one, "p", SECRET) == shared_key_of(other, "p", SECRET)


def test_a_key_for_a_fleet_can_be_made_by_nobody_else():
    assert shared_key_of(TenantAuth("kim"), "p", SECRET) != key_of(TenantAuth("kim"))


KEYS = """
from careof.auth import OAuth2ClientCredentials
from careof.auth._identity import key_of, shared_key_of
auth = OAuth2ClientCredentials("https://id.customer.example/token", "client", "secret")
print(shared_key_of(auth, "p", b"what the fleet knows"), key_of(auth))
"""


def test_a_key_for_a_fleet_is_the_same_in_every_process_and_ours_is_not():
    here = OAuth2ClientCredentials(TOKEN_URL, "client", "secret")

    ran = subprocess.run(
        [sys.executable, "-c", KEYS], capture_output=True, text=True, timeout=30, check=True
    )
    shared, own = ran.stdout.split()

    assert shared == shared_key_of(here, "p", SECRET)
    assert own != key_of(here)


def class_of_a_function():
    class LocalAuth(VoucherAuth):
        pass

    return LocalAuth


def class_of_a_script():
    return type("ScriptAuth", (VoucherAuth,), {"__module__": "__main__"})


@pytest.mark.parametrize("make", [class_of_a_function, class_of_a_script])
def test_a_class_that_has_no_name_elsewhere_is_refused_for_a_fleet(make):
    """
    Two processes could mean two classes by one name.
    """
    with pytest.raises(ConfigurationError, match="put it into a module") as caught:
        shared_key_of(make()(), "p", SECRET)

    assert str(caught.value).startswith(make().__name__)


def test_an_epoch_is_like_no_other():
    """
    Another process that shares a cache must not count to the same.
    """
    keys = {key_at("a key", "here")}
    for _ in range(5):
        begin_epoch("a key")
        keys.add(key_at("a key", "here"))

    assert len(keys) == 6
    assert max(map(len, keys)) == len("a key  here") + 32


def test_an_epoch_is_that_of_its_key_only():
    before = key_at("another key", "here")

    begin_epoch("one key")

    assert key_at("another key", "here") == before


def voucher(server, **options):
    options.setdefault("cache", WatchedCache())
    auth = VoucherAuth(**options)
    return auth, resolver(HttpResolver, auth, server)


def test_after_invalidate_the_next_lookup_has_another_token():
    server = TokenServer()
    auth, lookup = voucher(server)
    outcome_of(lookup.resolve)

    auth.invalidate()
    outcome_of(lookup.resolve)

    assert server.lookups == ["Bearer token-1", "Bearer token-2"]


def test_a_strategy_that_is_built_anew_does_not_find_what_was_invalidated():
    server = TokenServer()
    cache = MemoryTokenCache()
    _, lookup = voucher(server, cache=cache)
    outcome_of(lookup.resolve)

    VoucherAuth(cache=cache).invalidate()  # an equal one
    again = resolver(HttpResolver, VoucherAuth(cache=cache), server)
    outcome_of(again.resolve)

    assert server.lookups == ["Bearer token-1", "Bearer token-2"]


def test_what_was_invalidated_is_not_found_in_another_cache_of_the_process():
    server = TokenServer()
    _, lookup = voucher(server)
    outcome_of(lookup.resolve)

    VoucherAuth(cache=MemoryTokenCache()).invalidate()
    outcome_of(lookup.resolve)

    assert server.lookups == ["Bearer token-1", "Bearer token-2"]


def test_what_was_invalidated_is_not_found_in_a_cache_that_others_share():
    server = TokenServer()
    cache = SharedCache()
    auth, lookup = voucher(server, cache=cache)
    outcome_of(lookup.resolve)

    auth.invalidate()
    outcome_of(lookup.resolve)

    assert server.lookups == ["Bearer token-1", "Bearer token-2"]
    assert len(cache.keys) == 2


def test_invalidate_leaves_the_tokens_of_others():
    server = TokenServer()
    other = resolver(HttpResolver, TenantAuth("lee"), server)
    outcome_of(other.resolve)

    TenantAuth("kim").invalidate()
    outcome_of(other.resolve)

    assert server.lookups == ["Bearer token-1"] * 2


def test_a_fetch_begun_before_invalidate_goes_to_its_waiters_and_is_not_found_again():
    server = TokenServer()
    server.hold()
    auth, _ = voucher(server)
    lease = Lease(auth, request_in(server))
    flight = lease._joined()
    wait_until(lambda: server.token_requests)

    auth.invalidate()
    server.release()
    old = flight.result(10).value.reveal()
    later = [Lease(each, request_in(server)).at_hand() for each in (auth, VoucherAuth())]

    assert old == "token-1"
    assert later == [None, None]


def test_whoever_comes_after_invalidate_does_not_join_a_fetch_begun_before():
    server = TokenServer()
    server.hold()
    auth, _ = voucher(server)
    flight = Lease(auth, request_in(server))._joined()
    wait_until(lambda: server.token_requests)

    auth.invalidate()
    other = Lease(auth, request_in(server))._joined()
    server.release()

    assert [each.result(10).value.reveal() for each in (flight, other)] == ["token-1", "token-2"]


def test_a_rejection_after_invalidate_leaves_the_new_token():
    server = TokenServer()
    auth, _ = voucher(server)
    lease = Lease(auth, request_in(server))
    old = lease._joined().result(10)
    auth.invalidate()
    new = Lease(auth, request_in(server))._joined().result(10)

    with pytest.raises(StopIteration) as ended:
        next(lease.another(old))

    assert ended.value.value is new


def test_invalidate_of_a_secret_that_cannot_be_read_says_so():
    auth = TenantAuth(Secret.from_env("CAREOF_TESTS_NEVER_SET"))

    with pytest.raises(CareofError, match="env:CAREOF_TESTS_NEVER_SET"):
        auth.invalidate()


def test_invalidate_ends_the_pause_after_a_failure():
    """
    Who calls it has mended something, and wants to see it work.
    """
    server = TokenServer()
    server.answer = httpx.Response(401, json={"error": "invalid_client"})
    auth, lookup = voucher(server)
    outcome_of(lookup.resolve)
    server.answer = None

    auth.invalidate()
    outcome_of(lookup.resolve)

    assert server.lookups == ["Bearer token-2"]


def returning(value):
    """
    A strategy with a secret, whose identity is what *value* returns.
    """

    class OddAuth(TenantAuth):
        def identity(self):
            return value(self)

    return OddAuth(Secret("hidden-key"))


async def coming():
    return ("hidden-key",)


NO_IDENTITIES = [
    (lambda auth: None, "NoneType"),
    (lambda auth: "hidden-key", "str"),
    (lambda auth: ["hidden-key"], "list"),
    (lambda auth: {"hidden-key"}, "set"),
    (lambda auth: (each for each in ["hidden-key"]), "generator"),
    (lambda auth: coming(), "coroutine"),
    (lambda auth: auth.tenant, "Secret"),
]


@pytest.mark.parametrize("value, kind", NO_IDENTITIES, ids=[kind for _, kind in NO_IDENTITIES])
def test_an_identity_that_is_no_tuple_is_refused(value, kind):
    """
    One that forgot to return it would be None for all, and all had one token.
    """
    caught = None
    try:
        returning(value).invalidate()
    except ConfigurationError as error:
        caught = error

    assert str(caught).startswith(
        f"OddAuth.identity: expected a tuple of all that shapes the token, got a {kind}: "
    )
    assert caught.detail == "strategy"
    assert "hidden" not in insides_of(caught)


@pytest.mark.parametrize("value", [lambda auth: None, lambda auth: ()])
def test_no_lookup_goes_out_with_the_token_of_another_tenant(shell, value):
    server = TokenServer()

    outcome = outcome_of(
        lambda reference: shell.call(
            resolver(shell.HttpResolver, returning(value), server).resolve, reference
        )
    )

    assert isinstance(outcome, AuthenticationError)
    assert str(outcome).startswith("OddAuth.identity: expected a tuple")
    assert (server.token_requests, server.lookups) == ([], [])


def test_an_identity_that_changes_into_none_is_refused_then():
    auth = NamedAuth("kim")
    key_of(auth)
    auth.identity = lambda: None

    with pytest.raises(ConfigurationError, match=r"^NamedAuth\.identity: expected a tuple"):
        key_of(auth)


@pytest.mark.parametrize(
    "ask",
    [
        lambda auth: key_of_identity(auth, None),
        lambda auth: shared_key_of(auth, "p", b"what the fleet knows"),
    ],
)
def test_wherever_it_is_asked_it_has_to_be_a_tuple(ask):
    auth = NamedAuth("kim")
    auth.identity = lambda: None

    with pytest.raises(ConfigurationError, match=r"^NamedAuth\.identity: expected a tuple"):
        ask(auth)


def test_a_key_for_a_fleet_is_made_of_no_identity_that_is_none_by_then():
    answers = iter([("named", "kim"), None])
    auth = NamedAuth("kim")
    auth.identity = lambda: next(answers)

    with pytest.raises(ConfigurationError, match=r"^NamedAuth\.identity: expected a tuple"):
        shared_key_of(auth, "p", SECRET)


def test_an_empty_identity_is_refused_where_something_is_stored():
    with pytest.raises(ConfigurationError, match="got an empty one"):
        key_of(returning(lambda auth: ()))


@pytest.mark.parametrize("options", [{}, {"lifetime": 60, "leeway": 5}])
def test_an_empty_identity_is_that_of_a_strategy_that_stores_nothing_of_its_own(options):
    class PlainAuth(VoucherAuth):
        def identity(self):
            return ()

    assert key_of(PlainAuth(**options)) == key_of(PlainAuth())


@pytest.mark.parametrize("value", [("a",), (("a", 1),), type("Named", (tuple,), {})(("a",))])
def test_every_tuple_is_an_identity(value):
    assert key_of(returning(lambda auth: value))


class DeskAuth(VoucherAuth):
    """
    A strategy that a host points at one tenant after another.
    """

    def __init__(self, desk, key):
        super().__init__()
        self.desk = desk
        self.key = key


def test_a_change_while_the_key_is_made_changes_no_key_of_others():
    """
    Another thread's; the secret is where the key waits.
    """
    pointed = []

    def read():
        for strategy in pointed:
            strategy.desk = "B"
        return "secret"

    key = Secret.from_callable(read)
    moving = DeskAuth("A", key)
    pointed.append(moving)

    first = remembered(moving).key
    pointed.clear()

    assert first == remembered(DeskAuth("A", key)).key
    assert remembered(moving).key == remembered(DeskAuth("B", key)).key


def test_a_change_that_is_taken_back_while_the_key_is_made_changes_none_either(monkeypatch):
    moving = DeskAuth("A", "key")
    whole = _identity._whole

    def changed_meanwhile(*arguments):
        moving.desk = "B"
        try:
            return whole(*arguments)
        finally:
            moving.desk = "A"

    monkeypatch.setattr(_identity, "_whole", changed_meanwhile)
    first = remembered(moving).key
    monkeypatch.undo()

    assert first == remembered(DeskAuth("A", "key")).key


def test_what_was_changed_and_changed_back_was_another_one_meanwhile():
    auth = DeskAuth("A", "key")
    before = remembered(auth)
    auth.desk = "B"
    remembered(auth)
    auth.desk = "A"

    assert remembered(auth).key == before.key
    assert not remembered(auth).is_unchanged_since(before)


def test_all_who_see_one_change_at_once_see_the_same(monkeypatch):
    """
    A burst of callers must not take each other for a change.
    """
    auth = DeskAuth("A", "key")
    first, second = Remembered(auth), Remembered(auth)
    auth.desk = "B"
    third, fourth = Remembered(auth, first), Remembered(auth, second)

    assert first.is_unchanged_since(second)
    assert third.is_unchanged_since(fourth)
    assert not third.is_unchanged_since(first)


def test_what_is_compared_as_a_whole_is_unchanged_while_its_key_is_the_same():
    auth = TenantsAuth({"a": [Secret("1")]})
    before = remembered(auth)

    assert remembered(auth).is_unchanged_since(before)
    auth.tenants["a"].append("2")
    assert not remembered(auth).is_unchanged_since(before)


class TenantsAuth(VoucherAuth):
    """
    A strategy that can be changed in place.
    """

    def __init__(self, tenants):
        super().__init__()
        self.tenants = tenants


class Forgetful:
    """
    A mixin of the host's that tells nobody else of a subclass.
    """

    def __init_subclass__(cls, **options):
        pass


def said_later():
    class LateAuth(VoucherAuth):
        pass

    LateAuth.identity = lambda self: (tenant_now[-1],)
    return LateAuth()


def said_on_the_instance():
    auth = VoucherAuth()
    auth.identity = lambda: (tenant_now[-1],)
    return auth


def said_beside_a_mixin():
    class MixedAuth(Forgetful, VoucherAuth):
        def identity(self):
            return (tenant_now[-1],)

    return MixedAuth()


tenant_now = ["A"]


@pytest.mark.parametrize("make", [said_later, said_on_the_instance, said_beside_a_mixin])
def test_an_identity_of_the_host_s_own_is_asked_wherever_it_is_said(make):
    auth = make()

    first = key_of(auth)
    tenant_now.append("B")
    try:
        assert key_of(auth) != first
    finally:
        tenant_now.pop()
    assert key_of(auth) == first
