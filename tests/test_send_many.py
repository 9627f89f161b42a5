"""
Many references: one receipt each, in bounded memory, whatever happens on the way.
"""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import tracemalloc
from collections import Counter

import anyio
import anyio.lowlevel
import pytest

from careof import (
    AsyncDispatcher,
    Dispatcher,
    Fingerprinter,
    Invitation,
    MemoryLedger,
    Outcome,
    RateLimit,
    Recipient,
    Tally,
    errors,
)
from careof._sending.many import flow
from careof._sending.rates import Pace
from careof.errors import ConfigurationError
from careof.pseudonyms import KeyRing
from tests.support.canary import EMAIL, frames_of
from tests.support.dispatching import INVITATION, Gate, Host, contact, happened, ids
from tests.support.mails import our_threads
from tests.support.raising import error_of

SOON = 10.0  # seconds; far more than any of these batches should take


def outcomes(receipts):
    return Counter(receipt.outcome.value for receipt in receipts)


def references(receipts):
    return sorted(receipt.reference_id for receipt in receipts)


def everybody_has_one(host, taken, receipts):
    """
    Whether each of *taken* is told, counted and given out exactly once.
    """
    return (
        references(host.told) == sorted(taken)
        and (host.batch is None or host.batch.tally == Tally(each.outcome for each in host.told))
        and len(set(references(receipts))) == len(receipts)
        and "open" not in host.ledger.entries.values()
    )


# All of them.


@pytest.mark.parametrize("number", [0, 1, 2, 31, 32, 33, 200])
@pytest.mark.parametrize("concurrency", [1, 3, 32])
def test_as_many_receipts_come_out_as_ids_went_in(shell, number, concurrency):
    host = Host(shell)

    receipts = host.receipts(iter(ids(number)), concurrency=concurrency)

    assert references(receipts) == sorted(ids(number))
    assert outcomes(receipts) == ({"sent": number} if number else {})
    assert everybody_has_one(host, ids(number), receipts)


def test_each_reference_has_the_outcome_of_its_own(shell):
    answers = {
        "p-1": errors.ReferenceNotFoundError("no"),
        "p-2": errors.ReferenceGoneError("no"),
        "p-3": KeyError(EMAIL),
        "p-4": contact("p-9"),
    }
    host = Host(shell, resolve=lambda reference: answers.get(reference) or contact(reference))

    receipts = host.receipts(["p-0", "p-1", EMAIL, "p-2", "p-3", 5, "p-4"])

    assert {receipt.reference_id: receipt.outcome.value for receipt in receipts} == {
        "p-0": "sent",
        "p-1": "not_found",
        "***": "refused",
        "p-2": "gone",
        "p-3": "unavailable",
        "5": "refused",
        "p-4": "bad_response",
    }
    assert host.sent == ["p-0"]


def test_the_host_is_told_who_is_gone(shell):
    host = Host(shell, resolve=errors.ReferenceGoneError("no"))

    host.receipts(["p-1"])

    [receipt] = host.told
    assert (receipt.reference_id, receipt.outcome) == ("p-1", Outcome.GONE)


def test_recipients_bring_variables_of_their_own(shell):
    host = Host(shell)

    [receipt] = host.receipts([Recipient("p-1", variables={"shop": "Main Street"})])

    assert receipt.outcome is Outcome.SENT


def test_an_async_iterable_will_do_for_the_async_dispatcher():
    async def source():
        for reference in ids(50):
            await anyio.lowlevel.checkpoint()
            yield reference

    async def main():
        return [receipt async for receipt in host.dispatcher.send_many(source(), INVITATION)]

    host = Host(Asyncio())
    receipts = asyncio.run(main())

    assert references(receipts) == sorted(ids(50))


