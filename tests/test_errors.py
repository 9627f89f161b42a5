from __future__ import annotations

import inspect
import pickle

import pytest

from careof import Outcome, errors
from careof.errors import CareofError, DeadlineError, error_class, is_safe_detail

CLASSES = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value) and issubclass(value, CareofError)
]


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_an_error_comes_out_of_a_pickle_with_all_its_facts(kind, protocol):
    error = kind("It failed.", detail="word", step="status", status=429, retry_after=1.5)
    error.error = "invalid_client"

    copy = pickle.loads(pickle.dumps(error, protocol))

    assert type(copy) is kind
    assert (str(copy), copy.args) == ("It failed.", ("It failed.",))
    assert vars(copy) == vars(error)


@pytest.mark.parametrize("kind", CLASSES)
def test_the_drawing_at_the_top_names_every_class(kind):
    line = next(line for line in errors.__doc__.splitlines() if f" {kind.__name__}" in line)

    assert ("*" in line) is kind.retryable


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_stands_for_an_outcome_of_the_closed_list(kind):
    assert Outcome(kind.outcome)


@pytest.mark.parametrize(
    "kind, family",
    [
        (errors.ConfigurationError, ValueError),
        (errors.InvalidReferenceError, ValueError),
        (errors.EmailAddressError, ValueError),
        (errors.PhoneNumberError, ValueError),
        (DeadlineError, TimeoutError),
    ],
)
def test_errors_that_fit_a_family_of_python_belong_to_it(kind, family):
    assert issubclass(kind, family)


def test_a_deadline_is_a_timeout_without_an_errno():
    error = DeadlineError("Too late.", detail="deadline")

    assert isinstance(error, TimeoutError)
    assert (error.errno, error.filename) == (None, None)
    assert str(error) == "Too late."


def test_facts_that_are_not_given_are_empty():
    error = CareofError("It failed.")

    assert vars(error) == {"detail": "", "step": "", "status": None, "retry_after": None}


@pytest.mark.parametrize(
    "detail",
    [
        "",
        "deadline",
        "missing_attribute",
        "url:KeyError",
        "smtplib.SMTPDataError",
        "smtp_550",
        "smtp_550_5.1.1",
        "sender:smtp_421_4.123.123",
        "a123456",
    ],
)
def test_a_word_of_ours_stays_as_detail(detail):
    assert CareofError("It failed.", detail=detail).detail == detail


@pytest.mark.parametrize(
    "detail",
    [
        "ada@customer.example",
        "ada at customer",
        "+442079460018",
        "442079460018",
        "tel:442079460018",
        "n2079460",
        "n207-946.00:18",
        "smtp_550_5.1.1_2079460018",
        "smtp_5502079460",
        "SMTPRecipientsRefused({'ada'})",
        "ä",
        "word\n",
        "w" * 81,
        None,
        5,
        b"word",
    ],
)
def test_a_detail_that_could_hold_an_address_or_a_number_is_dropped(detail):
    assert CareofError("It failed.", detail=detail).detail == ""
    assert not is_safe_detail(detail)


@pytest.mark.parametrize(
    "outcome, detail, kind",
    [
        ("refused", "", errors.InvalidReferenceError),
        ("refused", "destination", errors.DestinationRefusedError),
        ("unavailable", "", errors.EndpointUnavailableError),
        ("unavailable", "deadline", errors.DeadlineError),
        ("unavailable", "deadline.attempt", errors.DeadlineError),
        ("unavailable", "sender:OSError", errors.SendUnavailableError),
        ("unavailable", "destination", errors.EndpointUnavailableError),
        ("uncertain", "deadline", errors.DeliveryUncertainError),
        ("rejected", "sender", errors.SendRejectedError),
    ],
)
def test_where_an_outcome_has_several_classes_the_detail_picks(outcome, detail, kind):
    assert error_class(outcome, detail) is kind
