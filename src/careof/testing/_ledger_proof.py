"""
What a proof of a ledger is made of: steps that callers play, on handles of their own or on one.

Failures are raised here, in words that say what to change.  They are no
``assert`` statements, which are nothing under ``python -O``.
"""

from __future__ import annotations

import abc
import secrets
from collections.abc import Callable, Sequence

from careof._sending.ledger import LedgerKey
from careof._values.receipt import Outcome
from careof.testing._worlds import at_once

CALLERS = 8
ROUNDS = 10  # keys that they all want

# A claim, a settlement, or something else that happens meanwhile.
Step = tuple[LedgerKey] | tuple[LedgerKey, Outcome] | Callable[[], object]
Found = list[object]  # what each step returned, or the error that it raised


class LedgerProof(abc.ABC):
    """
    What both conformance classes ask of their host, and do.

    Attributes:
        patience: Seconds after which what has not ended is said to hang.
    """

    patience: float = 10.0

    def _key(
        self, *, wave: str = "", reference_id: str = "p-1", channel: str = "email"
    ) -> LedgerKey:
        # Nobody else's: what an earlier run left in the storage is not met.
        return LedgerKey(f"conformance-{secrets.token_hex(8)}", wave, reference_id, channel)

    @abc.abstractmethod
    def _play(self, steps: Sequence[Step], callers: int) -> list[Found]:
        """
        What *callers* find who play *steps* at once, on one handle that is made for them.
        """
        ...

    def _found(self, *steps: Step) -> Found:
        return self._at_once([steps])[0]

    def _at_once(self, plays: Sequence[Sequence[Step]], callers: int = 1) -> list[Found]:
        # Each on a handle of its own, and in a thread of its own: what hangs fails.
        works = [lambda steps=steps: self._play(steps, callers) for steps in plays]
        found = at_once(
            works,
            self.patience,
            "a claim or a settlement has not ended. Is a transaction left open, which others "
            "wait for? Commit before you return",
        )
        return [one for of_one_handle in found for one in of_one_handle]

    def _is(self, found: object, expected: str | None, when: str, advice: str) -> None:
        __tracebackhide__ = True
        wanted = "None" if expected is None else f'"{expected}"'
        self._require(found == expected, f"{when} {said(found)} instead of {wanted}. {advice}")

    def _settled(self, found: object, when: str) -> None:
        __tracebackhide__ = True
        self._require(
            not isinstance(found, BaseException),
            f"{when} {said(found)}. settle() has to take whatever the entry says by now",
        )

    def _require(self, condition: bool, words: str) -> None:  # noqa: FBT001
        __tracebackhide__ = True
        if not condition:
            raise AssertionError(f"{type(self).__name__}: {words}.")


def said(found: object) -> str:
    """
    What a step came to, in words.
    """
    if isinstance(found, BaseException):
        return f"fails with {type(found).__name__}: {str(found).rstrip('.')}"
    return f'returns "{found}"' if isinstance(found, str) else f"returns {found!r}"
