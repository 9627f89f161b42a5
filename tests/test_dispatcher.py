from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import pickle

import anyio
import pytest
import trio

from careof import (
    AsyncDispatcher,
    Contact,
    ContactSelector,
    Dispatcher,
    EmailAddress,
    Invitation,
    MemoryLedger,
    NetworkPolicy,
    Outcome,
    PhoneNumber,
    Recipient,
    RequestTemplate,
    errors,
)
from careof.errors import ConfigurationError
from careof.testing import FakeClock, FakeContactEndpoint
from tests.conftest import Shell
from tests.support.canary import (
    EMAIL,
    NAME,
    PERSON,
    PHONE,
    VALUES,
    all_logs,
    every_view_of,
    every_view_of_error,
    frames_of,
    seen_in,
)

INVITATION = Invitation(
    survey_id="S-1", channel="email", subject="Hello {first_name}", text="How was it?"
)
SMS = Invitation(survey_id="S-1", channel="sms", text="How was it, {first_name}?")
CONTACT = Contact(
    "C-1",
    email=EmailAddress.parse(EMAIL),
    phone=PhoneNumber.parse(PHONE),
    attributes={"first_name": NAME},
)


class Host:
    """
    A resolver and a sender of the host's own, that do what they are told.
    """

    def __init__(self, shell, *, resolve=CONTACT, send="id-1"):
        self.asked = []
        self.sent = []
        self._resolve = resolve
        self._send = send
        part = self if shell.name == "sync" else AsyncHost(self)
        self.dispatcher = shell.Dispatcher(part, part, clock=FakeClock())

    def resolve(self, reference_id):
        self.asked.append(reference_id)
        return self._said(self._resolve)

    def send(self, contact, message):
        self.sent.append((contact, message))
        return self._said(self._send)

    def _said(self, answer):
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def __repr__(self):
        return "Host()"


class AsyncHost:
    """
    The same, for the async dispatcher.
    """

    def __init__(self, host):
        self._host = host

    async def resolve(self, reference_id):
        return self._host.resolve(reference_id)

    async def send(self, contact, message):
        return self._host.send(contact, message)

    def __repr__(self):
        return "Host()"


@dataclasses.dataclass(frozen=True)
class FrozenError(Exception):
    """
    No attribute of it can be set, the traceback among them.
    """

    text: str


class RudeError(Exception):
    """
    Its own text cannot be had.
    """

    def __str__(self):
        raise KeyError(EMAIL)

    __repr__ = __str__


FOREIGN = [
    KeyError(EMAIL),
    ValueError(f"no such user {EMAIL}"),
    OSError(5, EMAIL),
    TimeoutError(),
    ExceptionGroup(EMAIL, [ValueError(EMAIL)]),
    UnicodeDecodeError("utf-8", EMAIL.encode(), 0, 1, "bad"),
    FrozenError(EMAIL),
    RudeError(),
    LookupError(EMAIL),
]


def names(errors_):
    return [type(error).__name__ for error in errors_]


def test_a_survey_reaches_the_person_behind_the_reference(shell):
    host = Host(shell)

    receipt = shell.call(host.dispatcher.send, "C-1", INVITATION)

    assert receipt.outcome is Outcome.SENT
    assert receipt.message_id == "id-1"
    [(contact, message)] = host.sent
    assert contact is CONTACT
    assert message.subject.reveal() == f"Hello {NAME}"


def test_a_recipient_brings_variables_of_its_own(shell):
    host = Host(shell)
    invitation = Invitation(survey_id="S-1", channel="sms", text="How was {shop}, {first_name}?")

    shell.call(
        host.dispatcher.send, Recipient("C-1", variables={"shop": "Main Street"}), invitation
    )

    [(_, message)] = host.sent
    assert message.text.reveal() == f"How was Main Street, {NAME}?"


def test_an_sms_goes_to_the_phone(shell):
    host = Host(
        shell, resolve=Contact("C-1", phone=CONTACT.phone, attributes={"first_name": NAME})
    )

    receipt = shell.call(host.dispatcher.send, "C-1", SMS)

    assert (receipt.outcome, receipt.channel) == ("sent", "sms")
    assert host.sent[0][1].channel == "sms"


