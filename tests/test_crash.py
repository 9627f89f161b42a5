"""
A run that is killed, or interrupted, at any point: nobody twice, and nothing lost.
"""

from __future__ import annotations

import collections
import contextlib
import itertools
import random
import signal
import sys
import threading
import time

import pytest

from careof import Contact, Dispatcher, EmailAddress, MemoryLedger
from careof._sending.many import batch, crew, flow
from careof.testing import RecordingSender
from tests.support.crashing import (
    INVITATION,
    MAILBOX,
    CountingServer,
    Nursery,
    Run,
    SqlLedger,
    references,
)
from tests.support.dispatching import in_time
from tests.support.forks import in_a_child

SHELLS = ["sync", "asyncio", "trio"]
KILLS = {"sync": 20, "asyncio": 8, "trio": 8}
WIDTH = 4  # under way at once, and so the most that one kill leaves open
# Where a receipt is on its way from a thread to the consumer.
WATCHED = {batch.__file__, crew.__file__, flow.__file__}


@pytest.fixture
def server():
    with CountingServer(seed=6) as server:
        yield server


@pytest.fixture(scope="module")
def nursery():
    with Nursery() as nursery:
        yield nursery


@pytest.fixture
def begin(nursery, server, tmp_path):
    """
    Begins a run; the next one when the last has ended.
    """

    def begin(seed, **plan):
        plan = {"is_bad": False, "place": "nowhere", "closes": False, "concurrency": WIDTH} | plan
        return Run(nursery, tmp_path, seed=seed, port=server.port, **plan)

    return begin


@pytest.fixture
def ledger(tmp_path):
    with contextlib.closing(SqlLedger(tmp_path / "ledger.db")) as ledger:
        yield ledger


def by_outcome(receipts):
    """
    The references of *receipts*, for each outcome.
    """
    found = collections.defaultdict(list)
    for reference_id, outcome, _ in receipts:
        found[outcome].append(reference_id)
    return found


@pytest.mark.parametrize("shell", SHELLS)
def test_a_run_that_is_killed_again_and_again_sends_to_nobody_twice(shell, begin, server, ledger):
    drawn = random.Random(f"kills {shell}")
    people = references(25 * KILLS[shell])
    runs = []
    for number in range(KILLS[shell]):
        with begin(number, shell=shell, people=len(people), is_bad=number < 4) as run:
            server.wait_for(server.accepted.total() + drawn.randint(1, 18), run)
            time.sleep(drawn.random() * 0.012)
            run.stop(signal.SIGKILL)
        runs.append(run)
        assert run.code == -signal.SIGKILL
        assert list(ledger.entries().values()).count("open") <= WIDTH * len(runs)
    with begin(len(runs), shell=shell, people=len(people)) as last:
        last.end()
    runs.append(last)

    assert (last.code, last.stderr) == (0, "")
    entries = ledger.entries()
    told = [by_outcome(run.notes("told")) for run in runs]
    sent = [reference for run in told for reference in run["sent"]]
    # Nobody twice, and nobody else.
    assert set(server.accepted.values()) == {1}
    assert server.strays == []
    # What was reported was settled, what was settled was accepted, and what was
    # accepted is settled or open.
    settled = {reference for reference, outcome in entries.items() if outcome == "sent"}
    still_open = {reference for reference, outcome in entries.items() if outcome == "open"}
    assert len(sent) == len(set(sent))
    assert set(sent) <= settled <= set(server.accepted) <= settled | still_open
    # What was released was tried again.
    released = {reference for run in told for reference in run["unavailable"]}
    assert released
    assert released <= settled | still_open
    # Nothing is lost: the last run says of each what became of it.
    assert sorted(last.notes("told")) == sorted(last.notes("given"))
    assert sorted(reference for reference, *_ in last.notes("given")) == people == sorted(entries)
    ends = by_outcome(last.notes("given"))
    assert set(ends) <= {"sent", "duplicate", "not_found", "uncertain"}
    assert set(ends["sent"] + ends["duplicate"]) == settled
    assert set(ends["uncertain"]) == still_open
    assert {detail for _, outcome, detail in last.notes("given") if outcome == "uncertain"} <= {
        "claimed"
    }
    assert last.notes("tally") == [[{outcome: len(ends[outcome]) for outcome in ends}]]


INTERRUPTS = list(itertools.product(["nowhere", "consumer", "iterable"], [True, False])) * 2


@pytest.mark.parametrize("shell", SHELLS)
def test_a_run_that_is_interrupted_again_and_again_settles_what_it_claimed(
    shell, begin, server, ledger
):
    """
    Ctrl-C in the consumer, in the iterable, and between, with a ``with`` and without.
    """
    drawn = random.Random(f"interrupts {shell}")
    people = references(120)
    plan = {"shell": shell, "people": len(people)}
    sent = []
    for number, (place, closes) in enumerate(INTERRUPTS):
        before = server.accepted.copy(), ledger.entries()
        with begin(number, place=place, closes=closes, is_bad=number < 4, **plan) as run:
            server.wait_for(server.accepted.total() + drawn.randint(1, 6), run)
            time.sleep(drawn.random() * 0.012)
            run.stop(signal.SIGINT)
        hits = shell == "trio"  # whose Ctrl-C may come in a nursery of the sender's
        sent += interrupted(run, closes, before, (server.accepted, ledger.entries()), hits=hits)
    with begin(len(INTERRUPTS), **plan) as last:
        last.end()

    assert (last.code, last.stderr) == (0, "")
    ends = by_outcome(last.notes("given"))
    assert sorted(itertools.chain(*ends.values())) == people
    sent += ends["sent"]
    assert sorted(sent) == sorted(set(sent))
    assert set(server.accepted.values()) == {1}
    assert server.strays == []
    assert set(sent) <= set(server.accepted) <= set(sent + ends["uncertain"])
    if shell == "sync":
        assert ends["uncertain"] == []


