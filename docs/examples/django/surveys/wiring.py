"""
What of careof this process has: built when it is first needed, and then kept.

So nothing of it exists at import, before Django's settings are complete, nor
in the process that only forks workers.  Two threads that come first at once may
each build one; one of the two is kept, and nothing is lost but a moment.
"""

from __future__ import annotations

import functools

import httpx
from django.conf import settings

from careof import ContactSelector, Dispatcher, HttpResolver, RequestTemplate, Secret, SmtpSender
from careof.auth import OAuth2ClientCredentials
from surveys.ledger import DjangoLedger


@functools.cache
def resolver() -> HttpResolver:
    """
    The one that asks the customer; it keeps connections, so there is one in a process.
    """
    return build_resolver()


@functools.cache
def sender() -> SmtpSender:
    """
    The one that hands messages to the mail server.
    """
    server = settings.MAIL_SERVER
    return SmtpSender(
        server["host"],
        587,
        from_address=server["from_address"],
        username=server["username"],
        password=Secret.from_env(server["password_in"]),
    )


def dispatcher(run: str) -> Dispatcher:
    """
    One for each run, whose name stands beside the claims that it makes.
    """
    return Dispatcher(resolver(), sender(), ledger=DjangoLedger(run, using="default"))


def build_resolver(transport: httpx.BaseTransport | None = None) -> HttpResolver:
    """
    As the settings have it; a test brings a *transport* that needs no network.
    """
    customer = settings.CUSTOMER
    return HttpResolver(
        RequestTemplate(customer["url"]),
        ContactSelector(
            email=customer["email"],
            reference_id=customer["reference_id"],
            attributes=customer["attributes"],
        ),
        auth=OAuth2ClientCredentials(
            customer["token_url"], customer["client_id"], Secret.from_env(customer["secret_in"])
        ),
        name="customer",
        transport=transport,
    )
