"""
What both schemes do alike: arguments, one and many, errors that show nothing.
"""

from __future__ import annotations

import copy
import pickle
import re
import traceback
import types

import numpy as np
import pytest

from careof import PhoneNumber, Secret
from careof.errors import ConfigurationError, PhoneNumberError, PseudonymError
from careof.pseudonyms import HmacPseudonymizer, KeyRing, SivPseudonymizer, _packing
from careof.pseudonyms._batches import CHUNK
from tests.support.canary import (
    all_logs,
    every_view_of,
    every_view_of_error,
    frames_of,
    objects_holding,
    seen_in,
)
from tests.support.raising import error_of

SECRET = "canary-key-of-32-bytes-or-more-0001"
RING = KeyRing({"k1": SECRET}, primary="k1")
SCHEMES = [HmacPseudonymizer, SivPseudonymizer]
GOOD = "+442079460018"
BAD = "+44 20 7946 0018 x5"
# The last digits, which stand in both spellings and in nothing else.
CANARIES = ["79460018", "7946 0018", SECRET]

both = pytest.mark.parametrize("scheme", SCHEMES)


def phones(count, begin=79460000):
    return [f"+4420{begin + number}" for number in range(count)]


@both
@pytest.mark.parametrize(
    "arguments, options, problem",
    [
        ((SECRET, "t"), {}, "keyring: expected a KeyRing"),
        ((None, "t"), {}, "keyring: expected a KeyRing"),
        ((RING, None), {}, "tenant: expected a text"),
        ((RING, b"t"), {}, "tenant: expected a text"),
        ((RING, "\ud800"), {}, "tenant: expected a text"),
        ((RING, "t"), {"purpose": None}, "purpose: expected a text"),
        ((RING, "t"), {"region": "UK"}, 'region: expected the country .* "GB" .not "UK"'),
        ((RING, "t"), {"region": "gb"}, "region: expected the country"),
        ((RING, "t"), {"region": 44}, "region: expected the country"),
    ],
    ids=range(9),
)
def test_an_argument_that_cannot_work_is_named(scheme, arguments, options, problem):
    error = error_of(scheme, *arguments, **options)

    assert type(error) is ConfigurationError
    assert re.match(f"{scheme.__name__}: {problem}", str(error))
    assert seen_in(every_view_of_error(error), CANARIES) == []


@both
def test_a_key_that_cannot_be_read_is_found_when_it_is_built(scheme):
    def read():
        password = SECRET
        raise LookupError(password)

    ring = KeyRing({"k1": SECRET, "k2": Secret.from_callable(read)}, primary="k1")
    error = error_of(scheme, ring, "t")

    assert str(error).startswith("The secret callable cannot be read (LookupError).")
    assert seen_in(every_view_of_error(error), CANARIES) == []


def test_a_machine_without_aes_siv_is_told_what_it_lacks(monkeypatch):
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.ciphers import aead

    def unsupported(key):
        raise UnsupportedAlgorithm("AES-SIV is not supported by this version of OpenSSL")

    monkeypatch.setattr(aead, "AESSIV", unsupported)
    error = error_of(SivPseudonymizer, RING, "t")

    assert str(error).startswith("SivPseudonymizer: the cryptography package here has no AES-SIV")
    assert (type(error), error.__context__) == (ConfigurationError, None)
    assert seen_in(every_view_of_error(error), [SECRET, "key ="]) == []


def test_whatever_stops_the_building_of_a_key_shows_no_key(monkeypatch):
    def interrupted(self, front, key):
        raise KeyboardInterrupt

    monkeypatch.setattr(SivPseudonymizer, "_key_type", type("K", (), {"__init__": interrupted}))
    try:
        SivPseudonymizer(RING, "t")
    except KeyboardInterrupt as error:
        frames = list(frames_of(error))

    assert frames == []


@both
def test_it_prints_its_keys_by_their_ids(scheme):
    ring = KeyRing({"k1": SECRET, "k2": "y" * 32}, primary="k2")
    pseudonymizer = scheme(ring, "tenant-7")

    assert repr(pseudonymizer) == f"{scheme.__name__}(keys: k2, k1)"
    assert seen_in(every_view_of(pseudonymizer), [SECRET, "tenant-7"]) == []


