from __future__ import annotations

import pytest

from careof import Contact, EmailAddress, Message, PhoneNumber, Recipient, SealedText
from careof.errors import ConfigurationError
from tests.support.canary import EMAIL, NAME, PHONE, every_view_of_error, seen_in
from tests.support.raising import error_of


def test_a_contact_shows_what_it_knows_and_not_what_that_is():
    contact = Contact("C-1", email=EmailAddress.parse(EMAIL), attributes={"first_name": NAME})

    assert repr(contact) == "Contact(***, knows: email, first_name)"


@pytest.mark.parametrize("phone", [None, PhoneNumber.parse(PHONE)])
def test_a_contact_may_lack_an_address(phone):
    contact = Contact("C-1", phone=phone)

    assert (contact.reference_id, contact.email, contact.phone) == ("C-1", None, phone)
    assert dict(contact.attributes) == {}


def test_a_contact_that_knows_nothing_says_so():
    assert repr(Contact("C-1")) == "Contact(***, knows: nothing)"


def test_attributes_are_sealed():
    contact = Contact("C-1", attributes={"first_name": NAME, "team": SealedText("x")})

    assert contact.attributes["first_name"] == SealedText(NAME)
    assert contact.attributes["team"].reveal() == "x"


UNFIT = [
    ({"email": EMAIL}, "email takes EmailAddress.parse"),
    ({"email": PhoneNumber.parse(PHONE)}, "email takes EmailAddress.parse"),
    ({"phone": PHONE}, "phone takes PhoneNumber.parse"),
    ({"phone": SealedText(PHONE)}, "phone takes PhoneNumber.parse"),
    ({"attributes": {"first_name": NAME.encode()}}, r"attributes\['first_name'\]"),
    ({"attributes": [NAME]}, "expected a mapping"),
]


@pytest.mark.parametrize("options, problem", UNFIT)
def test_a_contact_takes_sealed_addresses_and_texts_only(options, problem):
    with pytest.raises(ConfigurationError, match=problem):
        Contact("C-1", **options)


@pytest.mark.parametrize("options, problem", UNFIT)
def test_the_error_for_an_unsealed_value_does_not_show_it(options, problem):
    error = error_of(Contact, "C-1", **options)

    assert seen_in(every_view_of_error(error)) == []


def test_a_recipient_brings_variables_that_are_sealed():
    recipient = Recipient("C-1", variables={"first_name": NAME})

    assert recipient.variables["first_name"].reveal() == NAME
    assert repr(recipient) == "Recipient('C-1', variables={first_name: ***})"


def test_a_recipient_needs_no_variables():
    assert dict(Recipient("C-1").variables) == {}


def test_the_error_for_an_unfit_variable_does_not_show_it():
    error = error_of(Recipient, "C-1", variables={"a": NAME, "b": [NAME]})

    assert isinstance(error, ConfigurationError)
    assert seen_in(every_view_of_error(error)) == []


@pytest.mark.parametrize(
    "value, name",
    [
        (Contact("C-1"), "reference_id"),
        (Contact("C-1"), "email"),
        (Recipient("C-1"), "variables"),
        (Message(survey_id="s", channel="sms", text=SealedText("x")), "text"),
    ],
)
def test_what_was_said_about_a_person_cannot_be_changed(value, name):
    with pytest.raises(AttributeError, match="cannot be changed"):
        setattr(value, name, None)