@pytest.mark.parametrize("run", ["asyncio", "trio"])
def test_an_async_input_that_is_slow_to_begin_is_begun_once(monkeypatch, run):
    monkeypatch.setattr(flow, "GLANCE", 0.02)
    begun = []

    class Query:
        def __aiter__(self):
            begun.append(self)
            return self.rows()

        async def rows(self):
            await anyio.sleep(0.2)
            for reference in ids(5):
                yield reference

    async def main():
        return [receipt async for receipt in host.dispatcher.send_many(Query(), INVITATION)]

    host = Host(Asyncio())
    receipts = anyio.run(main, backend=run)

    assert len(begun) == 1
    assert references(receipts) == sorted(ids(5))
    assert sorted(host.sent) == sorted(ids(5))


def test_an_async_iterator_of_the_host_stays_the_hosts():
    class Cursor:
        rows, is_closed = iter(ids(5)), False

        def __aiter__(self):
            return self

        async def __anext__(self):
            for reference in self.rows:
                return reference
            raise StopAsyncIteration

        async def aclose(self):
            self.is_closed = True

    async def main():
        return [receipt async for receipt in host.dispatcher.send_many(cursor, INVITATION)]

    host, cursor = Host(Asyncio()), Cursor()

    assert references(asyncio.run(main())) == sorted(ids(5))
    assert not cursor.is_closed


class Asyncio:
    name = "asyncio"
    Dispatcher = AsyncDispatcher

    @staticmethod
    def call(function, *arguments):
        return asyncio.run(function(*arguments))


class Sync:
    name = "sync"
    Dispatcher = Dispatcher

    @staticmethod
    def call(function, *arguments):
        return function(*arguments)


# In which order, and how fast.


def test_a_receipt_comes_when_it_is_there(shell):
    gate = Gate(["p-0"], contact)
    host = Host(shell, resolve=gate)

    def source():
        yield from ids(5)
        # Taken only when the four others are out.
        while len(host.told) < 4:
            yield f"p-{10 + len(host.told)}"
        gate.open()

    receipts = host.receipts(source(), concurrency=2)

    assert receipts[-1].reference_id == "p-0"


def test_ordered_receipts_come_in_the_order_of_the_ids(shell):
    gate = Gate(["p-0"], contact)
    host = Host(shell, resolve=gate)
    threading.Timer(0.1, gate.open).start()

    receipts = host.receipts(ids(40), concurrency=4, ordered=True)

    assert [receipt.reference_id for receipt in receipts] == ids(40)


def test_nothing_is_begun_before_somebody_asks(shell):
    host = Host(shell)
    taken = []

    async def main():
        host.dispatcher.send_many(map(taken.append, ids(3)), INVITATION)

    if shell.name == "sync":
        host.dispatcher.send_many(map(taken.append, ids(3)), INVITATION)
    else:
        shell.call(main)

    assert (taken, host.asked) == ([], [])


def test_a_slow_consumer_slows_the_senders_down():
    host = Host(Sync)
    batch = host.dispatcher.send_many(iter(ids(100)), INVITATION, concurrency=5)

    for number, _ in enumerate(batch, start=1):
        assert len(host.asked) <= number + 5
        if number % 10 == 0:
            time.sleep(0.01)

    assert len(host.asked) == 100


def test_no_more_than_were_asked_for_are_under_way(shell):
    now = []
    most = []

    def resolve(reference):
        now.append(reference)
        most.append(len(now))
        time.sleep(0.001)
        now.remove(reference)
        return contact(reference)

    host = Host(shell, resolve=resolve)
    host.receipts(ids(60), concurrency=4)

    assert max(most) <= 4


def test_memory_does_not_grow_with_the_number_of_ids(shell):
    sizes = []

    def source():
        for number in range(2001):
            if number in (500, 2000):
                gc.collect()
                sizes.append(tracemalloc.get_traced_memory()[0])
            yield f"p-{number}"

    part = Forgetful() if shell.name == "sync" else AsyncForgetful()
    dispatcher = shell.Dispatcher(part, part, ledger=part, sender_rate=RateLimit(1e6))

    def consume():
        for _ in dispatcher.send_many(source(), INVITATION, concurrency=8):
            pass

    async def async_consume():
        async for _ in dispatcher.send_many(source(), INVITATION, concurrency=8):
            pass

    tracemalloc.start()
    shell.call(consume if shell.name == "sync" else async_consume)
    tracemalloc.stop()

    # 1,500 references more, and not a hundred bytes of each.
    assert sizes[1] - sizes[0] < 60_000


