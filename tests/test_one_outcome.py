"""
Promise 5: every reference that goes in comes out as one receipt with one outcome.
"""

from __future__ import annotations

import json
import pickle
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from careof import (
    Contact,
    Dispatcher,
    EmailAddress,
    Invitation,
    Outcome,
    PhoneNumber,
    Receipt,
    Recipient,
    errors,
)
from careof._values.reference import refuse_reference
from tests.strategies import references
from tests.support.canary import EMAIL, PHONE, seen_in

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.CareofError)
]
FOREIGN = [KeyError, ValueError, TimeoutError, OSError, LookupError, ArithmeticError]
INVITATIONS = {
    "email": Invitation(survey_id="S-1", channel="email", subject="Hello", text="Hello {name}"),
    "sms": Invitation(survey_id="S-1", channel="sms", text="Hello {name}"),
}

raised = st.builds(
    lambda kind, text: kind(text), st.sampled_from([*KINDS, *FOREIGN]), st.just(EMAIL)
)
knows = st.sampled_from(
    ["everything", "no address", "no name", "somebody else", "nothing", "no contact"]
)
answers = st.one_of(st.just("everything"), knows, raised)
sendings = st.one_of(st.sampled_from(["id-1", None, EMAIL, 5]), raised)
people = st.lists(st.tuples(references, answers, sendings), max_size=12)


def contact(reference, knows):
    """
    What a resolver returns.
    """
    if knows == "nothing":
        return None
    if knows == "no contact":
        return {"email": EMAIL}
    return Contact(
        "somebody else" if knows == "somebody else" else reference,
        email=None if knows == "no address" else EmailAddress.parse(EMAIL),
        phone=None if knows == "no address" else PhoneNumber.parse(PHONE),
        attributes={} if knows == "no name" else {"name": "Ada"},
    )


class Host:
    """
    A resolver and a sender that behave as they are told, one person at a time.
    """

    def __init__(self):
        self.answer = None
        self.sending = None
        self.sent = 0

    def resolve(self, reference_id):
        if isinstance(self.answer, Exception):
            raise self.answer
        return contact(reference_id, self.answer)

    def send(self, person, message):
        self.sent += 1
        if isinstance(self.sending, Exception):
            raise self.sending
        return self.sending


class Crowd:
    """
    The same for many at once: each reference behaves as it did when it first came.
    """

    def __init__(self, people):
        self._people = {reference: (answer, given) for reference, answer, given in people[::-1]}
        self._sent = []

    @property
    def sent(self):
        return len(self._sent)

    def resolve(self, reference_id):
        answer, _ = self._people[reference_id]
        if isinstance(answer, Exception):
            raise answer
        return contact(reference_id, answer)

    def send(self, person, message):
        self._sent.append(person.reference_id)
        _, given = self._people[person.reference_id]
        if isinstance(given, Exception):
            raise given
        return given


def handed_over(receipts):
    """
    How often the sender was called, by what the receipts say.

    What it was given is sent, rejected or uncertain, or the detail says so.  That
    somebody wants no survey a resolver may know as well as a sender.
    """
    surely = sum(
        receipt.outcome in ("sent", "rejected", "uncertain") or receipt.detail.startswith("sender")
        for receipt in receipts
    )
    return range(surely, surely + Counter(each.outcome for each in receipts)["suppressed"] + 1)


@pytest.mark.parametrize("channel", INVITATIONS)
@settings(deadline=None)
@given(people=people)
@example(people=[("C-1", "everything", "id-1"), ("", "everything", "id-1")])
@example(people=[("C-1", errors.DeliveryUncertainError("from a resolver"), "id-1")])
@example(people=[("C-1", "everything", errors.SuppressedError("from a sender"))])
def test_as_many_receipts_come_out_as_references_went_in(channel, people):
    host = Host()
    dispatcher = Dispatcher(host, host)
    receipts = []
    for reference, host.answer, host.sending in people:
        receipts.append(dispatcher.send(Recipient(reference), INVITATIONS[channel]))

    totals = Counter(receipt.outcome for receipt in receipts)
    assert totals.total() == len(people)
    assert set(totals) <= set(Outcome)
    for receipt, (reference, _, _) in zip(receipts, people, strict=True):
        assert receipt.reference_id in (reference, "***")
    assert host.sent in handed_over(receipts)


@pytest.mark.parametrize("channel", INVITATIONS)
@settings(deadline=None)
@given(people=people, width=st.integers(1, 6), ordered=st.booleans())
@example(people=[("C-1", "everything", "id-1")] * 3, width=2, ordered=True)
def test_as_many_receipts_come_out_of_a_batch_as_references_went_in(
    channel, people, width, ordered
):
    crowd = Crowd(people)
    told = []
    batch = Dispatcher(crowd, crowd, on_event=told.append).send_many(
        [Recipient(reference) for reference, _, _ in people],
        INVITATIONS[channel],
        concurrency=width,
        ordered=ordered,
    )
    receipts = list(batch)

    shown = ["***" if refuse_reference(reference) else reference for reference, _, _ in people]
    found = [receipt.reference_id for receipt in receipts]
    assert found == shown if ordered else sorted(found) == sorted(shown)
    assert batch.tally == Counter(receipt.outcome for receipt in receipts)
    assert batch.tally.total() == len(people)
    assert sorted(map(id, told)) == sorted(map(id, receipts))
    assert crowd.sent in handed_over(receipts)


@settings(deadline=None)
@given(people=people)
def test_a_receipt_survives_json_and_pickle_and_shows_nobody(people):
    host = Host()
    dispatcher = Dispatcher(host, host)
    for reference, host.answer, host.sending in people:
        receipt = dispatcher.send(reference, INVITATIONS["email"])

        text = json.dumps(receipt.to_dict())
        assert Receipt.from_dict(json.loads(text)) == receipt
        assert pickle.loads(pickle.dumps(receipt)) == receipt
        assert seen_in([text, repr(receipt)], [EMAIL] if EMAIL not in reference else []) == []


@pytest.mark.parametrize(
    "outcome", [outcome for outcome in Outcome if outcome not in ("sent", "duplicate")]
)
def test_every_outcome_but_success_has_an_error(outcome):
    assert outcome in {kind.outcome for kind in KINDS}
