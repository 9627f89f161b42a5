"""
At most once, when workers are killed at random and brokers hand out what was in work.
"""

from __future__ import annotations

import os
import random
import signal
import threading
from collections import Counter

import pytest

from careof import LedgerKey, Outcome
from careof.integrations.celery import Survey
from tests.engines.celery.servers import wait_until

SURVEY = Survey(tenant="acme", survey_id="visit", wave="2026-11", channel="email")
# Three times, so 33 over 2,100 references; more of both by hand, where there is time.
KILLS = int(os.environ.get("FLEET_KILLS", "11"))
REFERENCES = [f"p-{number}" for number in range(int(os.environ.get("FLEET_REFERENCES", "700")))]


class Killer(threading.Thread):
    """
    Kills a process of a worker whenever the fleet has come a step further.

    Every third time it is the whole worker, as if its machine were gone, and every
    third one without its pool; it is started again.
    """

    def __init__(self, fleet, worker, kills, references, seed):
        super().__init__()
        self._fleet = fleet
        self._worker = worker
        # What was under way at each kill has no mail any more, so the last come early.
        most = 0.7 * len(references)
        self._steps = [int(most * (each + 1) / kills) for each in range(kills)]
        self._random = random.Random(seed)
        self.kills = 0
        self.error = None

    def run(self):
        try:
            for step in self._steps:
                wait_until(lambda step=step: len(self._fleet.mails()) >= step, f"mail {step}")
                self._kill()
        except BaseException as error:
            self.error = error

    def _kill(self):
        children = self._worker.children()
        kind = self.kills % 3 if children else 0
        if kind == 0:
            self._worker.kill()
        else:
            victim = self._worker.process.pid if kind == 1 else self._random.choice(children)
            os.kill(victim, signal.SIGKILL)
        self.kills += 1
        if kind != 2:
            self._worker.process.wait()
            self._worker.begin()


def words(host):
    """
    What the ledger has of each reference of the survey.
    """
    ledger = host.ledger(SURVEY.tenant, "looks")
    found = {}
    for reference in REFERENCES:
        key = LedgerKey("visit", "2026-11", reference, "email")
        found[reference] = ledger.claim(key)
        if found[reference] is None:
            ledger.settle(key, Outcome.CANCELLED)
    return found


@pytest.mark.parametrize(
    "broker, pool, ledger, acks_late",
    [
        ("redis", "prefork", "sql", True),
        ("redis", "threads", "redis", True),
        ("rabbit", "prefork", "redis", False),
    ],
    ids=["redis-prefork-sql-late", "redis-threads-redis-late", "rabbit-prefork-redis-early"],
)
def test_no_message_is_accepted_twice_and_each_reference_is_settled_or_uncertain(
    fleet, broker, pool, ledger, acks_late
):
    fleet = fleet(broker=broker, answer_time=0.02)
    host = fleet.host(ledger=ledger, acks_late=acks_late)
    worker = fleet.worker(pool=pool)
    killer = Killer(fleet, worker, KILLS, REFERENCES, seed=f"{broker}{pool}")
    killer.start()

    fan_out = host.surveys.send_many(SURVEY, REFERENCES, chunk=20, window=8, patience=15)
    for _ in fan_out:
        pass
    killer.join()

    assert killer.error is None
    assert killer.kills == KILLS
    standing = host.surveys.standing(SURVEY)
    mails, found = Counter(fleet.mails()), words(host)
    assert max(mails.values()) == 1
    assert standing.outcomes.total() + standing.open == len(REFERENCES), (fan_out, standing)
    assert set(found.values()) <= {"sent", "open"}
    assert {name for name, word in found.items() if word == "sent"} <= mails.keys()
    assert fan_out.given_up == 0

    # Once more: there is nobody left to send anything to.
    for _ in host.surveys.send_many(SURVEY, REFERENCES, chunk=100):
        pass
    assert Counter(fleet.mails()) == mails


def test_a_release_that_the_client_says_again_leaves_the_claim_of_a_twin(fleet):
    host = fleet().host(ledger="redis")
    key = LedgerKey("visit", "2026-11", "p-1", "email")
    first, twin, other = (host.ledger("acme", run) for run in ("task-1", "task-1", "task-2"))

    assert first.claim(key) is None
    first.settle(key, Outcome.UNAVAILABLE)
    assert twin.claim(key) is None
    first.settle(key, Outcome.UNAVAILABLE)

    assert other.claim(key) == "open"
    assert other.counts("visit", "2026-11", "email") == {"open": 1}