def interrupted(run, closes, before, after, *, hits):
    """
    Who has had a message by a run that was interrupted.

    Args:
        hits: Whether Ctrl-C may have ended one send.
    """
    assert "TrioInternalError" not in run.stderr
    assert run.code == -signal.SIGINT
    assert "KeyboardInterrupt" in run.stderr.splitlines()
    assert MAILBOX not in run.stderr
    assert run.notes("ended") == []
    # The last one that the iterable had at hand may not have been taken.
    taken = [reference for (reference,) in run.notes("taken")]
    told = [reference for reference, *_ in run.notes("told")]
    assert len(told) == len(set(told))
    assert set(taken[:-1]) <= set(told) <= set(taken)
    ends = by_outcome(run.notes("told"))
    assert run.notes("tally") == [[{outcome: len(ends[outcome]) for outcome in ends}]]
    given = [tuple(receipt) for receipt in run.notes("given")]
    assert len(given) == len(set(given))
    assert set(given) <= set(map(tuple, run.notes("told")))
    # What is said to have been sent was, what is said not to have been was not.
    (accepted_before, entries_before), (accepted, entries) = before, after
    assert {accepted[reference] for reference in ends["sent"]} <= {1}
    for reference in ends["cancelled"]:
        assert accepted[reference] == accepted_before[reference]
        assert entries.get(reference) == entries_before.get(reference)
    assert "open" not in entries.values()
    if closes:
        # Their answers were waited for.
        lost = [
            reference
            for reference, outcome, detail in run.notes("told")
            if outcome == "uncertain" and detail != "ledger"
        ]
        assert len(lost) <= hits
    return ends["sent"]


class Interrupting:
    """
    Ctrl-C before one instruction of what hands out receipts, in this thread.
    """

    def __init__(self, number):
        self._left = number
        self.has_come = False

    def __enter__(self):
        # Since 3.12, tracing looks only as it begins whether anybody wants instructions.
        sys._getframe().f_trace_opcodes = True
        sys.settrace(self._enter)
        return self

    def __exit__(self, *error):
        sys.settrace(None)

    def _enter(self, frame, event, argument):
        if frame.f_code.co_filename not in WATCHED:
            return None
        frame.f_trace_opcodes = True
        return self._step

    def _step(self, frame, event, argument):
        self._left -= event == "opcode"
        if self._left == 0 and not self.has_come:
            self.has_come = True
            raise KeyboardInterrupt
        return self._step


@pytest.mark.parametrize("ordered", [False, True])
def test_ctrl_c_before_any_instruction_loses_no_reference(ordered):
    # In a child: what is raised in the middle of an instruction, as no signal is,
    # stays in the thread as the exception that is being handled.
    assert in_a_child(lambda: every_instruction(ordered), patience=60) == "None"


def every_instruction(ordered):
    # What measures coverage here is not read, and cannot bear the company.
    sys.settrace(None)
    threading.settrace(None)
    for number in range(1, 5_000):
        taken, told, ledger = [], [], MemoryLedger()
        dispatcher = Dispatcher(People(), RecordingSender(), ledger=ledger, on_event=told.append)
        batch = dispatcher.send_many(
            noted(["C-1", "C-2", "C-3"], taken), INVITATION, concurrency=2, ordered=ordered
        )
        given = []
        interrupting = Interrupting(number)
        with contextlib.suppress(KeyboardInterrupt), interrupting:
            for receipt in batch:
                given.append(receipt)  # noqa: PERF402 - what was given before stays
        given += rest_of(batch, closes=number % 2)

        assert sorted(receipt.reference_id for receipt in told) == taken
        assert batch.tally == collections.Counter(receipt.outcome for receipt in told)
        assert "open" not in ledger.entries.values()
        assert {id(receipt) for receipt in given} <= {id(receipt) for receipt in told}
        # One may have been on its way to us.
        assert len(told) - interrupting.has_come <= len(given) <= len(told)
        if not interrupting.has_come:
            break
    assert 300 < number < 4_999


def noted(ids, taken):
    for each in ids:
        taken.append(each)
        yield each


def rest_of(batch, *, closes):
    """
    The receipts that come after an interruption.
    """
    if closes:
        batch.close(5.0)
    # By next(), for another loop over a batch that has ended is refused.
    return in_time(lambda: list(iter(lambda: next(batch, None), None)))


class People:
    def resolve(self, reference_id):
        return Contact(reference_id, email=EmailAddress.parse("canary@people.example"))
