"""
Promise 3: a contact comes only from one whole answer for exactly this reference.
"""

from __future__ import annotations

import json
import threading

import httpx
import pytest

from careof import (
    CareofError,
    Contact,
    ContactSelector,
    EmailAddress,
    Invitation,
    NetworkPolicy,
    RequestTemplate,
    RetryPolicy,
)
from careof.testing import FakeContactEndpoint
from tests.support.server import Server

PEOPLE = {
    f"ref-{number}": {"id": f"ref-{number}", "email": f"person{number}@people.example"}
    for number in range(40)
}
INVITATION = Invitation(survey_id="s", channel="email", subject="Hello", text="Hello")
ECHO = ContactSelector(email="$.email", reference_id="$.id")
NO_ECHO = ContactSelector(email="$.email")


def over_a_socket(shell, server, selector=ECHO):
    return shell.HttpResolver(
        RequestTemplate(server.origin + "/people/{reference_id}"),
        selector,
        network=NetworkPolicy.for_loopback(),
        retry=RetryPolicy.never(),
    )


def in_memory(shell, answer, selector=ECHO):
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=answer))
    template = RequestTemplate("https://contacts.customer.example/{reference_id}")
    return shell.HttpResolver(template, selector, transport=transport)


@pytest.mark.parametrize(
    "mode",
    [
        "short_body",
        "missing_last_chunk",
        "reset_midway",
        "close_delimited",
        "hang_up",
        "garbage",
    ],
)
def test_a_part_of_an_answer_is_never_read_even_when_it_is_valid_json(shell, mode):
    with Server(mode) as server, pytest.raises(CareofError):
        shell.call(over_a_socket(shell, server, NO_ECHO).resolve, "ref-1")

    assert len(server.requests) == 1


def test_every_lookup_has_a_connection_of_its_own(shell):
    with Server() as server:
        resolver = over_a_socket(shell, server)
        for _ in range(3):
            shell.call(resolver.resolve, "ref-1")

    assert server.connections == 3


@pytest.mark.parametrize("selector", [ECHO, NO_ECHO])
def test_of_two_answers_to_one_question_none_is_used(shell, selector):
    with Server("two_answers") as server, pytest.raises(CareofError) as caught:
        shell.call(over_a_socket(shell, server, selector).resolve, "ref-1")

    assert caught.value.detail == "trailing_data"


@pytest.mark.parametrize("age", ["1", "3600", "soon"])
def test_an_answer_from_a_cache_is_refused(shell, age):
    transport = httpx.MockTransport(
        lambda request: httpx.Response(200, json=PEOPLE["ref-1"], headers={"Age": age})
    )
    template = RequestTemplate("https://contacts.customer.example/{reference_id}")
    resolver = shell.HttpResolver(template, ECHO, transport=transport)
    with pytest.raises(CareofError) as caught:
        shell.call(resolver.resolve, "ref-1")

    assert caught.value.detail == "cached"


def test_no_cache_is_asked_to_answer(shell):
    with Server() as server:
        shell.call(over_a_socket(shell, server).resolve, "ref-1")

    assert b"cache-control: no-cache, no-store" in server.requests[0].lower()


@pytest.mark.parametrize(
    "answer",
    [
        b'{"id": "ref-2", "email": "other@people.example"}',
        b'{"email": "other@people.example"}',
        b'{"id": null, "email": "other@people.example"}',
        b'{"id": "REF-1", "email": "other@people.example"}',
        b'{"id": " ref-1", "email": "other@people.example"}',
        b'{"id": ["ref-1"], "email": "other@people.example"}',
        b'{"id": "ref-1", "id": "ref-2", "email": "other@people.example"}',
        b'{"id": "ref-1", "email": "a@people.example", "email": "other@people.example"}',
        b'{"id": "ref-1", "email": "other@people.example"} {"id": "ref-1"}',
        b'[{"id": "ref-1", "email": "other@people.example"}]',
    ],
)
def test_an_answer_that_is_not_about_exactly_this_reference_is_refused(shell, answer):
    with pytest.raises(CareofError) as caught:
        shell.call(in_memory(shell, answer).resolve, "ref-1")

    assert caught.value.outcome == "bad_response"


