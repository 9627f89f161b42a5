"""
The FastAPI and the Flask host at DEBUG: what they log and answer shows nobody.
"""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from careof.testing import AsyncRecordingSender, FakeContactEndpoint, RecordingSender
from docs.examples.fastapi import surveys as on_fastapi
from docs.examples.flask import surveys as on_flask
from tests.support.canary import EMAIL, NAME, PERSON, PHONE, SECRET, all_logs, seen_in

FAILURES = [None, "unauthorized", "malformed", "somebody_else", "not_json", "unavailable"]
CANARIES = [EMAIL, PHONE, NAME, SECRET]


@pytest.fixture
def endpoint(monkeypatch):
    monkeypatch.setenv("CRM_CLIENT_SECRET", SECRET)
    return FakeContactEndpoint({"C-1": PERSON}, token_path="/oauth/token")


@pytest.fixture
def fastapi_client(endpoint):
    app, sender = on_fastapi.app, AsyncRecordingSender()
    resolver = on_fastapi.make_resolver(transport=endpoint)
    app.dependency_overrides = {
        on_fastapi.the_resolver: lambda: resolver,
        on_fastapi.the_sender: lambda: sender,
    }
    with TestClient(app) as client:
        yield client
    app.dependency_overrides = {}


@pytest.fixture
def flask_client(endpoint):
    config = {"CRM_TRANSPORT": endpoint, "SURVEY_SENDER": RecordingSender(), "DEBUG": True}
    return on_flask.create_app(config).test_client()


@pytest.mark.parametrize("failure", FAILURES)
def test_fastapi_shows_nobody(fastapi_client, endpoint, failure):
    endpoint.play(failure)
    with all_logs() as logs:
        begun = fastapi_client.post("/surveys/s-7/sendings", json={"reference_ids": ["C-1"]})
        checked = fastapi_client.post("/contact-endpoint/check", json={"reference_id": "C-1"})
        receipts = fastapi_client.get("/surveys/s-7/receipts")

    assert begun.status_code == 202
    assert checked.json()["ok"] is (failure is None)
    assert [it["outcome"] == "sent" for it in receipts.json()] == [failure is None]
    assert seen_in([*logs, begun.text, checked.text, receipts.text], CANARIES) == []


@pytest.mark.parametrize("failure", FAILURES)
def test_flask_shows_nobody(flask_client, endpoint, failure):
    endpoint.play(failure)
    with all_logs() as logs:
        sent = flask_client.post("/surveys/s-7/sendings", json={"reference_id": "C-1"})
        checked = flask_client.post("/contact-endpoint/check", json={"reference_id": "C-1"})

    assert (sent.json["outcome"] == "sent") is (failure is None)
    assert checked.json["ok"] is (failure is None)
    assert seen_in([*logs, sent.text, checked.text], CANARIES) == []


def test_the_button_names_a_secret_that_the_environment_lacks(fastapi_client, monkeypatch):
    monkeypatch.delenv("CRM_CLIENT_SECRET")
    answer = fastapi_client.post("/contact-endpoint/check", json={"reference_id": "C-1"})
    failed = [step for step in answer.json()["steps"] if step["state"] == "failed"]

    assert [step["name"] for step in failed] == ["token"]
    assert "env:CRM_CLIENT_SECRET" in failed[0]["remark"]


def test_an_address_where_a_reference_belongs_is_refused_and_not_kept(
    fastapi_client, flask_client
):
    begun = fastapi_client.post("/surveys/s-7/sendings", json={"reference_ids": [EMAIL]})
    receipts = fastapi_client.get("/surveys/s-7/receipts")
    sent = flask_client.post("/surveys/s-7/sendings", json={"reference_id": EMAIL})

    assert [it["outcome"] for it in [*receipts.json(), sent.json]] == ["refused", "refused"]
    assert seen_in([begun.text, receipts.text, sent.text], CANARIES) == []
