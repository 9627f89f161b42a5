"""
Callers who do not know of each other, collected into batches.

Theory of operation: whoever comes first opens a batch and leads it.  The leader
waits until the batch is full, or for a moment, then closes it, asks for all of
them and tells each what became of its reference.  There is no thread and no
task but those of the callers, so a leader may be cancelled, or interrupted by
Ctrl-C, anywhere: then the next in the batch hears that it leads now, waits for
what is left of the moment, and asks for those who still wait.  A follower that
gives up leaves its seat, and what comes for it goes to nobody.  Each waits no
longer than its own deadline, whatever becomes of the others.  What is told goes
through a ``Future``, on which threads, and tasks of any loop, wait alike; it is
gone when its caller is.  A fork leaves the batches to the parent.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self

from careof._network.failures import copy_of, too_late
from careof._network.limits import Deadline
from careof._network.waits import Landed
from careof._resolving.batch_lookup import Outcomes
from careof._resolving.batch_template import BatchRequestTemplate
from careof._values.clock import Clock
from careof._values.contact import Contact
from careof._values.forks import begin_anew_after_fork
from careof.errors import CareofError


class Lead:
    """
    What a caller is told whose turn it is to ask.
    """


LEAD = Lead()


class Load:
    """
    The references of one request, each once, and whether it takes another one.

    Args:
        wait: Seconds after which it goes as it is.

    Attributes:
        reference_ids: How often each is wanted.
        deadline: When that is.
        size: How many there are at most.
    """

    __slots__ = ("_room", "_template", "deadline", "reference_ids", "size")

    def __init__(self, template: BatchRequestTemplate, clock: Clock, wait: float) -> None:
        self.deadline = Deadline(clock, wait)
        self.reference_ids: dict[str, int] = {}
        self.size = template.size
        self._template = template
        self._room = template._room

    def add(self, reference_id: str) -> None:
        """
        Let it ask about *reference_id* as well.
        """
        wanted = self.reference_ids.get(reference_id, 0)
        self.reference_ids[reference_id] = wanted + 1
        if not wanted:
            self._room -= self._template._weight(reference_id)

    def remove(self, reference_id: str) -> None:
        """
        One of those who wanted to know about *reference_id* does not any more.
        """
        self.reference_ids[reference_id] -= 1
        if not self.reference_ids[reference_id]:
            del self.reference_ids[reference_id]
            self._room += self._template._weight(reference_id)

    @property
    def is_full(self) -> bool:
        """
        Whether there is no room for another one, however long.
        """
        return len(self.reference_ids) >= self.size or self._room <= 0

    @property
    def is_due(self) -> bool:
        """
        Whether it is full, or has waited long enough.
        """
        return self.is_full or self.deadline.left() <= 0


class _Batch:
    """
    Those who wait for one request.
    """

    __slots__ = ("filled", "load", "seats")

    def __init__(self, load: Load) -> None:
        self.load = load
        self.filled: Future[None] = Future()
        self.seats: dict[Seat, None] = {}  # a set that remembers who came first


class Seat:
    """
    One caller's place in a batch; a ``with`` block at whose end it is free.
    """

    __slots__ = ("batch", "collector", "reference_id", "told")

    def __init__(self, collector: Collector, reference_id: str, batch: _Batch) -> None:
        self.reference_id = reference_id
        self.collector = collector
        self.batch = batch
        self.told: Future[Any] = Future()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        frames: TracebackType | None,
    ) -> None:
        self.collector._leave(self)

    def turn(self, deadline: Deadline) -> Landed:
        """
        Sit down, and the wait until there is word.

        Not before the block has begun: Ctrl-C in between would leave a batch
        whose leader is gone.
        """
        self.collector._join(self)
        return Landed(self.told, deadline)

    def word(self) -> Contact | CareofError | Lead:
        """
        What became of the reference, or that it is for this caller to ask.
        """
        if not self.told.done():
            return too_late("status")
        word: Contact | CareofError | Lead = self.told.result()
        return word

    def closing(self, deadline: Deadline) -> Landed:
        """
        The wait of a leader until its batch is full, or has waited long enough.
        """
        return Landed(self.batch.filled, deadline.within(self.batch.load.deadline.left()))

    def close(self) -> tuple[str, ...]:
        """
        All that a leader has to ask about, each once; nobody joins any more.
        """
        return self.collector._close(self.batch)

    def deliver(self, found: Outcomes | CareofError) -> Contact | CareofError:
        """
        Tell the others of the batch what was *found* for each, and return one's own.
        """
        for seat in self.collector._waiting(self.batch):
            seat.told.set_result(own(found, seat.reference_id))
        return own(found, self.reference_id)


class Collector:
    """
    The batches of one resolver.

    Args:
        wait: Seconds that a batch waits for more after the first caller.
    """

    def __init__(self, template: BatchRequestTemplate, clock: Clock, wait: float) -> None:
        self._template = template
        self._clock = clock
        self._wait = wait
        self._lock = threading.Lock()
        self._open: _Batch | None = None

    def load(self) -> Load:
        """
        An empty request.
        """
        return Load(self._template, self._clock, self._wait)

    def seat(self, reference_id: str) -> Seat:
        """
        A seat for whoever wants to know about *reference_id*.
        """
        return Seat(self, reference_id, _Batch(self.load()))

    def _join(self, seat: Seat) -> None:
        begin_anew_after_fork(self)
        with self._lock:
            if self._open is None or self._open.load.is_due:
                # The batch that it brought is the one, and it leads.  One that
                # is due has a leader who is about to close it, or is lost.
                seat.told.set_result(LEAD)
                self._open = seat.batch
            batch = seat.batch = self._open
            batch.load.add(seat.reference_id)
            batch.seats[seat] = None
            if batch.load.is_full:
                self._open = None
                batch.filled.set_result(None)

    def _close(self, batch: _Batch) -> tuple[str, ...]:
        with self._lock:
            if self._open is batch:
                self._open = None
            return tuple(batch.load.reference_ids)

    def _waiting(self, batch: _Batch) -> list[Seat]:
        with self._lock:
            return [seat for seat in batch.seats if not seat.told.done()]

    def _leave(self, seat: Seat) -> None:
        batch = seat.batch
        with self._lock:
            if seat in batch.seats:
                del batch.seats[seat]
                batch.load.remove(seat.reference_id)
            if not isinstance(seat.word(), Lead):
                return
            heir = next((each for each in batch.seats if not each.told.done()), None)
            if heir is not None:
                # Under the lock, or the heir could leave without having heard.
                heir.told.set_result(LEAD)
            elif self._open is batch:
                self._open = None

    def _begin_anew(self) -> None:
        # The lock may have been held by a thread that the child does not have.
        self._lock = threading.Lock()
        self._open = None


def own(found: Outcomes | CareofError, reference_id: str) -> Contact | CareofError:
    """
    What was *found* for *reference_id*, for one caller alone.

    An error of its own, for its traceback belongs to one thread, and a contact
    of its own, to let go of when it likes.
    """
    outcome = found if isinstance(found, CareofError) else found[reference_id]
    if isinstance(outcome, CareofError):
        return copy_of(outcome, step=outcome.step)
    return Contact(
        reference_id, email=outcome.email, phone=outcome.phone, attributes=outcome.attributes
    )
