"""
What becomes of a record, and what never does.
"""

from __future__ import annotations

import pickle
import sqlite3
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careof import Contact, EmailAddress, PhoneNumber
from careof.contacts import (
    Derivation,
    Migrated,
    _remains,
    is_reference_id,
    pseudonymize_records,
)
from careof.errors import ConfigurationError, EmailAddressError, PhoneNumberError
from careof.pseudonyms import HmacPseudonymizer, KeyRing
from tests import strategies
from tests.support.canary import (
    EMAIL,
    NAME,
    PERSON,
    PHONE,
    all_logs,
    every_view_of,
    every_view_of_error,
    objects_holding,
    seen_in,
)
from tests.support.raising import error_of

RING = KeyRing({"k1": "canary-key-of-32-bytes-or-more-0001"}, primary="k1")


def migrated(*records, **options):
    return list(pseudonymize_records(records, **options))


def refused(record, **options):
    """
    The error of a record that is the second of three.
    """
    good = {"email": "kim@people.example", "phone": None, **dict.fromkeys(record)}
    good["email"] = "kim@people.example"
    return error_of(list, pseudonymize_records([good, record, good], **options))


def test_a_record_is_parted_and_a_reference_is_in_both_parts():
    (one,) = migrated(PERSON, attributes=["first_name"])

    assert is_reference_id(one.reference_id)
    assert one.record == {"id": "C-1", "reference_id": one.reference_id}
    assert isinstance(one.contact, Contact)
    assert one.contact.reference_id == one.reference_id
    assert one.contact.email.reveal() == EMAIL
    assert one.contact.phone.reveal() == PHONE
    assert one.contact.attributes["first_name"].reveal() == NAME


def test_the_reference_stands_where_the_address_was_and_nothing_else_moves():
    record = {"id": 1, "email": EMAIL, "since": 2020, "phone": PHONE, "tags": ["a"]}
    (one,) = migrated(record)

    assert list(one.record) == ["id", "reference_id", "since", "tags"]
    assert one.record["tags"] is record["tags"]
    assert record["email"] == EMAIL


def test_the_field_of_the_reference_may_be_there_and_empty():
    (one,) = migrated({"reference_id": None, "email": EMAIL, "x": 1}, phone=None)

    assert one.record == {"reference_id": one.reference_id, "x": 1}


def test_a_pseudonym_may_take_the_place_of_the_number():
    pseudonymizer = HmacPseudonymizer(RING, "t")
    first, second = migrated(
        {"email": EMAIL, "phone": "+44 20 7946 0018"},
        {"email": EMAIL, "phone": ""},
        pseudonymizer=pseudonymizer,
    )

    assert first.record["phone"] == pseudonymizer.pseudonymize(PHONE)
    assert second.record["phone"] is None


def test_where_there_is_no_address_a_pseudonym_stands_behind_the_reference():
    (one,) = migrated({"phone": PHONE}, email=None, pseudonymizer=HmacPseudonymizer(RING, "t"))

    assert list(one.record) == ["reference_id", "phone"]


def test_what_is_dropped_is_in_neither_part():
    (one,) = migrated({"email": EMAIL, "phone": PHONE, "note": f"call {NAME}"}, drop=["note"])

    assert list(one.record) == ["reference_id"]
    assert dict(one.contact.attributes) == {}


@pytest.mark.parametrize("nothing", [None, "", "  ", float("nan")], ids=repr)
def test_a_record_of_nobody_has_no_reference(nothing):
    (one,) = migrated(
        {"id": 1, "email": nothing, "phone": nothing, "name": nothing}, attributes=["name"]
    )

    assert one.record == {"id": 1, "reference_id": None}
    assert (one.contact, one.reference_id) == (None, None)
    assert repr(one) == "Migrated(nobody)"


def test_an_attribute_without_an_address_is_not_lost():
    (one,) = migrated(
        {"email": None, "name": NAME},
        phone=None,
        attributes=["name"],
        derive=Derivation(RING, "t"),
    )

    assert one.contact.attributes["name"].reveal() == NAME
    assert one.reference_id.startswith("rr1_")


def test_addresses_that_were_read_are_taken_as_they_are():
    email, phone = EmailAddress.parse(EMAIL), PhoneNumber.parse(PHONE)
    (one,) = migrated({"email": email, "phone": phone})

    assert (one.contact.email, one.contact.phone) == (email, phone)


def test_random_ids_part_duplicates_and_derived_ones_join_them():
    records = [
        {"email": spelling, "phone": None} for spelling in (EMAIL, EMAIL.upper(), f" {EMAIL} ")
    ]
    by_chance = {one.reference_id for one in migrated(*records)}
    by_key = {one.reference_id for one in migrated(*records, derive=Derivation(RING, "t"))}

    assert len(by_chance) == 3
    assert by_key == {Derivation(RING, "t").reference_id(EmailAddress.parse(EMAIL))}


