"""
The tests that every ledger has to pass, for those that hosts write over their own storage.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Awaitable, Sequence
from typing import Any

from careof._sending.ledger import OPEN, AsyncLedger, Ledger, LedgerKey
from careof._values.receipt import Outcome
from careof._values.reference import MAX_LENGTH
from careof.testing import _ledger_proof
from careof.testing._ledger_proof import Found, LedgerProof, Step
from careof.testing._worlds import begin

_CLAIM = "Let a unique constraint over all four parts decide, in the statement that inserts"
_COMMIT = "Commit before you return, and keep no entries in memory"
_FINAL = "Keep the outcome where outcome.is_final"
_RELEASE = "Delete the entry, if it is open, where outcome.is_final is not"
_EXACT = (
    "Compare all four parts as they are: no folding of case, accents or spaces, no number in the "
    "place of a text, nothing cut off, and no separator that can stand in a part"
)
_LONG = "x" * (MAX_LENGTH - 1)

# References that one storage or another takes for equal.
_SIMILAR = (
    *("p-1", "P-1", "p-1 ", " p-1", "p-10", "p_1", "p%", "p/1", "p:1", "p|1", "p,1", "p'1", 'p"1'),
    *("7", "07", "7.0", "7e0", "null", "None", "open", "sent", "\u0661"),
    *("stra\u00dfe", "strasse", "\u00e9", "e\u0301", "e", "\uff50-1", "\U0001f600", "\U0001f601"),
    *(f"{_LONG}a", f"{_LONG}b", f"{_LONG}\u00e4", _LONG),
)

# What is put between parts that are joined into one text.
_SEPARATORS = (
    *"/:|,-_.;+#@=~*&! \t\n\x1e\x1f\\",
    *("::", "||", "--", "__", "->", "%2F"),
)


class _LedgerTests(LedgerProof):
    """
    The tests, for blocking and for async ledgers.
    """

    def test_one_of_many_callers_gets_the_claim(self) -> None:
        """
        Threads, or tasks of one event loop, that share a handle and claim the same keys at once.
        """
        keys = [self._key() for _ in range(_ledger_proof.ROUNDS)]
        found = self._at_once([[(key,) for key in keys]], _ledger_proof.CALLERS)
        self._one_each(found, "callers of one handle")

    def test_one_of_many_handles_gets_the_claim(self) -> None:
        """
        Handles that claim the same keys at once, each in a thread or an event loop of its own.
        """
        barrier = threading.Barrier(_ledger_proof.CALLERS)
        meet = functools.partial(barrier.wait, 2 * self.patience)
        steps: list[Step] = []
        for _ in range(_ledger_proof.ROUNDS):
            steps += [meet, (self._key(),)]
        found = self._at_once([steps] * _ledger_proof.CALLERS)
        self._one_each([claims[1::2] for claims in found], "handles")

    def test_a_claim_is_open_until_it_is_settled(self) -> None:
        """
        For the one who has it, and for everybody else.
        """
        key = self._key()
        first, again = self._found((key,), (key,))
        other = self._found((key,))[0]
        self._is(first, None, "a claim of a key that nobody has", _CLAIM)
        self._is(again, OPEN, "a second claim", _CLAIM)
        self._is(other, OPEN, "a second claim, on another handle,", _COMMIT)

    def test_a_claim_is_committed_when_it_returns(self) -> None:
        """
        Another handle sees it, and what it was settled with, while the first is still in use.
        """
        key = self._key()
        found = self._found(
            (key,), lambda: self._found((key,)), (key, Outcome.SENT), lambda: self._found((key,))
        )
        for seen, expected, what in (found[1], OPEN, "claim"), (found[3], "sent", "settlement"):
            self._require(
                not isinstance(seen, AssertionError), f"after a {what} {seen}. {_COMMIT}"
            )
            self._is(
                seen[0] if isinstance(seen, list) else seen,
                expected,
                f"after a {what}, a claim on another handle",
                _COMMIT,
            )

    def test_a_final_outcome_is_kept(self) -> None:
        """
        Each of them, as the word that it is, for every handle.
        """
        for outcome in [outcome for outcome in Outcome if outcome.is_final]:
            key = self._key()
            _, settled, again = self._found((key,), (key, outcome), (key,))
            other = self._found((key,))[0]
            self._settled(settled, f'to settle with "{outcome}"')
            for found, where in (again, ""), (other, " on another handle"):
                self._is(found, outcome, f'after "{outcome}" a claim{where}', _FINAL)

    def test_any_other_outcome_releases_the_claim(self) -> None:
        """
        The next one gets it, and has it alone.
        """
        for outcome in [outcome for outcome in Outcome if not outcome.is_final]:
            key = self._key()
            _, settled, again, then = self._found((key,), (key, outcome), (key,), (key,))
            self._settled(settled, f'to settle with "{outcome}"')
            self._is(again, None, f'after "{outcome}" a claim', _RELEASE)
            self._is(then, OPEN, f'after "{outcome}" and a claim, another one', _CLAIM)

    def test_settling_twice_is_harmless(self) -> None:
        """
        Whoever did not hear that it was settled settles again.
        """
        for outcome, expected in (Outcome.SENT, "sent"), (Outcome.UNAVAILABLE, None):
            key = self._key()
            *_, settled, again = self._found((key,), (key, outcome), (key, outcome), (key,))
            self._settled(settled, f'to settle twice with "{outcome}"')
            self._is(again, expected, f'after "{outcome}" twice a claim', _FINAL)

    def test_what_is_done_stays_done(self) -> None:
        """
        What was sent is not released by what comes late.
        """
        key = self._key()
        *_, again = self._found((key,), (key, Outcome.SENT), (key, Outcome.UNAVAILABLE), (key,))
        self._is(again, "sent", 'after "sent", and "unavailable" after that, a claim', _RELEASE)

    def test_keys_that_differ_in_anything_are_different(self) -> None:
        """
        In one part, in one character of 256, in case, accents, spaces; in where a part ends.
        """
        key = self._key()
        keys = [key._replace(reference_id=reference_id) for reference_id in _SIMILAR]
        keys += [key._replace(channel="sms"), key._replace(wave=" "), key._replace(wave="p-1")]
        for name in ("survey_id", "wave"):
            keys += [key._replace(**{name: f"{key.survey_id}{end}"}) for end in ("-", "A", "a")]
        keys += [key._replace(wave=word) for word in ("None", "null", "NULL")]
        for mark in _SEPARATORS:
            survey_id = f"{key.survey_id}.2"
            keys += [
                key._replace(survey_id=f"{survey_id}{mark}b", wave="c"),
                key._replace(survey_id=survey_id, wave=f"b{mark}c"),
            ]
        found = self._found(*[(key,) for key in keys])
        for one, seen in zip(keys, found, strict=True):
            self._is(seen, None, f"a claim of {shown(one)}, which nobody has,", _EXACT)

    def test_settling_one_key_leaves_the_others_alone(self) -> None:
        """
        Those that have three parts in common with it.
        """
        key = self._key()
        for outcome in Outcome.SENT, Outcome.UNAVAILABLE:
            for name in key._fields:
                other = key._replace(**{name: f"{getattr(key, name)}-{outcome}"})
                *_, found = self._found((key,), (other,), (other, outcome), (key,))
                self._is(
                    found, OPEN, f"after a key with another {name} is settled, a claim", _EXACT
                )

    def _one_each(self, found: list[Found], of: str) -> None:
        __tracebackhide__ = True
        for claims in zip(*found, strict=True):
            for claim in claims:
                if claim is not None:
                    self._is(claim, OPEN, f"of {len(claims)} {of}, one", _CLAIM)
            got_it = claims.count(None)
            self._require(got_it == 1, f"of {len(claims)} {of}, {got_it} get one claim. {_CLAIM}")


class LedgerConformance(_LedgerTests):
    """
    The tests of a ledger of your own: subclass it, and say how to build a handle on its storage.

    They leave entries behind, under survey ids that begin with ``conformance-``:
    let it be a storage for tests.  They need no fixtures: they run under pytest
    and, mixed into a ``unittest.TestCase``, under anything else.

    Attributes:
        patience: Seconds after which what has not ended is said to hang.
    """

    def make_ledger(self) -> Ledger:
        """
        A handle on the storage, which is the same each time; called by many threads.
        """
        raise NotImplementedError(
            f"{type(self).__name__}: override make_ledger(), and return a ledger over the same "
            "storage each time."
        )

    def close_ledger(self, ledger: Any) -> None:
        """
        Called with each handle when its test is done with it; nothing by default.
        """

    def _play(self, steps: Sequence[Step], callers: int) -> list[Found]:
        ledger = self.make_ledger()
        barrier = threading.Barrier(callers)
        self._require(
            not inspect.iscoroutinefunction(getattr(ledger, "claim", None)),
            "make_ledger() returns an async ledger. Subclass AsyncLedgerConformance",
        )

        def play() -> Found:
            found: Found = []
            for step in steps:
                barrier.wait(2 * self.patience)  # each step at once
                found.append(_outcome(ledger, step))
            return found

        try:
            flights = [begin(play) for _ in range(callers)]
            return [flight.result() for flight in flights]
        finally:
            self.close_ledger(ledger)


class AsyncLedgerConformance(_LedgerTests):
    """
    As ``LedgerConformance``, for an ``AsyncLedger``.

    A handle lives in one event loop; several loops run at once, in threads.

    Attributes:
        backend: ``"asyncio"`` or ``"trio"``.
    """

    backend: str = "asyncio"

    def make_ledger(self) -> AsyncLedger | Awaitable[AsyncLedger]:
        """
        A handle on the storage, which is the same each time; may be ``async def``.
        """
        raise NotImplementedError(
            f"{type(self).__name__}: override make_ledger(), and return a ledger over the same "
            "storage each time."
        )

    async def close_ledger(self, ledger: Any) -> None:
        """
        Called with each handle when its test is done with it; nothing by default.
        """

    def _play(self, steps: Sequence[Step], callers: int) -> list[Found]:
        # Late, so that importing careof.testing imports no anyio.
        import anyio

        all_found: list[Found] = []

        async def play(ledger: AsyncLedger) -> None:
            found: Found = []
            for step in steps:
                outcome = _outcome(ledger, step)
                if inspect.isawaitable(outcome):
                    try:
                        outcome = await outcome
                    except Exception as error:
                        outcome = error
                found.append(outcome)
            all_found.append(found)

        async def main() -> None:
            made = self.make_ledger()
            ledger = await made if inspect.isawaitable(made) else made
            self._require(
                inspect.iscoroutinefunction(getattr(ledger, "claim", None)),
                "make_ledger() returns a ledger that is not async. Subclass LedgerConformance",
            )
            try:
                async with anyio.create_task_group() as group:
                    for _ in range(callers):
                        group.start_soon(play, ledger)
            finally:
                await self.close_ledger(ledger)

        anyio.run(main, backend=self.backend)
        return all_found


def shown(key: LedgerKey) -> str:
    """
    *key*, with parts that are long in short.
    """
    parts = [part if len(part) < 40 else f"{part[:4]}...{part[-4:]}" for part in key]
    return repr(LedgerKey(*parts))


def _outcome(ledger: Any, step: Step) -> object:
    try:
        if not isinstance(step, tuple):
            return step()
        method = ledger.claim if len(step) == 1 else ledger.settle
        return method(*step)
    except Exception as error:
        return error
