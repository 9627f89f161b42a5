"""
What the host of docs/examples/sentry sends to Sentry, with local variables switched on.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import pytest

from tests.support.canary import seen_in

ROOT = pathlib.Path(__file__).parents[2]
CANARIES = ("canary", "Canary", "+4420")  # how each of them begins: a part is too much
FAILURES = ["unauthorized", "malformed", "somebody_else", "not_found", "unavailable", None]


@pytest.fixture(scope="module")
def sent():
    return subprocess.run(
        [sys.executable, "-m", "tests.support.watched_host"],
        input=json.dumps(FAILURES),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        cwd=ROOT,
    ).stdout


def payloads(sent, kind):
    """
    The items of a *kind* in the envelopes.
    """
    decoder = json.JSONDecoder()
    for line in sent.splitlines():
        values, at = [], 0
        while at < len(line.rstrip()):
            value, at = decoder.raw_decode(line, at)
            values.append(value)
            at += 1  # a line break, printed as a space
        heads_and_bodies = zip(values[1::2], values[2::2], strict=True)
        yield from (body for head, body in heads_and_bodies if head["type"] == kind)


def test_a_page_that_fails_is_sent_without_what_was_posted_to_it(sent):
    events = [it for it in payloads(sent, "event") if "request" in it]

    assert [it["request"]["url"] for it in events] == ["http://localhost/people"]
    assert events[0]["request"]["method"] == "POST"
    assert not events[0]["request"].get("data")


def test_an_error_comes_with_the_variables_of_the_frames_of_the_host(sent):
    events = [it for it in payloads(sent, "event") if "exception" in it and "request" not in it]
    frames = events[0]["exception"]["values"][0]["stacktrace"]["frames"]
    variables = {name: value for frame in frames for name, value in frame["vars"].items()}

    assert len(events) == len(FAILURES) - 1
    assert variables["reference_id"] == "'C-1'"


def test_nothing_of_a_lookup_or_a_message_is_sent(sent):
    assert seen_in([sent], CANARIES) == []


def test_an_issue_is_for_a_survey_and_a_cause_and_not_for_a_person(sent):
    messages = [it for it in payloads(sent, "event") if "exception" not in it]
    causes = {tuple(it["fingerprint"]) for it in messages}

    assert causes == {
        ("s-unauthorized", "auth_failed", "endpoint"),
        ("s-malformed", "bad_response", "json"),
        ("s-somebody_else", "bad_response", "other_reference"),
        ("s-None", "uncertain", "ConnectionResetError"),
    }
    assert not any("C-1" in json.dumps(it) for it in messages)


def test_a_transaction_has_no_span_of_a_lookup(sent):
    transactions = [it for it in payloads(sent, "transaction") if "request" not in it]

    assert len(transactions) == len(FAILURES)
    assert [it["spans"] for it in transactions] == [[]] * len(FAILURES)
