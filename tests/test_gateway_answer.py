from __future__ import annotations

import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from careof import CareofError, errors
from careof._sending.sms.answer import GatewayAnswers
from careof.errors import ConfigurationError
from tests.support.canary import EMAIL, NAME, PHONE, seen_in
from tests.support.texts import SHAPES

CODES = {
    "21211": "rejected",
    "stop": "suppressed",
    "busy": "unavailable",
    "0": "sent",
    "true": "uncertain",
}


def answers(message_id="$.id", error="$.code", outcomes=None, max_depth=32):
    return GatewayAnswers(
        "HttpGatewaySender",
        message_id=message_id,
        error=error,
        outcomes=outcomes or {},
        max_depth=max_depth,
    )


def outcome(status=200, body=None, *, headers=None, **options):
    """
    The word for an answer, and the id or the detail.
    """
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = httpx.Response(status, content=content, headers=headers)
    return told(answers(**options).outcome(response, was_handed_over=True))


def told(judged):
    if isinstance(judged, CareofError):
        assert type(judged).outcome == judged.outcome
        return judged.outcome, judged.detail
    return "sent", judged


# What a status means by itself.


@pytest.mark.parametrize("status", [200, 201, 202, 204, 207, 299])
def test_without_a_path_a_success_is_one_whatever_its_body(status):
    assert outcome(status, b"<html>", message_id=None, error=None) == ("sent", None)


@pytest.mark.parametrize(
    "statuses, word",
    [
        ([400, 413, 422], "rejected"),
        ([401, 402, 403, 404, 405, 406, 407, 410, 411, 415, 421, 423, 451], "unavailable"),
        ([429], "rate_limited"),
        ([300, 301, 302, 303, 307, 308, 408, 409, 500, 501, 502, 503, 504, 599], "uncertain"),
        ([199, 600, 999], "uncertain"),
    ],
)
@pytest.mark.parametrize("paths", [{}, {"message_id": None, "error": None}])
def test_every_other_status_has_a_meaning(statuses, word, paths):
    for status in statuses:
        assert outcome(status, b"", **paths) == (word, f"gateway_{status}")


def test_a_success_with_an_id_is_one():
    assert outcome(201, {"id": "m-1"}) == ("sent", "m-1")
    assert outcome(201, {"id": 17}) == ("sent", "17")


@pytest.mark.parametrize("value", [None, "", True, 1.5, ["m-1"], {"id": "m-1"}])
def test_a_success_with_something_else_for_an_id_is_uncertain(value):
    assert outcome(200, {"id": value}) == ("uncertain", "no_message_id")
    assert outcome(200, {}) == ("uncertain", "no_message_id")
    assert outcome(200, {"ID": "m-1"}) == ("uncertain", "no_message_id")


@pytest.mark.parametrize(
    "body", [b"", b"OK", b"<html>Please log in</html>", b'{"id": "m-1"', b"[" * 40 + b"]" * 40]
)
def test_a_success_that_cannot_be_read_is_uncertain(body):
    assert outcome(200, body) == ("uncertain", "gateway_answer")
    assert outcome(200, body, error=None) == ("uncertain", "gateway_answer")


# What a code means.


@pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
@pytest.mark.parametrize(
    "code, word",
    [("21211", "rejected"), (21211, "rejected"), ("stop", "suppressed"), (True, "uncertain")],
)
def test_a_code_that_has_a_meaning_goes_before_the_status(status, code, word):
    written = "true" if code is True else code

    assert outcome(status, {"code": code}, outcomes=CODES) == (word, f"code:{written}")


def test_a_code_can_mean_success():
    assert outcome(200, {"code": "0", "id": "m-1"}, outcomes=CODES) == ("sent", "m-1")
    assert outcome(200, {"code": 0}, outcomes=CODES) == ("sent", None)


@pytest.mark.parametrize("code", [None, ""])
@pytest.mark.parametrize("body", [{"id": "m-1"}, {"id": "m-1", "code": None}])
def test_without_a_code_a_success_is_one(code, body):
    assert outcome(200, body | ({"code": code} if "code" in body else {})) == ("sent", "m-1")


def test_a_path_to_a_code_may_lead_nowhere():
    assert outcome(200, {"id": "m-1"}, error="$.errors[0].code") == ("sent", "m-1")
    assert outcome(200, {"id": "m-1", "errors": []}, error="$.errors[0].code") == ("sent", "m-1")


def test_where_a_code_means_success_its_absence_does_not():
    assert outcome(200, {"id": "m-1"}, outcomes=CODES) == ("uncertain", "gateway_answer")


@pytest.mark.parametrize(
    "code, detail",
    [
        (30, "code:30"),
        ("999999", "code:999999"),
        ("1234567", "gateway_200"),
        (PHONE, "gateway_200"),
        (NAME, "gateway_200"),
        (EMAIL, "gateway_200"),
        ("x" * 65, "gateway_200"),
        (False, "gateway_200"),
        (1.5, "gateway_200"),
        ([21211], "gateway_200"),
        ({"code": "21211"}, "gateway_200"),
    ],
)
def test_a_success_with_a_code_without_a_meaning_is_uncertain(code, detail):
    assert outcome(200, {"id": "m-1", "code": code}, outcomes={"21211": "rejected"}) == (
        "uncertain",
        detail,
    )
    assert outcome(200, {"id": "m-1", "Code": code})[0] == "uncertain"


