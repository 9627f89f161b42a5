"""
How often, over the whole fleet, and how many tokens.
"""

from __future__ import annotations

import threading
import time

import redis

from careof import Outcome
from careof.integrations.celery import Survey
from careof.integrations.redis import RedisRate

SURVEY = Survey(tenant="acme", survey_id="visit", channel="email")
PER_SECOND, BURST = 40, 5  # the burst that fleet.py has
NEVER_EARLIER = 0.99  # two clocks of one machine
A_MINUTE = 60


def references(count):
    return [f"p-{number}" for number in range(count)]


def test_the_endpoint_of_a_tenant_is_asked_no_faster_by_three_workers_than_by_one(fleet):
    fleet = fleet()
    host = fleet.host(rates={"acme": PER_SECOND})
    for name in ("one", "two", "three"):
        fleet.worker(name)
    began = time.monotonic()

    fan_out = host.surveys.send_many(SURVEY, references(160), chunk=20)
    for _ in fan_out:
        pass

    asked = sorted(float(line.split()[0]) for line in fleet.outside.lines("lookups"))
    assert host.surveys.standing(SURVEY).outcomes == {Outcome.SENT: 160}
    assert len(asked) == 160
    for number, moment in enumerate(asked, 1):
        assert moment - began >= (number - BURST) / PER_SECOND * NEVER_EARLIER


def test_no_two_callers_get_one_token(fleet):
    fleet = fleet()
    clients = [redis.Redis.from_url(fleet.redis.url(2)) for _ in range(8)]
    rates = [RedisRate(client, "rate:x", 1 / 3600, burst=100) for client in clients]
    taken = []

    def take(rate):
        taken.extend(wait for wait in [rate.take() for _ in range(50)] if wait == 0)

    threads = [threading.Thread(target=take, args=(rate,)) for rate in rates]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(taken) == 100
    assert 3590 < rates[0].take() <= 3600


def test_a_bucket_fills_as_time_goes_by_and_no_further(fleet):
    fleet = fleet()
    client = redis.Redis.from_url(fleet.redis.url(2), decode_responses=True)
    rate = RedisRate(client, "rate:x", 1 / A_MINUTE, burst=3)  # slower than any machine

    assert [rate.take() for _ in range(3)] == [0, 0, 0]
    assert 0 < rate.take() <= A_MINUTE
    # As if an hour had gone by: three are there, and not more.
    client.set("rate:x", "1")
    assert [rate.take() == 0 for _ in range(4)] == [True, True, True, False]
    # As if the server's clock had been set back by a day: no day is waited for.
    client.set("rate:x", f"{(time.time() + 86_400) * 1_000_000:.0f}")
    assert 0 < rate.take() <= A_MINUTE


def test_a_bucket_is_forgotten_when_it_is_full_again(fleet):
    fleet = fleet()
    client = redis.Redis.from_url(fleet.redis.url(2))
    rate = RedisRate(client, "rate:x", 1 / A_MINUTE, burst=3)
    for _ in range(2):
        rate.take()

    assert A_MINUTE < client.ttl("rate:x") <= 2 * A_MINUTE + 1


def test_each_worker_process_asks_for_one_token(fleet):
    fleet = fleet()
    host = fleet.host()
    fleet.worker(concurrency=2)
    fleet.worker("other", concurrency=2)
    for _ in host.surveys.send_many(SURVEY, references(200), chunk=10):
        pass

    assert 1 <= len(fleet.outside.lines("tokens")) <= 4


def test_a_fleet_that_shares_its_tokens_asks_for_one(fleet):
    fleet = fleet()
    host = fleet.host(shared_tokens="a-key-ring-of-the-fleet-that-is-long-enough")
    fleet.worker(concurrency=2)
    fleet.worker("other", concurrency=2)
    host.surveys.send(SURVEY, "first").get(timeout=60)
    for _ in host.surveys.send_many(SURVEY, references(200), chunk=10):
        pass

    assert fleet.outside.lines("tokens") == ["/acme/oauth/token"]
    client = redis.Redis.from_url(fleet.redis.url(2))
    [key] = client.keys()
    assert b"canary-token" not in key + client.get(key)
