"""
The tests of the host: no network, no mail, no patching.
"""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from careof.testing import AsyncRecordingSender, FakeContactEndpoint

from .surveys import app, make_resolver, the_resolver, the_sender


@pytest.fixture
def endpoint():
    people = {"p-1": {"id": "p-1", "email": "kim@people.example"}}
    return FakeContactEndpoint(people, token_path="/oauth/token")


@pytest.fixture
def sender():
    return AsyncRecordingSender()


@pytest.fixture
def client(endpoint, sender, monkeypatch):
    monkeypatch.setenv("CRM_CLIENT_SECRET", "made-up")
    resolver = make_resolver(transport=endpoint)
    app.dependency_overrides[the_resolver] = lambda: resolver
    app.dependency_overrides[the_sender] = lambda: sender
    with TestClient(app) as client:  # `with`: the lifespan runs
        yield client
    app.dependency_overrides.clear()


def test_everybody_gets_a_receipt_and_those_who_are_known_a_mail(client, sender):
    order = {"reference_ids": ["p-1", "p-9"]}
    answer = client.post("/surveys/s-7/sendings", json=order)
    receipts = client.get("/surveys/s-7/receipts").json()

    assert answer.json() == {"accepted": 2}
    assert {(it["reference_id"], it["outcome"]) for it in receipts} == {
        ("p-1", "sent"),
        ("p-9", "not_found"),
    }
    assert [it.contact.email.reveal() for it in sender.sent] == ["kim@people.example"]


def test_nobody_is_asked_twice(client, sender):
    for _ in range(2):
        client.post("/surveys/s-7/sendings", json={"reference_ids": ["p-1"]})

    assert len(sender.sent) == 1
    assert [it["outcome"] for it in client.get("/surveys/s-7/receipts").json()] == [
        "sent",
        "duplicate",
    ]


def check(client, reference_id):
    answer = client.post("/contact-endpoint/check", json={"reference_id": reference_id})
    return answer.json()


def test_the_button_says_what_works(client):
    report = check(client, "p-1")

    assert report["ok"]
    assert "kim@people.example" not in str(report)


def test_the_button_says_what_does_not(client, endpoint):
    endpoint.play("forbidden")
    report = check(client, "p-1")

    assert (report["ok"], report["outcome"]) == (False, "auth_failed")
