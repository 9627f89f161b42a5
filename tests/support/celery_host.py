"""
A host whose surveys Celery sends, with a worker that takes one message when it is told to.

The broker is one in memory.  What happens to a message is what a worker of Celery does,
except that nobody waits for the moment before which it should not begin.
"""

from __future__ import annotations

import itertools
import json

from celery import Celery
from celery.app.trace import build_tracer

from careof import Contact, Dispatcher, EmailAddress, Invitation, MemoryLedger
from careof.integrations.celery import Survey, survey_tasks
from tests.support.canary import EMAIL, NAME

SURVEY = Survey(tenant="acme", survey_id="visit", wave="2", channel="email")
NUMBERS = itertools.count()


def ids(number, first=0):
    return [f"p-{position}" for position in range(first, first + number)]


class Host:
    """
    Attributes:
        answers: What a look-up of a reference raises; a list is used up from the front.
        asked: The references that were looked up.
        sent: Those whose message was handed over.
        runs: Of which tenant a ledger was asked for, and for which run.
        messages: The headers and the body of each message, as the worker took it.
        states: How Celery calls what came of each.
        pauses: Seconds that a message which went back is to wait.
    """

    def __init__(self, *, conf=None, **options):
        number = next(NUMBERS)
        self.app = Celery(
            f"host-{number}", broker="memory://", backend="cache+memory://", set_as_current=False
        )
        # All apps of a process share the broker.
        self.app.conf.update(task_default_queue=f"surveys-{number}", **(conf or {}))
        self.answers = {}
        self.asked = []
        self.sent = []
        self.runs = []
        self.memory = MemoryLedger()
        self.messages = []
        self.states = []
        self.pauses = []
        parts = {
            "dispatchers": lambda _tenant: Dispatcher(self, self),
            "ledger": self.ledger,
            "invitations": invitation,
            "concurrency": 1,
        }
        self.surveys = survey_tasks(self.app, **{**parts, **options})
        self._connection = self.app.connection_for_read()
        self._queue = self._connection.SimpleQueue(self.app.conf.task_default_queue)

    def close(self):
        self._queue.close()
        self._connection.close()
        self.app.close()

    def resolve(self, reference_id):
        self.asked.append(reference_id)
        answer = self.answers.get(reference_id)
        if isinstance(answer, list):
            answer = answer.pop(0) if answer else None
        if answer is not None:
            raise answer
        return Contact(
            reference_id, email=EmailAddress.parse(EMAIL), attributes={"first_name": NAME}
        )

    def send(self, contact, message):
        self.sent.append(contact.reference_id)
        return f"id-{contact.reference_id}"

    def ledger(self, tenant, run):
        self.runs.append((tenant, run))
        return self.memory

    @property
    def waiting(self):
        """
        How many messages are in the broker.
        """
        return self._queue.qsize()

    def work(self):
        """
        Take one message, work on it, and return what Celery calls what came of it.
        """
        message = self._queue.get(block=False)
        args, kwargs, _ = message.payload
        headers = message.headers
        task = self.app.tasks[headers["task"]]
        self.messages.append((headers, json.dumps([args, kwargs])))
        request = {
            **headers,
            "is_eager": False,
            "hostname": "worker",
            "delivery_info": message.delivery_info,
        }
        trace = build_tracer(task.name, task, app=self.app)
        _, info, *_ = trace(headers["id"], args, kwargs, request)
        state = "SUCCESS" if info is None else info.state
        self.states.append(state)
        if state == "RETRY":
            self.pauses.append(info.retval.when)
        if state == "REJECTED":
            message.reject(requeue=info.retval.requeue)
        else:
            message.ack()
        return state

    def work_off(self, at_most=50):
        """
        Work until no message is left.
        """
        while self.waiting:
            at_most -= 1
            assert at_most >= 0, "it would go on for ever"
            self.work()


def invitation(survey):
    return Invitation(
        survey_id=survey.survey_id,
        wave=survey.wave,
        channel=survey.channel,
        subject="How was it?",
        text="Dear {first_name}: how was it?",
    )
