"""
How one reference ends: the outcome, and what is said beside it.
"""

from __future__ import annotations

import attrs

from careof._sending.ledger import OPEN
from careof._values.receipt import Outcome
from careof.errors import CareofError

# Before anything was handed over, and the same for everybody.
_MISTAKES = frozenset(
    {
        (Outcome.REFUSED, "destination"),
        (Outcome.REFUSED, "sender:destination"),
        (Outcome.BAD_RESPONSE, "missing_attribute"),
        (Outcome.REJECTED, "channel"),
    }
)
_WORDS = frozenset(outcome.value for outcome in Outcome)


@attrs.frozen
class End:
    """
    What a receipt says, before there is one.
    """

    outcome: Outcome
    detail: str = ""
    message_id: str | None = None
    retry_after: float | None = None

    @property
    def settled_as(self) -> Outcome:
        """
        What a ledger is told of it.

        A mistake of the host's own, such as a name server that is down or a typo in
        a placeholder, says nothing about the person: once it is mended, the next run
        has to ask again.
        """
        is_ours = (self.outcome, self.detail) in _MISTAKES
        return Outcome.CANCELLED if is_ours else self.outcome

    @classmethod
    def of(cls, error: CareofError) -> End:
        """
        The end that *error* stands for.
        """
        return cls(Outcome(error.outcome), error.detail, None, error.retry_after)


Otherwise = dict[bool, End]

CANCELLED = End(Outcome.CANCELLED)
# What came to no end in time, by whether its message may be out.
GIVEN_UP: Otherwise = {
    False: End(Outcome.UNAVAILABLE, "given_up"),
    True: End(Outcome.UNCERTAIN, "given_up"),
}
# What was interrupted: the batch, the task, or the program.
INTERRUPTED: Otherwise = {False: CANCELLED, True: End(Outcome.UNCERTAIN, "cancelled")}


def claimed_before(found: object) -> End:
    """
    The end of a reference whose claim is not ours, by what the ledger said.
    """
    if found == OPEN:
        return End(Outcome.UNCERTAIN, "claimed")
    if isinstance(found, str) and found in _WORDS:
        before = Outcome(found)
        return End(Outcome.DUPLICATE if before is Outcome.SENT else before, "ledger")
    return End(Outcome.UNAVAILABLE, "ledger")  # it may have been sent: nobody knows


def listed(found: object) -> End | None:
    """
    The end of a reference by what the suppression list said, or None: go on.
    """
    if found is False:
        return None
    return End(Outcome.SUPPRESSED) if found is True else End(Outcome.UNAVAILABLE, "suppression")


def failed(part: str, error: Exception) -> End:
    """
    The end of a reference before whose hand-over a *part* of the host's failed.
    """
    error.with_traceback(None)  # its frames are ours
    return End(Outcome.UNAVAILABLE, f"{part}:{type(error).__name__}")


def had_before(outcome: Outcome) -> End:
    """
    The end of a reference whose address another one of this run had.
    """
    return End(Outcome.DUPLICATE if outcome is Outcome.SENT else Outcome.UNCERTAIN, "same_address")
