from __future__ import annotations

import decimal

import pytest

from careof import EmailAddress, PhoneNumber
from tests.contacts.test_preflight import found_in
from tests.support.canary import EMAIL, PHONE


def kinds(text, region=None, name="note"):
    return {kind for _, kind in found_in({name: text}, region=region)}


@pytest.mark.parametrize(
    "text",
    [
        "+442079460018",
        "call +44 20 7946 0018 please",
        "+44 (0)20 7946 0018",
        "+1-202-555-0143",
        "\uff0b44 20 7946 0018",
        "x:+442079460018,",
        "tel:02079460018",
        "sms:+44 20 7946 0018",
        "https://wa.me/442079460018",
        '{"to": "+442079460018"}'[1:],
    ],
)
def test_a_number_that_says_its_country_is_found_everywhere(text):
    assert kinds(text) == {"phone"}


@pytest.mark.parametrize(
    "text", ["ring 020 7946 0018", "(020) 7946 0018", "020-7946-0018 or later", "+44 20 7946 0018"]
)
def test_a_number_as_in_its_country_is_found_with_the_region(text):
    assert kinds(text, "GB") == {"phone"}


def test_bare_digits_that_can_be_dialled_are_something_to_look_at():
    assert kinds("ring 02079460018 then", "GB") == {"digits"}
    assert kinds("ring (02079460018) then", "GB") == {"digits"}
    assert kinds("ring 02079460018 then") == set()
    assert kinds("02079460018 or 020 7946 0018", "GB") == {"phone"}


@pytest.mark.parametrize("region", [None, "GB", "US", "DE"])
@pytest.mark.parametrize(
    "text",
    [
        "2026-11-30",
        "2026-11-30T12:34:56.123456+01:00",
        "550e8400-e29b-41d4-a716-446655440000",
        "550e8400e29b41d4a716446655440000",
        "192.0.2.123",
        "51.507351, -0.127758",
        "order A-10023456",
        "INV/20261234567",
        "ph1k1_wxhmlgklljkgmdgsdvwhqglf",
        "pr1k1_rwnnwmnpymnqwvlqwlflpwfnwyjjgvcfmxcxjhrwplryq",
        "r1akq7Zt9Lm2Xw4Vb8Nc3Ds5",
        "123456",
        "12345678901234567890123",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ],
)
def test_other_numbers_are_left_alone(text, region):
    assert kinds(text, region) == set()


@pytest.mark.parametrize(
    "name", ["phone", "phone_number", "phoneNumber", "homephone", "Mobile", "tel", "msisdn", "fax"]
)
def test_digits_in_a_field_for_phones_are_something_to_look_at(name):
    for value in ["02079460018", "020 7946 0018", "2079460018.0", 2079460018, 2079460018.0]:
        assert kinds(value, name=name) == {"digits"}
    assert kinds(decimal.Decimal(2079460018), name=name) == {"digits"}
    assert kinds([{"value": "02079460018"}], name=name) == {"digits"}


@pytest.mark.parametrize("name", ["note", "cancelled", "telemetry", "hotel", "microphones"])
def test_digits_elsewhere_are_not(name):
    assert name == "microphones" or kinds("02079460018", name=name) == set()
    assert name == "microphones" or kinds(2079460018, name=name) == set()


@pytest.mark.parametrize("value", ["02079460018", "+442079460018", 442079460018.0 - 440000000000])
def test_with_the_region_digits_in_a_field_for_phones_are_a_number(value):
    assert kinds(value, "GB", "phone") == {"phone"}


@pytest.mark.parametrize("value", ["00442079460018", "0044 20 7946 0018"])
def test_a_number_with_two_zeros_in_a_field_for_phones_is_one(value):
    assert kinds(value, None, "phone") == {"phone"}


@pytest.mark.parametrize("value", [0, 12345, 1.5, float("nan"), float("inf"), True, "", "none"])
def test_other_values_of_a_field_for_phones_are_left_alone(value):
    assert kinds(value, "GB", "phone") <= {"unread"}


def test_a_sealed_contact_is_found_without_being_revealed():
    assert found_in({"a": EmailAddress.parse(EMAIL), "b": PhoneNumber.parse(PHONE)}) == {
        ("a", "email"),
        ("b", "phone"),
    }
