"""
Everybody but the host: a customer's endpoints and a mail server, on loopback.

demo.py starts this as a process of its own, so that the addresses in
customer.json live in memory that the host never shares.  The first line on stdout says where the
doors are; then every line on stdin is a question, answered in one line of JSON.
The process ends when its stdin is closed, and after a minute in any case.
"""

from __future__ import annotations

import base64
import json
import os
import pathlib
import secrets
import ssl
import sys
import threading
import time
from typing import Any
from urllib.parse import parse_qs

import trustme
from aiosmtpd.smtp import SMTP, Envelope, Session
from servers import https_server, smtp_server

LIFETIME = 60.0  # seconds
TOKEN_LIFETIME = 2.0  # seconds; real ones live for an hour
CLIENT_ID = "survey-host"

PEOPLE: dict[str, dict[str, str | None]] = json.loads(
    (pathlib.Path(__file__).parent / "customer.json").read_text(encoding="utf-8")
)
ERASED = "cus-W9F5QN"
CUT_SHORT = "cus-B1K7XC"
MIXED_UP = {"cus-M4D3ZJ": "cus-8Q2MTA"}
NO_MAILBOX = PEOPLE["cus-R0G6AE"]["email"]


class Customer:
    """
    What the customer knows, and what it was asked.
    """

    def __init__(self) -> None:
        self.client_secret = secrets.token_urlsafe(24)
        self.tokens: dict[str, float] = {}  # to the moment at which they expire

    def token(self, authorization: str, form: str) -> tuple[int, bytes]:
        """
        A new access token, for the client credentials grant (RFC 6749 §4.4).
        """
        basic = base64.b64encode(f"{CLIENT_ID}:{self.client_secret}".encode()).decode()
        if authorization != f"Basic {basic}":
            return 401, _json({"error": "invalid_client"})
        if parse_qs(form).get("grant_type") != ["client_credentials"]:
            return 400, _json({"error": "unsupported_grant_type"})
        token = secrets.token_urlsafe(24)
        self.tokens[token] = time.monotonic() + TOKEN_LIFETIME
        return 200, _json(
            {"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_LIFETIME}
        )

    def contact(self, authorization: str, question: str) -> tuple[int, bytes]:
        """
        The contact behind a reference, with every fault that endpoints have.
        """
        if self.tokens.get(authorization.removeprefix("Bearer "), 0.0) < time.monotonic():
            return 401, _json({"error": "invalid_token"})
        reference = json.loads(question)["reference"]
        if reference not in PEOPLE:
            return 404, _json({"error": f"{reference} is unknown"})
        if reference == ERASED:  # and the answer says more than it should
            return 410, _json({"error": f"{PEOPLE[reference]['email']} wanted to be forgotten"})
        reference = MIXED_UP.get(reference, reference)
        body = _json({"reference": reference, "contact": PEOPLE[reference], "segment": "B2"})
        return 200, body[:-40] if reference == CUT_SHORT else body


class PostOffice:
    """
    The hooks of the mail server: it keeps what it receives.
    """

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []

    async def handle_RCPT(  # noqa: N802 (the name that aiosmtpd calls)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        """
        Take every mailbox but one, and repeat the address, as real servers do.
        """
        if address == NO_MAILBOX:
            return f"550 5.1.1 <{address}>: no such mailbox here"
        envelope.rcpt_tos.append(address)
        return f"250 2.1.5 <{address}> is welcome"

    async def handle_DATA(  # noqa: N802 (the name that aiosmtpd calls)
        self, _server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """
        Keep the message as it came.
        """
        content = envelope.content.decode("ascii")
        encrypted = session.ssl is not None
        self.received.append({"to": envelope.rcpt_tos, "encrypted": encrypted, "content": content})
        return "250 2.0.0 accepted"


def report(customer: Customer, post_office: PostOffice) -> dict[str, Any]:
    """
    What the demo needs at its end: the mail, and what to search the host for.
    """
    return {
        "messages": post_office.received,
        "contacts": {reference: person["email"] for reference, person in PEOPLE.items()},
        "emails": _known("email"),
        "phones": _known("phone"),
        "names": _known("first_name"),
        "secrets": [customer.client_secret, *customer.tokens],
    }


def main() -> None:
    """
    Open the doors, say where they are, and answer until stdin is closed.
    """
    limit = threading.Timer(LIFETIME, os._exit, (3,))
    limit.daemon = True
    limit.start()
    customer, post_office = Customer(), PostOffice()
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    paths = {"/oauth/token": customer.token, "/contacts/lookup": customer.contact}
    with https_server(paths, context) as https, smtp_server(post_office, context) as smtp:
        _say(
            https_port=https,
            smtp_port=smtp,
            authority=authority.cert_pem.bytes().decode("ascii"),
            client_id=CLIENT_ID,
            client_secret=customer.client_secret,
            token_lifetime=TOKEN_LIFETIME,
        )
        for question in sys.stdin:
            if question.strip() == "report":
                _say(**report(customer, post_office))
            else:
                _say(token_requests=len(customer.tokens))


def _known(what: str) -> list[str]:
    return [value for person in PEOPLE.values() if (value := person[what])]


def _say(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)


def _json(tree: object) -> bytes:
    return json.dumps(tree, ensure_ascii=False).encode()


if __name__ == "__main__":
    main()