@both
def test_it_is_fixed_and_refuses_to_be_pickled(scheme):
    pseudonymizer = scheme(RING, "t")

    assert copy.deepcopy(pseudonymizer) is pseudonymizer
    with pytest.raises(TypeError, match="with the same key ring, tenant and purpose"):
        pickle.dumps(pseudonymizer)
    with pytest.raises(AttributeError, match="cannot be changed"):
        pseudonymizer._region = "US"


@both
@pytest.mark.parametrize(
    "use",
    ["pseudonymize", "candidates", "matches"],
)
@pytest.mark.parametrize("phone", [BAD, "079460018", b"+442079460018", None, 5], ids=str)
def test_what_is_no_number_is_refused_and_not_repeated(scheme, use, phone):
    pseudonymizer = scheme(RING, "t")
    arguments = [phone, "ph1k1_bbb"] if use == "matches" else [phone]
    error = error_of(getattr(pseudonymizer, use), *arguments)

    assert (type(error), error.detail) == (PhoneNumberError, "phone_number")
    assert list(frames_of(error)) == [use, "unwrap"]
    assert seen_in(every_view_of_error(error), [*CANARIES, "079460018"]) == []


@both
@pytest.mark.parametrize(
    "pseudonym", ["", "x", "ph1k1_", None, 5, b"ph1k1_bbb", "ph1k1_" + "b" * 24]
)
def test_what_these_keys_cannot_have_made_matches_no_number(scheme, pseudonym):
    assert scheme(RING, "t").matches(GOOD, pseudonym) is False


@both
def test_a_pseudonym_of_another_number_does_not_match(scheme):
    pseudonymizer = scheme(RING, "t")

    assert not pseudonymizer.matches(GOOD, pseudonymizer.pseudonymize("+442079460019"))
    assert pseudonymizer.matches(PhoneNumber.parse(GOOD), pseudonymizer.pseudonymize(GOOD))


@both
def test_candidates_begin_with_the_primary_key(scheme):
    ring = KeyRing({"k1": SECRET, "k2": "y" * 32, "k3": "z" * 32}, primary="k2")
    candidates = scheme(ring, "t").candidates(GOOD)

    assert [each[3:5] for each in candidates] == ["k2", "k1", "k3"]
    assert candidates[0] == scheme(ring, "t").pseudonymize(GOOD)
    assert candidates[1] == scheme(RING, "t").pseudonymize(GOOD)


@both
@pytest.mark.parametrize("count", [0, 1, 31, 32, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK])
def test_any_number_of_numbers_comes_out_in_its_order(scheme, count):
    pseudonymizer = scheme(RING, "t")
    many = phones(count)
    expected = [pseudonymizer.pseudonymize(phone) for phone in many]

    assert pseudonymizer.pseudonymize_many(many) == expected
    assert list(pseudonymizer.pseudonymize_iter(each for each in many)) == expected


@both
@pytest.mark.parametrize(
    "things", [GOOD, GOOD.encode(), None, 5, PhoneNumber.parse(GOOD)], ids=str
)
@pytest.mark.parametrize("use", ["pseudonymize_many", "pseudonymize_iter"])
def test_one_number_is_not_several(scheme, things, use):
    error = error_of(getattr(scheme(RING, "t"), use), things)

    assert str(error) == (
        f"phones: expected several, such as a list or a column, got {type(things).__name__}."
    )
    assert seen_in(every_view_of_error(error), CANARIES) == []


ODD = [BAD, None, float("nan"), 442079460018, GOOD.encode(), "", "+", ["+44"], PhoneNumber("x")]


@both
@pytest.mark.parametrize("use", ["pseudonymize_many", "pseudonymize_iter"])
def test_what_cannot_be_called_with_an_error_is_refused_before_there_is_one(scheme, use):
    error = error_of(getattr(scheme(RING, "t"), use), [GOOD], on_error="ignore")

    assert str(error) == "on_error: expected a callable, or None."
    assert seen_in(every_view_of_error(error), CANARIES) == []


@both
@pytest.mark.parametrize("at", [0, 20, CHUNK - 1, CHUNK, CHUNK + 20])
@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_the_first_that_is_no_number_is_named_by_its_place(scheme, at, odd):
    pseudonymizer = scheme(RING, "t")
    many = phones(CHUNK + 40)
    many[at] = odd
    many[-1] = BAD
    error = error_of(pseudonymizer.pseudonymize_many, many)

    assert str(error).startswith(f"phones[{at}]: This is not a phone number: expected ")
    assert (type(error), error.detail) == (PhoneNumberError, "phone_number")
    assert seen_in(every_view_of_error(error), CANARIES) == []


