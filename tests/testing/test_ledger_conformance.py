from __future__ import annotations

import subprocess
import sys
import threading
import unittest

import pytest

from careof import AsyncMemoryLedger, MemoryLedger
from careof.testing import AsyncLedgerConformance, LedgerConformance
from tests.support import ledgers_gone_wrong as wrong
from tests.support.ledgers_gone_wrong import AsyncEntries, Entries

TESTS = [name for name in dir(LedgerConformance) if name.startswith("test_")]


def proof(kind, storage=None, base=LedgerConformance, **members):
    """
    The conformance class of a *kind* of ledgers.
    """
    storage = {} if storage is None else storage

    def make_ledger(self):
        return kind(storage)

    return type("Proof", (base,), {"make_ledger": make_ledger, **members})


def red(kind, tests=TESTS):
    """
    The words of the tests that fail, by name.
    """
    failures = {}
    for name in tests:
        try:
            getattr(kind(), name)()
        except AssertionError as error:
            failures[name.removeprefix("test_")] = str(error)
    return failures


def test_a_ledger_in_memory_conforms():
    ledger = MemoryLedger()

    assert red(proof(lambda _: ledger)) == {}


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_an_async_ledger_in_memory_conforms(backend):
    ledger = AsyncMemoryLedger()

    assert red(proof(lambda _: ledger, base=AsyncLedgerConformance, backend=backend)) == {}


def test_what_a_host_writes_conforms():
    assert red(proof(Entries)) == {}
    assert red(proof(AsyncEntries, base=AsyncLedgerConformance)) == {}


OPEN = "a_claim_is_open_until_it_is_settled"
COMMITTED = "a_claim_is_committed_when_it_returns"
FINAL = "a_final_outcome_is_kept"
RELEASED = "any_other_outcome_releases_the_claim"
DIFFER = "keys_that_differ_in_anything_are_different"
CALLERS = "one_of_many_callers_gets_the_claim"
HANDLES = "one_of_many_handles_gets_the_claim"
ALONE = "settling_one_key_leaves_the_others_alone"
TWICE = "settling_twice_is_harmless"
DONE = "what_is_done_stays_done"
ALL = [COMMITTED, OPEN, FINAL, RELEASED, DIFFER, CALLERS, HANDLES, ALONE, TWICE, DONE]

WRONG = [
    (wrong.ChecksThenInserts, [CALLERS, HANDLES]),
    (wrong.KeepsItsOwn, [COMMITTED, OPEN, FINAL, HANDLES]),
    (wrong.FoldsCase, [DIFFER]),
    (wrong.FoldsAccents, [DIFFER]),
    (wrong.StripsSpaces, [DIFFER]),
    (wrong.CutsKeys, [DIFFER]),
    (wrong.JoinsParts, [DIFFER]),
    (wrong.ReadsNumbers, [DIFFER]),
    (wrong.LeavesOutTheWave, [DIFFER, ALONE]),
    (wrong.ForgetsToRelease, [RELEASED, TWICE, DONE]),
    (wrong.KeepsEveryOutcome, [RELEASED, TWICE, DONE]),
    (wrong.ForgetsOutcomes, [COMMITTED, FINAL, TWICE, DONE]),
    (wrong.ReleasesWhatIsDone, [DONE]),
    (wrong.ReturnsTrue, ALL),
    (wrong.HasWordsOfItsOwn, [COMMITTED, FINAL, TWICE, DONE]),
    (wrong.RefusesTwice, [TWICE]),
    (wrong.SettlesTheSurvey, [ALONE]),
    (wrong.FailsForTheSecond, [test for test in ALL if test != DIFFER]),
    (wrong.AsyncChecksThenInserts, [CALLERS, HANDLES]),
    (wrong.AsyncFails, [COMMITTED, FINAL, RELEASED, TWICE, DONE]),
]


@pytest.mark.parametrize("kind, tests", WRONG, ids=lambda it: getattr(it, "__name__", ""))
def test_what_is_wrong_with_a_ledger_turns_its_test_red(kind, tests):
    base = AsyncLedgerConformance if issubclass(kind, AsyncEntries) else LedgerConformance
    failures = red(proof(kind, base=base))

    assert list(failures) == tests


@pytest.mark.parametrize("mark", [".", ";", "#", "::", "\x1e"], ids=ascii)
def test_parts_that_are_joined_are_found_whatever_joins_them(mark):
    kind = type("Joins", (Entries,), {"name": lambda self, key: mark.join(key)})

    assert list(red(proof(kind), [f"test_{DIFFER}"])) == [DIFFER]


