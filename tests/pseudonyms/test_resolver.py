"""
A survey by SMS without an endpoint: the reference id is a reversible pseudonym.
"""

from __future__ import annotations

import asyncio

import pytest

from careof import AsyncDispatcher, Dispatcher, Invitation, Recipient
from careof.errors import ConfigurationError, PseudonymError
from careof.pseudonyms import (
    AsyncPseudonymResolver,
    HmacPseudonymizer,
    KeyRing,
    PseudonymResolver,
    SivPseudonymizer,
)
from careof.testing import AsyncRecordingSender, RecordingSender
from tests.support.canary import every_view_of_error, frames_of, seen_in
from tests.support.raising import error_of

RING = KeyRing({"k1": "k" * 43}, primary="k1")
PSEUDONYMIZER = SivPseudonymizer(RING, "t")
PHONE = "+442079460018"
SMS = Invitation(survey_id="s", channel="sms", text="{name}: https://s.example/7")
EMAIL = Invitation(survey_id="s", channel="email", subject="Hello", text="https://s.example/7")


@pytest.fixture(params=["sync", "async"])
def send(request):
    """
    One reference through a dispatcher: the receipt, and the numbers that a sender was given.
    """

    def sync_send(recipient, invitation):
        sender = RecordingSender()
        receipt = Dispatcher(PseudonymResolver(PSEUDONYMIZER), sender).send(recipient, invitation)
        return receipt, [sent.contact.phone.reveal() for sent in sender.sent]

    def async_send(recipient, invitation):
        sender = AsyncRecordingSender()
        dispatcher = AsyncDispatcher(AsyncPseudonymResolver(PSEUDONYMIZER), sender)
        receipt = asyncio.run(dispatcher.send(recipient, invitation))
        return receipt, [sent.contact.phone.reveal() for sent in sender.sent]

    return sync_send if request.param == "sync" else async_send


def test_a_survey_goes_out_by_sms_with_no_endpoint_at_all(send):
    pseudonym = PSEUDONYMIZER.pseudonymize(PHONE)
    receipt, numbers = send(Recipient(pseudonym, variables={"name": "Kim"}), SMS)

    assert (receipt.outcome, receipt.reference_id) == ("sent", pseudonym)
    assert numbers == [PHONE]


@pytest.mark.parametrize(
    "reference_id",
    [
        "C-1",
        "pr1k1_" + "b" * 45,
        "pr1k2_" + "b" * 45,
        HmacPseudonymizer(RING, "t").pseudonymize(PHONE),
        SivPseudonymizer(RING, "u").pseudonymize(PHONE),
    ],
    ids=["none", "forged", "no such key", "one-way", "another tenant"],
)
def test_what_is_no_pseudonym_of_ours_is_refused(send, reference_id):
    receipt, numbers = send(reference_id, SMS)

    assert (receipt.outcome, receipt.detail, numbers) == ("refused", "pseudonym", [])
    with pytest.raises(PseudonymError):
        receipt.raise_for_outcome()


def test_there_is_no_email_address_behind_a_pseudonym(send):
    receipt, numbers = send(PSEUDONYMIZER.pseudonymize(PHONE), EMAIL)

    assert (receipt.outcome, numbers) == ("no_address", [])


def test_a_contact_is_the_number_and_the_pseudonym():
    pseudonym = PSEUDONYMIZER.pseudonymize(PHONE)
    contact = PseudonymResolver(PSEUDONYMIZER).resolve(pseudonym)

    assert (contact.reference_id, contact.phone.reveal(), contact.email) == (
        pseudonym,
        PHONE,
        None,
    )


def test_an_error_has_passed_through_public_methods_only():
    error = error_of(PseudonymResolver(PSEUDONYMIZER).resolve, "pr1k1_" + "b" * 45)

    assert list(frames_of(error)) == []
    assert seen_in(every_view_of_error(error), [PHONE, "k" * 43]) == []


@pytest.mark.parametrize("kind", [PseudonymResolver, AsyncPseudonymResolver])
@pytest.mark.parametrize(
    "wrong", [HmacPseudonymizer(RING, "t"), RING, "secret-0001", None], ids=repr
)
def test_only_what_can_reidentify_makes_a_resolver(kind, wrong):
    error = error_of(kind, wrong)

    assert type(error) is ConfigurationError
    assert str(error).startswith(f"{kind.__name__}: pseudonymizer: expected a reversible one")
    assert seen_in(every_view_of_error(error), ["secret-0001"]) == []


def test_a_number_that_a_pseudonymizer_of_the_hosts_gives_as_a_text_is_not_shown():
    class Careless:
        def reidentify(self, pseudonym):
            return PHONE

    error = error_of(PseudonymResolver(Careless()).resolve, "C-1")

    assert str(error) == "Contact: phone takes PhoneNumber.parse(text), or None."
    assert seen_in(every_view_of_error(error), [PHONE]) == []


def test_it_prints_who_reidentifies():
    assert repr(PseudonymResolver(PSEUDONYMIZER)) == "PseudonymResolver(SivPseudonymizer)"
