"""
What the answers of a host's own storage mean, when it is tried without a message.

Theory of operation: a ledger is asked with a key, and a list of opt-outs with an
address, that nobody else can have, so nothing that is true of somebody changes.
What is looked for is a part that answers and is wrong: a ledger that gives one
key to two callers, or a list that stops everybody.
"""

from __future__ import annotations

import secrets
from typing import ClassVar

from careof._sending.fingerprints import Fingerprinter
from careof._sending.ledger import OPEN, LedgerKey
from careof._sending.trials import Trial
from careof._values.addresses import EmailAddress
from careof._values.clock import Clock
from careof.errors import EndpointUnavailableError

_SURVEY = "careof-check"


class StorageTrial(Trial):
    """
    What of the host's storage a dispatcher asks.
    """

    part: ClassVar[str]
    change: ClassVar[str]

    def raised(self, error: Exception) -> None:
        """
        Take that it raised.
        """
        error.with_traceback(None)  # its frames are ours
        self._fail(
            EndpointUnavailableError(
                f"It failed ({type(error).__name__}).",
                detail=f"{self.part}:{type(error).__name__}",
            ),
            self.change,
        )

    def _wrong(self, words: str, change: str) -> None:
        self._fail(EndpointUnavailableError(words, detail=self.part), change)


class LedgerTrial(StorageTrial):
    """
    A ledger, with a key that nobody else has.
    """

    steps = ("claim", "release")
    part = "ledger"
    change = (
        "Look at the database of the ledger, its table, and what this process may do there. The "
        f'key that was tried is of a survey "{_SURVEY}" that does not exist.'
    )

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.key = LedgerKey(_SURVEY, secrets.token_hex(8), secrets.token_hex(16), "email")

    def first(self, answer: object) -> None:
        """
        Take the answer to the first claim.
        """
        if answer is not None:
            self._wrong(
                "claim did not return None for a key that nobody had.",
                "It must return None to the one who gets the key, and nothing else to them.",
            )

    def second(self, answer: object) -> None:
        """
        Take the answer to the second one, while the first one holds.
        """
        if answer != OPEN:
            self._wrong(
                f'claim did not return "{OPEN}" for a key that is claimed.',
                "A ledger that gives one key to two callers sends twice: it needs a unique "
                "constraint. careof.testing.LedgerConformance proves it.",
            )
        elif not self.is_over:
            self._pass()

    def third(self, answer: object) -> None:
        """
        Take the answer to the one after the release.
        """
        if answer is not None:
            self._wrong(
                "settle did not release a claim.",
                "An outcome whose is_final is false must make the key free again, or nobody "
                "tries later what failed.",
            )
        elif not self.is_over:
            self._pass("a key was claimed, refused to a second caller, and released")


class ListTrial(StorageTrial):
    """
    A list of opt-outs, with an address that nobody has.
    """

    steps = ("contains",)
    part = "suppression"
    change = "Look at the database of the list, its table, and what this process may do there."

    def __init__(self, clock: Clock, fingerprints: Fingerprinter) -> None:
        super().__init__(clock)
        self.reference_id: str = secrets.token_hex(16)
        self.fingerprint: str = fingerprints.fingerprint(
            EmailAddress.parse(f"{self.reference_id}@nobody.example")
        )

    def answered(self, answer: object) -> None:
        """
        Take its answer.
        """
        if answer is False:
            self._pass("an address that was made up is not on it")
        elif answer is True:
            self._wrong(
                "It says that an address is on it that nobody has.",
                "It must compare the whole fingerprint, and the channel.",
            )
        else:
            self._wrong(
                f"contains returned {type(answer).__name__}, not True or False.",
                "Return a bool: anything else stops every survey.",
            )