class Forgetful:
    """
    A resolver, a sender and a ledger that keep nothing.
    """

    def resolve(self, reference):
        return contact(reference)

    def send(self, message_contact, message):
        return None

    def claim(self, key):
        return None

    def settle(self, key, outcome):
        return None


class AsyncForgetful:
    async def resolve(self, reference):
        return contact(reference)

    async def send(self, message_contact, message):
        return None

    async def claim(self, key):
        return None

    async def settle(self, key, outcome):
        return None


# Who stops early.


@pytest.mark.parametrize("then", ["close", "stop"])
def test_who_stops_asking_has_taken_only_what_has_a_receipt(shell, then):
    host = Host(shell)
    taken = []

    def source():
        for reference in ids(1000):
            taken.append(reference)
            yield reference

    receipts = host.receipts(source(), after=7, then=then, concurrency=5)

    assert 7 <= len(taken) <= 7 + 5
    assert everybody_has_one(host, taken, receipts)
    if then == "stop":
        assert references(receipts) == sorted(taken)


def test_a_batch_that_was_closed_still_gives_its_receipts(shell):
    gate = Gate(["p-1", "p-2"], contact, first="p-0")
    host = Host(shell, resolve=gate)

    def closed():
        batch = host.dispatcher.send_many(ids(3), INVITATION, ordered=True)
        first = next(batch)
        threading.Timer(0.05, gate.open).start()
        batch.close()
        return [first, *batch]

    async def async_closed():
        batch = host.dispatcher.send_many(ids(3), INVITATION, ordered=True)
        first = await anext(batch)
        threading.Timer(0.05, gate.open).start()
        await batch.aclose()
        return [first, *[receipt async for receipt in batch]]

    receipts = shell.call(closed if shell.name == "sync" else async_closed)

    # The third may not have been taken when the first came out.
    assert 2 <= len(receipts) <= 3
    assert references(receipts) == ids(len(receipts))
    assert outcomes(receipts) == {"sent": 1, "cancelled": len(receipts) - 1}
    assert host.sent == ["p-0"]
    assert host.ledger.entries.keys() == {("S-1", "", "p-0", "email")}


def test_what_is_handed_over_keeps_its_outcome(shell):
    gate = Gate(["p-1"], "id-1", first="p-0")
    host = Host(shell, send=gate)

    def stopped():
        batch = host.dispatcher.send_many(ids(2), INVITATION, ordered=True)
        first = next(batch)
        gate.reached.wait(5)
        batch.stop()
        gate.open()
        return [first, *batch]

    async def async_stopped():
        batch = host.dispatcher.send_many(ids(2), INVITATION, ordered=True)
        first = await anext(batch)
        await happened(gate.reached)
        batch.stop()
        gate.open()
        return [first, *[receipt async for receipt in batch]]

    receipts = shell.call(stopped if shell.name == "sync" else async_stopped)

    assert outcomes(receipts) == {"sent": 2}
    assert everybody_has_one(host, ids(2), receipts)


def test_what_hangs_in_the_sender_is_uncertain_when_the_batch_is_closed(shell):
    gate = Gate(["p-1"], "id-1", first="p-0")
    host = Host(shell, send=gate)

    def closed():
        batch = host.dispatcher.send_many(ids(2), INVITATION, ordered=True)
        first = next(batch)
        gate.reached.wait(5)
        batch.close(0.05)
        return [first, *batch]

    async def async_closed():
        batch = host.dispatcher.send_many(ids(2), INVITATION, ordered=True)
        first = await anext(batch)
        await happened(gate.reached)
        await batch.aclose(0.05)
        return [first, *[receipt async for receipt in batch]]

    receipts = shell.call(closed if shell.name == "sync" else async_closed)
    gate.open()

    assert {receipt.reference_id: receipt.outcome.value for receipt in receipts} == {
        "p-0": "sent",
        "p-1": "uncertain",
    }
    assert receipts[1].detail == "cancelled"
    assert host.ledger.entries["S-1", "", "p-1", "email"] == "uncertain"
    assert everybody_has_one(host, ids(2), receipts)
    assert our_threads() == []


