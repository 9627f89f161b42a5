"""
Messages, results, events and logs hold ids, and nothing about anybody.
"""

from __future__ import annotations

import base64
import re
import threading

import pytest
import redis

from careof import Outcome, Receipt
from careof.errors import InvalidReferenceError
from careof.integrations.celery import Survey
from tests.engines.celery.servers import wait_until

SURVEY = Survey(tenant="acme", survey_id="visit", wave="2026-11", channel="email")
BROKEN = Survey(tenant="broken", survey_id="visit", wave="2026-11", channel="email")
REFERENCES = [*(f"p-{number}" for number in range(20)), "flaky-1", "dead-1"]

# What outside.py answers with, and what the host in fleet.py has.
# Of the number no fewer digits than a time of day or an id can have by chance.
PERSONAL = ["canary", "Canary", "Surname", "2079460123", "7946 0123"]
BASE64 = re.compile(r"[A-Za-z0-9+/]{16,}={0,2}")


class Ears(threading.Thread):
    """
    All that a Redis is told, by anybody: messages, results, events, ledger, tokens.
    """

    def __init__(self, port):
        super().__init__(daemon=True)
        self._client = redis.Redis(port=port)
        self._heard = []
        self._is_over = threading.Event()

    def __enter__(self):
        self._monitor = self._client.monitor().__enter__()
        self.start()
        return self

    def __exit__(self, *_):
        self._client.echo("the-end-of-it")
        self.join(30)
        self._monitor.__exit__(None, None, None)

    def run(self):
        while "the-end-of-it" not in (said := self._monitor.next_command()["command"]):
            self._heard.append(said)

    def text(self):
        """
        What was heard, and what of it was encoded.
        """
        heard = "\n".join(self._heard).replace('\\"', '"').replace("\\\\", "\\")
        return "\n".join([heard, *decoded(heard)])


def decoded(text):
    """
    What stands in *text* in base64, as far as it is text itself.
    """
    for found in BASE64.findall(text):
        try:
            yield base64.b64decode(found).decode()
        except ValueError:
            continue


def test_nothing_about_anybody_is_in_messages_results_events_or_logs(fleet):
    fleet = fleet()
    host = fleet.host(shared_tokens="canary-of-the-key-ring-that-is-long-enough")
    with Ears(fleet.redis.port) as ears:
        fleet.worker(loglevel="DEBUG")
        fleet.worker("threads", pool="threads", loglevel="DEBUG")
        for _ in host.surveys.send_many(SURVEY, REFERENCES, chunk=5):
            pass
        one = host.surveys.send(SURVEY, "p-one").get(timeout=60)
        broken = host.surveys.send(BROKEN, "p-broken").get(timeout=60)

    heard, logs = ears.text(), fleet.logs()
    assert host.surveys.standing(SURVEY).outcomes == {Outcome.SENT: 22}
    assert one.ok
    assert (broken.outcome, broken.detail) == ("unavailable", "dispatchers:RuntimeError")
    # That there was something to find.
    for expected in (
        '["acme", "visit", "2026-11", "email", ["p-0", "p-1", "p-2", "p-3", "p-4"]]',
        "(***)",
        "task-retried",
        "task-succeeded",
        "dispatchers: RuntimeError",
        '"sent": 5',
        "careof.Receipt",
    ):
        assert expected in heard, expected
    assert " retry: Retry in " in logs
    for personal in PERSONAL:
        assert personal not in heard, personal
        assert personal not in logs, personal


def test_rabbitmq_keeps_nothing_about_anybody_either(fleet):
    fleet = fleet(broker="rabbit")
    host = fleet.host()
    # Nobody works on them yet, so they stand in its files.
    results = [host.surveys.send(SURVEY, name) for name in ("p-kept", "dead-kept", "flaky-kept")]
    wait_until(lambda: b"p-kept" in fleet.broker.kept(), "a message in the files of RabbitMQ")
    fleet.worker(loglevel="DEBUG")
    told = [result.get(timeout=60).outcome for result in results]

    assert told == ["sent", "unavailable", "sent"]
    kept = fleet.broker.kept().decode(errors="replace")
    for personal in PERSONAL:
        assert personal not in kept, personal
        assert personal not in fleet.logs(), personal


def test_references_stand_in_the_message_and_not_in_what_describes_it(fleet):
    fleet = fleet()
    host = fleet.host()
    with Ears(fleet.redis.port) as ears:
        fleet.worker(loglevel="INFO")
        host.surveys.send(SURVEY, "p-hidden").get(timeout=60)
        host.surveys.send(SURVEY, "flaky-hidden").get(timeout=60)

    events = [line for line in ears.text().splitlines() if '"task-' in line and "uuid" in line]
    assert {"(***)"} == set(re.findall(r'"args": "(.*?)"', "\n".join(events)))
    assert "hidden" in ears.text()
    assert not [line for line in events if "hidden" in line]
    assert "hidden" not in fleet.logs()


@pytest.mark.parametrize("serializer", ["json", "pickle"])
def test_a_receipt_comes_back_from_the_result_backend_as_it_was(fleet, serializer):
    fleet = fleet()
    host = fleet.host(result_serializer=serializer)
    fleet.worker()

    receipt = host.surveys.send(SURVEY, "p-1").get(timeout=60)

    assert isinstance(receipt, Receipt)
    assert (receipt.reference_id, receipt.outcome, receipt.wave) == ("p-1", "sent", "2026-11")
    assert Receipt.from_dict(receipt.to_dict()) == receipt


def test_an_address_never_leaves_the_process_of_who_hands_it_over(fleet):
    fleet = fleet()
    host = fleet.host()
    with Ears(fleet.redis.port) as ears:
        for hand_over in (
            lambda: host.surveys.send(SURVEY, "ann@people.example"),
            lambda: host.surveys.chunk.delay("acme", "visit", "", "email", ["+442079460123"]),
            lambda: host.surveys.one.s("acme", "visit", "", "email", "ann@people.example").delay(),
        ):
            with pytest.raises(InvalidReferenceError):
                hand_over()
        fan_out = host.surveys.send_many(SURVEY, ["ann@people.example", "+442079460123"])
        assert list(fan_out) == []

    assert fan_out.refused == 2
    assert "people" not in ears.text()
    assert "2079460123" not in ears.text()
