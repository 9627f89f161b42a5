from __future__ import annotations

from datetime import UTC, datetime

import pytest

from careof import (
    CareofError,
    Contact,
    EmailAddress,
    Invitation,
    Message,
    Outcome,
    PhoneNumber,
    Recipient,
    errors,
)
from careof._sending.one.delivery import Delivery
from careof._sending.one.ends import INTERRUPTED, End
from careof._sending.one.failures import failed_lookup, failed_sending
from careof.testing import FakeClock
from tests.support.canary import EMAIL, PHONE

INVITATION = Invitation(
    survey_id="S-1", channel="email", subject="Hello", text="Hello {first_name}", wave="w2"
)
SMS = Invitation(survey_id="S-1", channel="sms", text="Hello")
CONTACT = Contact(
    "C-1",
    email=EmailAddress.parse(EMAIL),
    phone=PhoneNumber.parse(PHONE),
    attributes={"first_name": "Ada"},
)

OUR_ERRORS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, CareofError)
]
OF_SENDERS = [
    errors.SendRejectedError,
    errors.SendUnavailableError,
    errors.DeliveryUncertainError,
]


def delivery(recipient="C-1", invitation=INVITATION, clock=None):
    return Delivery(recipient, invitation, clock or FakeClock())


def concluded(sending, end):
    sending.fate.decide(end, INTERRUPTED)
    sending.conclude()
    return sending.receipt


class BadlyMadeError(errors.ReferenceGoneError):
    """
    A class of a host that forgets what ours sets.
    """

    def __init__(self, text):
        self.text = text


class BoastfulError(errors.EndpointUnavailableError):
    outcome = "sent"


class InventiveError(errors.AuthenticationError):
    outcome = "who knows"


# Who is asked about.


def test_a_good_reference_is_not_refused():
    assert delivery().refusal() is None


@pytest.mark.parametrize("recipient", ["", EMAIL, PHONE, None, 5, Recipient(EMAIL)])
def test_what_is_no_reference_is_refused(recipient):
    assert delivery(recipient).refusal().outcome is Outcome.REFUSED


# What is sent to whom.


def test_the_message_is_the_invitation_filled_for_the_contact():
    message = delivery().message(CONTACT)

    assert isinstance(message, Message)
    assert message.text.reveal() == "Hello Ada"
    assert (message.survey_id, message.wave, message.channel) == ("S-1", "w2", "email")


def test_the_recipients_variables_fill_what_the_contact_does_not():
    recipient = Recipient("C-1", variables={"first_name": "Eve", "shop": "Main Street"})
    invitation = Invitation(survey_id="S-1", channel="sms", text="{first_name}: how was {shop}?")

    message = delivery(recipient, invitation).message(CONTACT)

    assert message.text.reveal() == "Ada: how was Main Street?"


def test_a_url_is_made_for_the_reference():
    invitation = Invitation(
        survey_id="S-1",
        channel="sms",
        text="{survey_url}",
        urls={"survey_url": lambda reference_id: f"https://s.example/{reference_id}"},
    )

    message = delivery("C-1", invitation).message(CONTACT)

    assert message.text.reveal() == "https://s.example/C-1"


@pytest.mark.parametrize("contact", [None, "C-1", {"email": EMAIL}, object()])
def test_what_is_no_contact_is_not_sent_to(contact):
    assert delivery().addressed(contact) == End(Outcome.BAD_RESPONSE, "no_contact")


def test_the_contact_of_another_reference_is_not_sent_to():
    assert delivery("C-2").addressed(CONTACT) == End(Outcome.BAD_RESPONSE, "other_reference")


@pytest.mark.parametrize("invitation", [INVITATION, SMS])
def test_a_contact_without_the_address_of_the_channel_is_not_sent_to(invitation):
    other = {"email": {"phone": CONTACT.phone}, "sms": {"email": CONTACT.email}}
    contact = Contact("C-1", **other[invitation.channel], attributes={"first_name": "Ada"})

    end = delivery("C-1", invitation).addressed(contact)

    assert end == End(Outcome.NO_ADDRESS, invitation.channel)


def test_a_message_with_a_hole_is_not_sent():
    end = delivery().message(Contact("C-1", email=CONTACT.email))

    assert end == End(Outcome.BAD_RESPONSE, "missing_attribute")


# What the sender calls it.


@pytest.mark.parametrize("given", ["<1@host.example>", "recorded-1", "", "SM" + "f" * 254])
def test_the_senders_id_of_the_message_is_kept(given):
    assert delivery().sent(CONTACT, given) == End(Outcome.SENT, message_id=given)


@pytest.mark.parametrize(
    "given",
    [
        EMAIL,
        EMAIL.upper(),
        f"<17.{EMAIL}>",
        f"bounce+{EMAIL.replace('@', '=')}@host.example",
        EMAIL.replace("@", "%40"),
        PHONE,
        f"sms-{PHONE.lstrip('+')}-1",
        f"sms:{PHONE[:3]}-{PHONE[3:5]} {PHONE[5:]}",
    ],
)
def test_an_id_that_holds_the_address_is_dropped(given):
    assert delivery().sent(CONTACT, given) == End(Outcome.SENT)


