from __future__ import annotations

import pytest
from hypothesis import given

from careof._values.reference import MAX_LENGTH, refuse_reference
from careof.errors import InvalidReferenceError
from tests import strategies
from tests.support.canary import every_view_of_error, seen_in


@pytest.mark.parametrize(
    "reference",
    [
        "C-1042",
        "7",
        "442079460018",
        "00442079460018",
        "0",
        "a b",
        "ä/ö?ü#1",
        "{reference_id}",
        "..",
        "ada@customer",
        "@ada",
        "+12",
        "+1-a-2345678",
        "telephone:5",
        "urn:uuid:123e4567-e89b-12d3-a456-426614174000",
        "x" * MAX_LENGTH,
        "👍",
    ],
)
def test_an_opaque_id_is_a_reference(reference):
    assert refuse_reference(reference) is None


@pytest.mark.parametrize(
    "reference, detail",
    [
        ("", "reference_empty"),
        ("x" * (MAX_LENGTH + 1), "reference_length"),
        ("a\n", "reference_characters"),
        ("a\x00b", "reference_characters"),
        ("a\x7f", "reference_characters"),
        ("a\x85", "reference_characters"),
        ("\ud800", "reference_characters"),
        (None, "reference_type"),
        (7, "reference_type"),
        (b"C-1", "reference_type"),
    ],
)
def test_what_cannot_be_an_id_is_refused(reference, detail):
    refused = refuse_reference(reference)

    assert isinstance(refused, InvalidReferenceError)
    assert (refused.detail, refused.outcome, refused.step) == (detail, "refused", "template")


@pytest.mark.parametrize(
    "reference",
    [
        "ada@customer.example",
        "Ada <ada@customer.example>",
        "id:ada@customer.example",
        "ada%40customer.example",
        "ada%2540customer%2eexample",
        "ada\uff20customer.example",
        "+442079460018",
        " +44 (20) 7946-0018 ",
        "+1234567",
        "+123456789012345",
        "%2B442079460018",
        "\uff0b\uff14\uff142079460018",
        "tel:5",
        "TEL:5",
        " mailto:ada",
        "sms:5",
        "mailto%3Aada",
    ],
)
def test_what_is_plainly_an_address_or_a_number_is_refused(reference):
    assert refuse_reference(reference).detail == "reference_personal"


def test_the_refusal_says_what_to_store_instead():
    assert "store the customer's own id" in str(refuse_reference("ada@customer.example"))


@given(address=strategies.emails | strategies.phones)
def test_no_refusal_holds_the_reference(address):
    refused = refuse_reference(address)

    assert seen_in(every_view_of_error(refused), [address]) == []


@given(reference=strategies.references)
def test_a_reference_that_passes_can_be_encoded(reference):
    if refuse_reference(reference) is None:
        assert reference.encode().decode() == reference
