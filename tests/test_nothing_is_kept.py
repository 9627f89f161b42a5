"""
Promise 1: after a call nothing that the library can reach holds a contact value.
"""

from __future__ import annotations

import itertools
import json

import httpx
import pytest

from careof import (
    BatchRequestTemplate,
    CareofError,
    Contact,
    ContactSelector,
    GatewayRequest,
    Invitation,
    Message,
    PhoneNumber,
    RequestTemplate,
    SealedText,
)
from tests.support.canary import objects_holding

URL = "https://contacts.customer.example/people"
INVITATION = Invitation(
    survey_id="s", channel="email", subject="For {first_name}", text="Dear {first_name}"
)
SELECTOR = ContactSelector(
    email="$.data[?@.kind == 'home'].email",
    reference_id="$.id",
    attributes={"first_name": "$.name"},
)


class Forgetful:
    """
    A sender that keeps nothing either.
    """

    def __init__(self, error=None):
        self.error = error

    def send(self, contact, message):
        if self.error is not None:
            raise self.error(contact.email.reveal())

    async def asend(self, contact, message):
        return self.send(contact, message)


class AsyncForgetful(Forgetful):
    async def send(self, contact, message):
        return Forgetful.send(self, contact, message)


_numbers = itertools.count(1001)
_number = next(_numbers)


@pytest.fixture(autouse=True)
def another_person():
    """
    An address for each test: the report of one that failed holds the last one.
    """
    globals()["_number"] = next(_numbers)


def address():
    # Put together at run time, so that no constant of this module holds it.
    return "@".join([f"kept{_number}", "customer.example"])


def answer(status=200, **changes):
    def handler(request):
        asked = json.loads(request.content)["id"]
        person = {"id": asked, "name": "x", "data": [{"kind": "home", "email": address()}]}
        return httpx.Response(status, json=person | changes)

    return httpx.MockTransport(handler)


def resolver(shell, transport):
    template = RequestTemplate(URL, method="POST", json={"id": "{reference_id}"})
    return shell.HttpResolver(template, SELECTOR, transport=transport)


def batch_resolver(shell):
    def handler(request):
        people = [
            {"id": each, "name": "x", "data": [{"kind": "home", "email": address()}]}
            for each in json.loads(request.content)["ids"]
        ]
        return httpx.Response(200, json=[*people, {"id": "C-9", "email": address()}])

    template = BatchRequestTemplate(URL, json={"ids": "{reference_ids}"})
    return shell.BatchHttpResolver(template, SELECTOR, transport=httpx.MockTransport(handler))


def test_the_search_finds_what_is_there():
    kept = [address()]

    assert objects_holding(address()) != []
    assert kept


def test_nothing_is_left_after_a_contact_was_let_go(shell):
    kept = resolver(shell, answer())
    contact = shell.call(kept.resolve, "C-1")

    assert contact.email.reveal() == address()
    del contact
    assert objects_holding(address()) == []


@pytest.mark.parametrize(
    "transport",
    [
        answer(status=500),
        answer(status=404),
        answer(id="C-9"),
        answer(name=["x"]),
        answer(data=[{"kind": "home", "email": f"{7} @"}]),
    ],
)
def test_nothing_is_left_in_an_error_that_is_kept(shell, transport):
    kept = resolver(shell, transport)
    errors = []
    try:
        shell.call(kept.resolve, "C-1")
    except CareofError as error:
        errors.append(error)

    assert len(errors) == 1
    assert objects_holding(address()) == []


@pytest.mark.parametrize("error", [None, ValueError, OSError])
def test_nothing_is_left_after_a_send(shell, error):
    sender = (Forgetful if shell.name == "sync" else AsyncForgetful)(error)
    dispatcher = shell.Dispatcher(resolver(shell, answer()), sender)
    receipts = [shell.call(dispatcher.send, f"C-{number}", INVITATION) for number in range(3)]

    assert len(receipts) == 3
    assert objects_holding(address()) == []


def test_nothing_is_left_of_those_who_were_asked_about_at_once(shell):
    kept = batch_resolver(shell)
    many = kept.resolve_many(["C-1", "C-2", "C-3"])

    async def take():
        return [outcome async for _, outcome in many]

    contacts = [outcome for _, outcome in many] if shell.name == "sync" else shell.call(take)

    assert [contact.email.reveal() for contact in contacts] == [address()] * 3
    del contacts
    assert objects_holding(address()) == []


def test_nothing_is_left_of_a_batch_of_one(shell):
    kept = batch_resolver(shell)
    contact = shell.call(kept.resolve, "C-1")

    assert contact.email.reveal() == address()
    del contact
    assert objects_holding(address()) == []


def test_nothing_is_left_after_a_configuration_test(shell):
    kept = resolver(shell, answer())
    report = shell.call(kept.check, "C-1")

    assert report
    assert objects_holding(address()) == []


def number():
    return f"44207946{_number % 1000:04d}"


def echoing(status):
    """
    A gateway that repeats what it was sent, in its body and in its headers.
    """
    return httpx.MockTransport(
        lambda request: httpx.Response(
            status, json={"id": "m-1", "code": number()}, headers={"X-To": number()}
        )
    )


def hand_over(shell, sender):
    contact = Contact("C-1", phone=PhoneNumber.parse(f"+{number()}"))
    text = SealedText(f"Hello {number()}")
    shell.call(sender.send, contact, Message(survey_id="s", channel="sms", text=text))


def test_nothing_is_left_of_a_text_message(shell):
    body = {"to": "{phone}", "digits": "{phone_digits}", "text": "{text}"}
    kept, errors = [], []
    for status in (201, 302, 400, 401, 429, 500):
        for path in (None, "$.code"):
            sender = shell.HttpGatewaySender(
                GatewayRequest("https://sms.gateway.example/", json=body),
                message_id="$.id",
                error=path,
                transport=echoing(status),
            )
            kept.append(sender)
            try:
                hand_over(shell, sender)
            except CareofError as raised:
                errors.append(raised.with_traceback(None))  # our own frames hold the contact

    assert len(errors) == 11  # of twelve, one was sent
    assert objects_holding(number()) == []
