"""
What keeps a dead endpoint from costing every reference its whole deadline.

Theory of operation: some lookups in a row that failed open the circuit.  While
it is open every lookup fails at once, and the receipt says when to come back.
When the pause is over, whoever comes first goes ahead, and the pause begins anew
for the others: if that one is cancelled, nothing is owed.  Its success closes the
circuit, its failure makes the pause longer.  No two pauses are of one length: a
thousand workers that meet the same silence would otherwise all ask again at once.
"""

from __future__ import annotations

import random

from careof._values.clock import Clock
from careof._values.event import ANSWER_STEPS
from careof.errors import CareofError, EndpointUnavailableError

# Lookups, each with all of its tries: a restart that those outlast is none of
# them, and neither is one reference that its endpoint stumbles over.
THRESHOLD = 5
FIRST_PAUSE = 5.0  # seconds
LONGEST_PAUSE = 60.0  # seconds
JITTER = 0.5  # of a pause: how much shorter it may be, so that a fleet does not ask in step


class Circuit:
    """
    The circuit of one resolver.

    Two threads that meet here may both go ahead, or count two failures for one:
    that does no harm, and a lock would.
    """

    __slots__ = ("_cause", "_clock", "_failures", "_is_probed", "_pause", "_until")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._cause = ""
        self._failures = 0
        self._is_probed = False
        self._pause = 0.0
        self._until = 0.0

    @property
    def is_open(self) -> bool:
        """
        Whether lookups are held back now.
        """
        return bool(self._pause) and self._clock.monotonic() < self._until

    def refusal(self) -> CareofError | None:
        """
        The error while the circuit is open; None for whoever may go ahead.
        """
        if not self._pause:
            return None
        now = self._clock.monotonic()
        left = self._until - now
        if left > 0:
            return EndpointUnavailableError(
                f"{THRESHOLD} lookups in a row failed, the last of them with {self._cause}; "
                "the endpoint is left alone for now.",
                detail="circuit_open",
                step="connect",
                retry_after=left,
            )
        # The others wait for this one, and no longer than the pause if it is lost.
        self._until = now + self._pause
        self._is_probed = True
        return None

    def note(self, outcome: object) -> None:
        """
        Take in what became of one lookup.
        """
        if (
            isinstance(outcome, EndpointUnavailableError)
            and is_theirs(outcome)
            and outcome.step != "token"  # its endpoint is left alone by itself
        ):
            self._cause = f"{outcome.detail} at the step {outcome.step}"
            self._failures += 1
            if not self._pause and self._failures >= THRESHOLD:
                self._open(FIRST_PAUSE)
            elif self._is_probed:
                self._open(min(2 * self._pause, LONGEST_PAUSE))
        elif not isinstance(outcome, CareofError) or outcome.step in ANSWER_STEPS:
            self._failures = 0
            self._pause = 0.0
            self._is_probed = False
        elif self._is_probed and outcome.detail != "circuit_open":
            # It went ahead and came to nothing, as with no reference at all.
            self._is_probed = False
            self._until = self._clock.monotonic()

    def _open(self, pause: float) -> None:
        self._pause = pause
        part = random.uniform(1.0 - JITTER, 1.0)  # noqa: S311  # no secret hangs on it
        self._until = self._clock.monotonic() + pause * part
        self._is_probed = False


def is_theirs(outcome: CareofError) -> bool:
    """
    Whether *outcome* tells about the other side.

    A name that is not resolved, and a socket that we do not have, tell about
    us, and so does our own refusal.
    """
    return outcome.step != "destination" and outcome.detail not in ("circuit_open", "no_socket")
