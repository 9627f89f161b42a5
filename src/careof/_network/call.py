"""
What one call carries with it: its deadline, its network, and a note of its steps.

It travels in the extensions of the request, which is where httpx puts what
belongs to a request and is not sent.
"""

from __future__ import annotations

from typing import Any

import attrs
import httpx

from careof._network.limits import Deadline
from careof._values.clock import Clock

EXTENSION = "careof.call"


@attrs.define
class Step:
    """
    One step that succeeded: its name, how long it took, and a safe remark.
    """

    name: str
    seconds: float | None = None
    remark: str = ""


class Call:
    """
    The circumstances of one call.

    Attributes:
        deadline: When it must have ended.
        network: Through what it goes, and its token request as well.
        steps: Those that succeeded so far.
        step: The one under way, which a deadline that passes now interrupts.
    """

    __slots__ = ("_clock", "_since", "deadline", "network", "step", "steps")

    def __init__(self, network: Any, deadline: Deadline, clock: Clock) -> None:
        self.network = network
        self.deadline = deadline
        self.steps: list[Step] = []
        self.step = "template"
        self._clock = clock
        self._since = clock.monotonic()

    def passed(self, name: str, remark: str = "", *, timed: bool = True) -> None:
        """
        Note that the step *name* succeeded, and begin to time the next one.
        """
        now = self._clock.monotonic()
        self.steps.append(Step(name, now - self._since if timed else None, remark))
        self._since = now

    def carried_by(self, request: httpx.Request) -> httpx.Request:
        """
        The *request*, carrying this call and timeouts for foreign transports.
        """
        left = self.deadline.left()
        request.extensions = {
            **request.extensions,
            EXTENSION: self,
            "timeout": dict.fromkeys(("connect", "read", "write", "pool"), left),
        }
        return request


def call_of(request: httpx.Request) -> Call | None:
    """
    The call that *request* belongs to, or None in a foreign client.
    """
    call = request.extensions.get(EXTENSION)
    return call if isinstance(call, Call) else None
