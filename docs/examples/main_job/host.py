"""
The host: an application that sends surveys and holds reference ids, not addresses.

This is all that an application writes.  Everything else in this folder is
there to show that it works, and that nothing stays behind.
"""

from __future__ import annotations

import csv
import pathlib
import ssl
from collections.abc import Mapping
from typing import Any

from careof import (
    ContactSelector,
    HttpResolver,
    Invitation,
    Limits,
    NetworkPolicy,
    Recipient,
    RequestTemplate,
    Secret,
    SmtpSender,
)
from careof.auth import OAuth2ClientCredentials

TEXT = """\
Dear {first_name},

you visited us in {place} on {visited_on}. How was it?

{survey_url}

Three questions, one minute. Thank you!
"""

HTML = """\
<p>Dear {first_name},</p>
<p>you visited us in {place} on {visited_on}.
<a href="{survey_url}">How was it?</a></p>
<p>Three questions, one minute. Thank you!</p>
"""


def read_records(path: pathlib.Path) -> list[dict[str, str]]:
    """
    What the host knows about people: a reference id, and a visit.
    """
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def make_recipient(record: Mapping[str, str]) -> Recipient:
    """
    Whom to send to, with what the host itself knows for the message.
    """
    return Recipient(
        record["reference_id"],
        variables={"visited_on": record["visited_on"], "place": record["place"]},
    )


def make_invitation(links: Mapping[str, str]) -> Invitation:
    """
    The survey, with a link of their own for each person.
    """
    return Invitation(
        survey_id="visit-2026",
        wave="May",
        channel="email",
        subject="How was your visit to {place}, {first_name}?",
        text=TEXT,
        html=HTML,
        urls={"survey_url": links.__getitem__},
    )


def make_resolver(doors: Mapping[str, Any]) -> HttpResolver:
    """
    How to ask the customer who a reference is.
    """
    customer = f"https://127.0.0.1:{doors['https_port']}"
    return HttpResolver(
        RequestTemplate(
            f"{customer}/contacts/lookup", method="POST", json={"reference": "{reference_id}"}
        ),
        ContactSelector(
            email="$.contact.email",
            phone="$.contact.phone",
            reference_id="$.reference",  # the echo: an answer about somebody else is refused
            attributes={"first_name": "$.contact.first_name"},
        ),
        auth=OAuth2ClientCredentials(
            f"{customer}/oauth/token", doors["client_id"], Secret(doors["client_secret"])
        ),
        limits=Limits(deadline=5),
        network=NetworkPolicy.for_loopback(),  # without it: https to public addresses only
        ssl_context=_trust(doors["authority"]),
        name="customer",
    )


def make_sender(doors: Mapping[str, Any]) -> SmtpSender:
    """
    The host's mail server, over STARTTLS.
    """
    return SmtpSender(
        "127.0.0.1",
        doors["smtp_port"],
        from_address="Visits <surveys@host.example>",
        security="starttls",
        ssl_context=_trust(doors["authority"]),
        deadline=5,
        final_reply=5,
    )


def _trust(authority: str) -> ssl.SSLContext:
    # The private authority of this demo and no other.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=authority)
    return context
