"""
Any number of references, a few messages at a time.

Theory of operation: whoever asks how many are through does the work: fills the window
with messages, and looks which of them have a result.  So the broker holds no more of
one survey than the window, whatever there is, and a worker that comes free takes the
messages of all surveys in turn.  A message that never has a result, because a worker
died with it, is handed over again after a long while, unless it was heard to go
back meanwhile; that sends nothing twice, because the ledger decides.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from celery.states import RETRY

from careof._values.clock import SYSTEM_CLOCK, Clock
from careof._values.receipt import Outcome
from careof._values.reference import refuse_reference
from careof._values.sealed import Unpicklable
from careof.errors import ConfigurationError, SendUnavailableError

GLANCE = 0.05  # seconds between two looks, at first
LONGEST_GLANCE = 1.0
TIMES = 6  # that a message is handed over
MOST = 10_000  # in a message, and messages: more are a mistake


def refused_fan_out(
    app: Any, reference_ids: object, chunk: object, window: object, patience: float
) -> ConfigurationError | None:
    """
    Why nothing can be handed over so, or None.
    """
    if isinstance(reference_ids, str | bytes) or not isinstance(reference_ids, Iterable):
        return ConfigurationError("send_many: reference_ids: expected many references.")
    for parameter, number in (("chunk", chunk), ("window", window)):
        if not isinstance(number, int) or not 1 <= number <= MOST:
            return ConfigurationError(
                f"send_many: {parameter}: expected a number from 1 to {MOST:,}."
            )
    if not 0 < patience < math.inf:
        return ConfigurationError("send_many: patience: expected seconds above 0.")
    if type(app.backend).__name__ == "DisabledBackend":
        return ConfigurationError(
            "send_many: the app has no result backend, so nobody would know how many are "
            "through: set result_backend."
        )
    return None


class Chunk:
    """
    References of one message, and the result that it will have.
    """

    __slots__ = ("references", "result", "since", "times")

    def __init__(self, references: Sequence[str]) -> None:
        self.references: Sequence[str] = references
        self.result: Any = None
        self.since: float = -math.inf
        self.times: int = 0


class FanOut(Unpicklable):
    """
    An iterator of how many references are through, for one thread: what ``send_many`` returns.

    Nothing is handed over before it is asked, and whoever asks slowly is worked for
    slowly.  Whoever stops asking leaves at most a window of messages, which the
    workers go on with.  Called again with the same references it sends nobody
    anything twice, because the ledger knows who had it.

    Attributes:
        done: How many are through, whatever became of them.
        refused: How many of these were no references, and were handed to nobody.
        given_up: How many of these failed again and again: another run tries them.
        lost: How often a message had no result, or a worker died with it, and it was
            handed over again.
    """

    _instead = "Another process calls send_many again: the ledger knows who had it."

    def __init__(
        self,
        task: Any,
        words: Sequence[str],
        reference_ids: Iterable[str],
        *,
        chunk: int,
        window: int,
        patience: float,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._task = task
        self._words = words
        self._source = iter(reference_ids)
        self._chunk = chunk
        self._window = window
        self._patience = patience
        self._clock = clock
        self._under_way: list[Chunk] = []
        self._is_exhausted = False
        self._failure: Exception | None = None
        self.done: int = 0
        self.refused: int = 0
        self.given_up: int = 0
        self.lost: int = 0

    def stop(self) -> None:
        """
        Hand over nothing more; what was handed over is still waited for.
        """
        self._is_exhausted = True

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        glance = GLANCE
        while True:
            self._fill()
            if self._has_result():
                return self.done
            if not self._under_way:
                break
            time.sleep(glance)
            glance = min(2 * glance, LONGEST_GLANCE)
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        raise StopIteration

    def _fill(self) -> None:
        while not self._is_exhausted and len(self._under_way) < self._window:
            references = self._taken()
            if references:
                chunk = Chunk(references)
                self._under_way.append(chunk)  # first: whoever asks on has it handed over again
                self._hand_over(chunk)

    def _taken(self) -> list[str]:
        taken: list[str] = []
        try:
            taken.extend(islice(self._source, self._chunk))  # keeps what came before an error
        except Exception as error:
            self._failure = error
        if len(taken) < self._chunk:
            self.stop()
        fine = [each for each in taken if refuse_reference(each) is None]
        self.refused += len(taken) - len(fine)
        self.done += len(taken) - len(fine)
        return fine

    def _hand_over(self, chunk: Chunk) -> None:
        began = self._clock.monotonic()
        chunk.times += 1
        while True:
            try:
                chunk.result = self._task.delay(*self._words, list(chunk.references))
                break
            except Exception as error:
                failure = type(error).__name__
            if self._clock.monotonic() - began >= self._patience:
                raise SendUnavailableError(
                    f"The broker took no message for {self._patience:g} seconds.",
                    detail=f"broker:{failure}",
                )
            time.sleep(LONGEST_GLANCE)
        chunk.since = self._clock.monotonic()

    def _has_result(self) -> bool:
        for chunk in self._under_way:
            given_up = self._given_up(chunk)
            if given_up is not None:
                self._under_way.remove(chunk)
                self.done += len(chunk.references)
                self.given_up += given_up
                return True
        return False

    def _given_up(self, chunk: Chunk) -> int | None:
        """
        How many of *chunk* were given up; None while it is not through.

        One that was lost is handed over again, and is not through.
        """
        found = self._found(chunk)
        if isinstance(found, dict):
            outcomes = {Outcome(word): count for word, count in found.items()}
            if outcomes.keys() == {Outcome.CANCELLED}:  # the host has stopped the survey
                self.stop()
            return sum(int(outcomes[outcome]) for outcome in outcomes if not outcome.is_final)
        if isinstance(found, ConfigurationError):
            # The host's parts do not fit together, and no more for the next message.
            self.stop()
            self._failure = found
            return len(chunk.references)
        is_overdue = self._clock.monotonic() - chunk.since >= self._patience
        if found is None and (not is_overdue or self._goes_round(chunk)):
            return None
        # A worker died with it, or it was never heard of again.
        if chunk.times >= TIMES:
            return len(chunk.references)
        self.lost += 1
        self._hand_over(chunk)
        return None

    def _goes_round(self, chunk: Chunk) -> bool:
        """
        Whether *chunk* went back since it was looked at last: it waits for a turn or a token.

        Handed over again it would take a second one for each of its references.
        """
        try:
            if chunk.result.state != RETRY:
                return False
            chunk.result.forget()  # if it is alive it says so once more
        except Exception:
            return False  # it was not handed over, or the backend is away
        chunk.since = self._clock.monotonic()
        return True

    @staticmethod
    def _found(chunk: Chunk) -> object:
        try:
            if not chunk.result.ready():
                return None
            found = chunk.result.result
            chunk.result.forget()
        except Exception:
            return None  # the backend is away, perhaps for a moment
        return found

    def __repr__(self) -> str:
        return f"FanOut(done {self.done:,}, given up {self.given_up:,})"
