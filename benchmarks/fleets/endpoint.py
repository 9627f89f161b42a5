"""
A customer's contact endpoint: so many answers a second, and times when it has none.

Theory of operation: it serves one request after the other, each for the same time,
and whoever comes waits in line.  What waits longer than its caller does was served
for nothing, and that is how callers who come back too soon hold an endpoint down.
"""

from __future__ import annotations

import random
from collections import Counter

import attrs
from fleets.simulation import Simulation, sleep

from careof import Limits
from careof._network.call import Call
from careof.errors import (
    CareofError,
    DeadlineError,
    EndpointUnavailableError,
    RateLimitedError,
)

CONTACT = object()
ANSWER = 0.1  # seconds, when nobody else is in line
LINE = 1000  # requests; who comes after them hears 503


@attrs.frozen(kw_only=True)
class Mood:
    """
    How an endpoint behaves.

    Attributes:
        capacity: Requests that it serves in a second.
        dark: From when to when nothing is heard of it.
        is_refusing: Whether it refuses connections while it is dark, instead of silence.
        allowed: Requests a second, above which it answers 429.
        retry_after: What stands beside that 429, in seconds.
        failing: The share of the requests that get 503.
        hanging: The share of the requests whose answer takes too long.
    """

    capacity: float = 200.0
    dark: tuple[float, float] = (0.0, 0.0)
    is_refusing: bool = False
    allowed: float = 0.0
    retry_after: float | None = None
    failing: float = 0.0
    hanging: float = 0.0


class Endpoint:
    """
    What the workers ask.

    Attributes:
        asked: Requests, by the second in which they came.
        wasted: Those that brought no contact, by the second in which they ended.
    """

    def __init__(self, simulation: Simulation, mood: Mood, limits: Limits) -> None:
        self._simulation = simulation
        self._mood = mood
        self._limits = limits
        self._free_at = 0.0
        self._window = (-1, 0)
        self.asked: Counter[int] = Counter()
        self.wasted: Counter[int] = Counter()

    async def ask(self, call: Call) -> object:
        """
        A contact, or what the network of careof makes of the lack of one.
        """
        now = self._simulation.monotonic()
        self.asked[int(now)] += 1
        outcome = await self._answer(call, now)
        if isinstance(outcome, CareofError):
            self.wasted[int(self._simulation.monotonic())] += 1
        return outcome

    async def _answer(self, call: Call, now: float) -> object:
        mood, left = self._mood, call.deadline.left()
        begins, ends = mood.dark
        if begins <= now < ends:
            if mood.is_refusing:
                await sleep(0.02)
                return EndpointUnavailableError("Refused.", detail="connect", step="connect")
            await sleep(min(self._limits.connect, left))
            return DeadlineError("Silence.", detail="deadline", step="connect")
        if mood.allowed and not self._is_allowed(now):
            await sleep(ANSWER)
            return RateLimitedError(
                "429.",
                detail="status",
                step="status",
                status=429,
                retry_after=mood.retry_after,
            )
        waits = max(self._free_at - now, 0.0)
        if waits * mood.capacity > LINE or _happens(mood.failing):
            await sleep(ANSWER)
            return EndpointUnavailableError("503.", detail="status", step="status", status=503)
        self._free_at = now + waits + 1 / mood.capacity
        patience = min(self._limits.attempt, left)
        if waits + ANSWER > patience or _happens(mood.hanging):
            await sleep(patience)
            return DeadlineError("Late.", detail="deadline", step="status")
        await sleep(waits + ANSWER)
        return CONTACT

    def _is_allowed(self, now: float) -> bool:
        # As most do: a count that begins anew with each second.
        second, count = self._window
        count = count + 1 if second == int(now) else 1
        self._window = (int(now), count)
        return count <= self._mood.allowed


def _happens(share: float) -> bool:
    return random.random() < share  # noqa: S311  # no secret hangs on it
