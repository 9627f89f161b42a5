"""
The host of docs/examples/sentry, as a program, so that Sentry's patches end with it.

``python -m tests.support.watched_host`` reads the failures to play as JSON,
and prints what would have been sent, an envelope a line.
"""

from __future__ import annotations

import json
import logging
import sys

import sentry_sdk
from flask import Flask, request

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
from docs.examples.sentry import surveys
from tests.support.canary import PERSON, SECRET
from tests.support.watched import Printing


class Dropping(RecordingSender):
    """
    A sender whose connection breaks, and whose exception names the person.
    """

    def send(self, contact, message):
        raise ConnectionResetError(contact.email.reveal())


def play(failure):
    endpoint = FakeContactEndpoint({"C-1": PERSON})
    endpoint.play(failure)
    resolver = HttpResolver(
        RequestTemplate("https://crm.customer.example/people/{reference_id}"),
        ContactSelector(
            email="$.email",
            phone="$.phone",
            reference_id="$.id",
            attributes={"first_name": "$.first_name"},
        ),
        auth=BearerAuth(SECRET),
        retry=RetryPolicy.never(),
        transport=endpoint,
    )
    surveys.has_email(resolver, "C-1")
    invitation = Invitation(
        survey_id=f"s-{failure}", channel="email", subject="Dear {first_name}", text="How was it?"
    )
    dispatcher = Dispatcher(resolver, Dropping(), on_event=surveys.report)
    surveys.send(dispatcher, ["C-1", "C-1"], invitation)


def fail_at_an_import():
    """
    A page of the host that is posted people, and does not take them.
    """
    app = Flask("host")

    @app.post("/people")
    def people():
        request.get_data()
        raise ValueError

    app.test_client().post("/people", json=[PERSON], headers={"X-Api-Key": SECRET})


if __name__ == "__main__":
    logging.getLogger().setLevel(logging.DEBUG)
    surveys.watch("https://nobody@localhost/1", transport=Printing, traces_sample_rate=1.0)
    for failure in json.load(sys.stdin):
        play(failure)
    fail_at_an_import()
    sentry_sdk.flush()