def test_a_sender_that_hangs_is_given_up_and_the_others_go_on(shell):
    gate = Gate(["p-3"], "id-3")
    host = Host(shell, send=gate)

    receipts = host.receipts(ids(20), concurrency=2, patience=0.2)
    gate.open()

    assert outcomes(receipts) == {"sent": 19, "uncertain": 1}
    [lost] = [receipt for receipt in receipts if receipt.outcome == "uncertain"]
    assert (lost.reference_id, lost.detail) == ("p-3", "given_up")
    assert everybody_has_one(host, ids(20), receipts)
    assert our_threads() == []


def test_more_than_all_threads_may_hang(shell):
    hanging = ids(6)
    gate = Gate(hanging, "late")
    host = Host(shell, send=gate)

    receipts = host.receipts(ids(12), concurrency=2, patience=0.2)
    gate.open()

    assert outcomes(receipts) == {"sent": 6, "uncertain": 6}
    assert everybody_has_one(host, ids(12), receipts)
    assert our_threads() == []


def test_a_resolver_that_hangs_is_tried_by_the_next_run(shell):
    gate = Gate(["p-0"], contact)
    host = Host(shell, resolve=gate)

    [receipt] = host.receipts(ids(1), patience=0.05)
    gate.open()
    assert our_threads() == []

    assert (receipt.outcome, receipt.detail) == ("unavailable", "given_up")
    assert (host.sent, host.ledger.entries) == ([], {})


def test_what_waits_for_its_turn_is_not_given_up(shell):
    host = Host(shell, sender_rate=RateLimit(20))

    receipts = host.receipts(ids(5), patience=0.05)

    assert outcomes(receipts) == {"sent": 5}


def test_an_input_that_fails_fails_after_the_receipts(shell):
    host = Host(shell)

    def source():
        yield from ids(10)
        raise LookupError("the cursor is gone")

    with pytest.raises(LookupError, match="cursor") as raised:
        host.receipts(source())

    assert raised.value.__cause__ is None
    assert references(host.told) == sorted(ids(10))
    assert outcomes(host.told) == {"sent": 10}


def test_a_batch_at_its_end_stays_there(shell):
    host = Host(shell)

    def again():
        batch = host.dispatcher.send_many(ids(2), INVITATION)
        return [*batch, next(batch, None), next(batch, None)]

    async def async_again():
        batch = host.dispatcher.send_many(ids(2), INVITATION)
        receipts = [each async for each in batch]
        return [*receipts, await anext(batch, None), await anext(batch, None)]

    *receipts, after, later = shell.call(again if shell.name == "sync" else async_again)

    assert len(receipts) == 2
    assert (after, later) == (None, None)


def test_a_batch_at_its_end_refuses_another_loop_which_would_look_like_nobody(shell):
    host = Host(shell)

    def again():
        batch = host.dispatcher.send_many(ids(2), INVITATION)
        return len(list(batch)), error_of(lambda: list(batch))

    async def async_again():
        batch = host.dispatcher.send_many(ids(2), INVITATION)
        receipts = [each async for each in batch]
        return len(receipts), error_of(lambda: aiter(batch))

    count, error = shell.call(again if shell.name == "sync" else async_again)

    assert count == 2
    assert isinstance(error, ConfigurationError)
    assert str(error).removeprefix("Async") == (
        "Batch: it has given out all its receipts (sent 2): send_many begins another batch."
    )


def test_a_batch_that_was_left_in_the_middle_can_be_looped_over_again():
    batch = Host(Sync).dispatcher.send_many(ids(3), INVITATION, concurrency=1)
    for _ in batch:
        break

    assert len(list(batch)) == 2


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), GeneratorExit()])
def test_a_part_that_ends_the_program_ends_its_reference(error):
    host = Host(Sync, send=lambda reference: error if reference == "p-1" else "id")

    receipts = host.receipts(ids(3))

    assert outcomes(receipts) == {"sent": 2, "uncertain": 1}
    assert everybody_has_one(host, ids(3), receipts)


