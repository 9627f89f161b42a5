"""
The tests of this host: a worker that runs, a broker in memory, and no network.

``python -m unittest tests``
"""

from __future__ import annotations

import json
import os
import tempfile
import time
import unittest
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import tasks
import wiring
from celery.contrib.testing.worker import start_worker
from celery.signals import before_task_publish
from kombu.exceptions import EncodeError

from careof import Outcome, Receipt
from careof.testing import FakeContactEndpoint, RecordingSender

PEOPLE = {
    f"p-{number}": {"id": f"p-{number}", "email": f"canary{number}@people.example"}
    for number in range(4)
}


class Worker(unittest.TestCase):
    """
    One worker for all of these tests, in this process.
    """

    @classmethod
    def setUpClass(cls) -> None:
        tasks.app.conf.update(
            broker_url="memory://",
            broker_transport_options={"polling_interval": 0.01},
            result_backend="cache+memory://",
            worker_hijack_root_logger=False,  # assertLogs listens there
        )
        cls.enterClassContext(
            start_worker(
                tasks.app,
                pool="threads",
                concurrency=2,
                loglevel="DEBUG",
                perform_ping_check=False,
            )
        )

    def setUp(self) -> None:
        self.endpoint = FakeContactEndpoint(PEOPLE, token_path="/oauth/token")
        self.sender = RecordingSender()
        resolver = wiring.build_resolver(self.endpoint)
        file = self.enterContext(tempfile.NamedTemporaryFile())
        environment = {"CUSTOMER_SECRET": "canary-of-the-secret", "HOST_DATABASE": file.name}
        self.enterContext(mock.patch.dict(os.environ, environment))
        self.enterContext(mock.patch.object(wiring, "resolver", return_value=resolver))
        self.enterContext(mock.patch.object(wiring, "sender", return_value=self.sender))
        self.enterContext(mock.patch.object(tasks, "FIRST_PAUSE", 0.01))
        self.enterContext(mock.patch.object(tasks, "TRIES", 3))

    def outcome(self, reference_id: str) -> str:
        return tasks.send_survey.delay("visit", reference_id).get(timeout=30)["outcome"]

    def test_each_task_returns_what_became_of_it(self) -> None:
        self.endpoint.play("gone", reference_id="p-3")

        outcomes = [self.outcome(reference_id) for reference_id in ("p-1", "p-3", "p-9")]
        self.assertEqual(outcomes, ["sent", "gone", "not_found"])

    def test_a_task_that_comes_twice_sends_once(self) -> None:
        self.assertEqual([self.outcome("p-1"), self.outcome("p-1")], ["sent", "duplicate"])
        self.assertEqual(len(self.sender.sent), 1)

    def test_a_contact_does_not_get_into_a_message(self) -> None:
        contact = wiring.resolver().resolve("p-1")
        for serializer in ("json", "pickle"):
            with self.assertRaises(EncodeError) as caught:
                tasks.send_survey.apply_async(("visit", contact), serializer=serializer)
            self.assertNotIn("canary", repr(caught.exception.__context__))

    def test_an_endpoint_that_is_down_is_asked_again_later(self) -> None:
        self.endpoint.play("unavailable")
        result = tasks.send_survey.delay("visit", "p-1")
        while self.endpoint.lookups < 4:  # a resolver tries three times by itself
            time.sleep(0.01)
        self.endpoint.play(None)

        self.assertEqual(result.get(timeout=30)["outcome"], "sent")

    def test_one_that_stays_down_is_left_to_the_next_run(self) -> None:
        self.sender.fail_with(ConnectionError())
        self.endpoint.play("no_connection")

        self.assertEqual(self.outcome("p-1"), "unavailable")

    def test_what_is_uncertain_is_never_tried_again(self) -> None:
        self.sender.fail_with(TimeoutError())
        first = self.outcome("p-1")
        self.sender.fail_with(None)

        self.assertEqual([first, self.outcome("p-1")], ["uncertain", "uncertain"])
        self.assertEqual(self.sender.sent, [])

    def test_messages_have_references_and_what_describes_them_has_not_even_those(self) -> None:
        published: list[tuple[str, Any]] = []

        def keep(body: Any, headers: dict[str, Any], **_: Any) -> None:
            described = {name: headers[name] for name in ("argsrepr", "kwargsrepr")}
            published.append((json.dumps(body), described))

        before_task_publish.connect(keep)
        self.addCleanup(before_task_publish.disconnect, keep)
        with self.assertLogs(level="DEBUG") as log:
            self.outcome("p-9")
            self.endpoint.play("unavailable", reference_id="p-1")
            self.outcome("p-1")

        self.assertEqual(len(published), 4)
        for body, described in published:
            self.assertRegex(body, r'^\[\["visit", "p-[19]"\]')
            self.assertEqual(described, {"argsrepr": "(***)", "kwargsrepr": "{***}"})
        usual = "".join(line for line in log.output if not line.startswith("DEBUG"))
        self.assertIn(" received", usual)
        self.assertNotRegex(usual, "p-[19]")
        self.assertNotIn("canary", "".join(log.output))


class Pauses(unittest.TestCase):
    """
    When there is another try, and when not.
    """

    def pause(self, outcome: Outcome, tries: int = 1, retry_after: float | None = None) -> Any:
        receipt = Receipt(
            reference_id="p-1",
            survey_id="visit",
            channel="email",
            outcome=outcome,
            retry_after=retry_after,
            started_at=datetime.now(UTC),
        )
        return tasks.pause_after(receipt, tries)

    def test_only_what_was_not_handed_over_and_may_work_later_is_tried_again(self) -> None:
        tried = [outcome for outcome in Outcome if self.pause(outcome) is not None]

        self.assertEqual(tried, ["unavailable", "rate_limited"])

    def test_pauses_grow_and_end(self) -> None:
        pauses = [self.pause(Outcome.UNAVAILABLE, tries) for tries in range(1, 8)]

        self.assertEqual(pauses, [30, 60, 120, 240, 480, None, None])

    def test_who_asks_for_a_longer_pause_gets_it_up_to_the_longest(self) -> None:
        self.assertEqual(self.pause(Outcome.RATE_LIMITED, retry_after=90), 90)
        self.assertEqual(self.pause(Outcome.RATE_LIMITED, retry_after=1), 30)
        self.assertEqual(self.pause(Outcome.RATE_LIMITED, retry_after=86_400), 1800)