@both
def test_an_iterator_gives_what_came_before_an_error(scheme):
    pseudonymizer = scheme(RING, "t")
    many = [*phones(CHUNK + 7), BAD, *phones(9)]
    pseudonyms = pseudonymizer.pseudonymize_iter(many)
    given = []
    with pytest.raises(PhoneNumberError, match=rf"^phones\[{CHUNK + 7}\]: "):
        given.extend(pseudonyms)

    assert given == pseudonymizer.pseudonymize_many(many[: CHUNK + 7])
    assert list(pseudonyms) == []


@both
@pytest.mark.parametrize("with_numpy", [True, False])
def test_with_on_error_every_number_has_its_place(scheme, with_numpy, monkeypatch):
    if not with_numpy:
        monkeypatch.setattr(_packing, "array_module", lambda count: None)
    pseudonymizer = scheme(RING, "t")
    many = phones(CHUNK + 90)
    wrong = [0, 3, 4, CHUNK - 1, CHUNK, CHUNK + 89]
    for number, at in enumerate(wrong):
        many[at] = ODD[number]
    errors = []
    pseudonyms = pseudonymizer.pseudonymize_many(
        many, on_error=lambda position, error: errors.append((position, error))
    )

    assert [position for position, _ in errors] == wrong
    assert {type(error) for _, error in errors} == {PhoneNumberError}
    assert not any(str(error).startswith("phones") for _, error in errors)
    assert pseudonyms == [
        None if at in wrong else pseudonymizer.pseudonymize(phone) for at, phone in enumerate(many)
    ]
    assert seen_in(map(repr, errors), CANARIES) == []
    assert list(pseudonymizer.pseudonymize_iter(many, on_error=lambda *_: None)) == pseudonyms


def test_with_on_error_every_pseudonym_has_its_place():
    pseudonymizer = SivPseudonymizer(RING, "t")
    pseudonyms = pseudonymizer.pseudonymize_many(phones(50))
    pseudonyms[7] = None
    pseudonyms[9] = pseudonyms[9][:-1] + "!"
    errors = {}
    numbers = pseudonymizer.reidentify_many(pseudonyms, on_error=errors.__setitem__)
    wrapped = pseudonymizer.rewrap_many(pseudonyms, on_error=errors.__setitem__)

    assert {at: type(error) for at, error in errors.items()} == dict.fromkeys(
        [7, 9], PseudonymError
    )
    assert [each and each.reveal() for each in numbers] == [
        None if at in errors else phone for at, phone in enumerate(phones(50))
    ]
    assert wrapped == [None if at in errors else each for at, each in enumerate(pseudonyms)]


@pytest.mark.parametrize("use", ["reidentify_many", "rewrap_many"])
def test_the_first_pseudonym_that_is_refused_is_named_by_its_place(use):
    pseudonymizer = SivPseudonymizer(RING, "t")
    pseudonyms = pseudonymizer.pseudonymize_many(phones(50))
    error = error_of(getattr(pseudonymizer, use), [*pseudonyms, "x", None])

    assert str(error) == (
        "pseudonyms[50]: This is not a pseudonym that these keys made for this tenant and purpose."
    )
    assert type(error) is PseudonymError
    assert seen_in(every_view_of_error(error), ["+4420", "79460001", SECRET]) == []


@both
def test_an_error_of_on_error_goes_to_the_caller(scheme):
    def stop(position, error):
        raise KeyError(position)

    error = error_of(scheme(RING, "t").pseudonymize_many, [GOOD, BAD], on_error=stop)

    assert (type(error), error.args) == (KeyError, (1,))
    assert seen_in(every_view_of_error(error), CANARIES) == []


@both
def test_an_error_of_the_hosts_own_iterator_goes_to_the_caller_as_it_is(scheme):
    def rows():
        yield from phones(CHUNK + 5)
        raise OSError("the connection to the database is lost")

    error = error_of(scheme(RING, "t").pseudonymize_many, rows())

    assert str(error) == "the connection to the database is lost"
    assert list(frames_of(error)) == ["pseudonymize_many", "_told", "_made"]
    assert seen_in(every_view_of_error(error), ["7946", SECRET]) == []


