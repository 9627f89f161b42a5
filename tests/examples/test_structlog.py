"""
structlog at DEBUG, with locals: what a host writes shows references, and nobody.
"""

from __future__ import annotations

import io
import json
import logging

import pytest
import structlog

from careof import (
    ContactSelector,
    Dispatcher,
    HttpResolver,
    Invitation,
    RequestTemplate,
    RetryPolicy,
)
from careof.auth import BearerAuth
from careof.testing import FakeContactEndpoint, RecordingSender
from docs.examples.structlog import surveys
from tests.support.canary import EMAIL, NAME, PERSON, PHONE, SECRET, seen_in

FAILURES = ["unauthorized", "malformed", "not_json", "somebody_else", "unavailable", "timeout"]
INVITATION = Invitation(
    survey_id="s-7", channel="email", subject="Dear {first_name}", text="How was it?"
)


@pytest.fixture
def stream():
    """
    What was written, at DEBUG; afterwards logging is as it was.
    """
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    surveys.configure(stream, logging.DEBUG)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def endpoint():
    return FakeContactEndpoint({"C-1": PERSON})


@pytest.fixture
def resolver(endpoint):
    return HttpResolver(
        RequestTemplate("https://crm.customer.example/people/{reference_id}"),
        ContactSelector(
            email="$.email",
            phone="$.phone",
            reference_id="$.id",
            attributes={"first_name": "$.first_name"},
        ),
        auth=BearerAuth(SECRET),
        retry=RetryPolicy.never(),
        name="crm of tenant 12",
        on_event=surveys.log_event,
        transport=endpoint,
    )


def records(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_run_is_written_as_key_value_pairs(stream, resolver):
    dispatcher = Dispatcher(resolver, RecordingSender(), on_event=surveys.log_receipt)
    surveys.send(dispatcher, ["C-1", "C-9"], INVITATION)
    receipts = [it for it in records(stream) if it["event"] == "receipt"]
    ended = records(stream)[-1]

    assert {(it["run"], it["reference_id"], it["outcome"], it["level"]) for it in receipts} == {
        ("2026-11", "C-1", "sent", "info"),
        ("2026-11", "C-9", "not_found", "warning"),
    }
    assert (ended["run"], ended["outcomes"]) == ("2026-11", {"sent": 1, "not_found": 1})
    assert seen_in([stream.getvalue()], [EMAIL, PHONE, NAME, SECRET]) == []


def test_a_lookup_is_written_without_a_reference(stream, resolver):
    resolver.resolve("C-1")
    lookups = [it for it in records(stream) if it["event"] == "lookup"]

    assert lookups[-1]["endpoint"] == "crm of tenant 12"
    assert lookups[-1]["step"] == "resolve"
    assert "C-1" not in stream.getvalue()


@pytest.mark.parametrize("failure", [None, *FAILURES])
def test_nothing_leaks_at_debug_with_the_locals_of_every_frame(
    stream, resolver, endpoint, failure
):
    endpoint.play(failure)
    surveys.look_up(resolver, "C-1")
    last = records(stream)[-1]

    assert last["event"] == ("not found" if failure else "found")
    assert failure is None or "locals" in last["exception"][0]["frames"][0]
    assert seen_in([stream.getvalue()], [EMAIL, PHONE, NAME, SECRET]) == []