def test_rows_of_a_database_are_records():
    database = sqlite3.connect(":memory:")
    database.row_factory = sqlite3.Row
    rows = database.execute("SELECT 7 AS id, ? AS email, '020 7946 0018' AS phone", [EMAIL])
    (one,) = pseudonymize_records(rows, region="GB")
    database.close()

    assert one.record == {"id": 7, "reference_id": one.reference_id}
    assert one.contact.phone.reveal() == PHONE


def test_records_are_read_a_few_thousand_at_a_time():
    read = []
    records = ({"email": EMAIL, "phone": None, "n": read.append(n)} for n in range(10_000))
    next(pseudonymize_records(records))

    assert len(read) == 4096


@pytest.mark.parametrize(
    "record, kind, detail",
    [
        ({"email": "ask Kim", "phone": None}, EmailAddressError, "email_address"),
        ({"email": 7, "phone": None}, EmailAddressError, "email_address"),
        ({"email": EMAIL, "phone": "020 7946 0018"}, PhoneNumberError, "phone_number"),
        ({"email": EMAIL, "phone": 442079460018}, PhoneNumberError, "phone_number"),
        ({"email": EMAIL}, ConfigurationError, "record"),
        ({"Email": EMAIL, "phone": None}, ConfigurationError, "record"),
        ({"email": EMAIL, "phone": None, "reference_id": "x"}, ConfigurationError, "record"),
        ((EMAIL, PHONE), ConfigurationError, "record"),
    ],
    ids=range(8),
)
def test_a_record_that_cannot_be_parted_is_told_by_its_position(record, kind, detail):
    good = {"email": "kim@people.example", "phone": None}
    error = error_of(list, pseudonymize_records([good, record, good]))

    assert (type(error), error.detail) == (kind, detail)
    assert str(error).startswith("records[1]: ")
    assert seen_in(every_view_of_error(error), [EMAIL, PHONE, "020 7946 0018", "ask Kim"]) == []


def test_with_a_function_for_errors_the_others_go_on():
    told = []
    good = {"email": EMAIL, "phone": None}
    found = migrated(
        good,
        {"email": "x", "phone": None},
        good,
        on_error=lambda position, error: told.append((position, error.detail)),
    )

    assert [one is None for one in found] == [False, True, False]
    assert told == [(1, "email_address")]


def test_an_attribute_is_a_text():
    error = refused({"email": EMAIL, "phone": None, "age": 36}, attributes=["age"])

    assert (error.detail, "the field age of this record" in str(error)) == ("record", True)


LEFT = {
    "as it is": EMAIL,
    "in a text": f"write to {EMAIL.upper()}!",
    "quoted": EMAIL.replace("@", "%40"),
    "nested": {"a": [({"b": EMAIL},)]},
    "a key": {EMAIL: 1},
    "bytes": EMAIL.encode(),
    "sealed": EmailAddress.parse(EMAIL),
    "set": {EMAIL},
    "wide": EMAIL.replace("@", "\uff20"),
    "with a sign that nobody sees": EMAIL.replace("@", "\u200b@"),
}
LEFT_NUMBERS = {
    "as it is": PHONE,
    "national": "(020) 7946-0018",
    "number": 442079460018,
    "decimal": Decimal(442079460018),
    "float": 442079460018.0,
    "in a text": "call +44.20.7946.0018 or so",
    "nested": [[PHONE]],
    "underscores": "020_7946_0018",
    "narrow spaces": "020\u202f7946\u20100018",
    "wide digits": "\uff10\uff12\uff10 \uff17\uff19\uff14\uff16 \uff10\uff10\uff11\uff18",
}


@pytest.mark.parametrize("value", LEFT.values(), ids=LEFT)
def test_an_address_in_another_field_is_refused(value):
    error = refused({"email": EMAIL, "phone": None, "user": value})

    assert (type(error), error.detail) == (EmailAddressError, "email_left")
    assert "the field user of this record holds the email address as well" in str(error)
    assert seen_in(every_view_of_error(error), [EMAIL]) == []


def test_an_address_is_refused_as_it_was_written():
    """
    In a domain this sign is a dot (RFC 3490 §3.1), and it is none when it is folded.
    """
    written = "ada@people\u3002example"
    error = refused({"email": written, "phone": None, "user": f"<{written}>"})

    assert (type(error), error.detail) == (EmailAddressError, "email_left")


@pytest.mark.parametrize("value", LEFT_NUMBERS.values(), ids=LEFT_NUMBERS)
def test_a_number_in_another_field_is_refused(value):
    error = refused({"email": None, "phone": PHONE, "mobile": value})

    assert (type(error), error.detail) == (PhoneNumberError, "phone_left")
    assert seen_in(every_view_of_error(error), [PHONE, "7946"]) == []


@pytest.mark.parametrize(
    "value",
    ["ada@", "2079460", 18, None, type, "C-1042", [], {}, 44.5, "x@y.example"],
    ids=repr,
)
def test_what_is_no_address_of_that_person_stays(value):
    (one,) = migrated({"email": EMAIL, "phone": PHONE, "other": value})

    assert one.record["other"] is value


