"""
The host whose workers are killed: ``celery -A fleet worker``.

Its ledgers and its cache of tokens are those of the documentation; where the others
are, and which of them it uses, stands in its environment.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sqlite3
from datetime import timedelta

import redis
from celery import Celery
from ledger import TABLE, SqlLedger
from redis_ledger import RedisLedger
from token_cache import RedisTokenCache

from careof import (
    ContactSelector,
    Dispatcher,
    HttpResolver,
    Invitation,
    NetworkPolicy,
    RequestTemplate,
    RetryPolicy,
    Secret,
    SmtpSender,
)
from careof.auth import EncryptedTokenCache, OAuth2ClientCredentials
from careof.integrations.celery import _turn, survey_tasks
from careof.integrations.redis import RedisRate
from careof.pseudonyms import KeyRing

WORLD = json.loads(os.environ["FLEET_WORLD"])
_turn.FIRST_PAUSE = WORLD.get("first_pause", _turn.FIRST_PAUSE)

app = Celery("fleet", broker=WORLD["broker"], backend=WORLD["results"])
app.conf.update(
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options=WORLD.get("transport_options", {}),
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_send_task_events=True,
    task_send_sent_event=True,
    result_serializer=WORLD.get("result_serializer", "json"),
    accept_content=["json", "pickle"],
    result_accept_content=["json", "pickle"],
)


@functools.cache
def client():
    return redis.Redis.from_url(WORLD["redis"], decode_responses=True)


def ledger(tenant, run):
    if WORLD["ledger"] == "redis":
        return RedisLedger(client(), run, keep=timedelta(days=400))
    return SqlLedger(connect, run)


def connect():
    connection = sqlite3.connect(WORLD["database"], isolation_level=None, timeout=60)
    connection.execute(TABLE)
    return contextlib.closing(connection)


@functools.cache
def dispatcher(tenant):
    if tenant == "broken":
        raise RuntimeError("password=canary-password")
    base = f"http://127.0.0.1:{WORLD['endpoint']}/{tenant}"
    cache = None
    if WORLD.get("shared_tokens"):
        ring = KeyRing({"k1": Secret(WORLD["shared_tokens"])}, primary="k1")
        cache = EncryptedTokenCache(RedisTokenCache(client()), ring)
    network = NetworkPolicy.for_loopback()
    resolver = HttpResolver(
        RequestTemplate(f"{base}/people/{{reference_id}}"),
        ContactSelector(email="$.email", reference_id="$.id", attributes={"name": "$.name"}),
        auth=OAuth2ClientCredentials(
            f"{base}/oauth/token", "surveys", Secret("canary-client-secret"), cache=cache
        ),
        retry=RetryPolicy(attempts=3, base=0.001, cap=0.001),
        network=network,
    )
    sender = SmtpSender(
        "127.0.0.1", WORLD["mail"], from_address="surveys@host.example", security="none"
    )
    return Dispatcher(resolver, sender)


def invitation(survey):
    if survey.survey_id in WORLD.get("stopped", []):
        return None
    return Invitation(
        survey_id=survey.survey_id,
        wave=survey.wave,
        channel=survey.channel,
        subject="How was it?",
        text="Dear {name}, tell us.",
    )


def rate(tenant):
    per_second = WORLD.get("rates", {}).get(tenant)
    return per_second and RedisRate(client(), f"rate:{tenant}", per_second, burst=5)


surveys = survey_tasks(
    app,
    dispatcher,
    ledger,
    invitations=invitation,
    rates=rate,
    concurrency=4,
    acks_late=WORLD.get("acks_late", True),
)