def test_a_link_is_made_for_each_reference(shell):
    host = Host(shell)
    asked = []
    invitation = Invitation(
        survey_id="S-1",
        channel="sms",
        text="{survey_url}",
        urls={"survey_url": lambda reference: asked.append(reference) or "https://s.example/1"},
    )

    shell.call(host.dispatcher.send, "C-1", invitation)

    assert asked == ["C-1"]
    assert host.sent[0][1].text.reveal() == "https://s.example/1"


def test_a_link_that_cannot_be_made_sends_nothing(shell):
    host = Host(shell)
    invitation = Invitation(
        survey_id="S-1", channel="sms", text="{survey_url}", urls={"survey_url": {}.__getitem__}
    )

    receipt = shell.call(host.dispatcher.send, "C-1", invitation)

    assert (receipt.outcome, receipt.detail) == ("unavailable", "url:KeyError")
    assert host.sent == []


@pytest.mark.parametrize("reference", ["", EMAIL, PHONE, None, Recipient(EMAIL)])
def test_nobody_is_asked_about_what_is_no_reference(shell, reference):
    host = Host(shell)

    receipt = shell.call(host.dispatcher.send, reference, INVITATION)

    assert (receipt.outcome, receipt.attempts) == ("refused", 0)
    assert (host.asked, host.sent) == ([], [])
    assert seen_in([*every_view_of(receipt), repr(pickle.dumps(receipt))]) == []


@pytest.mark.parametrize(
    "kind, outcome",
    [
        (errors.InvalidReferenceError, "refused"),
        (errors.DestinationRefusedError, "refused"),
        (errors.ReferenceNotFoundError, "not_found"),
        (errors.ReferenceGoneError, "gone"),
        (errors.NoAddressError, "no_address"),
        (errors.UnexpectedAnswerError, "bad_response"),
        (errors.AuthenticationError, "auth_failed"),
        (errors.ConfigurationError, "auth_failed"),
        (errors.EndpointUnavailableError, "unavailable"),
        (errors.DeadlineError, "unavailable"),
        (errors.RateLimitedError, "rate_limited"),
        (errors.EmailAddressError, "bad_response"),
        (errors.SuppressedError, "suppressed"),
        (errors.BatchCancelledError, "cancelled"),
        (errors.CareofError, "unavailable"),
    ],
)
def test_what_a_resolver_raises_is_the_outcome(shell, kind, outcome):
    host = Host(shell, resolve=kind(f"about {EMAIL}", detail="a_word", retry_after=7))

    receipt = shell.call(host.dispatcher.send, "C-1", INVITATION)

    assert receipt.outcome == outcome
    assert (receipt.detail, receipt.retry_after) == ("a_word", 7)
    assert host.sent == []


@pytest.mark.parametrize("error", FOREIGN, ids=names(FOREIGN))
def test_whatever_else_a_resolver_raises_is_unavailable(shell, error):
    host = Host(shell, resolve=error)

    with all_logs() as logs:
        receipt = shell.call(host.dispatcher.send, "C-1", INVITATION)

    assert (receipt.outcome, receipt.detail) == ("unavailable", type(error).__name__)
    assert host.sent == []
    assert seen_in([*every_view_of(receipt), *logs]) == []


@pytest.mark.parametrize(
    "answer, outcome, detail",
    [
        (None, "bad_response", "no_contact"),
        ({"email": EMAIL}, "bad_response", "no_contact"),
        (Contact("C-2", email=CONTACT.email), "bad_response", "other_reference"),
        (Contact("C-1"), "no_address", "email"),
        (Contact("C-1", phone=CONTACT.phone), "no_address", "email"),
        (Contact("C-1", email=CONTACT.email), "bad_response", "missing_attribute"),
    ],
)
def test_what_is_not_the_contact_is_not_sent_to(shell, answer, outcome, detail):
    host = Host(shell, resolve=answer)

    receipt = shell.call(host.dispatcher.send, "C-1", INVITATION)

    assert (receipt.outcome, receipt.detail) == (outcome, detail)
    assert host.sent == []


