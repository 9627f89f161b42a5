"""
What of careof a worker process has: built by its first message, and then kept.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sqlite3

import httpx
import redis
from ledger import TABLE, SqlLedger
from token_cache import RedisTokenCache

from careof import (
    ContactSelector,
    Dispatcher,
    HttpResolver,
    Invitation,
    RequestTemplate,
    Secret,
    SmtpSender,
)
from careof.auth import EncryptedTokenCache, OAuth2ClientCredentials
from careof.integrations.celery import Survey
from careof.integrations.redis import RedisRate
from careof.pseudonyms import KeyRing

CUSTOMERS = {  # and how often each may be asked in a second; rows of a table in earnest
    "acme": ("https://crm.acme.example", 50),
    "globex": ("https://crm.globex.example", 5),
}
TABLES = """
CREATE TABLE IF NOT EXISTS survey (
    tenant TEXT NOT NULL,
    survey_id TEXT NOT NULL PRIMARY KEY,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    is_stopped INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS participant (
    tenant TEXT NOT NULL,
    reference_id TEXT NOT NULL,
    PRIMARY KEY (tenant, reference_id)
);
"""
INVITATION = """
SELECT subject, text FROM survey WHERE tenant = ? AND survey_id = ? AND NOT is_stopped
"""


@functools.lru_cache(maxsize=100)
def dispatcher(tenant: str) -> Dispatcher:
    """
    The one of *tenant*, without a ledger, which is told to the tasks.
    """
    return Dispatcher(resolver(tenant), sender())


def resolver(tenant: str, transport: httpx.BaseTransport | None = None) -> HttpResolver:
    """
    As this host has it; a test brings a *transport* that needs no network.
    """
    customer, _ = CUSTOMERS[tenant]
    return HttpResolver(
        RequestTemplate(f"{customer}/people/{{reference_id}}"),
        ContactSelector(email="$.email", reference_id="$.id"),
        auth=OAuth2ClientCredentials(
            f"{customer}/oauth/token",
            "surveys",
            Secret.from_env(f"{tenant.upper()}_SECRET"),
            cache=tokens(),
        ),
        name=tenant,
        transport=transport,
    )


@functools.cache
def sender() -> SmtpSender:
    """
    The one that hands messages to the mail server, whoever they are for.
    """
    return SmtpSender("mail.surveys.example", 587, from_address="surveys@surveys.example")


@functools.cache
def shared() -> redis.Redis:
    """
    What all processes of the fleet share, for tokens and rates.
    """
    url = os.environ.get("HOST_SHARED", "redis://localhost/2")
    return redis.Redis.from_url(url, decode_responses=True, socket_timeout=5)


@functools.cache
def tokens() -> EncryptedTokenCache:
    """
    One token of a customer for all of them.
    """
    keys = KeyRing.parse(Secret.from_env("CAREOF_KEYS"))
    return EncryptedTokenCache(RedisTokenCache(shared()), keys)


def rate(tenant: str) -> RedisRate:
    """
    How often all of them together may ask the endpoint of *tenant*.
    """
    _, per_second = CUSTOMERS[tenant]
    return RedisRate(shared(), f"rate:{tenant}", per_second, burst=10)


def ledger(tenant: str, run: str) -> SqlLedger:  # noqa: ARG001  # the ids of surveys are ours
    """
    The one of all tenants; *run* stands beside each claim.
    """
    return SqlLedger(connect, run)


def invitation(survey: Survey) -> Invitation | None:
    """
    The words, or None if somebody has stopped the survey.
    """
    with connect() as connection:
        row = connection.execute(INVITATION, (survey.tenant, survey.survey_id)).fetchone()
    if row is None:
        return None
    subject, text = row
    return Invitation(
        survey_id=survey.survey_id,
        wave=survey.wave,
        channel=survey.channel,
        subject=subject,
        text=text,
    )


def connect() -> contextlib.closing[sqlite3.Connection]:
    """
    A connection for one statement; with PostgreSQL, one out of a pool.
    """
    connection = sqlite3.connect(
        os.environ.get("HOST_DATABASE", "surveys.sqlite"), isolation_level=None, timeout=30
    )
    connection.executescript(TABLES + TABLE)
    return contextlib.closing(connection)