@pytest.mark.parametrize("reference, echo", [("17", b"17"), ("17", b'"17"'), ("-3", b"-3")])
def test_a_number_in_the_echo_equals_its_decimal_text(shell, reference, echo):
    answer = b'{"id": %s, "email": "ada@people.example"}' % echo
    contact = shell.call(in_memory(shell, answer).resolve, reference)

    assert contact.reference_id == reference


@pytest.mark.parametrize("reference, echo", [("1", b"true"), ("1", b"1.0"), ("17", b"017")])
def test_nothing_else_equals_it(shell, reference, echo):
    answer = b'{"id": %s, "email": "ada@people.example"}' % echo
    with pytest.raises(CareofError):
        shell.call(in_memory(shell, answer).resolve, reference)


def test_a_sender_never_sees_a_contact_for_another_reference(shell):
    sender = shell.RecordingSender()
    resolver = in_memory(shell, json.dumps(PEOPLE["ref-2"]).encode())
    receipt = shell.call(shell.Dispatcher(resolver, sender).send, "ref-1", INVITATION)

    assert receipt.outcome == "bad_response"
    assert sender.sent == []


def test_a_hosts_own_resolver_cannot_mix_people_up(shell):
    class MixedUp:
        def resolve(self, reference_id):
            return Contact("ref-2", email=EmailAddress.parse("other@people.example"))

    class AsyncMixedUp(MixedUp):
        async def resolve(self, reference_id):
            return MixedUp.resolve(self, reference_id)

    sender = shell.RecordingSender()
    resolver = MixedUp() if shell.name == "sync" else AsyncMixedUp()
    receipt = shell.call(shell.Dispatcher(resolver, sender).send, "ref-1", INVITATION)

    assert receipt.outcome == "bad_response"
    assert sender.sent == []


def test_forty_threads_on_one_resolver_get_forty_people(shell):
    resolver = shell.HttpResolver(
        RequestTemplate("https://contacts.customer.example/{reference_id}"),
        NO_ECHO,
        transport=FakeContactEndpoint(PEOPLE),
    )
    found = {}

    def ask(reference):
        found[reference] = shell.call(resolver.resolve, reference).email.reveal()

    threads = [threading.Thread(target=ask, args=(reference,)) for reference in PEOPLE]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == {reference: person["email"] for reference, person in PEOPLE.items()}


@pytest.mark.parametrize(
    "answer",
    [
        b'{"id": "ref-1", "email": "a@people.example", "Email": "other@people.example"}',
        b'{"id": "ref-1", "ID": "ref-2", "email": "other@people.example"}',
        b'{"id": "ref-1", "Email": "other@people.example"}',
    ],
)
def test_an_answer_that_another_reader_would_read_differently_is_refused(shell, answer):
    with pytest.raises(CareofError) as caught:
        shell.call(in_memory(shell, answer).resolve, "ref-1")

    assert (caught.value.outcome, caught.value.detail) == ("bad_response", "similar_keys")


@pytest.mark.parametrize(
    "answer, detail",
    [
        (b"", "empty"),
        (b"<html><form action=/login>Sign in</form></html>", "html"),
        (b'"other@people.example"', "json_type"),
        (b'{"error": "no such person"}', "error_answer"),
        (b'{"success": false, "id": "ref-1", "email": "other@people.example"}', "error_answer"),
        (b'{"message": "not found"}', "error_answer"),
    ],
)
@pytest.mark.parametrize("selector", [ECHO, NO_ECHO])
def test_what_is_no_contact_under_the_status_200_is_called_what_it_is(
    shell, answer, detail, selector
):
    with pytest.raises(CareofError) as caught:
        shell.call(in_memory(shell, answer, selector).resolve, "ref-1")

    assert (caught.value.outcome, caught.value.detail) == ("bad_response", detail)
