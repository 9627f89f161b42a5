from __future__ import annotations

import json

import httpx
import pytest
from hypothesis import given

from careof import CareofError, Contact, ContactSelector, Limits, RequestTemplate, Secret, errors
from careof._resolving.lookup import Lookup, refused_status
from tests import strategies
from tests.support.canary import EMAIL, PERSON, SECRET, every_view_of_error, seen_in

URL = "https://contacts.customer.example/{reference_id}"


def lookup(url=URL, *, limits=None, **options):
    selector = ContactSelector(email="$.email", reference_id="$.id")
    return Lookup(RequestTemplate(url, **options), selector, limits or Limits())


def answer(status=200, content=b"", headers=None):
    return httpx.Response(status, content=content, headers=headers)


GOOD = json.dumps(PERSON).encode()


def test_a_question_is_the_request_of_the_template():
    request = lookup().question("C-1")

    assert str(request.url) == "https://contacts.customer.example/C-1"


def test_a_question_about_no_reference_is_refused():
    assert isinstance(lookup().question(EMAIL), errors.InvalidReferenceError)


def test_a_secret_that_cannot_be_read_stops_the_question_as_a_wrong_credential_does():
    refused = lookup(headers={"X-Key": Secret.from_env("CAREOF_TEST_MISSING")}).question("C-1")

    assert isinstance(refused, errors.AuthenticationError)
    assert (refused.detail, refused.outcome, refused.step) == ("secret", "auth_failed", "template")
    assert "CAREOF_TEST_MISSING" in str(refused)
    assert refused.__context__ is None


def test_a_good_answer_is_a_contact():
    contact = lookup().contact("C-1", answer(content=GOOD))

    assert isinstance(contact, Contact)
    assert contact.email.reveal() == EMAIL


def test_an_error_on_the_way_stays_what_it_is():
    error = errors.DeadlineError("Too late.")

    assert lookup().contact("C-1", error) is error


@pytest.mark.parametrize(
    "content, detail",
    [
        (b"", "empty"),
        (b"<html>", "html"),
        (b'{"error":"no such person"}', "error_answer"),
        (b'{"id":"C-1","email":"ada@customer.example","Email":"x"}', "similar_keys"),
        (b'{"id":"C-1","Email":"ada@customer.example"}', "similar_keys"),
        (b"null", "json_type"),
        (GOOD + GOOD, "json"),
        (GOOD[:-1], "json"),
        (b"\xff", "encoding"),
        (b"[" * 33 + b"]" * 33, "depth"),
        (b'"text"', "json_type"),
        (b"{}", "other_reference"),
        (b"[]", "other_reference"),
        (GOOD.replace(b"C-1", b"C-2"), "other_reference"),
        (b'{"id":"C-1","email":"x"}', "email_address"),
        (b'{"id":"C-1","email":5}', "address_type"),
        (b'{"id":"C-1","email":"\\ud800"}', "json"),
    ],
)
def test_an_answer_that_is_not_one_contact_for_this_reference_is_refused(content, detail):
    refused = lookup().contact("C-1", answer(content=content))

    assert isinstance(refused, errors.UnexpectedAnswerError)
    assert refused.detail == detail
    assert seen_in(every_view_of_error(refused)) == []


@pytest.mark.parametrize(
    "kind", [None, "text/html; charset=utf-8", "application/xhtml+xml", "application/json"]
)
def test_what_came_decides_and_not_what_its_headers_call_it(kind):
    headers = kind and {"content-type": kind}
    page = b"\n<html><body>Please sign in</body></html>"

    assert lookup().contact("C-1", answer(content=page, headers=headers)).detail == "html"
    assert isinstance(lookup().contact("C-1", answer(content=GOOD, headers=headers)), Contact)


def test_the_depth_is_the_one_of_the_limits():
    shallow = lookup(limits=Limits(max_depth=1))

    assert isinstance(shallow.contact("C-1", answer(content=GOOD)), Contact)
    assert shallow.contact("C-1", answer(content=b"[[]]")).detail == "depth"


# What a status means, word for word.
STATUSES = [
    (404, errors.ReferenceNotFoundError, "not_found"),
    (410, errors.ReferenceGoneError, "gone"),
    (401, errors.AuthenticationError, "auth_failed"),
    (403, errors.AuthenticationError, "auth_failed"),
    (429, errors.RateLimitedError, "rate_limited"),
    (408, errors.EndpointUnavailableError, "unavailable"),
    (500, errors.EndpointUnavailableError, "unavailable"),
    (502, errors.EndpointUnavailableError, "unavailable"),
    (503, errors.EndpointUnavailableError, "unavailable"),
    (504, errors.EndpointUnavailableError, "unavailable"),
    (599, errors.EndpointUnavailableError, "unavailable"),
    *(
        (status, errors.UnexpectedAnswerError, "bad_response")
        for status in (
            *(201, 202, 203, 204, 206, 299, 300, 301, 302, 303, 304, 307, 308),
            *(400, 402, 405, 406, 407, 409, 411, 418, 422, 425, 451, 600, 999),
        )
    ),
]


@pytest.mark.parametrize("status, kind, outcome", STATUSES)
def test_each_status_has_its_error_whatever_the_body_says(status, kind, outcome):
    refused = lookup().contact("C-1", answer(status, GOOD))

    assert type(refused) is kind
    assert (refused.outcome, refused.status, refused.step) == (outcome, status, "status")
    assert str(status) in str(refused)
    assert seen_in(every_view_of_error(refused)) == []


def test_200_is_read():
    assert refused_status(answer(200)) is None


@pytest.mark.parametrize("status, said", [(302, True), (300, True), (299, False), (400, False)])
def test_the_error_for_a_redirect_says_that_it_is_not_followed(status, said):
    headers = {"location": f"https://evil.example/{SECRET}"}

    message = str(refused_status(answer(status, headers=headers)))

    assert ("Redirects are not followed" in message) is said
    assert seen_in([message]) == []


@pytest.mark.parametrize(
    "status, wait", [(429, 7.0), (503, 7.0), (408, 7.0), (404, None), (401, None), (400, None)]
)
def test_how_long_to_wait_is_kept_where_trying_again_makes_sense(status, wait):
    assert refused_status(answer(status, headers={"retry-after": "7"})).retry_after == wait


def test_a_bug_while_reading_is_an_error_with_nothing_but_its_name():
    class Broken(ContactSelector):
        def _select(self, tree, reference_id):
            raise LookupError(tree)

    broken = Lookup(RequestTemplate(URL), Broken(email="$.email"), Limits())

    refused = broken.contact("C-1", answer(content=GOOD))

    assert isinstance(refused, errors.UnexpectedAnswerError)
    assert (refused.detail, refused.step) == ("bug:LookupError", "body")
    assert (refused.__context__, refused.__cause__) == (None, None)
    assert seen_in(every_view_of_error(refused)) == []


@given(strategies.json_values)
def test_any_json_is_a_contact_or_our_own_error(value):
    outcome = lookup().contact("C-1", answer(content=json.dumps(value).encode()))

    assert isinstance(outcome, Contact | CareofError)
    assert "bug" not in getattr(outcome, "detail", "")
