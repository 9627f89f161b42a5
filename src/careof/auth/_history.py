"""
How one configuration's token endpoint behaved of late, and what follows from it.

Theory of operation: two things must not repeat at the pace of the lookups.  A
token endpoint that fails is asked once, and then left alone for a growing
while; all who come meanwhile hear why, at once.  And an endpoint that rejects
every token, the one fetched in place of a rejected one too, does not complain
about the token: fetching more of them would cost three requests a lookup for
ever.  Both are forgotten with the first success.
"""

from __future__ import annotations

import random

from careof._network.failures import copy_of
from careof._values.bounded import Bounded
from careof._values.clock import Clock
from careof.errors import AuthenticationError, CareofError

# After a failure that may pass, and after one that somebody must mend.
PASSING_PAUSES = (1.0, 30.0)  # seconds: the first, the longest
LASTING_PAUSES = (10.0, 300.0)
# After a token that came for a rejected one and was rejected as well.
REJECTION_PAUSES = (5.0, 3600.0)
JITTER = 0.25  # of a pause, so that a fleet does not come back in step


class History:
    """
    What is remembered of one key; written by its flight, read by all.
    """

    __slots__ = ("_cause", "_failures", "_replaced", "_replaced_at", "_until")

    def __init__(self) -> None:
        self._cause: CareofError | None = None
        self._failures = 0
        self._until = 0.0
        self._replaced = 0
        self._replaced_at = 0.0

    def failed(self, error: CareofError, clock: Clock) -> None:
        """
        Note that the token endpoint gave no token, but *error*.
        """
        self._cause = error
        # With a status the endpoint said so; without, a hook of the host's failed.
        is_lasting = isinstance(error, AuthenticationError) and error.status is not None
        pause = _pause(LASTING_PAUSES if is_lasting else PASSING_PAUSES, self._failures)
        self._leave_alone(max(pause, error.retry_after or 0.0), clock)

    def brought_nothing_new(self, clock: Clock) -> None:
        """
        Note that the token endpoint gave the token that it had given before.
        """
        self._cause = None
        self._leave_alone(_pause(PASSING_PAUSES, self._failures), clock)

    def brought_a_token(self) -> None:
        """
        Note that the token endpoint works.
        """
        self._cause = None
        self._failures = 0
        self._until = 0.0

    def leaves_alone(self, clock: Clock) -> bool:
        """
        Whether the token endpoint should not be asked now.
        """
        return clock.monotonic() < self._until

    def refusal(self, clock: Clock) -> CareofError | None:
        """
        Why there is no token now, while the endpoint is left alone.
        """
        left = self._until - clock.monotonic()
        if self._cause is None or left <= 0:
            return None
        error = copy_of(self._cause, step="token")
        error.args = (f"{error} The token endpoint is left alone for {left:.0f} s more.",)
        if error.retryable:
            error.retry_after = left
        return error

    def may_replace(self, clock: Clock) -> bool:
        """
        Whether a rejected token should be replaced, and not believed to be good.
        """
        if not self._replaced:
            return True
        pause = _grown(REJECTION_PAUSES, self._replaced - 1, factor=4.0)
        return clock.monotonic() >= self._replaced_at + pause

    def replaces(self, clock: Clock) -> None:
        """
        Note that a token is fetched in place of a rejected one.
        """
        self._replaced += 1
        self._replaced_at = clock.monotonic()

    def is_rejected(self, clock: Clock) -> None:
        """
        Note that a token was rejected that had only just been fetched.
        """
        if self.may_replace(clock):  # or another of those who waited for it noted that
            self.replaces(clock)

    def accepted(self) -> None:
        """
        Note that an endpoint took the token that came in place of a rejected one.
        """
        self._replaced = 0

    def _leave_alone(self, pause: float, clock: Clock) -> None:
        self._failures += 1
        self._until = clock.monotonic() + pause


# Of each key, for the life of the process; a strategy is often built anew.
_histories: Bounded[str, History] = Bounded(4096)


def history_of(key: str) -> History | None:
    """
    What is remembered of *key*; None if there is nothing to remember.
    """
    return _histories.get(key)


def begun_history_of(key: str) -> History:
    """
    What is remembered of *key*, from now on.
    """
    history = _histories.get(key)
    if history is None:
        history = History()
        _histories.set(key, history)
    return history


def _pause(pauses: tuple[float, float], before: int) -> float:
    return _grown(pauses, before, factor=2.0) * random.uniform(1.0, 1.0 + JITTER)  # noqa: S311  # no secret hangs on it


def _grown(pauses: tuple[float, float], before: int, *, factor: float) -> float:
    first, longest = pauses
    return float(min(first * factor ** min(before, 32), longest))