@both
def test_a_query_that_fails_is_not_printed(scheme):
    """
    As that of an ORM, whose repr asks the database once more and shows rows.
    """

    class Query:
        def __iter__(self):
            raise OSError("the connection to the database is lost")

        def __repr__(self):
            return f"<Query {GOOD}>"

    error = error_of(scheme(RING, "t").pseudonymize_many, Query())
    frames = traceback.TracebackException.from_exception(error, capture_locals=True).stack

    assert str(error) == "the connection to the database is lost"
    # The last one is the host's own.
    assert seen_in([repr(frame.locals) for frame in frames[:-1]], CANARIES) == []


@both
@pytest.mark.parametrize("use", ["pseudonymize", "pseudonymize_many", "candidates", "matches"])
def test_an_interrupt_shows_nothing_of_the_work(scheme, use, monkeypatch):
    """
    As Ctrl-C would come, while a key is at work.
    """

    def interrupted(*arguments):
        raise KeyboardInterrupt

    pseudonymizer = scheme(RING, "t")
    arguments = {
        "pseudonymize_many": [phones(40)],
        "matches": [GOOD, pseudonymizer.pseudonymize(GOOD)],
    }
    for method in ("pseudonym", "pseudonyms"):
        monkeypatch.setattr(scheme._key_type, method, interrupted)
    try:
        getattr(pseudonymizer, use)(*arguments.get(use, [GOOD]))
    except KeyboardInterrupt as error:
        frames = list(frames_of(error))

    assert frames == (["pseudonymize_many", "_told"] if use == "pseudonymize_many" else [])


@both
def test_texts_of_other_classes_are_read_as_texts(scheme):
    class Text(str):
        __slots__ = ()

    pseudonymizer = scheme(RING, "t")
    expected = [pseudonymizer.pseudonymize(GOOD)] * 40

    assert pseudonymizer.pseudonymize_many([Text(GOOD)] * 40) == expected
    assert pseudonymizer.pseudonymize_many(np.array([GOOD] * 40)) == expected
    assert {type(each) for each in pseudonymizer.pseudonymize_many([Text(GOOD)] * 40)} == {str}


def spelled(first):
    """
    One number, made anew each time: a constant would be held by its function.
    """
    return f"{first}{79_469_876}"


@both
def test_nothing_is_logged_and_nothing_is_kept(scheme):
    pseudonymizer = scheme(RING, "t", region="GB")
    with all_logs() as logged:
        (pseudonym,) = pseudonymizer.pseudonymize_many([spelled("+4420")])
        pseudonymizer.pseudonymize_many([spelled("+4420")] * 50)
        pseudonymizer.pseudonymize_many([spelled("020 "), "x"] * 20, on_error=lambda *_: None)
        pseudonymizer.matches(spelled("020"), pseudonym)
        pseudonymizer.candidates(spelled("+44 20"))
        half = pseudonymizer.pseudonymize_iter(spelled(first) for first in ("+4420", "x", "020"))
        next(half)
        if scheme is SivPseudonymizer:
            pseudonymizer.reidentify_many([pseudonym])
            pseudonymizer.rewrap_many([pseudonym])

    assert (logged, objects_holding(spelled(""))) == ([], [])
    assert half is not None


@both
def test_an_error_keeps_nothing_of_the_rest_of_a_column(scheme):
    error = error_of(lambda: scheme(RING, "t").pseudonymize_many([spelled("+4420"), "x"] * 5000))

    assert type(error) is PhoneNumberError
    assert objects_holding(spelled("")) == []


@both
def test_an_endless_iterator_is_read_one_chunk_ahead(scheme):
    read = []

    def endless():
        while True:
            read.append(1)
            yield GOOD

    pseudonyms = scheme(RING, "t").pseudonymize_iter(endless())
    first = next(pseudonyms)

    assert first == scheme(RING, "t").pseudonymize(GOOD)
    assert len(read) == CHUNK


@pytest.mark.parametrize("problem", [ImportError, AttributeError])
def test_numpy_is_not_needed(monkeypatch, problem):
    import builtins

    real = builtins.__import__

    def without_numpy(name, *arguments):
        if name == "numpy":
            raise problem(name)
        return real(name, *arguments)

    _packing._numpy.cache_clear()
    monkeypatch.setattr(builtins, "__import__", without_numpy)
    try:
        assert _packing.array_module(100) is None
        assert len(SivPseudonymizer(RING, "t").pseudonymize_many(phones(100))) == 100
    finally:
        _packing._numpy.cache_clear()


def test_numpy_is_asked_for_32_numbers_or_more():
    assert _packing.array_module(_packing.FEW - 1) is None
    assert isinstance(_packing.array_module(_packing.FEW), types.ModuleType)