@pytest.mark.parametrize("given", [None, 5, b"id", "a\nb", "x" * 257, ["id"]])
def test_what_is_no_id_is_dropped(given):
    assert delivery().sent(CONTACT, given) == End(Outcome.SENT)


# What the receipt says.


def test_the_receipt_says_when_and_for_how_long():
    clock = FakeClock(0)
    sending = delivery(clock=clock)
    clock.advance(2.5)
    clock.suspend(3600)

    receipt = concluded(sending, End(Outcome.SENT, message_id="id-1"))

    assert receipt.started_at == datetime(1970, 1, 1, tzinfo=UTC)
    assert receipt.duration == 2.5


@pytest.mark.parametrize("message_id", ["id-1", None])
def test_the_receipt_of_a_sent_message(message_id):
    sending = delivery()
    assert sending.refusal() is None
    assert sending.ask()

    receipt = concluded(sending, End(Outcome.SENT, message_id=message_id))

    assert receipt.outcome is Outcome.SENT
    assert receipt.message_id == message_id
    assert (receipt.reference_id, receipt.survey_id, receipt.wave) == ("C-1", "S-1", "w2")
    assert (receipt.channel, receipt.attempts, receipt.detail) == ("email", 1, "")


@pytest.mark.parametrize("kind", OUR_ERRORS)
def test_the_receipt_has_the_outcome_of_the_error(kind):
    sending = delivery()
    assert sending.refusal() is None
    assert sending.ask()

    receipt = concluded(
        sending, End.of(kind("Something happened.", detail="a_word", retry_after=30))
    )

    assert receipt.outcome == kind.outcome
    assert (receipt.detail, receipt.retry_after) == ("a_word", 30)
    assert receipt.message_id is None
    assert receipt.attempts == 1


@pytest.mark.parametrize("reference", [EMAIL, PHONE, f"tel:{PHONE}", b"C-1", None])
def test_a_reference_that_looks_personal_is_not_in_the_receipt(reference):
    sending = delivery(reference)

    receipt = concluded(sending, sending.refusal())

    assert receipt.reference_id == "***"


@pytest.mark.parametrize("reference", ["", "x" * 257, "a\x00b"])
def test_no_reference_that_was_refused_is_in_the_receipt(reference):
    sending = delivery(reference)

    assert concluded(sending, sending.refusal()).reference_id == "***"


# What an exception means.


@pytest.mark.parametrize("kind", [kind for kind in OUR_ERRORS if kind not in OF_SENDERS])
def test_an_error_of_ours_keeps_its_meaning_and_loses_its_text(kind):
    error = failed_lookup(kind(EMAIL, detail="a_word", retry_after=30))

    assert type(error) is kind
    assert (error.detail, error.retry_after) == ("a_word", 30)
    assert EMAIL not in f"{error} {vars(error)}"


@pytest.mark.parametrize(
    "kind", [KeyError, ValueError, TimeoutError, LookupError, AssertionError, Exception]
)
def test_of_a_resolvers_own_exception_only_the_class_is_kept(kind):
    error = failed_lookup(kind(EMAIL))

    assert type(error) is errors.EndpointUnavailableError
    assert error.detail == kind.__name__
    assert EMAIL not in f"{error} {vars(error)}"


@pytest.mark.parametrize("kind", OF_SENDERS)
def test_a_resolver_cannot_say_what_became_of_a_message(kind):
    error = failed_lookup(kind(EMAIL))

    assert type(error) is errors.EndpointUnavailableError
    assert error.detail == kind.__name__


def test_a_group_of_exceptions_is_one():
    group = ExceptionGroup(EMAIL, [errors.ReferenceGoneError(EMAIL), KeyError(EMAIL)])

    assert failed_lookup(group).detail == "ExceptionGroup"
    assert failed_sending(group).detail == "ExceptionGroup"


@pytest.mark.parametrize(
    "error, kind",
    [
        (BadlyMadeError(EMAIL), errors.ReferenceGoneError),
        (BoastfulError(EMAIL), errors.EndpointUnavailableError),
        (InventiveError(EMAIL), errors.AuthenticationError),
    ],
)
def test_a_class_that_a_host_derived_means_what_ours_does(error, kind):
    assert type(failed_lookup(error)) is kind
    assert failed_lookup(error).outcome == kind.outcome


@pytest.mark.parametrize(
    "detail, retry_after", [(EMAIL, EMAIL), (5, -1), (None, float("nan")), ("+4420794600", [])]
)
def test_facts_that_were_put_in_later_are_looked_at_again(detail, retry_after):
    error = errors.SendUnavailableError("no")
    error.detail, error.retry_after = detail, retry_after

    judged = failed_sending(error)

    assert judged.detail == "sender"
    assert judged.retry_after is None


