"""
How a call went: its steps, and how long each of them took.

Theory of operation: a step begins where the one before it ended, so nobody says
that one begins, and whoever passes one names it.  What interrupts a call finds
in ``step`` what was under way.  A try has a step of its own around its others,
and the pause before it belongs to neither.
"""

from __future__ import annotations

import attrs

from careof._values.clock import Clock
from careof.errors import CareofError


@attrs.define
class Step:
    """
    One step: its name, how long it took, and a safe remark.

    Attributes:
        began: Seconds since the call began.
        attempt: In which try, from 1.
        failure: Outcome and detail of what failed, or None.
        status: The HTTP status, where there is one.
    """

    name: str
    seconds: float | None = None
    remark: str = ""
    began: float = 0.0
    attempt: int = 1
    failure: tuple[str, str] | None = None
    status: int | None = None


class Course:
    """
    The steps of one call.

    Attributes:
        attempt: The try under way, from 1.
        is_watched: Whether somebody will read its steps.
        started_at: When it began, in seconds since 1970.
        step: The one under way, which a deadline that passes now interrupts.
        steps: Those that are over.
    """

    __slots__ = (
        "_begun",
        "_clock",
        "_since",
        "_tried_since",
        "attempt",
        "is_watched",
        "started_at",
        "step",
        "steps",
    )

    def __init__(self, clock: Clock, *, is_watched: bool) -> None:
        self.attempt = 1
        self.is_watched = is_watched
        self.steps: list[Step] = []
        self.step = "template"
        self._clock = clock
        self.started_at = clock.time()
        self._begun = self._since = self._tried_since = clock.monotonic()

    def lasted(self) -> float:
        """
        Seconds since it began.
        """
        return self._clock.monotonic() - self._begun

    def since(self) -> float:
        """
        Seconds since the last step that was passed.
        """
        return self._clock.monotonic() - self._since

    def passed(self, name: str, remark: str = "", *, timed: bool = True) -> None:
        """
        Note that the step *name* succeeded, and begin to time the next one.
        """
        if not self.is_watched:
            return
        now = self._clock.monotonic()
        since, self._since = self._since, now
        self.steps.append(
            Step(name, now - since if timed else None, remark, since - self._begun, self.attempt)
        )

    def begin_try(self, number: int) -> None:
        """
        Begin to time the try *number*: the pause before it is none of its time.
        """
        self.attempt = number
        self._since = self._tried_since = self._clock.monotonic()

    def tried(self, outcome: object) -> None:
        """
        Note what became of the try under way.
        """
        if not self.is_watched:
            return
        now = self._clock.monotonic()
        status: int | None = 200
        name, failure = "status", None
        if isinstance(outcome, CareofError):
            name, status = outcome.step, outcome.status
            failure = (outcome.outcome, outcome.detail)
        for step, start in ((name, self._since), ("attempt", self._tried_since)):
            self.steps.append(
                Step(
                    step,
                    now - start,
                    began=start - self._begun,
                    attempt=self.attempt,
                    failure=failure,
                    status=status,
                )
            )