@pytest.mark.parametrize(
    "error, outcome, detail",
    [
        (errors.SendRejectedError(EMAIL, detail="smtp_550"), "rejected", "smtp_550"),
        (errors.SendUnavailableError(EMAIL, detail="connect"), "unavailable", "sender:connect"),
        (errors.SendUnavailableError(EMAIL), "unavailable", "sender"),
        (
            errors.DeliveryUncertainError(EMAIL, detail="smtp_no_reply"),
            "uncertain",
            "smtp_no_reply",
        ),
        (errors.EndpointUnavailableError(EMAIL), "uncertain", ""),
    ],
)
def test_what_a_sender_raises_is_the_outcome(shell, error, outcome, detail):
    host = Host(shell, send=error)

    receipt = shell.call(host.dispatcher.send, "C-1", INVITATION)

    assert (receipt.outcome, receipt.detail) == (outcome, detail)
    assert seen_in(every_view_of(receipt)) == []


@pytest.mark.parametrize("error", FOREIGN, ids=names(FOREIGN))
def test_whatever_else_a_sender_raises_is_uncertain_and_not_tried_again(shell, error):
    host = Host(shell, send=error)

    with all_logs() as logs:
        receipt = shell.call(host.dispatcher.send, "C-1", INVITATION)

    assert (receipt.outcome, receipt.detail) == ("uncertain", type(error).__name__)
    assert len(host.sent) == 1
    assert seen_in([*every_view_of(receipt), *logs]) == []


def test_an_error_that_a_sender_keeps_does_not_keep_our_frames(shell):
    kept = ValueError(EMAIL)
    host = Host(shell, send=kept)

    shell.call(host.dispatcher.send, "C-1", INVITATION)

    assert kept.__traceback__ is None


@pytest.mark.parametrize("given", [None, 5, EMAIL, f"<{EMAIL.replace('@', '=')}@host.example>"])
def test_an_id_that_is_none_or_holds_the_address_is_not_in_the_receipt(shell, given):
    host = Host(shell, send=given)

    receipt = shell.call(host.dispatcher.send, "C-1", INVITATION)

    assert (receipt.outcome, receipt.message_id) == ("sent", None)


def test_the_receipt_of_a_real_lookup_shows_nobody(shell):
    endpoint = FakeContactEndpoint({"C-1": PERSON})
    resolver = shell.HttpResolver(
        RequestTemplate("https://contacts.customer.example/people/{reference_id}"),
        ContactSelector(
            email="$.email", reference_id="$.id", attributes={"first_name": "$.first_name"}
        ),
        network=NetworkPolicy(),
        transport=endpoint,
    )
    sender = shell.RecordingSender()

    receipt = shell.call(shell.Dispatcher(resolver, sender).send, "C-1", INVITATION)

    assert receipt.outcome is Outcome.SENT
    assert sender.sent[0].contact.email.reveal() == EMAIL
    assert seen_in([*every_view_of(receipt), repr(receipt.to_dict())]) == []


@pytest.mark.parametrize("place", ["resolve", "send"])
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_interrupt_passes_through_without_the_frames_below(place, kind):
    """
    Blocking only: an event loop makes of some of these what it likes.
    """
    host = Host(Shell("sync"), **{place: kind(7)})

    error = interrupted(host)

    assert type(error) is kind
    assert set(frames_of(error)) <= {"send"}
    assert seen_in(every_view_of_error(error), VALUES) == []


def interrupted(host):
    try:
        host.dispatcher.send("C-1", INVITATION)
    except BaseException as error:
        return error
    raise AssertionError("it was not interrupted")


@pytest.mark.parametrize("place", ["resolve", "send"])
def test_a_task_that_asyncio_cancels_is_cancelled_without_the_frames_below(place):
    async def main():
        waiting = Waiting(place)
        task = asyncio.create_task(waiting.dispatcher.send("C-1", INVITATION))
        await waiting.reached.wait()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return task.cancelled(), waiting

    cancelled, waiting = asyncio.run(main())

    assert cancelled
    assert waiting.ends == ["CancelledError"]


