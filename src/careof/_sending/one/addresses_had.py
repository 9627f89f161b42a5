"""
The addresses of one run, so that two references to one address get one survey.

Theory of operation: an address is remembered as a keyed fingerprint, under a
random key that nobody else has and that ends with the run, so what stands here
leads to nobody and can be compared with nothing.  The first reference that
comes with an address has it; the next one waits until it is known what became
of the first, because an address whose message was not accepted is free again.

The fingerprint has 120 bits: among ten million addresses two have the same one
with a probability of 4e-23.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from concurrent.futures import Future

from careof._sending.fingerprints import Address, normalised
from careof._values.receipt import Outcome

_SIZE = 15  # bytes: an int of them takes no more memory than one of 12


class Addresses:
    """
    Which addresses of a run had a message, may have had one, or are about to.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._had: dict[Outcome, set[int]] = {Outcome.SENT: set(), Outcome.UNCERTAIN: set()}
        self._under_way: dict[int, Future[None]] = {}

    def mark(self, address: Address) -> int:
        """
        The fingerprint of *address* in this run.
        """
        text = normalised(address).encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(text, key=self._key, digest_size=_SIZE).digest()
        return int.from_bytes(digest, "big")

    def reserve(self, mark: int) -> Outcome | Future[None] | None:
        """
        None if the address is now the caller's; what it had, or a future to wait for.
        """
        with self._lock:
            for outcome, marks in self._had.items():
                if mark in marks:
                    return outcome
            other = self._under_way.get(mark)
            if other is None:
                self._under_way[mark] = Future()
            return other

    def conclude(self, mark: int, outcome: Outcome) -> None:
        """
        Keep what became of an address that was reserved, or let it go.
        """
        with self._lock:
            if outcome in self._had:
                self._had[outcome].add(mark)
            future = self._under_way.pop(mark)
        future.set_result(None)
