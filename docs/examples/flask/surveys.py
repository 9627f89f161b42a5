"""
Surveys on Flask: it stores reference ids, and the customer knows who they are.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import click
from flask import Blueprint, Config, Flask, current_app, request

from careof import (
    ContactSelector,
    Dispatcher,
    HttpResolver,
    Invitation,
    MemoryLedger,
    RequestTemplate,
    RetryPolicy,
    Secret,
    SmtpSender,
    SurveySender,
)
from careof.auth import OAuth2ClientCredentials


# --- extension
class Surveys:
    """
    What the application sends with, built from its configuration when first asked for.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        # In earnest a ledger over your database: this one ends with the process.
        self._ledger = MemoryLedger()

    @functools.cached_property
    def resolver(self) -> HttpResolver:
        """
        How to ask the customer who a reference is.
        """
        origin = self._config["CRM_ORIGIN"]
        transport = self._config.get("CRM_TRANSPORT")  # in tests
        return HttpResolver(
            RequestTemplate(f"{origin}/people/{{reference_id}}"),
            ContactSelector(email="$.email", reference_id="$.id"),
            auth=OAuth2ClientCredentials(
                f"{origin}/oauth/token",
                "surveys",
                Secret.from_env("CRM_CLIENT_SECRET"),
            ),
            retry=RetryPolicy.never() if transport else RetryPolicy(),
            name="crm of tenant 12",
            transport=transport,
        )

    @functools.cached_property
    def sender(self) -> SurveySender:
        """
        The mail server; in tests, what they bring.
        """
        return self._config.get("SURVEY_SENDER") or SmtpSender(
            self._config["SMTP_HOST"],
            from_address="Surveys <surveys@host.example>",
            username="surveys",
            password=Secret.from_env("SMTP_PASSWORD"),
        )

    @functools.cached_property
    def dispatcher(self) -> Dispatcher:
        """
        Both of them, and a ledger.
        """
        return Dispatcher(self.resolver, self.sender, ledger=self._ledger)


def surveys() -> Surveys:
    """
    Those of the application at hand.
    """
    return current_app.extensions["surveys"]


# --- factory
def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """
    An application of its own; *config* goes before the environment and what is here.
    """
    app = Flask(__name__)
    app.config["CRM_ORIGIN"] = "https://crm.customer.example"
    app.config["SMTP_HOST"] = "mail.host.example"
    app.config.from_prefixed_env("SURVEYS")
    app.config.update(config or {})
    app.extensions["surveys"] = Surveys(app.config)  # opens nothing, reads no secret
    app.register_blueprint(pages)
    return app


# --- pages
pages = Blueprint("surveys", __name__, cli_group=None)


def invitation_of(survey_id: str) -> Invitation:
    """
    What is sent, with a link to the survey.
    """
    return Invitation(
        survey_id=survey_id,
        channel="email",
        subject="How was it?",
        text="Three questions, one minute: {survey_url}",
        urls={"survey_url": f"https://surveys.example/{survey_id}"},
    )


@pages.post("/surveys/<survey_id>/sendings")
def send(survey_id: str) -> dict[str, Any]:
    """
    Ask one person, and say what became of it.
    """
    reference_id = request.json["reference_id"]
    receipt = surveys().dispatcher.send(reference_id, invitation_of(survey_id))
    return receipt.to_dict()


@pages.post("/contact-endpoint/check")
def check() -> dict[str, Any]:
    """
    The button "test the configuration": each step, and what to do if it fails.
    """
    return surveys().resolver.check(request.json["reference_id"]).to_dict()


# --- command
@pages.cli.command("send-survey")
@click.argument("survey_id")
@click.argument("references", type=click.File(encoding="utf-8"))
def send_survey(survey_id: str, references: click.utils.LazyFile) -> None:
    """
    Send a survey to the references in a file, one a line.
    """
    ids = (line.strip() for line in references)
    with surveys().dispatcher.send_many(ids, invitation_of(survey_id)) as batch:
        for receipt in batch:
            if not receipt.ok:
                click.echo(f"{receipt.reference_id} {receipt.outcome}")
    click.echo(batch.tally)
