"""
A fleet: workers that take tasks from one queue, each with the library's own lookups.

Theory of operation: a task is one reference.  A worker that is free takes the task
that has waited longest, waits for a token where there is a rate, and runs
``careof``'s ``Retry`` with the ``Circuit`` of its process; what is not answered goes
back to the queue for as long as ``docs/examples/celery/tasks.py`` says.
"""

from __future__ import annotations

import math
import random
from collections import Counter, deque

import attrs
from fleets.endpoint import Endpoint
from fleets.simulation import Simulation, sleep

from careof import Limits, RateLimit, RetryPolicy
from careof._network.call import Call
from careof._network.circuit import Circuit
from careof._network.limits import Deadline
from careof._network.retry import Retry
from careof._sending.rates import Pace
from careof.errors import CareofError

FIRST_PAUSE, LONGEST_PAUSE = 30.0, 1800.0  # seconds, of the queue
HANDLING = 0.01  # seconds that broker and ledger take for a task


@attrs.frozen(kw_only=True)
class Plan:
    """
    What a fleet is made of.

    Attributes:
        circuits: How many there are: one a worker, one for all that are threads of a
            process, or one for all.
        rate: Lookups a second that our side allows, or 0 for as many as will go.
        rates: By how many buckets: one for the fleet, or one for each worker.
        jitter: By how much the pauses of the queue differ, as a share of them.
        tries: How often the queue hands a task out.
    """

    workers: int = 1000
    circuits: int = 1000
    rate: float = 0.0
    rates: int = 1
    jitter: float = 0.0
    tries: float = math.inf
    limits: Limits = attrs.field(factory=Limits)
    retry: RetryPolicy = attrs.field(factory=RetryPolicy)


@attrs.define
class Task:
    """
    One reference of one survey.
    """

    survey: str
    born: float
    tries: int = 0


class Fleet:
    """
    The workers, and the queue that they take their tasks from.

    Attributes:
        born: How many surveys were handed in.
        delays: How long each survey took that went out, in seconds.
        held: Seconds that workers spent on this endpoint.
        last: When the last one of each survey went out.
        left: Tasks that the queue gave up, for the next run.
        refused: Lookups that a circuit refused.
        sent: How many went out, by second.
    """

    def __init__(self, simulation: Simulation, endpoint: Endpoint, plan: Plan) -> None:
        self._simulation = simulation
        self._endpoint = endpoint
        self._plan = plan
        self._circuits = [Circuit(simulation) for _ in range(plan.circuits)]
        self._rates = [
            RateLimit(plan.rate / plan.rates, clock=simulation)
            for _ in range(plan.rates if plan.rate else 0)
        ]
        self._idle = deque(range(plan.workers))
        self._queue: deque[Task] = deque()
        self.born = self.left = self.refused = 0
        self.delays: list[float] = []
        self.held = 0.0
        self.last: dict[str, float] = {}
        self.sent: Counter[int] = Counter()

    @property
    def busy(self) -> int:
        """
        How many workers are with a task of this endpoint.
        """
        return self._plan.workers - len(self._idle)

    def hand_in(self, survey: str) -> None:
        """
        Put a new reference of *survey* into the queue.
        """
        self.born += 1
        self._enqueue(Task(survey, self._simulation.monotonic()))

    def _enqueue(self, task: Task) -> None:
        self._queue.append(task)
        if self._idle:
            self._simulation.go(self._work(self._idle.popleft()))

    async def _work(self, worker: int) -> None:
        while self._queue:
            task = self._queue.popleft()
            begun = self._simulation.monotonic()
            outcome = await self._lookup(worker)
            now = self._simulation.monotonic()
            self.held += now - begun
            task.tries += 1
            if not isinstance(outcome, CareofError):
                self.sent[int(now)] += 1
                self.delays.append(now - task.born)
                self.last[task.survey] = now
                continue
            self.refused += outcome.detail == "circuit_open"
            if task.tries >= self._plan.tries:
                self.left += 1
            else:
                self._simulation.call(self._pause(outcome, task.tries), self._enqueue, task)
        self._idle.append(worker)

    async def _lookup(self, worker: int) -> object:
        await sleep(HANDLING)
        pace = Pace(self._rates[worker % len(self._rates)] if self._rates else None)
        while (wait := pace.wait()) > 0:
            await sleep(wait)
        deadline = Deadline(self._simulation, self._plan.limits.deadline)
        call = Call(None, deadline, self._simulation, is_watched=False)
        retry = Retry(self._plan.retry, call, self._circuits[worker % len(self._circuits)])
        return await retry.async_run(lambda: self._endpoint.ask(call))

    def _pause(self, error: CareofError, tries: int) -> float:
        asked = error.retry_after or 0.0
        pause = min(max(asked, FIRST_PAUSE * 2 ** min(tries - 1, 16)), LONGEST_PAUSE)
        jitter = random.uniform(1.0, 1.0 + self._plan.jitter)  # noqa: S311  # no secret hangs on it
        return pause * jitter