def test_a_hook_that_raises_changes_nothing(shell, caplog):
    host = Host(shell)

    def hook(receipt):
        raise ValueError(receipt.reference_id)

    host.dispatcher._on_event = hook

    assert outcomes(host.receipts(ids(10))) == {"sent": 10}
    assert len(caplog.records) <= 1


# Cancelled, interrupted, forgotten.


@pytest.mark.parametrize("run", ["asyncio", "trio"])
@pytest.mark.parametrize("place", ["resolve", "send"])
def test_a_cancelled_consumer_leaves_nothing_open(run, place):
    gate = Gate(["p-0", "p-1"], contact if place == "resolve" else "id")
    host = Host(Asyncio, **{place: gate})
    frames = set()

    async def consume():
        host.batch = host.dispatcher.send_many(ids(2), INVITATION)
        try:
            async for _ in host.batch:
                pass
        except BaseException as error:
            frames.update(frames_of(error))
            raise

    async def main():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(consume)
            await happened(gate.reached)
            tasks.cancel_scope.cancel()
        gate.open()
        return [receipt async for receipt in host.batch]

    receipts = anyio.run(main, backend=run)

    assert outcomes(receipts) == ({"cancelled": 2} if place == "resolve" else {"sent": 2})
    assert everybody_has_one(host, ids(2), receipts)
    assert frames <= {"consume", "__anext__"}


@pytest.mark.parametrize("run", ["asyncio", "trio"])
def test_a_loop_that_ends_settles_what_is_under_way(run):
    gate = Gate(["p-1"], "id")
    host = Host(Asyncio, send=gate)

    async def main():
        host.batch = host.dispatcher.send_many(ids(2), INVITATION)
        await anext(host.batch)
        await happened(gate.reached)

    anyio.run(main, backend=run)

    assert outcomes(host.told) == {"sent": 1, "uncertain": 1}
    assert "open" not in host.ledger.entries.values()


def test_a_batch_that_nobody_holds_ends(shell):
    host = Host(shell)

    def dropped():
        for _ in host.dispatcher.send_many(iter(ids(100)), INVITATION, concurrency=3):
            return

    async def async_dropped():
        async for _ in host.dispatcher.send_many(iter(ids(100)), INVITATION, concurrency=3):
            break
        await anyio.sleep(0.1)

    shell.call(dropped if shell.name == "sync" else async_dropped)

    assert 1 <= len(host.told) <= 4
    assert "open" not in host.ledger.entries.values()
    assert our_threads() == []


def test_who_only_stops_asking_can_ask_on(shell):
    """
    A ``break`` stops nothing as long as somebody holds the batch.
    """
    host = Host(shell)
    batch = host.dispatcher.send_many(ids(20), INVITATION, concurrency=3)

    def broken_off():
        return [next(batch), *batch]

    async def async_broken_off():
        first = await anext(batch)
        await anyio.sleep(0.05)
        return [first, *[receipt async for receipt in batch]]

    receipts = shell.call(broken_off if shell.name == "sync" else async_broken_off)

    assert outcomes(receipts) == {"sent": 20}
    assert len(host.told) == 20


def test_ctrl_c_in_the_input_is_the_end_of_it(shell):
    host = Host(shell)

    def source():
        yield from ids(3)
        raise KeyboardInterrupt

    if shell.name != "sync":
        pytest.skip("a loop makes of it what it likes")
    batch = host.dispatcher.send_many(source(), INVITATION)
    receipts = []
    with pytest.raises(KeyboardInterrupt):
        receipts += list(batch)
    receipts += list(batch)

    assert set(references(host.told)) <= set(ids(3))
    assert len(host.told) == 3
    assert "open" not in host.ledger.entries.values()


# A cancelled send.