def test_a_code_without_a_meaning_leaves_the_status_its_own():
    assert outcome(400, {"code": 7}) == ("rejected", "code:7")
    assert outcome(401, {"code": "who?"}) == ("unavailable", "gateway_401")


def test_a_status_can_be_given_a_meaning():
    options = {
        "outcomes": {402: "unavailable", 400: "unavailable", 409: "sent", 503: "unavailable"}
    }

    assert outcome(400, b"", **options) == ("unavailable", "gateway_400")
    assert outcome(503, {"code": 7}, **options) == ("unavailable", "code:7")
    assert outcome(409, {"id": "m-1"}, **options) == ("sent", "m-1")
    assert outcome(409, b"", **options) == ("sent", None)


@pytest.mark.parametrize(
    "status, body, word, wait",
    [
        (429, {}, "rate_limited", 30),
        (503, {"code": "busy"}, "unavailable", 30),
        (401, {}, "unavailable", 30),
        (400, {}, "rejected", None),
        (503, {}, "uncertain", None),
    ],
)
def test_when_to_come_back_is_told_where_nothing_was_accepted(status, body, word, wait):
    response = httpx.Response(status, json=body, headers={"Retry-After": "30"})

    error = answers(outcomes=CODES).outcome(response, was_handed_over=True)

    assert (error.outcome, error.retry_after, error.status) == (word, wait, status)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_the_answers_of_three_gateways(shape):
    assert outcome(200, shape.accepted, **shape.options) == ("sent", shape.message_id)
    for status, body, word, detail in shape.refused:
        assert outcome(status, body, **shape.options) == (word, detail)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["id", "code", "x"]), inner),
)


@given(st.integers(200, 599), JSON | st.binary(max_size=20))
def test_every_answer_has_one_outcome_and_only_a_success_is_sent(status, body):
    word, _ = outcome(status, body, outcomes={"1": "rejected"})

    assert word in ("sent", "rejected", "unavailable", "rate_limited", "uncertain")
    assert word != "sent" or (status < 300 and isinstance(body, dict) and body["id"] != "")


# What no answer means.

FAILURES = [
    errors.EndpointUnavailableError(EMAIL, detail="incomplete_answer", step="status"),
    errors.DeadlineError(EMAIL, detail="deadline", step="status", retry_after=9),
    errors.UnexpectedAnswerError(EMAIL, detail="too_large", step="status"),
    errors.AuthenticationError(EMAIL, detail="strategy:KeyError", step="token"),
    errors.RateLimitedError(EMAIL, step="token", retry_after=9),
]


@pytest.mark.parametrize("failure", FAILURES)
def test_after_the_first_byte_no_answer_is_uncertain(failure):
    error = answers().outcome(failure, was_handed_over=True)

    assert told(error) == ("uncertain", "gateway_no_answer")
    assert seen_in([f"{error} {vars(error)}"]) == []


@pytest.mark.parametrize("failure", FAILURES)
def test_before_the_first_byte_nothing_was_accepted(failure):
    error = answers().outcome(failure, was_handed_over=False)

    assert told(error) == ("unavailable", failure.detail)
    assert error.retry_after == failure.retry_after
    assert seen_in([f"{error} {vars(error)}"]) == []


def test_a_transport_that_made_no_connection_has_sent_nothing():
    failure = errors.EndpointUnavailableError("no", detail="ConnectError", step="connect")

    assert told(answers().outcome(failure, was_handed_over=True)) == (
        "unavailable",
        "ConnectError",
    )


def test_a_policy_that_refuses_the_gateway_is_told_as_it_is():
    failure = errors.DestinationRefusedError("no", detail="destination", step="destination")

    assert answers().outcome(failure, was_handed_over=False) is failure
    assert told(answers().outcome(failure, was_handed_over=True))[0] == "uncertain"


def test_a_bug_in_reading_leaves_the_message_uncertain():
    class Broken(httpx.Response):
        @property
        def content(self):
            raise KeyError(PHONE)

    error = answers().outcome(Broken(200), was_handed_over=True)

    assert told(error) == ("uncertain", "bug:KeyError")
    assert PHONE not in f"{error} {vars(error)}"


# What cannot be configured.


@pytest.mark.parametrize(
    "options, match",
    [
        ({"message_id": "id"}, "HttpGatewaySender: message_id"),
        ({"error": 5}, "HttpGatewaySender: error"),
        ({"outcomes": [("21211", "rejected")]}, "outcomes: expected a mapping"),
        ({"outcomes": {21211: "rejected"}}, r'as texts, such as "21211"'),
        ({"outcomes": {200: "sent"}}, "from 300 to 599"),
        ({"outcomes": {True: "sent"}}, "from 300 to 599"),
        ({"outcomes": {"": "sent"}}, "from 300 to 599"),
        ({"outcomes": {"x" * 65: "sent"}}, "from 300 to 599"),
        ({"outcomes": {"1": "gone"}}, r"outcomes\['1'\]: expected one of sent, rejected"),
        ({"outcomes": {"1": "rejected"}, "error": None}, "error= must say where"),
    ],
)
def test_what_cannot_work_is_refused(options, match):
    with pytest.raises(ConfigurationError, match=match):
        answers(**options)


def test_statuses_need_no_path():
    assert outcome(404, b"", error=None, outcomes={404: "rejected"}) == ("rejected", "gateway_404")
