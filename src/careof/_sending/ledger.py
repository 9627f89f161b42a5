"""
Who was sent what, so that nobody is sent it twice, across runs and machines.

Theory of operation: before a reference is looked up, its key is *claimed*, and
only one caller in the world gets it.  Whoever has the claim settles it when the
outcome is known.  What a run leaves behind when it is killed is a claim that
stays open: nobody knows whether its message went out, so no later run sends it,
and somebody looks.  An outcome that means "nothing was handed over, try later"
releases the claim instead.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol
from urllib.parse import quote

from careof._values.receipt import Outcome

OPEN = "open"


class LedgerKey(NamedTuple):
    """
    What is sent once: one survey in one wave to one reference over one channel.

    A tuple of four texts, as a unique constraint takes it.  ``str(key)`` is one
    text, and no two keys have the same.
    """

    survey_id: str  #: That of the invitation.
    wave: str  #: That of the invitation; empty if it has none.
    reference_id: str  #: Who is asked.
    channel: str  #: ``"email"`` or ``"sms"``.

    def __str__(self) -> str:
        return "/".join(quote(part, safe="", errors="surrogatepass") for part in self)


class Ledger(Protocol):
    """
    Which keys are claimed and which are done, in the host's own storage.

    Called by many threads.  Of any number of callers who claim one key at once,
    in any process, exactly one may get None: a unique constraint does that, a
    look before an insert does not.
    """

    def claim(self, key: LedgerKey, /) -> str | None:
        """
        None if *key* is now the caller's, ``"open"`` if another has it, or its outcome.

        Committed when it returns: a claim that a rollback takes back is none.
        """
        ...

    def settle(self, key: LedgerKey, outcome: Outcome, /) -> None:
        """
        Keep *outcome* for *key* if ``outcome.is_final``; release the claim otherwise.
        """
        ...


class AsyncLedger(Protocol):
    """
    As ``Ledger``, for asyncio and Trio.
    """

    async def claim(self, key: LedgerKey, /) -> str | None:
        """
        None if *key* is now the caller's, ``"open"`` if another has it, or its outcome.

        Committed when it returns: a claim that a rollback takes back is none.
        """
        ...

    async def settle(self, key: LedgerKey, outcome: Outcome, /) -> None:
        """
        Keep *outcome* for *key* if ``outcome.is_final``; release the claim otherwise.
        """
        ...


class _Memory:
    """
    What both ledgers in memory are made of.
    """

    def __init__(self) -> None:
        self._entries: dict[LedgerKey, Outcome | _Claim] = {}

    @property
    def entries(self) -> dict[LedgerKey, str]:
        """
        Each key with its outcome, or ``"open"``.
        """
        return {
            key: OPEN if isinstance(found, _Claim) else found
            for key, found in list(self._entries.items())
        }

    def _claim(self, key: LedgerKey) -> str | None:
        # setdefault is atomic: of many threads, one finds its own claim.
        mine = _Claim()
        found = self._entries.setdefault(key, mine)
        if found is mine:
            return None
        return OPEN if isinstance(found, _Claim) else found

    def _settle(self, key: LedgerKey, outcome: Outcome) -> None:
        if outcome.is_final:
            self._entries[key] = outcome
        elif isinstance(self._entries.get(key), _Claim):  # what is done stays done
            del self._entries[key]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self._entries)} entries)"


class _Claim:
    """
    A claim that is not settled.
    """


class MemoryLedger(_Memory):
    """
    A ledger that ends with the process: for tests and notebooks.
    """

    def claim(self, key: LedgerKey, /) -> str | None:
        """
        None if *key* is now the caller's, ``"open"`` if another has it, or its outcome.
        """
        return self._claim(key)

    def settle(self, key: LedgerKey, outcome: Outcome, /) -> None:
        """
        Keep *outcome* for *key* if it is final; release the claim otherwise.
        """
        self._settle(key, outcome)


class AsyncMemoryLedger(_Memory):
    """
    As ``MemoryLedger``, for asyncio and Trio.
    """

    async def claim(self, key: LedgerKey, /) -> str | None:
        """
        None if *key* is now the caller's, ``"open"`` if another has it, or its outcome.
        """
        return self._claim(key)

    async def settle(self, key: LedgerKey, outcome: Outcome, /) -> None:
        """
        Keep *outcome* for *key* if it is final; release the claim otherwise.
        """
        self._settle(key, outcome)