@pytest.mark.parametrize("run", [anyio.run, trio.run])
@pytest.mark.parametrize("place", ["resolve", "send"])
def test_a_cancelled_scope_cancels_the_send(run, place):
    async def main():
        waiting = Waiting(place)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(waiting.ask)
            await waiting.reached.wait()
            tasks.cancel_scope.cancel()
        return waiting

    waiting = run(main)

    assert waiting.ends in (["CancelledError"], ["Cancelled"])
    assert waiting.receipts == []
    assert waiting.frames <= {"send"}
    assert seen_in(waiting.texts) == []


class Waiting:
    """
    An asynchronous host that never answers in one *place*.
    """

    def __init__(self, place):
        self.reached = anyio.Event()
        self.place = place
        self.ends = []
        self.receipts = []
        self.frames = set()
        self.texts = []
        self.dispatcher = AsyncDispatcher(self, WaitingSender(self))

    async def ask(self):
        try:
            self.receipts.append(await self.dispatcher.send("C-1", INVITATION))
        except BaseException as error:
            self.frames = set(frames_of(error))
            self.texts = list(every_view_of_error(error))
            raise

    async def resolve(self, reference_id):
        if self.place == "resolve":
            await self.wait()
        return CONTACT

    async def wait(self):
        self.reached.set()
        try:
            await anyio.sleep_forever()
        except BaseException as error:
            self.ends.append(type(error).__name__)
            raise


class WaitingSender:
    def __init__(self, host):
        self._host = host

    async def send(self, contact, message):
        address = contact.email.reveal()
        if self._host.place == "send":
            await self._host.wait()
        return address


def test_the_repr_names_the_resolver_and_the_sender(shell):
    host = Host(shell)

    assert repr(host.dispatcher) == f"{type(host.dispatcher).__name__}(Host(), Host())"


class Blocking:
    def resolve(self, reference_id):
        raise AssertionError

    send = resolve


class Async:
    async def resolve(self, reference_id):
        raise AssertionError

    send = resolve


@pytest.mark.parametrize(
    "dispatcher, right, wrong",
    [(Dispatcher, Blocking(), Async()), (AsyncDispatcher, Async(), Blocking())],
)
@pytest.mark.parametrize("parameter", ["resolver", "sender"])
def test_a_dispatcher_takes_only_parts_of_its_own_kind(dispatcher, right, wrong, parameter):
    parts = {"resolver": right, "sender": right, parameter: wrong}
    with pytest.raises(ConfigurationError, match=parameter):
        dispatcher(**parts)


@pytest.mark.parametrize("dispatcher", [Dispatcher, AsyncDispatcher])
def test_a_dispatcher_takes_nothing_that_cannot_send(dispatcher):
    with pytest.raises(ConfigurationError, match="resolver"):
        dispatcher(None, None)


def test_an_async_sender_that_does_not_look_like_one_is_no_message_sent():
    class Wrapped:
        def send(self, contact, message):
            return self

        def __await__(self):
            raise AssertionError

    host = Host(Shell("sync"))
    receipt = Dispatcher(host, Wrapped()).send("C-1", INVITATION)

    assert (receipt.outcome, receipt.detail) == ("uncertain", "async_sender")


@pytest.mark.parametrize(
    "place, error, left",
    [
        ("resolve", errors.DestinationRefusedError("no", detail="destination"), []),
        ("resolve", errors.UnexpectedAnswerError("no", detail="missing_attribute"), []),
        ("resolve", errors.UnexpectedAnswerError("no", detail="shape"), ["bad_response"]),
        ("send", errors.DestinationRefusedError("no"), []),
        ("send", errors.SendRejectedError("no", detail="channel"), []),
        ("send", errors.SendRejectedError("no", detail="smtp_550"), ["rejected"]),
        ("send", errors.DeliveryUncertainError("no", detail="channel"), ["uncertain"]),
    ],
    ids=lambda value: getattr(value, "detail", str(value)),
)
def test_a_mistake_that_the_host_can_mend_is_not_settled_for_ever(place, error, left):
    ledger = MemoryLedger()
    host = Host(Shell("sync"), **{place: error})
    dispatcher = Dispatcher(host, host, ledger=ledger, clock=FakeClock())

    receipt = dispatcher.send("C-1", INVITATION)

    assert receipt.outcome == error.outcome
    assert list(ledger.entries.values()) == left