@pytest.mark.parametrize(
    "detail, retry_after", [(EMAIL, EMAIL), (5, -1), (None, float("nan")), ("+4420794600", [])]
)
def test_so_are_those_of_a_resolver(detail, retry_after):
    error = errors.RateLimitedError("no")
    error.detail, error.retry_after = detail, retry_after

    judged = failed_lookup(error)

    assert judged.detail == ""
    assert judged.retry_after is None


def test_a_class_that_is_named_after_somebody_is_not_named():
    named = type(EMAIL, (Exception,), {})

    assert failed_lookup(named()).detail == ""
    assert failed_sending(named()).detail == ""


def test_a_rejection_by_the_sender_is_one():
    error = failed_sending(errors.SendRejectedError(EMAIL, detail="smtp_550_5.1.1"))

    assert type(error) is errors.SendRejectedError
    assert error.detail == "smtp_550_5.1.1"
    assert EMAIL not in str(error)


@pytest.mark.parametrize(
    "detail, kept", [("", "sender"), ("smtp_451", "sender:smtp_451"), (EMAIL, "sender")]
)
def test_a_sender_that_accepted_nothing_can_be_told_from_an_endpoint(detail, kept):
    error = failed_sending(errors.SendUnavailableError(EMAIL, detail=detail, retry_after=30))

    assert type(error) is errors.SendUnavailableError
    assert (error.detail, error.retry_after) == (kept, 30)


@pytest.mark.parametrize(
    "raised",
    [
        KeyError(EMAIL),
        TimeoutError(EMAIL),
        errors.DeliveryUncertainError(EMAIL),
        errors.EndpointUnavailableError(EMAIL),
        errors.AuthenticationError(EMAIL),
        errors.ConfigurationError(EMAIL),
        errors.CareofError(EMAIL),
    ],
)
def test_anything_else_that_a_sender_raises_is_uncertain(raised):
    error = failed_sending(raised)

    assert type(error) is errors.DeliveryUncertainError
    assert EMAIL not in f"{error} {vars(error)}"


@pytest.mark.parametrize("detail, kept", [("", "sender"), ("gateway_429", "sender:gateway_429")])
def test_a_sender_that_wants_fewer_messages_accepted_nothing(detail, kept):
    error = failed_sending(errors.RateLimitedError(EMAIL, detail=detail, retry_after=30))

    assert type(error) is errors.RateLimitedError
    assert (error.detail, error.retry_after) == (kept, 30)
    assert errors.error_class("rate_limited", error.detail) is errors.RateLimitedError
    assert EMAIL not in f"{error} {vars(error)}"


def test_a_sender_may_know_that_somebody_wants_no_messages():
    error = failed_sending(errors.SuppressedError(EMAIL, detail="code:21610"))

    assert (type(error), error.detail) == (errors.SuppressedError, "code:21610")
    assert EMAIL not in f"{error} {vars(error)}"


def test_a_sender_that_may_not_go_there_has_sent_nothing():
    error = failed_sending(errors.DestinationRefusedError(EMAIL, detail="connect"))

    assert (type(error), error.outcome) == (errors.DestinationRefusedError, "refused")
    assert error.detail == "sender:destination"
    assert errors.error_class("refused", error.detail) is errors.DestinationRefusedError
    assert EMAIL not in f"{error} {vars(error)}"


def test_a_number_that_should_have_been_a_text_can_be_found_again():
    sending = delivery(5)

    receipt = concluded(sending, sending.refusal())

    assert (receipt.reference_id, receipt.detail) == ("5", "reference_type")


@pytest.mark.parametrize(
    "reference",
    [EMAIL + "\n", "\ufeff" + PHONE, EMAIL + " " * 260, PHONE + "\t", "\u200b" + PHONE],
)
def test_an_address_with_a_stray_character_is_not_in_the_receipt(reference):
    sending = delivery(reference)
    receipt = concluded(sending, sending.refusal())

    assert (receipt.reference_id, receipt.outcome) == ("***", "refused")
    assert reference not in repr(Recipient(reference))


@pytest.mark.parametrize(
    "message_id",
    [
        "<ann@xn--mnchen-3ya.example>",
        "ann%2540m%C3%BCnchen.example",
        "ann=münchen.example",
        "sms-02079460018",
        "2079460018",
    ],
)
def test_an_id_with_the_address_in_another_spelling_is_dropped(message_id):
    contact = Contact(
        "C-1",
        email=EmailAddress.parse("ann@münchen.example"),
        phone=PhoneNumber.parse("+442079460018"),
    )

    assert delivery().sent(contact, message_id) == End(Outcome.SENT)


def test_a_sender_that_returns_false_has_not_said_that_it_sent():
    outcome = delivery().sent(Contact("C-1"), False)

    assert (outcome.outcome, outcome.detail) == ("uncertain", "sender_false")


def test_after_the_message_is_out_no_odd_address_raises():
    contact = Contact("C-1", email=EmailAddress(f"ann@{'ü' * 100}.example"))

    assert delivery().sent(contact, "id-1") == End(Outcome.SENT)