@pytest.mark.parametrize("run", ["asyncio", "trio"])
@pytest.mark.parametrize("place, left", [("resolve", {}), ("send", "uncertain")])
def test_a_cancelled_send_settles_its_claim(run, place, left):
    gate = Gate(["p-0"], contact if place == "resolve" else "id")
    host = Host(Asyncio, **{place: gate})

    async def main():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(host.dispatcher.send, "p-0", INVITATION)
            await happened(gate.reached)
            tasks.cancel_scope.cancel()

    anyio.run(main, backend=run)

    [receipt] = host.told
    assert receipt.outcome == ("uncertain" if left else "cancelled")
    assert list(host.ledger.entries.values()) == ([left] if left else [])


# What it takes.


@pytest.mark.parametrize(
    "arguments, word",
    [
        ({"ids": "p-1"}, "ids"),
        ({"ids": b"p-1"}, "ids"),
        ({"ids": Recipient("p-1")}, "ids"),
        ({"ids": 5}, "ids"),
        ({"ids": None}, "ids"),
        ({"invitation": "How was it?"}, "invitation"),
        ({"concurrency": 0}, "concurrency"),
        ({"concurrency": 10_001}, "concurrency"),
        ({"concurrency": "4"}, "concurrency"),
        ({"concurrency": True}, "concurrency"),
        ({"rate": 0}, "per_second"),
        ({"rate": "fast"}, "per_second"),
        ({"patience": 0}, "patience"),
        ({"patience": float("inf")}, "patience"),
        ({"patience": None}, "patience"),
        ({"ordered": "no"}, "ordered"),
    ],
)
def test_what_cannot_work_is_refused_at_once(shell, arguments, word):
    host = Host(shell)
    arguments = {"ids": ids(1), "invitation": INVITATION} | arguments

    with pytest.raises(ConfigurationError, match=word):
        host.dispatcher.send_many(**arguments)


def test_send_takes_nothing_but_an_invitation(shell):
    with pytest.raises(ConfigurationError, match="send: invitation"):
        shell.call(Host(shell).dispatcher.send, "p-1", "How was it?")


@pytest.mark.parametrize(
    "option, value",
    [
        ("ledger", object()),
        ("suppression", {}),
        ("fingerprints", "fp"),
        ("once_per_address", "yes"),
        ("endpoint_rate", 5),
        ("sender_rate", 5.0),
        ("on_event", "hook"),
        ("clock", 5),
    ],
)
def test_a_part_that_is_none_is_refused(shell, option, value):
    host = Host(shell)
    with pytest.raises(ConfigurationError, match=option):
        type(host.dispatcher)(
            host.dispatcher._resolver, host.dispatcher._sender, **{option: value}
        )


def test_who_is_stopped_while_waiting_for_a_turn_makes_nobody_wait_longer(shell):
    rate = RateLimit(1 / 3600)
    gate = Gate(ids(4), lambda reference: f"id-{reference}")
    asked = []

    def resolve(reference):
        asked.append(reference)
        if len(asked) == 4:
            gate.open()
        return contact(reference)

    host = Host(shell, resolve=resolve, send=gate, sender_rate=rate)
    host.receipts(ids(4), concurrency=4, after=1)

    assert outcomes(host.told) == {"sent": 1, "cancelled": 3}
    assert Pace(rate).wait() <= 3600


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_who_is_cancelled_while_waiting_for_a_turn_makes_nobody_wait_longer(backend):
    rate = RateLimit(1 / 3600)
    host = Host(Asyncio, sender_rate=rate)

    async def main():
        await host.dispatcher.send("p-0", INVITATION)
        with anyio.move_on_after(0.05):
            await host.dispatcher.send("p-1", INVITATION)

    anyio.run(main, backend=backend)

    assert outcomes(host.told) == {"sent": 1, "cancelled": 1}
    assert Pace(rate).wait() <= 3600


def test_who_opts_out_while_their_message_waits_for_its_turn_gets_none(shell):
    asked = Counter()

    def contains(reference):
        asked[reference] += 1
        return asked[reference] > 1

    host = Host(
        shell,
        contains=contains,
        fingerprints=Fingerprinter(KeyRing.generate(), "t"),
        sender_rate=RateLimit(20),
    )
    receipts = host.receipts(ids(3), concurrency=3)

    assert outcomes(receipts) == {"sent": 1, "suppressed": 2}
    assert len(host.sent) == 1
    assert sorted(asked.values()) == [1, 2, 2]


