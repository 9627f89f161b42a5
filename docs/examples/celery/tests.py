"""
The tests of this host: a worker that runs, a broker in memory, and no network.

``python -m unittest tests``
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
import time
import unittest
from typing import Any
from unittest import mock

import fakeredis
import fan_out
import tasks
import wiring
from celery.contrib.testing.worker import start_worker
from celery.signals import before_task_publish

from careof.errors import InvalidReferenceError, SendUnavailableError
from careof.integrations.celery import Survey
from careof.pseudonyms import KeyRing
from careof.testing import FakeContactEndpoint, RecordingSender

PEOPLE = {
    f"p-{number}": {"id": f"p-{number}", "email": f"canary{number}@people.example"}
    for number in range(30)
}
VISIT = Survey(tenant="acme", survey_id="visit", channel="email")


def setUpModule() -> None:  # a name of unittest's
    """
    A broker and a place for results that end with this process.
    """
    tasks.app.conf.update(
        broker_url="memory://",
        broker_transport_options={"polling_interval": 0.01},
        result_backend="cache+memory://",
        worker_hijack_root_logger=False,  # assertLogs listens there
    )


class Plenty:
    """
    A rate with a token for everybody.
    """

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def take(self) -> float:
        """
        There is one.
        """
        return 0.0


class Host(unittest.TestCase):
    """
    The application with doubles for all that it does not have here.
    """

    def setUp(self) -> None:
        file = self.enterContext(tempfile.NamedTemporaryFile())
        environment = {
            "ACME_SECRET": "canary-of-the-secret",
            "CAREOF_KEYS": KeyRing.generate().reveal(),
            "HOST_DATABASE": file.name,
        }
        self.enterContext(mock.patch.dict(os.environ, environment))
        server = fakeredis.FakeRedis(decode_responses=True)
        self.enterContext(mock.patch.object(wiring, "shared", return_value=server))
        self.enterContext(mock.patch.object(wiring, "RedisRate", Plenty))
        self.endpoint = FakeContactEndpoint(PEOPLE, token_path="/oauth/token")
        self.sender = RecordingSender()
        resolver = wiring.resolver("acme", self.endpoint)
        self.enterContext(mock.patch.object(wiring, "resolver", return_value=resolver))
        self.enterContext(mock.patch.object(wiring, "sender", return_value=self.sender))
        for kept in (wiring.dispatcher, wiring.tokens):
            kept.cache_clear()
            self.addCleanup(kept.cache_clear)
        with wiring.connect() as connection:
            connection.execute("INSERT INTO survey VALUES ('acme', 'visit', 'How?', 'Well?', 0)")
            people = json.dumps(list(PEOPLE))
            connection.execute(
                "INSERT INTO participant SELECT 'acme', value FROM json_each(?)", [people]
            )

    def stop(self) -> None:
        with wiring.connect() as connection:
            connection.execute("UPDATE survey SET is_stopped = 1")

    def outcome(self, reference_id: str) -> str:
        return tasks.surveys.send(VISIT, reference_id).get(timeout=30).outcome

    def standing(self) -> str:
        return str(tasks.surveys.standing(VISIT))


class Worker(Host):
    """
    One worker for all of these tests, in this process.
    """

    @classmethod
    def setUpClass(cls) -> None:
        cls.enterClassContext(
            start_worker(
                tasks.app,
                pool="threads",
                concurrency=2,
                loglevel="DEBUG",
                perform_ping_check=False,
            )
        )

    def test_each_task_returns_what_became_of_it(self) -> None:
        self.endpoint.play("gone", reference_id="p-3")

        outcomes = [self.outcome(reference_id) for reference_id in ("p-1", "p-3", "nobody")]
        self.assertEqual(outcomes, ["sent", "gone", "not_found"])
        self.assertEqual(self.standing(), "sent 1, gone 1, not_found 1")

    def test_a_task_that_comes_twice_sends_once(self) -> None:
        self.assertEqual([self.outcome("p-1"), self.outcome("p-1")], ["sent", "duplicate"])
        self.assertEqual(len(self.sender.sent), 1)

    def test_what_is_uncertain_is_never_tried_again(self) -> None:
        self.sender.fail_with(TimeoutError())
        first = self.outcome("p-1")
        self.sender.fail_with(None)

        self.assertEqual([first, self.outcome("p-1")], ["uncertain", "uncertain"])
        self.assertEqual(self.sender.sent, [])

    def test_the_command_hands_over_who_is_left_and_says_how_far_it_is(self) -> None:
        self.outcome("p-1")
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()) as shown:
            fan_out.main("acme", "visit")
            fan_out.main("acme", "visit")

        self.assertEqual(said.getvalue(), "sent 30\n" * 2)
        self.assertIn("\r29 through", shown.getvalue())
        self.assertEqual(len(self.sender.sent), 30)

    def test_a_survey_that_was_stopped_is_gone_on_with_later(self) -> None:
        self.stop()
        run = tasks.surveys.send_many(VISIT, PEOPLE, chunk=10, window=2)
        self.assertEqual([*run][-1], 20)
        self.assertEqual(self.standing(), "nothing")

        with wiring.connect() as connection:
            connection.execute("UPDATE survey SET is_stopped = 0")
        self.assertEqual([*tasks.surveys.send_many(VISIT, PEOPLE)][-1], 30)
        self.assertEqual(self.standing(), "sent 30")

    def test_nothing_but_ids_gets_into_a_message(self) -> None:
        contact = wiring.resolver("acme").resolve("p-1")
        for no_id in ("canary1@people.example", "+442079460123", contact):
            for serializer in ("json", "pickle"):
                with self.assertRaises(InvalidReferenceError) as caught:
                    tasks.surveys.one.apply_async(
                        ("acme", "visit", "", "email", no_id), serializer=serializer
                    )
                self.assertNotIn("canary", repr(caught.exception))

    def test_messages_have_references_and_what_describes_them_has_not_even_those(self) -> None:
        published: list[tuple[str, dict[str, str]]] = []

        def keep(body: Any, headers: dict[str, Any], **_: Any) -> None:
            described = {name: headers[name] for name in ("argsrepr", "kwargsrepr")}
            published.append((json.dumps(body[:2]), described))

        before_task_publish.connect(keep)
        self.addCleanup(before_task_publish.disconnect, keep)
        with self.assertLogs(level="DEBUG") as log:
            [*tasks.surveys.send_many(VISIT, ["p-1", "p-2"])]
            self.sender.fail_with(SendUnavailableError("Busy."))
            tasks.surveys.send(VISIT, "p-3")
            while not any("retry: " in line for line in log.output):
                time.sleep(0.01)

        survey = '[["acme", "visit", "", "email", '
        self.assertEqual(
            [body for body, _ in published],
            [f'{survey}["p-1", "p-2"]], {{}}]', *[f'{survey}"p-3"], {{}}]'] * 2],
        )
        for _, described in published:
            self.assertEqual(described, {"argsrepr": "(***)", "kwargsrepr": "{***}"})
        usual = "".join(line for line in log.output if not line.startswith("DEBUG"))
        self.assertIn(" received", usual)
        self.assertNotRegex(usual, "p-[123]")
        self.assertNotIn("canary", "".join(log.output))


class Tries(Host):
    """
    One try after the other: a task that is run in the caller leaves the pauses out.
    """

    def setUp(self) -> None:
        super().setUp()
        tasks.app.conf.task_always_eager = True
        self.addCleanup(tasks.app.conf.update, task_always_eager=False)

    def test_where_nothing_was_handed_over_it_is_tried_again(self) -> None:
        sends = mock.Mock(side_effect=[SendUnavailableError("Busy."), ConnectionError(), "m-1"])
        with mock.patch.object(self.sender, "send", sends):
            self.assertEqual(self.outcome("p-1"), "uncertain")
            self.assertEqual(self.outcome("p-2"), "sent")

        self.assertEqual(sends.call_count, 3)

    def test_one_that_stays_away_is_left_to_the_next_run(self) -> None:
        sends = mock.Mock(side_effect=SendUnavailableError("Busy."))
        with mock.patch.object(self.sender, "send", sends):
            self.assertEqual(self.outcome("p-1"), "unavailable")

        self.assertEqual(sends.call_count, 6)
        self.assertEqual(self.standing(), "nothing")
        self.assertEqual(self.outcome("p-1"), "sent")


if __name__ == "__main__":
    unittest.main()
