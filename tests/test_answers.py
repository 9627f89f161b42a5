from __future__ import annotations

import time
from datetime import UTC, datetime
from email.utils import format_datetime, formatdate

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from careof._network.answers import LONGEST, nothing_was_accepted, retry_after, try_later
from careof.errors import EndpointUnavailableError, RateLimitedError


def said(text):
    return retry_after(httpx.Headers({"Retry-After": text}))


def test_without_the_header_nothing_is_known():
    assert retry_after(httpx.Headers()) is None


@pytest.mark.parametrize(
    "text, seconds",
    [("0", 0), ("30", 30), (" 30 ", 30), ("0030", 30), ("86401", LONGEST), ("9" * 400, LONGEST)],
)
def test_a_number_is_seconds_up_to_a_day(text, seconds):
    assert said(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "soon", "-1", "+1", "1.5", "1e3", "0x10", "inf", "nan", "30, 60", "Wed, 99 Foo"]
)
def test_what_is_neither_a_number_nor_a_date_says_nothing(text):
    assert said(text) is None


def test_digits_of_another_script_say_nothing():
    assert retry_after(httpx.Headers([(b"retry-after", "٣".encode())])) is None


def test_a_date_is_the_time_until_then():
    assert 3_500 < said(formatdate(time.time() + 3_600, usegmt=True)) <= 3_600


@pytest.mark.parametrize(
    "moment, seconds",
    [(datetime(2015, 10, 21, tzinfo=UTC), 0), (datetime(9999, 1, 1, tzinfo=UTC), LONGEST)],
)
def test_a_date_in_the_past_is_now_and_a_far_one_is_a_day(moment, seconds):
    assert said(format_datetime(moment, usegmt=True)) == seconds


@pytest.mark.parametrize("text", ["Wed, 21 Oct 2015 07:28:00 +9999999999", "1 Jan 1"])
def test_an_impossible_date_says_nothing(text):
    assert said(text) is None


dates = st.lists(
    st.sampled_from(["Wed,", "21", "Oct", "2015", "07:28:00", "GMT", "+0000", "-", ",", ":", "99"])
).map(" ".join)


@given(st.text(st.characters(codec="latin-1")) | dates)
def test_any_text_is_a_wait_within_a_day_or_nothing(text):
    wait = retry_after(httpx.Headers([(b"retry-after", text.encode("latin-1"))]))

    assert wait is None or 0 <= wait <= LONGEST


def test_a_date_counts_from_the_answers_own_date():
    headers = {
        "Date": "Wed, 21 Oct 2015 07:28:00 GMT",
        "Retry-After": "Wed, 21 Oct 2015 07:28:30 -0000",
    }

    assert retry_after(httpx.Headers(headers)) == 30


@pytest.mark.parametrize(
    "status, kind",
    [
        (408, EndpointUnavailableError),
        (429, RateLimitedError),
        (500, EndpointUnavailableError),
        (599, EndpointUnavailableError),
    ],
)
def test_a_status_that_means_later_says_so_and_how_long(status, kind):
    response = httpx.Response(status, headers={"Retry-After": "7"})
    error = try_later(response, "The endpoint", detail="status")

    assert type(error) is kind
    assert (error.status, error.retry_after, error.detail) == (status, 7, "status")


@pytest.mark.parametrize("status", [200, 302, 400, 404, 410, 428, 430, 499, 600])
def test_no_other_status_means_later(status):
    assert try_later(httpx.Response(status), "The endpoint", detail="status") is None


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422, 429, 499])
def test_a_4xx_says_that_nothing_happened(status):
    assert nothing_was_accepted(status)


@pytest.mark.parametrize("status", [100, 200, 204, 302, 399, 408, 409, 500, 503])
def test_nothing_else_says_so(status):
    assert not nothing_was_accepted(status)
