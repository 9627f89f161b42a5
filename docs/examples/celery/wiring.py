"""
What of careof a worker process has: built by its first task, and then kept.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sqlite3

import httpx
from ledger import TABLE, SqlLedger

from careof import ContactSelector, Dispatcher, HttpResolver, RequestTemplate, Secret, SmtpSender
from careof.auth import OAuth2ClientCredentials


@functools.cache
def resolver() -> HttpResolver:
    """
    The one that asks the customer.
    """
    return build_resolver()


@functools.cache
def sender() -> SmtpSender:
    """
    The one that hands messages to the mail server.
    """
    return SmtpSender("mail.surveys.example", 587, from_address="surveys@surveys.example")


def dispatcher(run: str) -> Dispatcher:
    """
    One for each task, whose id stands beside the claim that it makes.
    """
    return Dispatcher(resolver(), sender(), ledger=SqlLedger(connect, run))


def connect() -> contextlib.closing[sqlite3.Connection]:
    """
    A connection for one statement; with PostgreSQL, one out of a pool.
    """
    connection = sqlite3.connect(
        os.environ.get("HOST_DATABASE", "surveys.sqlite"), isolation_level=None, timeout=30
    )
    connection.execute(TABLE)
    return contextlib.closing(connection)


def build_resolver(transport: httpx.BaseTransport | None = None) -> HttpResolver:
    """
    As this host has it; a test brings a *transport* that needs no network.
    """
    customer = "https://crm.customer.example"
    return HttpResolver(
        RequestTemplate(f"{customer}/people/{{reference_id}}"),
        ContactSelector(email="$.email", reference_id="$.id"),
        auth=OAuth2ClientCredentials(
            f"{customer}/oauth/token", "surveys", Secret.from_env("CUSTOMER_SECRET")
        ),
        name="customer",
        transport=transport,
    )
