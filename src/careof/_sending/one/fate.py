"""
What becomes of one reference is decided once.

Theory of operation: a delivery is carried by a thread or a task, and watched by
whoever reads the batch.  The watcher gives up what hangs, and what hangs may
come back in the same moment.  So each step that cannot be taken back - handing
over, deciding, settling the claim, letting go of what others wait for, telling -
is taken under one lock, and only the first who tries may take it.  A message is not
handed over after its reference was given up, a claim is settled by one of the
two and with the outcome that was decided, and there is one receipt.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from careof._sending.one.ends import End, Otherwise


class Fate:
    """
    The steps of one delivery that are taken once.

    Attributes:
        end: What was decided, or None.
        is_handed_over: Whether the sender was called.
        since: When the step began that may hang, on the clock of the dispatcher;
            None while it only waits for its turn.
    """

    __slots__ = (
        "_has_begun",
        "_has_claim",
        "_holds",
        "_is_told",
        "_lock",
        "_was_claimed",
        "end",
        "is_handed_over",
        "since",
    )

    def __init__(self) -> None:
        self._lock = threading.RLock()  # telling lets go
        self._has_begun = False
        self._has_claim = self._was_claimed = False
        self._is_told = False
        self.end: End | None = None
        self.is_handed_over: bool = False
        self._holds: list[Callable[[End], object]] = []
        self.since: float | None = None

    def begin(self) -> bool:
        """
        Whether the caller is the one who carries it.
        """
        with self._lock:
            has_begun, self._has_begun = self._has_begun, True
            return not has_begun

    def claimed(self) -> None:
        """
        Note that the ledger has a claim, which somebody has to settle.
        """
        with self._lock:
            self._has_claim = self._was_claimed = True

    def hand_over(self, now: float) -> bool:
        """
        Whether the message may be handed over: nobody has decided yet.
        """
        with self._lock:
            if self.end is not None:
                return False
            self.is_handed_over = True
            self.since = now
            return True

    def decide(self, end: End | None, otherwise: Otherwise) -> None:
        """
        Let it be *end*, if nothing was decided before.

        Args:
            otherwise: What it is without an *end*, by whether it was handed over.
        """
        with self._lock:
            if self.end is None:
                self.end = otherwise[self.is_handed_over] if end is None else end

    def must_settle(self) -> bool:
        """
        Whether the caller is the one who has to settle the claim.
        """
        with self._lock:
            has_claim, self._has_claim = self._has_claim, False
            return has_claim

    def resume(self) -> None:
        """
        Let the claim be settled once more: whoever had to was interrupted.
        """
        with self._lock:
            self._has_claim = self._was_claimed

    def hold(self, let_go: Callable[[End], object]) -> bool:
        """
        Whether *let_go* will be called at the end; not if that has come already.
        """
        with self._lock:
            if self.end is None:
                self._holds.append(let_go)
            return self.end is None

    def let_go(self, end: End) -> None:
        """
        Let go of what is held.
        """
        with self._lock:
            holds, self._holds = self._holds, []
        for let_go in holds:
            let_go(end)

    def tell(self, conclude: Callable[[], object]) -> bool:
        """
        Whether the caller is the one who made the receipt, by *conclude*.

        Whoever is not finds it made.
        """
        with self._lock:
            if self._is_told:
                return False
            conclude()
            self._is_told = True
            return True
