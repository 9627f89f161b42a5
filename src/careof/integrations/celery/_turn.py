"""
One turn: what a worker does with one message.

Theory of operation: workers are shared, so a turn is short.  It ends when its time
is up, when the tenant's rate gives nothing, when the endpoint asks to be left alone,
or when reference after reference fails; what is left goes to the end of the queue,
behind the others.  References are handed to the dispatcher one by one, after a token
of the rate was taken.  What was not handed to it has no claim, so a worker that is
killed leaves open only what it had under way.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import attrs

from careof._sending.dispatcher import Dispatcher
from careof._sending.tally import Tally
from careof._values.clock import SYSTEM_CLOCK, Clock
from careof._values.invitation import Invitation
from careof._values.receipt import Outcome, Receipt

SLICE = 20.0  # seconds in which a turn begins with references
A_NAP = 1.0  # seconds that a worker waits for a token at most, or others could work
IN_A_ROW = 5  # references that fail: it is not they

TRIES = 6  # in a row that brought nobody any further
FIRST_PAUSE = 30.0  # seconds; each pause is twice as long as the one before
# With its jitter, a turn, and the last reply of a mail server it is shorter than RabbitMQ
# waits for an acknowledgement (consumer_timeout, 30 minutes), and Redis an hour.
LONGEST_PAUSE = 600.0


class Rate(Protocol):
    """
    How often the references of one tenant may be looked up, over the whole fleet.

    ``careof.integrations.redis.RedisRate`` is one.
    """

    def take(self) -> float:
        """
        0 if a token was taken; otherwise seconds until there may be one.
        """
        ...


@attrs.frozen(kw_only=True)
class Done:
    """
    What a turn came to.

    Attributes:
        receipts: Of the references that it began with.
        left: Those that have no outcome yet that a ledger would keep.
        asked: Seconds that the other side, or the rate, wants to be left alone.
        reason: Why something is left, in words that name nobody; empty if only the
            time, or the rate, was up.
    """

    receipts: Sequence[Receipt] = ()
    left: Sequence[str] = ()
    asked: float = 0.0
    reason: str = ""

    @property
    def outcomes(self) -> Tally:
        """
        The outcomes of its receipts.
        """
        return Tally(receipt.outcome for receipt in self.receipts)

    def tries(self, before: int) -> int:
        """
        How many turns in a row have brought nobody any further, *before* this one
        counted: waiting for a turn or a token is no failure.
        """
        if any(receipt.outcome.is_final for receipt in self.receipts):
            return 1 if self.reason else 0
        return before + 1 if self.reason else before


def longest_pause(transport_options: Mapping[str, Any] | None) -> float:
    """
    Seconds that a message can wait, before jitter, and still be acknowledged in time.

    A broker that takes it for lost hands it out once more, and what is left goes back
    from both: there would be more of them with each pause, and no end to it.
    """
    visible = (transport_options or {}).get("visibility_timeout")
    if not isinstance(visible, int | float):
        return LONGEST_PAUSE
    return min(LONGEST_PAUSE, max(visible, 0.0) / 3)


def pause(done: Done, tries: int, longest: float = LONGEST_PAUSE) -> float:
    """
    Seconds until the next turn, when so many *tries* have brought nobody any further.

    They differ by up to a half: who was sent away together does not come back together.
    """
    shortest = done.asked
    if done.reason:
        shortest = max(shortest, FIRST_PAUSE * 2.0 ** (tries - 1))
    # No secret hangs on it.
    return random.uniform(1.0, 1.5) * min(shortest, longest)  # noqa: S311


class Turn:
    """
    One turn at *references*.
    """

    def __init__(
        self, references: Sequence[str], *, rate: Rate | None, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._references = references
        self._rate = rate
        self._clock = clock
        self._until = clock.monotonic() + SLICE
        self._begun = 0
        self._asked = 0.0
        self._reason = ""

    def take(self, dispatcher: Dispatcher, invitation: Invitation, concurrency: int) -> Done:
        """
        Send *invitation* to as many of them as the turn is long enough for.
        """
        receipts: list[Receipt] = []
        in_a_row = 0
        batch = dispatcher.send_many(self._given(), invitation, concurrency=concurrency)
        try:
            for receipt in batch:
                receipts.append(receipt)
                if receipt.outcome.is_final:
                    in_a_row = 0
                elif receipt.outcome is not Outcome.CANCELLED:
                    in_a_row += 1
                    self._fails(receipt)
                    # Not where the rate asked: what is under way has its token.
                    if in_a_row >= IN_A_ROW or receipt.retry_after:
                        batch.stop()
        except Exception as error:  # a time limit of the task's, which ends what it interrupts
            self._reason = type(error).__name__
        return Done(
            receipts=receipts, left=self._left(receipts), asked=self._asked, reason=self._reason
        )

    def _fails(self, receipt: Receipt) -> None:
        self._reason = ": ".join(filter(None, [receipt.outcome, receipt.detail]))
        self._asked = max(self._asked, receipt.retry_after or 0.0)

    def _left(self, receipts: Sequence[Receipt]) -> list[str]:
        begun = self._references[: self._begun]
        is_final = {receipt.reference_id: receipt.outcome.is_final for receipt in receipts}
        if len(receipts) < len(begun):  # interrupted: the ledger knows more than we do
            later = [each for each in begun if not is_final.get(each, False)]
        else:
            later = [each.reference_id for each in receipts if not each.outcome.is_final]
        # Those that failed come last, so that they hold up none of the others.
        return [*self._references[self._begun :], *later]

    def _given(self) -> Iterator[str]:
        for reference_id in self._references:
            if self._clock.monotonic() >= self._until or not self._has_token():
                return
            self._begun += 1
            yield reference_id

    def _has_token(self) -> bool:
        while self._rate is not None:
            try:
                wait = self._rate.take()
            except Exception as error:
                # Without it nobody knows how often the others send.
                self._reason = f"rates: {type(error).__name__}"
                return False
            if wait <= 0:
                return True
            if wait > A_NAP or self._clock.monotonic() + wait >= self._until:
                self._asked = max(self._asked, wait)
                return False
            time.sleep(wait)
        return True
