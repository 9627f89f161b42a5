"""
The tests of the host: no network, no mail, no patching.
"""

from __future__ import annotations

import httpx
import pytest

from careof.testing import FakeContactEndpoint, RecordingSender

from .surveys import create_app


@pytest.fixture
def endpoint():
    people = {"p-1": {"id": "p-1", "email": "kim@people.example"}}
    return FakeContactEndpoint(people, token_path="/oauth/token")


@pytest.fixture
def sender():
    return RecordingSender()


@pytest.fixture
def app(endpoint, sender, monkeypatch):
    monkeypatch.setenv("CRM_CLIENT_SECRET", "made-up")
    return create_app(
        {
            "TESTING": True,
            "CRM_TRANSPORT": endpoint,
            "SURVEY_SENDER": sender,
        }
    )


def test_one_person_is_asked_once(app, sender):
    client, order = app.test_client(), {"reference_id": "p-1"}
    answers = [client.post("/surveys/s-7/sendings", json=order) for _ in range(2)]

    assert [answer.json["outcome"] for answer in answers] == ["sent", "duplicate"]
    assert [it.contact.email.reveal() for it in sender.sent] == ["kim@people.example"]


def test_the_command_says_what_became_of_those_who_got_none(app, tmp_path):
    references = tmp_path / "references.txt"
    references.write_text("p-1\np-9\n", encoding="utf-8")
    result = app.test_cli_runner().invoke(args=["send-survey", "s-7", str(references)])

    assert result.output == "p-9 not_found\nsent 1, not_found 1\n"


@pytest.mark.parametrize(
    "failure, works", [(None, True), ("forbidden", False)], ids=["works", "forbidden"]
)
def test_the_button_says_whether_it_works(app, endpoint, failure, works):
    endpoint.play(failure)
    order = {"reference_id": "p-1"}
    answer = app.test_client().post("/contact-endpoint/check", json=order)

    assert answer.json["ok"] is works
    assert "kim@people.example" not in answer.text


def test_an_application_is_built_without_the_secrets_that_it_will_need(monkeypatch):
    monkeypatch.delenv("CRM_CLIENT_SECRET", raising=False)
    app = create_app()

    assert repr(app.extensions["surveys"].resolver).startswith("HttpResolver(")


def test_the_environment_says_where_the_customer_is(monkeypatch):
    monkeypatch.setenv("SURVEYS_CRM_ORIGIN", "https://staging.customer.example")
    monkeypatch.setenv("CRM_CLIENT_SECRET", "made-up")
    hosts = []

    def answer(request):
        hosts.append(request.url.host)
        return httpx.Response(404)

    app = create_app({"CRM_TRANSPORT": httpx.MockTransport(answer)})
    app.extensions["surveys"].resolver.check("p-1")

    assert set(hosts) == {"staging.customer.example"}
