from __future__ import annotations

import copy
import enum
import hashlib
import hmac
import json
import pickle
import re
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careof import Secret
from careof.errors import ConfigurationError
from careof.pseudonyms import KeyRing
from tests import strategies
from tests.support.canary import every_view_of, every_view_of_error, frames_of, seen_in
from tests.support.raising import error_of

LONG = "canary-key-of-32-bytes-or-more-0001"
OTHER = "canary-key-of-32-bytes-or-more-0002"
SHORT = "canary-key-of-31-bytes-is-short"
VALUES = [LONG, OTHER, SHORT]
CHECKS = {LONG: "fe185c88", OTHER: "07266aac"}


def ring(**keys):
    return KeyRing(keys or {"k1": LONG}, primary=next(iter(keys), "k1"))


def failing():
    password = LONG
    raise LookupError(password)


def hkdf_sha256(secret, *, salt, info, length):
    """
    RFC 5869 §2, with nothing but ``hmac``.
    """
    extracted = hmac.digest(salt or bytes(32), secret, "sha256")
    block = expanded = b""
    for number in range(1, -(-length // 32) + 1):
        block = hmac.digest(extracted, block + info + bytes([number]), "sha256")
        expanded += block
    return expanded[:length]


def info_of(*labels):
    return b"".join(len(label.encode()).to_bytes(4, "big") + label.encode() for label in labels)


def test_the_yardstick_gives_the_first_test_vector_of_rfc_5869():
    key = hkdf_sha256(
        bytes([0x0B] * 22),
        salt=bytes(range(0x0D)),
        info=bytes(range(0xF0, 0xFA)),
        length=42,
    )

    assert key.hex() == (
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    )


@pytest.mark.parametrize("length", [1, 31, 32, 33, 64, 255 * 32])
@pytest.mark.parametrize("labels", [("a",), ("",), ("ab", "c"), ("ä", "日本", "x" * 300)])
def test_a_key_is_hkdf_sha256_of_the_secret_with_the_labels_behind_their_lengths(labels, length):
    expected = hkdf_sha256(LONG.encode(), salt=b"", info=info_of(*labels), length=length)

    assert ring().derive("k1", *labels, length=length) == expected


def test_a_key_stays_the_same_for_ever():
    """
    Every pseudonym that a host has stored depends on it.
    """
    key = ring().derive("k1", "hmac", "tenant", "")

    assert key.hex() == "6d50b35c2e6fae82a941b40736aba5d002b981c98439811f49454bbc4b931ee6"


@given(
    labels=st.lists(st.text(max_size=3), min_size=1, max_size=4),
    others=st.lists(st.text(max_size=3), min_size=1, max_size=4),
)
def test_other_labels_give_another_key(labels, others):
    keyring = ring()
    try:
        keys = keyring.derive("k1", *labels), keyring.derive("k1", *others)
    except ConfigurationError:  # half a character
        return

    assert (keys[0] == keys[1]) is (labels == others)


@pytest.mark.parametrize(
    "labels, others",
    [
        (("ab", "c"), ("a", "bc")),
        (("a", ""), ("a",)),
        (("", "a"), ("a", "")),
        (("a", "b"), ("b", "a")),
        (("a\x00\x00\x00\x01b",), ("a", "b")),
    ],
)
def test_labels_that_read_alike_in_a_row_give_other_keys(labels, others):
    assert ring().derive("k1", *labels) != ring().derive("k1", *others)


def test_another_secret_gives_another_key():
    keyring = ring(k1=LONG, k2=OTHER)

    assert keyring.derive("k1", "a") != keyring.derive("k2", "a")


def test_a_key_has_256_bits_unless_another_length_is_asked_for():
    assert len(ring().derive("k1", "a")) == 32


@pytest.mark.parametrize("length", [0, -1, 255 * 32 + 1, 32.0, True, "32", None])
def test_a_length_that_hkdf_cannot_give_is_refused(length):
    with pytest.raises(ConfigurationError, match="length: expected an int from 1 to 8160"):
        ring().derive("k1", "a", length=length)


@pytest.mark.parametrize("labels", [(), (b"a",), ("a", None), ("a", "\ud800")])
def test_labels_that_are_no_texts_are_refused(labels):
    with pytest.raises(ConfigurationError, match="labels: expected one text or more"):
        ring().derive("k1", *labels)


@pytest.mark.parametrize("key_id", ["k2", "", "K1", None, b"k1", ["k1"], LONG])
def test_an_id_that_the_ring_does_not_have_is_refused_and_not_repeated(key_id):
    with pytest.raises(ConfigurationError) as caught:
        ring().derive(key_id, "a")

    assert str(caught.value) == "KeyRing.derive: key_id: this ring has no key with that id."


def test_a_ring_knows_its_ids():
    keyring = KeyRing({"k1": LONG, "k2": Secret(OTHER)}, primary="k2")

    assert (keyring.ids, keyring.primary) == (("k1", "k2"), "k2")
    assert "k1" in keyring


@pytest.mark.parametrize("key_id", ["k2", "", None, LONG, ["k1"]])
def test_what_is_no_id_of_a_ring_is_not_in_it(key_id):
    assert key_id not in ring()


def test_an_id_of_an_enumeration_is_its_value():
    class Id(str, enum.Enum):  # noqa: UP042 (whose format is another one)
        FIRST = "k1"
        SECOND = "k2"

    keyring = KeyRing(
        {Id.FIRST: LONG, Id.SECOND: OTHER}, primary=Id.SECOND, checks={Id.FIRST: CHECKS[LONG]}
    )

    assert repr(keyring) == "KeyRing(k1, k2; primary: k2)"
    assert {type(each) for each in [*keyring.ids, keyring.primary, *keyring.checks]} == {str}
    assert KeyRing.parse(keyring.reveal()).ids == ("k1", "k2")


def test_the_mapping_can_change_afterwards_and_the_ring_does_not():
    keys = {"k1": LONG}
    keyring = KeyRing(keys, primary="k1")

    keys.clear()

    assert keyring.ids == ("k1",)


def test_a_ring_cannot_be_changed():
    with pytest.raises(AttributeError, match="cannot be changed"):
        ring()._primary = "k2"


def test_a_generated_ring_has_one_random_key_of_256_bits():
    rings = [KeyRing.generate() for _ in range(50)]
    keys = {json.loads(keyring.reveal())["keys"]["k1"] for keyring in rings}

    assert {(keyring.ids, keyring.primary) for keyring in rings} == {(("k1",), "k1")}
    assert len(keys) == 50
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", key) for key in keys)


@pytest.mark.parametrize("key_id", ["k", "k1", "abcdefgh", "a0000000"])
def test_short_ids_of_small_letters_and_digits_are_taken(key_id):
    assert KeyRing({key_id: LONG}, primary=key_id).ids == (key_id,)


@pytest.mark.parametrize(
    "key_id",
    ["", "1k", "K1", "k_1", "abcdefghi", "k1\n", "é", "k\u0661", " k1", None, 1, b"k1", LONG],
)
def test_any_other_id_is_refused_and_not_repeated(key_id):
    error = error_of(KeyRing, {"k1": LONG, key_id: OTHER}, primary="k1")

    assert isinstance(error, ConfigurationError)
    assert str(error).startswith("KeyRing: keys: key 2 of 2: expected an id of a small letter")
    assert seen_in(every_view_of_error(error), VALUES) == []


@pytest.mark.parametrize("primary", ["k2", "", None, 1, ["k1"], LONG])
def test_the_primary_is_one_of_the_ids(primary):
    error = error_of(KeyRing, {"k1": LONG}, primary=primary)

    assert str(error) == "KeyRing: primary: expected one of the ids in keys."
    assert seen_in(every_view_of_error(error), VALUES) == []


@pytest.mark.parametrize("keys", [{}, None, [("k1", LONG)], LONG, {"k1"}])
def test_keys_are_a_mapping_with_one_key_or_more(keys):
    error = error_of(KeyRing, keys, primary="k1")

    assert str(error).startswith("KeyRing: keys: expected a mapping of ids to Secret or str")
    assert seen_in(every_view_of_error(error), VALUES) == []


@pytest.mark.parametrize("value", ["x" * 31, "é" * 15, Secret("x" * 31)])
def test_a_fixed_secret_under_32_bytes_is_refused_when_the_ring_is_built(value):
    with pytest.raises(
        ConfigurationError, match=r"key 2 of 2 is too short: expected 32"
    ) as caught:
        KeyRing({"k1": LONG, "k2": value}, primary="k1")

    assert caught.value.detail == "secret"


@pytest.mark.parametrize("value", ["x" * 32, "é" * 16, Secret("x" * 32)])
def test_32_bytes_in_utf_8_are_enough(value):
    assert len(KeyRing({"k1": value}, primary="k1").derive("k1", "a")) == 32


@pytest.mark.parametrize("value", [None, LONG.encode(), "", f"{LONG}\n", f"{LONG}\udcff", 7])
def test_what_is_no_secret_is_refused_and_not_repeated(value):
    error = error_of(KeyRing, {"k1": value}, primary="k1")

    assert str(error).startswith("KeyRing: keys: key 1 of 1: expected Secret or str, but it ")
    assert seen_in(every_view_of_error(error), VALUES) == []


def test_a_secret_that_is_too_short_is_not_repeated():
    error = error_of(KeyRing, {"k1": SHORT}, primary="k1")

    assert "too short" in str(error)
    assert seen_in(every_view_of_error(error), VALUES) == []


def test_building_a_ring_asks_no_vault():
    asked = []

    KeyRing({"k1": Secret.from_callable(lambda: asked.append(1))}, primary="k1")

    assert asked == []


def test_a_secret_is_read_each_time_it_is_used():
    texts = [LONG, OTHER]
    keyring = KeyRing({"k1": Secret.from_callable(lambda: texts.pop(0))}, primary="k1")

    keys = [keyring.derive("k1", "a"), keyring.derive("k1", "a")]

    assert keys == [ring(k1=LONG).derive("k1", "a"), ring(k1=OTHER).derive("k1", "a")]


@pytest.mark.parametrize("use", [lambda keyring: keyring.derive("k1", "a"), KeyRing.reveal])
def test_a_secret_that_becomes_too_short_is_refused_when_it_is_used(use):
    keyring = KeyRing({"k1": Secret.from_callable(lambda: SHORT)}, primary="k1")

    error = error_of(use, keyring)

    assert str(error).startswith("KeyRing: the key k1, Secret(callable), is too short")
    assert (error.detail, error.outcome) == ("secret", "auth_failed")
    assert seen_in(every_view_of_error(error), VALUES) == []


@pytest.mark.parametrize("use", [lambda keyring: keyring.derive("k1", "a"), KeyRing.reveal])
def test_a_secret_that_cannot_be_read_is_an_error_that_names_its_source(use):
    keyring = KeyRing({"k1": Secret.from_callable(failing)}, primary="k1")

    error = error_of(use, keyring)

    assert str(error).startswith("The secret callable cannot be read (LookupError).")
    assert (error.__cause__, error.__context__) == (None, None)
    assert seen_in(every_view_of_error(error), VALUES) == []


def test_only_the_public_method_and_the_line_that_raises_are_in_a_traceback():
    keyring = KeyRing({"k1": Secret.from_callable(failing)}, primary="k1")

    assert list(frames_of(error_of(keyring.derive, "k1", "a"))) == ["derive", "unwrap"]
    assert list(frames_of(error_of(keyring.reveal))) == ["reveal", "unwrap"]
    assert list(frames_of(error_of(ring().retire, "k1"))) == ["retire", "unwrap"]
    assert list(frames_of(error_of(KeyRing.parse, LONG))) == ["parse", "unwrap"]


@given(
    keys=st.dictionaries(
        st.from_regex(r"[a-z][a-z0-9]{0,7}", fullmatch=True),
        strategies.secrets.map(lambda text: f'{text}"\n\u2028\\ä{"x" * 32}'),
        min_size=1,
        max_size=3,
    ),
    data=st.data(),
)
def test_a_ring_comes_back_from_its_text(keys, data):
    keyring = KeyRing(keys, primary=data.draw(st.sampled_from(sorted(keys))))
    text = keyring.reveal()
    again = KeyRing.parse(text)

    assert len(text.splitlines()) == 1
    assert text.isascii()
    assert (again.ids, again.primary) == (keyring.ids, keyring.primary)
    assert all(again.derive(name, "a") == keyring.derive(name, "a") for name in keys)
    assert again.reveal() == text


def test_the_text_of_a_ring_is_json_with_the_check_values():
    keyring = KeyRing({"k1": LONG, "k2": Secret(OTHER)}, primary="k2")

    assert json.loads(keyring.reveal()) == {
        "primary": "k2",
        "keys": {"k1": LONG, "k2": OTHER},
        "checks": {"k1": CHECKS[LONG], "k2": CHECKS[OTHER]},
    }
    assert " " not in keyring.reveal()


def test_the_check_value_of_a_secret_is_32_bits_of_a_key_derived_from_it():
    key = hkdf_sha256(LONG.encode(), salt=b"", info=info_of("careof key check"), length=4)

    assert KeyRing({"k1": LONG, "k2": OTHER}, primary="k1").checks == {
        "k1": key.hex(),
        "k2": CHECKS[OTHER],
    }
    assert key.hex() == CHECKS[LONG]


def test_a_ring_without_check_values_is_parsed():
    assert KeyRing.parse(text_of()).checks == {"k1": CHECKS[LONG]}


@pytest.mark.parametrize("secret", [OTHER, Secret(OTHER)])
def test_another_secret_under_a_known_id_is_refused_when_the_ring_is_built(secret):
    error = error_of(KeyRing, {"k1": secret}, primary="k1", checks={"k1": CHECKS[LONG]})

    assert str(error).startswith("KeyRing: keys: key 1 of 1 is another secret than the one that")
    assert (type(error), error.detail) == (ConfigurationError, "secret")
    assert seen_in(every_view_of_error(error), VALUES) == []


def test_another_secret_in_the_text_of_a_ring_is_refused():
    error = error_of(KeyRing.parse, ring().reveal().replace(LONG, OTHER))

    assert str(error).startswith("KeyRing: keys: key 1 of 1 is another secret")
    assert seen_in(every_view_of_error(error), VALUES) == []


@pytest.mark.parametrize(
    "use",
    [lambda keyring: keyring.derive("k1", "a"), KeyRing.reveal, lambda keyring: keyring.checks],
    ids=["derive", "reveal", "checks"],
)
def test_another_secret_at_the_source_is_refused_each_time_it_is_used(use):
    secrets = [LONG]
    keyring = KeyRing(
        {"k1": Secret.from_callable(lambda: secrets[-1])},
        primary="k1",
        checks={"k1": CHECKS[LONG]},
    )
    assert use(keyring)

    secrets.append(OTHER)
    error = error_of(use, keyring)

    assert str(error).startswith("KeyRing: the key k1, Secret(callable), is another secret than")
    assert seen_in(every_view_of_error(error), VALUES) == []


def test_some_of_the_keys_can_be_pinned():
    keyring = KeyRing({"k1": LONG, "k2": OTHER}, primary="k2", checks={"k1": CHECKS[LONG]})

    assert keyring.derive("k2", "a") == ring(k2=OTHER).derive("k2", "a")


@pytest.mark.parametrize(
    "checks",
    [
        {"k2": CHECKS[LONG]},
        {"k1": CHECKS[LONG].upper() + "0"},
        {"k1": "0123456"},
        {"k1": "012345678"},
        {"k1": "0123456g"},
        {"k1": None},
        {"k1": LONG},
        {LONG: "01234567"},
        [("k1", "01234567")],
        LONG,
    ],
    ids=range(10),
)
def test_check_values_are_eight_hexadecimal_digits_for_keys_that_are_there(checks):
    error = error_of(KeyRing, {"k1": LONG}, primary="k1", checks=checks)

    assert str(error).startswith("KeyRing: checks: expected a mapping of ids in keys to check")
    assert seen_in(every_view_of_error(error), VALUES) == []


def test_a_key_is_added_promoted_and_retired_in_rings_of_their_own():
    one = ring()
    two = one.add("k2")
    new = two.promote("k2")
    last = new.retire("k1")

    assert [(each.ids, each.primary) for each in (one, two, new, last)] == [
        (("k1",), "k1"),
        (("k1", "k2"), "k1"),
        (("k1", "k2"), "k2"),
        (("k2",), "k2"),
    ]
    assert two.derive("k1", "a") == one.derive("k1", "a")
    assert last.derive("k2", "a") == two.derive("k2", "a")
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", json.loads(last.reveal())["keys"]["k2"])
    assert one.add("k2").checks["k2"] != two.checks["k2"]


def test_check_values_go_along_when_a_ring_changes():
    pinned = KeyRing(
        {"k1": Secret.from_callable(lambda: OTHER), "k2": LONG},
        primary="k1",
        checks={"k1": CHECKS[LONG], "k2": CHECKS[LONG]},
    )

    for changed in (pinned.add("k3"), pinned.promote("k2"), pinned.promote("k2").add("k3")):
        with pytest.raises(ConfigurationError, match="another secret"):
            changed.derive("k1", "a")
    assert pinned.promote("k2").retire("k1").derive("k2", "a")


@pytest.mark.parametrize(
    "change, problem",
    [
        (lambda keyring: keyring.add("k1"), "KeyRing.add: key_id: there is a key with that id"),
        (lambda keyring: keyring.add("K2"), "KeyRing.add: key_id: expected an id of a small"),
        (lambda keyring: keyring.add(None), "KeyRing.add: key_id: expected an id of a small"),
        (lambda keyring: keyring.promote("k2"), "KeyRing.promote: key_id: this ring has no key"),
        (lambda keyring: keyring.retire("k2"), "KeyRing.retire: key_id: this ring has no key"),
        (lambda keyring: keyring.retire("k1"), "KeyRing.retire: key_id: new things are made"),
    ],
    ids=range(6),
)
def test_a_change_that_cannot_be_is_refused(change, problem):
    with pytest.raises(ConfigurationError, match=re.escape(problem)):
        change(ring())


def test_a_ring_is_parsed_from_a_secret():
    text = ring().reveal()

    assert KeyRing.parse(Secret.from_callable(lambda: text)).reveal() == text


def test_spaces_and_a_line_break_around_the_text_do_no_harm():
    assert KeyRing.parse(f" {ring().reveal()}\n").ids == ("k1",)


def text_of(**changes):
    return json.dumps({"primary": "k1", "keys": {"k1": LONG}} | changes)


@pytest.mark.parametrize(
    "text, problem",
    [
        (LONG, "one JSON object"),
        ("", "one JSON object"),
        (f'["{LONG}"]', "one JSON object"),
        (f'{{"primary":"k1","keys":{{"k1":"{LONG}","k1":"{OTHER}"}}}}', "no key stands twice"),
        (f'{{"primary":"k1","keys":{{"k1":["{LONG}"]}}}}', "one JSON object"),
        (text_of()[:-1], "one JSON object"),
        (text_of(more=LONG), "nothing else"),
        (json.dumps({"keys": {"k1": LONG}}), "nothing else"),
        (json.dumps({"primary": "k1"}), "nothing else"),
        (text_of(keys=LONG), "keys: expected a mapping"),
        (text_of(keys=None), "keys: expected a mapping"),
        (text_of(keys={}), "keys: expected a mapping"),
        (text_of(keys={LONG: "k1"}), "key 1 of 1: expected an id"),
        (text_of(keys={"k1": SHORT}), "key 1 of 1 is too short"),
        (text_of(keys={"k1": 7}), "key 1 of 1: expected Secret or str"),
        (text_of(primary=LONG), "primary: expected one of the ids"),
        (text_of(primary=None), "primary: expected one of the ids"),
        (f"{LONG}\ud800", "as a Secret or a str"),
        (LONG.encode(), "as a Secret or a str"),
        (None, "as a Secret or a str"),
        (Secret(SHORT), "one JSON object"),
        (Secret.from_callable(failing), "cannot be read"),
    ],
)
def test_any_other_text_is_refused_and_not_repeated(text, problem):
    error = error_of(KeyRing.parse, text)

    assert isinstance(error, ConfigurationError)
    assert problem in str(error)
    assert seen_in(every_view_of_error(error), VALUES) == []


def test_a_ring_prints_its_ids_and_nothing_else():
    keyring = KeyRing({"k1": LONG, "k2": Secret.from_env("NAME")}, primary="k2")

    assert {repr(keyring), str(keyring), f"{keyring}"} == {"KeyRing(k1, k2; primary: k2)"}
    assert seen_in(every_view_of({"ring": keyring}), VALUES) == []


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickling_is_refused_and_the_message_names_the_fix(protocol):
    with pytest.raises(TypeError, match=r"build it with KeyRing\.parse"):
        pickle.dumps(ring(), protocol)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_is_the_ring_itself(copied):
    keyring = ring()

    assert copied(keyring) is keyring


def test_a_ring_equals_itself_and_no_other():
    keyring = ring()

    assert keyring == keyring  # noqa: PLR0124 (identity is the point)
    assert keyring != ring()
    assert len({keyring, keyring, ring()}) == 2


def test_a_ring_can_be_referred_to_weakly():
    keyring = ring()

    assert weakref.ref(keyring)() is keyring


def test_no_key_is_the_secret_or_its_plain_hash():
    key = ring().derive("k1", "a")

    assert key not in (LONG.encode(), hashlib.sha256(LONG.encode()).digest())