def test_an_address_that_is_the_name_of_a_field_is_refused():
    error = refused({"email": EMAIL, "phone": None, EMAIL: 1})

    assert error.detail == "email_left"
    assert seen_in(every_view_of_error(error), [EMAIL]) == []


def test_a_field_is_named_only_if_it_can_be_a_name():
    error = refused({"email": EMAIL, "phone": None, EMAIL: EMAIL})

    assert str(error).startswith("records[1]: a field of this record holds")
    assert seen_in(every_view_of_error(error), [EMAIL]) == []


def test_the_spelling_that_was_written_is_looked_for_too():
    error = refused({"email": "Kim@BÜCHER.example", "phone": None, "note": "kim@BÜCHER.EXAMPLE"})

    assert error.detail == "email_left"


@pytest.mark.parametrize("note", ["kim@xn--bcher-kva.example", "kim@b\u0075\u0308cher.example"])
def test_a_domain_is_looked_for_in_both_of_its_spellings(note):
    error = refused({"email": "kim@bücher.example", "phone": None, "note": note})

    assert error.detail == "email_left"


def test_what_holds_itself_ends(monkeypatch):
    monkeypatch.setattr(_remains, "MOST", 100)
    value = []
    value.append(value)
    error = refused({"email": EMAIL, "phone": None, "note": value})

    assert error.detail == "record"
    assert "the field note of this record has more than 100 values" in str(error)


@pytest.mark.parametrize(
    "options, word",
    [
        ({"email": None, "phone": None}, "email"),
        ({"email": ""}, "names"),
        ({"email": 7}, "names"),
        ({"attributes": "name"}, "attributes"),
        ({"drop": None}, "drop"),
        ({"drop": ["phone"]}, "each name once"),
        ({"reference_field": "email"}, "each name once"),
        ({"region": "UK"}, "region"),
        ({"derive": RING}, "derive"),
        ({"pseudonymizer": RING}, "pseudonymizer"),
        ({"on_error": 7}, "on_error"),
    ],
    ids=range(11),
)
def test_an_option_that_cannot_work_is_told_before_a_record_is_read(options, word):
    error = error_of(pseudonymize_records, iter([PERSON]), **options)

    assert type(error) is ConfigurationError
    assert word in str(error)


def test_one_record_is_not_several():
    error = error_of(pseudonymize_records, EMAIL)

    assert type(error) is ConfigurationError
    assert seen_in(every_view_of_error(error), [EMAIL]) == []


def test_nobody_is_shown_and_nothing_is_pickled():
    with all_logs() as logs:
        (one,) = migrated(PERSON, attributes=["first_name"])

    assert seen_in([*every_view_of(one), *every_view_of(one.contact), *logs]) == []
    assert repr(one) == f"Migrated({one.reference_id})"
    with pytest.raises(TypeError, match="its own place"):
        pickle.dumps(one)
    with pytest.raises(AttributeError):
        one.record = {}


def test_nothing_is_kept_of_a_record_that_is_done():
    address = "canary.left@customer.example".replace("left", "gone")
    made = pseudonymize_records(
        {"email": f"canary.{word}@customer.example", "phone": None} for word in ["gone"]
    )
    kept = next(made).record
    list(made)
    del made

    assert objects_holding(address[7:]) == []
    assert list(kept) == ["reference_id"]


others = st.dictionaries(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=6).filter(
        lambda name: name not in ("email", "phone", "name", "reference_id")
    ),
    st.integers(0, 9999) | st.text(st.sampled_from("abc -"), max_size=9) | st.none(),
    max_size=4,
)


@given(
    people=st.lists(
        st.tuples(
            st.none() | strategies.emails,
            st.none() | strategies.phones,
            st.none() | st.just(NAME),
            others,
        ),
        max_size=6,
    ),
    is_derived=st.booleans(),
)
def test_both_parts_together_are_what_went_in_and_the_hosts_holds_nobody(people, is_derived):
    records = [
        {"email": email, "phone": phone, "name": name, **other}
        for email, phone, name, other in people
    ]
    derive = Derivation(RING, "t") if is_derived else None
    found = migrated(*records, attributes=["name"], derive=derive)

    contacts = {}
    for one in found:
        if one.contact is not None:
            contacts.setdefault(one.reference_id, one.contact)
    assert is_derived or len(contacts) == sum(one.contact is not None for one in found)
    for record, one in zip(records, found, strict=True):
        planted = [record[name] for name in ("email", "phone", "name") if record[name]]
        assert seen_in([repr(one.record), repr(one)], planted) == []
        contact = one.contact
        joined = {
            "email": contact and contact.email and contact.email.reveal(),
            "phone": contact and contact.phone and contact.phone.reveal(),
            "name": NAME if contact and "name" in contact.attributes else None,
            **{name: value for name, value in one.record.items() if name != "reference_id"},
        }
        assert joined == record
        assert one.record["reference_id"] == (contact and contact.reference_id)


def test_a_migrated_record_can_be_made_by_a_test_of_the_host():
    assert Migrated({"reference_id": None}, None).reference_id is None
