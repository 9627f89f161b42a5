"""
Few messages at a time, nobody starved, and a run that is stopped goes on later.
"""

from __future__ import annotations

import threading
from collections import Counter

import redis

from careof import Outcome
from careof.integrations.celery import Survey
from tests.engines.celery.servers import wait_until

BIG = Survey(tenant="big", survey_id="yearly", channel="email")
SMALL = Survey(tenant="small", survey_id="weekly", channel="email")
CHUNK, WINDOW = 20, 4


def many(count):
    return [f"big-{number}" for number in range(count)]


def in_the_broker(fleet):
    """
    How many messages wait, or are in work.
    """
    client = redis.Redis.from_url(fleet.redis.url(0))
    with client.pipeline() as both:
        both.llen("celery").hlen("unacked")
        return sum(both.execute())


def test_the_broker_never_holds_more_than_a_window(fleet):
    fleet = fleet()
    host = fleet.host()
    fleet.worker()
    fan_out = host.surveys.send_many(BIG, many(400), chunk=CHUNK, window=WINDOW)
    seen = [in_the_broker(fleet) for _ in fan_out]

    assert len(seen) == 400 / CHUNK
    # A message is taken off after its result is written.
    assert 1 <= max(seen) <= WINDOW + 2
    assert host.surveys.standing(BIG).outcomes == {Outcome.SENT: 400}


def test_a_tenant_of_many_does_not_starve_one_of_few(fleet):
    fleet = fleet(answer_time=0.02)
    host = fleet.host()
    fleet.worker()
    fan_out = host.surveys.send_many(BIG, many(1000), chunk=CHUNK, window=WINDOW)
    feeding = threading.Thread(target=list, args=(fan_out,))
    feeding.start()
    wait_until(lambda: len(fleet.mails()) > 100, "some of the many")

    begun = len(fleet.mails())
    few = [f"few-{number}" for number in range(CHUNK)]
    for _ in host.surveys.send_many(SMALL, few):
        pass
    before = fleet.mails()[begun:]
    fan_out.stop()
    feeding.join()

    last = max(place for place, name in enumerate(before) if name.startswith("few"))
    others = [name for name in before[:last] if name.startswith("big")]
    # The window that waited before it, and what the other process worked on meanwhile.
    assert len(others) <= (WINDOW + 6) * CHUNK
    assert Counter(name.partition("-")[0] for name in before)["few"] == CHUNK


def test_a_run_that_is_stopped_goes_on_where_it_was(fleet):
    fleet = fleet()
    host = fleet.host()
    fleet.worker()
    first = host.surveys.send_many(BIG, many(300), chunk=CHUNK, window=WINDOW)
    next(first)
    first.stop()
    for _ in first:
        pass
    standing = host.surveys.standing(BIG)

    assert standing.outcomes == {Outcome.SENT: first.done}
    assert 0 < first.done <= WINDOW * CHUNK

    second = host.surveys.send_many(BIG, many(300), chunk=CHUNK, window=WINDOW)
    for _ in second:
        pass
    assert second.done == 300
    assert Counter(fleet.mails()) == Counter(many(300))


def test_a_survey_that_the_host_has_stopped_begins_nothing(fleet):
    fleet = fleet()
    host = fleet.host(stopped=["yearly"])
    fleet.worker()
    fan_out = host.surveys.send_many(BIG, many(1000), chunk=CHUNK, window=WINDOW)
    for _ in fan_out:
        pass

    assert 0 < fan_out.given_up == fan_out.done <= 2 * WINDOW * CHUNK
    assert fleet.mails() == []
    assert str(host.surveys.standing(BIG)) == "nothing"


def test_a_broker_that_is_restarted_in_the_middle_loses_nobody(fleet):
    fleet = fleet(answer_time=0.01)
    host = fleet.host()
    fleet.worker()
    fleet.worker("threads", pool="threads")
    fan_out = host.surveys.send_many(BIG, many(400), chunk=CHUNK, window=WINDOW, patience=20)
    for number, _ in enumerate(fan_out):
        if number in (3, 9):
            fleet.broker.kill()
            fleet.broker.begin()

    assert max(Counter(fleet.mails()).values()) == 1
    standing = host.surveys.standing(BIG)
    assert standing.outcomes.total() + standing.open == 400
    assert fan_out.given_up == 0