def test_no_wave_that_is_kept_as_a_word_is_found():
    name = lambda self, key: key._replace(wave=str(key.wave or None))  # noqa: E731
    kind = type("Words", (Entries,), {"name": name})

    assert list(red(proof(kind), [f"test_{DIFFER}"])) == [DIFFER]


@pytest.mark.parametrize(
    "kind, test", [(wrong.NeverCommits, COMMITTED), (wrong.BelongsToOneThread, CALLERS)]
)
def test_what_is_wrong_with_a_table_turns_its_test_red(kind, test, tmp_path):
    members = {"close_ledger": lambda self, ledger: ledger.close()}
    failures = red(proof(kind, {"file": tmp_path / "ledger.sqlite"}, **members), [f"test_{test}"])

    assert list(failures) == [test]


def test_a_ledger_that_hangs_is_told_so(no_thread_is_left):
    failures = red(proof(wrong.NeverEnds, patience=0.2))

    assert list(failures) == ALL
    assert "After 0.2 seconds a claim or a settlement has not ended" in failures[OPEN]


def test_every_test_can_fail():
    assert {f"test_{name}" for _, tests in WRONG for name in tests} == set(TESTS)
    assert [f"test_{name}" for name in ALL] == TESTS


@pytest.mark.parametrize(
    "kind, test, words",
    [
        (
            wrong.ChecksThenInserts,
            CALLERS,
            " get one claim. Let a unique constraint over all four parts decide, in the statement",
        ),
        (
            wrong.ReturnsTrue,
            OPEN,
            "Proof: a claim of a key that nobody has returns True instead of None. Let a unique",
        ),
        (
            wrong.FoldsCase,
            DIFFER,
            "a claim of LedgerKey(survey_id='conf",
        ),
        (
            wrong.KeepsEveryOutcome,
            RELEASED,
            'after "auth_failed" a claim returns "auth_failed" instead of None. Delete the entry',
        ),
        (
            wrong.RefusesTwice,
            TWICE,
            'to settle twice with "sent" fails with LookupError: no such claim. settle() has to',
        ),
    ],
    ids=range(5),
)
def test_words_say_what_is_wrong(kind, test, words):
    assert words in red(proof(kind))[test]


def test_long_keys_are_shown_in_short():
    words = red(proof(wrong.CutsKeys))[DIFFER]

    assert "reference_id='xxxx...xxxb'" in words


@pytest.mark.parametrize("base", [LedgerConformance, AsyncLedgerConformance])
def test_a_host_says_how_to_build_its_ledger(base):
    with pytest.raises(NotImplementedError, match=r"^\w+Conformance: override make_ledger\(\)"):
        base().test_what_is_done_stays_done()


def test_the_wrong_class_is_named():
    one = red(proof(AsyncEntries))[DONE]
    other = red(proof(Entries, base=AsyncLedgerConformance))[DONE]

    assert one.endswith("returns an async ledger. Subclass AsyncLedgerConformance.")
    assert other.endswith("returns a ledger that is not async. Subclass LedgerConformance.")


def test_handles_are_closed_where_they_were_made():
    closed = []

    def make(self):
        return MemoryLedger()

    def close(self, ledger):
        closed.append((ledger, threading.current_thread()))

    kind = type("Proof", (LedgerConformance,), {"make_ledger": make, "close_ledger": close})
    red(kind)

    assert len({id(ledger) for ledger, _ in closed}) == len(closed) > len(TESTS)


def test_an_async_handle_may_be_made_and_closed_by_waiting():
    storage, closed = {}, []

    class Proof(AsyncLedgerConformance):
        async def make_ledger(self):
            return AsyncEntries(storage)

        async def close_ledger(self, ledger):
            closed.append(ledger)

    assert red(Proof) == {}
    assert len(closed) > len(TESTS)


def test_it_runs_under_unittest():
    ledger = MemoryLedger()

    class LedgerCase(proof(lambda _: ledger), unittest.TestCase):
        pass

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(LedgerCase).run(result)

    assert result.wasSuccessful()
    assert result.testsRun == len(TESTS)


def test_it_needs_no_pytest_and_no_assert_statements():
    program = f"""
import sys
from careof import MemoryLedger
from careof.testing import LedgerConformance
print("pytest" in sys.modules, "anyio" in sys.modules)
LedgerConformance.make_ledger = lambda self: MemoryLedger()
LedgerConformance().test_{OPEN}()
"""
    result = subprocess.run(
        [sys.executable, "-O", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert result.stdout == "False False\n"
    assert "AssertionError: LedgerConformance: a second claim" in result.stderr
