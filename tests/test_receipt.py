from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careof import CareofError, Outcome, Receipt, errors
from tests import strategies
from tests.support.canary import every_view_of, every_view_of_error, seen_in
from tests.support.raising import error_of

STARTED = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)

# The table of outcomes: the word, a detail that picks, the error.
TABLE = [
    ("refused", "reference_empty", errors.InvalidReferenceError),
    ("refused", "destination", errors.DestinationRefusedError),
    ("not_found", "", errors.ReferenceNotFoundError),
    ("gone", "", errors.ReferenceGoneError),
    ("no_address", "email", errors.NoAddressError),
    ("bad_response", "json", errors.UnexpectedAnswerError),
    ("auth_failed", "endpoint", errors.AuthenticationError),
    ("unavailable", "status", errors.EndpointUnavailableError),
    ("unavailable", "deadline", errors.DeadlineError),
    ("unavailable", "sender:OSError", errors.SendUnavailableError),
    ("rate_limited", "", errors.RateLimitedError),
    ("suppressed", "", errors.SuppressedError),
    ("rejected", "smtp_550_5.1.1", errors.SendRejectedError),
    ("uncertain", "ConnectionError", errors.DeliveryUncertainError),
    ("cancelled", "", errors.BatchCancelledError),
]


def receipt(outcome="sent", **facts):
    return Receipt(
        reference_id="C-1",
        survey_id="s",
        channel="email",
        outcome=outcome,
        started_at=STARTED,
        **facts,
    )


receipts = st.builds(
    receipt,
    outcome=st.sampled_from(Outcome),
    wave=st.text(max_size=5),
    message_id=st.none() | st.text(max_size=5),
    attempts=st.integers(0, 5),
    retry_after=st.none() | st.floats(0, 86400),
    duration=st.floats(0, 600),
    detail=st.sampled_from(["", "deadline", "smtp_550"]),
)


def test_the_list_of_outcomes_is_closed():
    assert sorted(Outcome) == sorted({outcome for outcome, *_ in TABLE} | {"sent", "duplicate"})


def test_a_word_that_is_not_on_the_list_is_refused():
    with pytest.raises(ValueError, match="delivered"):
        receipt("delivered")


@given(receipts)
def test_a_receipt_comes_back_from_json(value):
    copy = Receipt.from_dict(json.loads(json.dumps(value.to_dict())))

    assert copy == value
    assert type(copy.outcome) is Outcome


@given(receipts, st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_a_receipt_comes_out_of_a_pickle(value, protocol):
    assert pickle.loads(pickle.dumps(value, protocol)) == value


def test_the_dictionary_of_a_receipt_holds_plain_values():
    facts = receipt("gone", detail="word").to_dict()

    assert facts == {
        "reference_id": "C-1",
        "survey_id": "s",
        "wave": "",
        "channel": "email",
        "outcome": "gone",
        "message_id": None,
        "attempts": 1,
        "retry_after": None,
        "started_at": "2026-03-01T12:30:15.123456+00:00",
        "duration": 0.0,
        "detail": "word",
    }
    assert type(facts["outcome"]) is str


def test_a_receipt_cannot_be_changed():
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        receipt().outcome = "gone"


@pytest.mark.parametrize("outcome", ["sent", "duplicate"])
def test_who_has_the_invitation_is_fine(outcome):
    assert receipt(outcome).ok
    assert receipt(outcome).raise_for_outcome() is None


@pytest.mark.parametrize("outcome, detail, kind", TABLE)
def test_every_other_outcome_raises_the_error_of_the_table(outcome, detail, kind):
    value = receipt(outcome, detail=detail, retry_after=2.0)

    with pytest.raises(CareofError) as caught:
        value.raise_for_outcome()

    assert not value.ok
    assert type(caught.value) is kind
    assert (caught.value.outcome, caught.value.detail, caught.value.retry_after) == (
        outcome,
        detail,
        2.0,
    )


def test_the_message_of_the_error_says_the_outcome_and_the_detail():
    assert str(error_of(receipt("gone").raise_for_outcome)) == "The survey was not sent: gone."
    assert str(error_of(receipt("rejected", detail="smtp_550").raise_for_outcome)) == (
        "The survey was not sent: rejected (smtp_550)."
    )


@settings(max_examples=25)
@given(strategies.emails | strategies.phones)
def test_a_detail_that_could_be_an_address_is_dropped(address):
    value = receipt("rejected", detail=address)
    error = error_of(value.raise_for_outcome)

    assert seen_in([*every_view_of(value), *every_view_of_error(error)], [address]) == []


def test_a_receipt_prints_on_a_short_line():
    value = Receipt(
        reference_id="C-1",
        survey_id="s",
        channel="email",
        outcome="no_address",
        started_at=datetime.now(UTC),
        duration=0.002,
        detail="email",
    )

    assert str(value) == "C-1 no_address email (2 ms)"


def test_a_receipt_that_lacks_a_field_says_which():
    with pytest.raises(errors.ConfigurationError, match="started_at"):
        Receipt.from_dict({"reference_id": "C-1"})