def test_a_list_that_hangs_when_it_is_asked_again_is_given_up(shell):
    gate = Gate(ids(2), False)
    seen = set()

    def contains(reference):
        is_first = reference not in seen
        seen.add(reference)
        return False if is_first else gate(reference)

    host = Host(
        shell,
        contains=contains,
        fingerprints=Fingerprinter(KeyRing.generate(), "t"),
        sender_rate=RateLimit(20),
    )
    receipts = host.receipts(ids(2), concurrency=2, patience=0.3)
    gate.open()

    assert outcomes(receipts) == {"sent": 1, "unavailable": 1}


@pytest.mark.parametrize(
    "said, detail",
    [(KeyError("canary"), "suppression:KeyError"), ("yes", "suppression"), (None, "suppression")],
)
def test_a_list_that_cannot_say_who_opted_out_lets_nobody_through(shell, said, detail):
    fingerprints = Fingerprinter(KeyRing.generate(), "t")
    host = Host(shell, contains=said, fingerprints=fingerprints)
    [receipt] = host.receipts(ids(1))

    assert (receipt.outcome, receipt.detail) == ("unavailable", detail)
    assert host.sent == []


def test_a_ledger_that_fails_lets_nobody_through(shell):
    class Failing(MemoryLedger):
        def claim(self, key):
            raise KeyError("canary")

    host = Host(shell, ledger=Failing())
    [receipt] = host.receipts(ids(1))

    assert (receipt.outcome, receipt.detail) == ("unavailable", "ledger:KeyError")
    assert (host.asked, host.sent) == ([], [])


def test_a_suppression_list_needs_fingerprints(shell):
    part = Host(shell).dispatcher._resolver
    with pytest.raises(ConfigurationError, match="fingerprints"):
        shell.Dispatcher(part, part, suppression=part)


def test_the_repr_of_a_batch_is_its_tally(shell):
    host = Host(shell)
    host.receipts(ids(3))

    assert repr(host.batch).endswith("Batch(sent 3)")


# Rates.


def test_the_endpoint_and_the_sender_have_rates_of_their_own(shell):
    host = Host(shell, endpoint_rate=RateLimit(200), sender_rate=RateLimit(100))
    begin = time.monotonic()

    receipts = host.receipts(ids(11))

    assert outcomes(receipts) == {"sent": 11}
    assert time.monotonic() - begin >= 10 / 100


@pytest.mark.parametrize("rate", [100, RateLimit(100)], ids=["number", "limit"])
def test_a_batch_has_a_rate_of_its_own(shell, rate):
    begin = time.monotonic()

    Host(shell).receipts(ids(11), rate=rate)

    assert time.monotonic() - begin >= 10 / 100


def test_who_waits_for_a_turn_is_woken_when_the_batch_stops(shell):
    gate = Gate(ids(5), "id")
    host = Host(shell, send=gate, sender_rate=RateLimit(0.001))
    begin = time.monotonic()
    threading.Timer(0.2, gate.open).start()

    receipts = host.receipts(ids(5), after=1, then="stop")

    assert outcomes(receipts) == {"sent": 1, "cancelled": 4}
    assert time.monotonic() - begin < SOON
    assert everybody_has_one(host, ids(5), receipts)


def test_a_single_send_waits_for_its_turn(shell):
    host = Host(shell, sender_rate=RateLimit(20))
    begin = time.monotonic()

    for reference in ids(3):
        assert shell.call(host.dispatcher.send, reference, INVITATION).ok

    assert time.monotonic() - begin >= 2 / 20


def test_an_invitation_for_sms_goes_the_same_way(shell):
    host = Host(shell)
    invitation = Invitation(survey_id="S-1", channel="sms", text="How was it?")

    receipt = shell.call(host.dispatcher.send, "p-1", invitation)

    assert (receipt.outcome, receipt.detail) == ("no_address", "sms")
