"""
What the resolvers tell ``on_event``.
"""

from __future__ import annotations

import contextlib

import httpx
import pytest

from careof import CareofError, ContactSelector, RequestTemplate, RetryPolicy
from careof.auth import AuthStrategy
from careof.errors import EndpointUnavailableError
from careof.testing import FakeClock
from tests.support.keepalive import KeepAlive
from tests.test_reused_connections import resolver as over_a_socket

PERSON = {"id": "p-1", "email": "kim@people.example"}


def told(shell, answers, reference="p-1", **options):
    """
    The events of one lookup that gets these *answers*.
    """
    events = []
    answers = iter(answers)
    resolver = shell.HttpResolver(
        RequestTemplate("https://crm.example/people/{reference_id}"),
        ContactSelector(email="$.email", reference_id="$.id"),
        **{
            "name": "crm",
            "retry": RetryPolicy(base=0.001, cap=0.001),
            "transport": httpx.MockTransport(lambda request: next(answers)),
            "on_event": events.append,
            "clock": FakeClock(),
            **options,
        },
    )
    with contextlib.suppress(CareofError):
        shell.call(resolver.resolve, reference)
    return events


def facts(events):
    return [(event.step, event.attempt, event.status, event.outcome) for event in events]


def test_a_lookup_tells_its_answer_its_try_and_itself(shell):
    events = told(shell, [httpx.Response(200, json=PERSON)])

    assert facts(events) == [
        ("status", 1, 200, "ok"),
        ("attempt", 1, 200, "ok"),
        ("resolve", 1, 200, "ok"),
    ]
    assert {(event.endpoint, event.host) for event in events} == {("crm", "crm.example")}


def test_each_try_tells_how_it_ended(shell):
    events = told(shell, [httpx.Response(503), httpx.Response(200, json=PERSON)])

    assert facts(events) == [
        ("status", 1, 503, "unavailable"),
        ("attempt", 1, 503, "unavailable"),
        ("status", 2, 200, "ok"),
        ("attempt", 2, 200, "ok"),
        ("resolve", 2, 200, "ok"),
    ]


@pytest.mark.parametrize(
    "body, step, detail",
    [
        (b"<html>", "body", "html"),
        (b'{"id": "p-2", "email": "kim@people.example"}', "selection", "other_reference"),
        (b'{"id": "p-1", "email": "nobody"}', "address", "not_an_address"),
    ],
)
def test_an_answer_that_is_no_contact_tells_where_it_failed(shell, body, step, detail):
    events = told(shell, [httpx.Response(200, content=body)])

    assert facts(events) == [
        (step, 1, 200, "bad_response"),
        ("attempt", 1, 200, "bad_response"),
        ("resolve", 1, 200, "bad_response"),
    ]


def test_a_reference_that_is_refused_never_reached_a_step(shell):
    events = told(shell, [], reference="kim@people.example")

    assert facts(events) == [("resolve", 1, None, "refused")]


class OwnError(EndpointUnavailableError):
    outcome = "on_holiday"


class Holiday(AuthStrategy):
    def __init__(self, step):
        self._step = step

    def apply(self, request):
        raise OwnError("The key keeper is away.", step=self._step)


@pytest.mark.parametrize(
    "step, steps", [("token", ["token", "attempt", "resolve"]), ("beach", ["attempt", "resolve"])]
)
def test_an_error_of_the_hosts_with_words_of_its_own_is_told_in_ours(shell, step, steps):
    events = told(shell, [], auth=Holiday(step), retry=RetryPolicy.never())

    assert {event.outcome for event in events} == {"unavailable"}
    assert [event.step for event in events] == steps


def test_a_connection_that_was_kept_has_no_steps_of_its_own(shell):
    events = []
    with KeepAlive() as server:
        resolver = over_a_socket(shell, server, on_event=events.append)
        for reference in ("ref-1", "ref-2"):
            shell.call(resolver.resolve, reference)
        shell.call(resolver.close if shell.name == "sync" else resolver.aclose)

    assert [event.step for event in events] == [
        "destination",
        "connect",
        "status",
        "attempt",
        "resolve",
        "status",
        "attempt",
        "resolve",
    ]


def test_what_a_hook_raises_changes_nothing(shell):
    def broken(event):
        raise ZeroDivisionError

    resolver = shell.HttpResolver(
        RequestTemplate("https://crm.example/people/{reference_id}"),
        ContactSelector(email="$.email"),
        transport=httpx.MockTransport(lambda request: httpx.Response(200, json=PERSON)),
        on_event=broken,
    )

    assert shell.call(resolver.resolve, "p-1").email is not None
