"""
The conversations of one sender that are kept for its next messages.

Theory of operation: there are never more than the bound, those in use counted,
because none is opened without a turn (see ``turns``), and one that rests is
taken before another is opened: last in, first out, so that those too many grow
old at the bottom.  A conversation belongs to its process: two that share a
socket would read each other's replies.  Of one that a fork brought along only
our end is closed, without a word, for the other process goes on with it.
"""

from __future__ import annotations

import contextlib
import os
import weakref
from collections import deque

from careof._network.limits import Deadline
from careof._sending.email.session import PATIENCE, Session
from careof._values.clock import Clock

# A firewall between us forgets, without a word, what is silent for minutes, and
# servers hang up.
LONGEST_IDLE = 60.0  # seconds
# A name may stand for another address by now, and a certificate may have ended.
LONGEST_LIFE = 300.0  # seconds
MOST_MESSAGES = 100  # of one conversation; many servers allow no more


class Pool:
    """
    What rests.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._resting: deque[Session] = deque()
        # For a sender that is dropped without close(), and at exit.
        weakref.finalize(self, _part_from_all, self._resting, clock, 0.0)

    def take(self) -> Session | None:
        """
        A conversation that can go on, as far as can be seen, or None.
        """
        now = self._clock.monotonic()
        # One operation each on the stack, so that threads need no lock.
        with contextlib.suppress(IndexError):
            while True:
                session = self._resting.pop()
                if _is_young(session, now) and session.is_quiet():
                    return session
                self._part(session)
        return None

    def put(self, session: Session) -> None:
        """
        Keep *session* for the next message, or end it.
        """
        now = session.since = self._clock.monotonic()
        if session.is_over or not (session.is_read() and _is_young(session, now)):
            self._part(session)
            return
        self._resting.append(session)
        with contextlib.suppress(IndexError):
            while now - self._resting[0].since >= LONGEST_IDLE:
                self._part(self._resting.popleft())

    def close(self) -> None:
        """
        Part from all that rest, in order, without waiting for ever.
        """
        _part_from_all(self._resting, self._clock, PATIENCE)

    def _part(self, session: Session) -> None:
        _part_from_all(deque([session]), self._clock, 0.0)


def _is_young(session: Session, now: float) -> bool:
    return (
        session.process == os.getpid()
        and session.sent < MOST_MESSAGES
        and now - session.since < LONGEST_IDLE
        and now - session.opened < LONGEST_LIFE
    )


def _part_from_all(resting: deque[Session], clock: Clock, seconds: float) -> None:
    deadline = Deadline(clock, seconds)
    parting = []
    with contextlib.suppress(IndexError):  # until it is empty, perhaps by another thread
        while True:
            session = resting.pop()
            if session.is_over or session.process != os.getpid():
                session.close()
            else:
                session.say_quit(deadline)
                parting.append(session)
    for session in parting:
        if seconds:
            session.part(deadline)
        else:
            session.close()
