"""
A batch under attack: hosts that misbehave, Ctrl-C and forks at the worst moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import linecache
import sys
import threading
import time

import anyio
import anyio.lowlevel
import pytest
import trio

from careof import Contact, MemoryLedger, RateLimit
from careof._sending.many import crew as crew_module
from careof._sending.many import flow, under_way
from careof._sending.many.crew import AsyncCrew, Crew
from careof._sending.many.hands import is_ctrl_c, shielded
from careof._sending.one import delivery as delivery_module
from careof._sending.one import fate
from careof._sending.one.delivery import Delivery
from careof._sending.one.run import Run
from careof._sending.one.uncut import uncut
from careof._values.clock import SYSTEM_CLOCK
from careof.errors import ConfigurationError
from tests.support.dispatching import INVITATION, Gate, Host, contact, happened, ids, in_time
from tests.support.forks import in_a_child
from tests.support.mails import our_threads
from tests.test_send_many import Asyncio, Sync, everybody_has_one, outcomes, references


@pytest.fixture
def no_more_threads(monkeypatch):
    """
    Lets no thread start from the moment that it is called.
    """

    def start(thread):
        raise RuntimeError("can't start new thread")

    return lambda: monkeypatch.setattr(threading.Thread, "start", start)


def a_delivery(run=None):
    return Delivery("p-0", INVITATION, SYSTEM_CLOCK, *[run] * (run is not None))


# Who asks.


def test_a_batch_is_for_one_who_asks_at_a_time(shell):
    gate = Gate(["p-0"], contact)
    host = Host(shell, resolve=gate)

    def both():
        batch = host.dispatcher.send_many(ids(1), INVITATION)
        receipts = []
        other = threading.Thread(target=lambda: receipts.append(next(batch)))
        other.start()
        gate.reached.wait(5)
        with pytest.raises(ConfigurationError, match="somebody else asks"):
            next(batch)
        gate.open()
        other.join(5)
        return [*receipts, *batch]

    async def async_both():
        batch = host.dispatcher.send_many(ids(1), INVITATION)
        receipts = []

        async def ask():
            receipts.append(await anext(batch))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await happened(gate.reached)
            with pytest.raises(ConfigurationError, match="somebody else asks"):
                await anext(batch)
            gate.open()
        return receipts + [receipt async for receipt in batch]

    receipts = shell.call(both if shell.name == "sync" else async_both)

    assert outcomes(receipts) == {"sent": 1}


def test_a_batch_is_closed_by_its_block_and_takes_no_other_time_than_one(shell):
    host = Host(shell)

    def block():
        with host.dispatcher.send_many(ids(9), INVITATION, concurrency=1) as batch:
            with pytest.raises(ConfigurationError, match="seconds"):
                batch.close(-1)
            first = next(batch)
        return [first, *batch]

    async def async_block():
        async with host.dispatcher.send_many(ids(9), INVITATION, concurrency=1) as batch:
            with pytest.raises(ConfigurationError, match="seconds"):
                await batch.aclose("x")
            first = await anext(batch)
        return [first, *[receipt async for receipt in batch]]

    receipts = shell.call(block if shell.name == "sync" else async_block)

    assert outcomes(receipts) == {"sent": 1}
    assert everybody_has_one(host, ids(1), receipts)


# What hangs, and comes back.


class Ignoring:
    """
    An async part that takes no notice of being cancelled.
    """

    def __init__(self, host, method):
        self._call = getattr(host, method)
        self.is_back = threading.Event()

    async def __call__(self, *arguments):
        with anyio.CancelScope(shield=True):
            until = time.monotonic() + 0.15
            while (left := until - time.monotonic()) > 0:
                try:
                    await anyio.sleep(left)
                except BaseException:
                    continue
        return self._call(*arguments)


@pytest.mark.parametrize("once", [True, False])
@pytest.mark.parametrize("method", ["resolve", "claim"])
@pytest.mark.parametrize("run", ["asyncio", "trio"])
def test_a_task_that_comes_back_after_it_was_given_up_hands_nothing_over(run, method, once):
    host = Host(Asyncio, once_per_address=once)
    setattr(host.dispatcher._resolver, method, Ignoring(host, method))

    async def main():
        batch = host.batch = host.dispatcher.send_many(ids(1), INVITATION, patience=0.02)
        receipts = [receipt async for receipt in batch]
        await anyio.sleep(0.3)
        return receipts

    [receipt] = anyio.run(main, backend=run)

    assert (receipt.outcome, receipt.detail) == ("unavailable", "given_up")
    assert (host.sent, host.ledger.entries) == ([], {})
    assert len(host.told) == 1


@pytest.mark.parametrize("ordered", [False, True])
def test_one_that_comes_back_does_not_end_the_batch(ordered):
    gate = Gate(["p-0"], contact)
    host = Host(Sync, resolve=gate)

    def resolved(reference):
        if reference == "p-1":
            gate.open()
        return contact(reference)

    gate._answer = resolved
    receipts = host.receipts(ids(60), concurrency=1, patience=0.05, ordered=ordered)

    assert outcomes(receipts) == {"unavailable": 1, "sent": 59}
    assert everybody_has_one(host, ids(60), receipts)
    assert our_threads() == []


def test_an_address_is_free_when_its_first_one_was_given_up():
    gate = Gate(["p-0"], lambda reference: contact(reference, "all@people.example"))
    host = Host(Sync, resolve=gate, once_per_address=True)

    def receipts():
        batch = host.batch = host.dispatcher.send_many(
            ids(3), INVITATION, concurrency=1, patience=0.05
        )
        first = next(batch)
        gate.open()
        time.sleep(0.1)
        return [first, *batch]

    found = receipts()

    assert outcomes(found) == {"unavailable": 1, "sent": 1, "duplicate": 1}
    assert everybody_has_one(host, ids(3), found)


def test_what_hangs_is_given_up_also_while_others_land():
    gate = Gate(["p-0"], contact)
    host = Host(Sync, resolve=gate)

    def slowly():
        for reference in ids(40):
            yield reference
            time.sleep(0.02)

    receipts = host.receipts(slowly(), concurrency=2, patience=0.1)
    gate.open()

    places = [receipt.reference_id for receipt in receipts]
    assert places.index("p-0") < 30
    assert our_threads() == []


def test_a_hook_that_hangs_keeps_no_receipt():
    gate = threading.Event()
    host = Host(Sync)
    host.dispatcher._on_event = lambda receipt: receipt.reference_id != "p-0" or gate.wait(10)

    receipts = host.receipts(ids(4), concurrency=2, patience=0.05)
    gate.set()

    assert sorted(references(receipts)) == ids(4)
    assert outcomes(receipts) == {"sent": 4}
    assert our_threads() == []


def test_a_hook_that_ends_the_program_ends_no_consumer(shell):
    gate = Gate(["p-0"], contact)
    host = Host(shell, resolve=gate)

    def leave(receipt):
        raise SystemExit

    host.dispatcher._on_event = leave

    receipts = host.receipts(ids(3), patience=0.05)
    gate.open()

    assert outcomes(receipts) == {"unavailable": 1, "sent": 2}
    assert list(host.ledger.entries.values()) == ["sent", "sent"]
    assert our_threads() == []


def test_the_storage_has_a_moment_to_settle_what_was_given_up():
    class Slow(MemoryLedger):
        def settle(self, key, outcome):
            time.sleep(0.2)
            super().settle(key, outcome)

    gate = Gate(["p-0"], contact)
    host = Host(Sync, resolve=gate, ledger=Slow())

    [receipt] = host.receipts(ids(1), patience=0.05)
    gate.open()

    assert receipt.detail == "given_up"
    assert host.ledger.entries == {}
    assert our_threads() == []


@pytest.mark.parametrize("error", [SystemExit, asyncio.CancelledError])
def test_a_ledger_that_ends_the_program_ends_one_reference(shell, error):
    class Leaving(MemoryLedger):
        def settle(self, key, outcome):
            if key.reference_id == "p-1":
                raise error
            super().settle(key, outcome)

    if shell.name == ("trio" if error is asyncio.CancelledError else "asyncio"):
        pytest.skip("one means nothing to Trio, the other ends a loop of asyncio")
    host = Host(shell, ledger=Leaving())

    receipts = host.receipts(ids(3))

    assert sorted(references(receipts)) == ids(3)
    [unsettled] = [receipt for receipt in receipts if receipt.detail]
    assert unsettled.detail == f"unsettled:{error.__name__}"


@pytest.mark.parametrize("step, outcome", [("addressed", "unavailable"), ("sent", "uncertain")])
def test_a_bug_of_ours_has_an_outcome(shell, monkeypatch, step, outcome):
    def failing(*arguments):
        raise LookupError

    monkeypatch.setattr(Delivery, step, failing)

    [receipt] = Host(shell).receipts(ids(1))

    assert (receipt.outcome, receipt.detail) == (outcome, "bug:LookupError")


def test_a_claim_that_hangs_behind_another_one_of_its_id_is_given_up():
    free, claims = threading.Event(), []

    class Hanging(MemoryLedger):
        def claim(self, key):
            claims.append(key)
            if len(claims) == 2:
                free.wait(10)
            return super().claim(key)

    host = Host(Sync, ledger=Hanging())
    receipts = host.receipts(["p-0", "p-0"], patience=0.2)
    free.set()

    assert sorted((receipt.outcome.value, receipt.detail) for receipt in receipts) == [
        ("sent", ""),
        ("unavailable", "given_up"),
    ]
    assert host.sent == ["p-0"]


def test_where_no_loop_runs_there_is_no_scope_to_hold_off():
    with shielded() as scope:
        assert scope is None


@pytest.mark.parametrize("then", ["ask", "stop"])
def test_the_host_is_told_before_a_receipt_is_given_out(then):
    told = []

    def on_event(receipt):
        if receipt.reference_id == "p-0":
            time.sleep(0.2)  # longer than the other one takes
        told.append(receipt.reference_id)

    def resolve(reference):
        if reference == "p-1":
            time.sleep(0.1)  # so that it lands while the first is being told
        return contact(reference)

    host = Host(Sync, resolve=resolve)
    host.dispatcher._on_event = on_event
    batch = host.dispatcher.send_many(ids(2), INVITATION, ordered=then == "ask")
    if then == "stop":
        threading.Timer(0.05, batch.stop).start()

    for receipt in batch:
        assert receipt.reference_id in told


# Somebody else who closes.


def test_what_the_input_gives_after_another_thread_has_closed_is_cancelled():
    host = Host(Sync)

    def source():
        other = threading.Thread(target=host.batch.close)
        other.start()
        other.join(10)
        yield from ids(2)

    batch = host.batch = host.dispatcher.send_many(source(), INVITATION)
    receipts = in_time(lambda: list(batch))

    assert outcomes(receipts) == {"cancelled": 1}
    assert everybody_has_one(host, ids(1), receipts)


def test_a_signal_handler_may_close_while_an_id_is_taken():
    handlers = []

    class SignalledClock:
        @staticmethod
        def monotonic():
            return time.monotonic()

        @staticmethod
        def time():
            while handlers:
                handlers.pop()()
            return time.time()

    host = Host(Sync, clock=SignalledClock())
    batch = host.batch = host.dispatcher.send_many(ids(3), INVITATION)
    handlers.append(lambda: batch.close(1))
    receipts = in_time(lambda: list(batch))

    assert outcomes(receipts) == {"cancelled": 1}
    assert everybody_has_one(host, ids(1), receipts)


@pytest.mark.parametrize("how", ["async for", "async with"])
@pytest.mark.parametrize("run", ["asyncio", "trio"])
def test_a_scope_that_is_cancelled_waits_for_what_was_handed_over(run, how):
    gate = Gate(["p-0"], "id")
    host = Host(Asyncio, send=gate)

    async def main():
        batch = host.dispatcher.send_many(ids(2), INVITATION)
        await anext(batch)
        threading.Timer(0.3, gate.open).start()
        with anyio.move_on_after(0.1):
            if how == "async for":
                await anext(batch)
            async with batch:
                await anyio.sleep(5)
        return list(host.told)

    assert outcomes(anyio.run(main, backend=run)) == {"sent": 2}


# Threads and tasks that cannot be had.


def test_where_no_thread_can_be_had_the_caller_sends(no_more_threads):
    host = Host(Sync)
    no_more_threads()

    receipts = host.receipts(ids(5), concurrency=3)

    assert outcomes(receipts) == {"sent": 5}


def test_where_no_more_threads_can_be_had_those_that_are_there_carry_all(no_more_threads):
    carriers = set()

    def answer(reference):
        carriers.add(threading.get_ident())
        return contact(reference)

    gate = Gate(["p-0"], answer)
    host = Host(Sync, resolve=gate)

    def people():
        yield "p-0"
        assert gate.reached.wait(5)
        threading.Timer(0.05, gate.open).start()
        no_more_threads()
        yield from ids(5)[1:]

    receipts = host.receipts(people(), concurrency=2)

    assert outcomes(receipts) == {"sent": 5}
    assert len(carriers) == 1
    assert threading.get_ident() not in carriers


def test_where_no_thread_can_be_had_the_caller_gives_up(no_more_threads):
    gate = Gate(["p-0"], contact)
    host = Host(Sync, resolve=gate)
    batch = host.batch = host.dispatcher.send_many(ids(2), INVITATION, patience=0.2)
    first = next(batch)
    no_more_threads()
    receipts = [first, *batch]
    gate.open()

    assert outcomes(receipts) == {"sent": 1, "unavailable": 1}
    assert everybody_has_one(host, ids(2), receipts)


def test_a_loop_that_makes_no_task_ends_the_batch_and_loses_nobody():
    host = Host(Asyncio)

    async def main():
        asyncio.get_running_loop().set_task_factory(refusing)
        batch = host.batch = host.dispatcher.send_many(ids(4), INVITATION)
        receipts = []
        with pytest.raises(ZeroDivisionError):  # noqa: PT012 - some receipts come before
            while True:
                receipts.append(await anext(batch))
        asyncio.get_running_loop().set_task_factory(None)
        return receipts

    def refusing(loop, coroutine, **options):
        coroutine.close()
        raise ZeroDivisionError

    receipts = asyncio.run(main())

    assert outcomes(receipts) == {"cancelled": 1}
    assert references(host.told) == ["p-0"]


def test_an_async_input_that_fails_fails_after_the_receipts():
    async def source():
        yield "p-0"
        raise ZeroDivisionError

    async def main():
        receipts = []
        with pytest.raises(ZeroDivisionError):  # noqa: PT012 - some receipts come before
            async for receipt in host.dispatcher.send_many(source(), INVITATION):
                receipts.append(receipt)  # noqa: PERF401 - what came before stays
        return receipts

    host = Host(Asyncio)

    assert outcomes(asyncio.run(main())) == {"sent": 1}


def test_an_async_input_in_which_something_was_cancelled_fails_as_well():
    async def source():
        yield "p-0"
        inner = asyncio.ensure_future(asyncio.sleep(5))
        asyncio.get_running_loop().call_soon(inner.cancel)
        await inner

    async def main():
        receipts = []
        with pytest.raises(asyncio.CancelledError):  # noqa: PT012 - some receipts come before
            async for receipt in host.dispatcher.send_many(source(), INVITATION):
                receipts.append(receipt)  # noqa: PERF401 - what came before stays
        return receipts

    host = Host(Asyncio)

    assert outcomes(asyncio.run(main())) == {"sent": 1}


def carrying(carried):
    def carry(delivery):
        carried.append(delivery)

    async def async_carry(delivery):
        carried.append(delivery)

    return carry, async_carry


def test_what_is_put_in_twice_is_carried_once():
    carried = []
    carry, async_carry = carrying(carried)
    one, other = a_delivery(), a_delivery()
    crew = Crew(carry, lambda *_: None)

    async def main():
        crew = AsyncCrew(async_carry, lambda *_: None)
        crew.put(other, 1)
        crew.put(other, 1)
        await anyio.sleep(0.01)
        crew.abandon(other)

    crew.put(one, 1)
    crew.put(one, 1)
    assert crew.landed(5) is one
    asyncio.run(main())
    crew.end()

    assert carried == [one, other]
    assert our_threads() == []


def test_a_storage_that_does_not_answer_in_time_leaves_the_claim_open(shell):
    host = Host(shell)
    kept = host.dispatcher._kept

    def late(work, delivery, *, repeatable=False):
        if repeatable:
            raise TimeoutError
        return kept(work, delivery)

    host.dispatcher._kept = late
    receipt = shell.call(host.dispatcher.send, "p-0", INVITATION)

    assert (receipt.outcome, receipt.detail) == ("sent", "unsettled:TimeoutError")
    assert list(host.ledger.entries.values()) == ["open"]


def test_a_system_task_of_trio_that_is_put_in_twice_is_carried_once():
    carried = []
    one = a_delivery()

    async def async_carry(delivery):
        await anyio.sleep(0.02)
        carried.append(delivery)

    async def main():
        crew = AsyncCrew(async_carry, lambda *_: None)
        crew.put(one, 1)
        crew.put(one, 1)
        return await crew.landed(5), await crew.landed(0.05)

    assert trio.run(main) == (one, None)
    assert carried == [one]


class Over:
    """
    A task that an eager task factory has brought to its end.
    """

    def done(self):
        return True


@pytest.mark.parametrize("put", [0, 1], ids=["never", "before"])
def test_a_task_that_cannot_be_made_ends_what_was_not_begun(put):
    given_up = []
    one = a_delivery()

    def spawn(main):
        raise RuntimeError

    async def main():
        crew = AsyncCrew(None, lambda delivery, _: given_up.append(delivery))
        crew._begun.update(dict.fromkeys([one][:put]))
        crew._spawn = spawn
        with pytest.raises(RuntimeError):
            crew.put(one, 1)
        return await crew.landed(0.01)

    assert asyncio.run(main()) is (None if put else one)
    assert given_up == ([] if put else [one])


def test_an_eager_task_that_is_over_has_landed():
    one = a_delivery()

    async def main():
        crew = AsyncCrew(None, lambda *_: None)
        crew._spawn = lambda main: Over()
        crew.put(one, 1)
        return crew._landed.popleft()

    assert asyncio.run(main()) is one


def test_who_was_given_up_while_the_ledger_was_asked_is_not_looked_up(shell):
    class Slow(MemoryLedger):
        def claim(self, key):
            gate.wait(5)
            return super().claim(key)

    gate = threading.Event()
    if shell.name != "sync":
        pytest.skip("a task is cancelled there")
    host = Host(shell, ledger=Slow())
    [receipt] = host.dispatcher.send_many(ids(1), INVITATION, patience=0.1)
    gate.set()

    assert our_threads() == []
    assert (receipt.outcome, receipt.detail) == ("unavailable", "given_up")
    assert (host.asked, host.ledger.entries) == ([], {})


@pytest.mark.parametrize("run", ["asyncio", "trio"])
def test_an_async_input_is_left_alone_when_the_batch_stops(run):
    taken = []

    async def source():
        for reference in ids(1000):
            taken.append(reference)
            yield reference
            await anyio.lowlevel.checkpoint()

    async def main():
        host.batch = host.dispatcher.send_many(source(), INVITATION, concurrency=3)
        receipts = [await anext(host.batch)]
        host.batch.stop()
        return receipts + [receipt async for receipt in host.batch]

    host = Host(Asyncio)
    receipts = anyio.run(main, backend=run)

    assert sorted(receipt.reference_id for receipt in receipts) == sorted(taken)
    assert len(taken) <= 5


@pytest.mark.parametrize("run", ["asyncio", "trio"])
def test_an_async_input_is_closed_where_its_scope_was_opened(run):
    closed, is_over = [], None

    async def source():
        opened_by = anyio.get_current_task()
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(anyio.sleep_forever)
                for reference in ids(1000):
                    yield reference
        finally:
            closed.append(anyio.get_current_task() == opened_by)
            is_over.set()

    async def main():
        nonlocal is_over
        is_over = anyio.Event()
        host.batch = host.dispatcher.send_many(source(), INVITATION, concurrency=2)
        async with host.batch as batch:
            await anext(batch)
        with anyio.move_on_after(5):
            await is_over.wait()

    host = Host(Asyncio)
    anyio.run(main, backend=run)

    assert closed == [True]


def test_a_task_that_is_cancelled_before_its_first_step_lands():
    carried, given_up = [], []
    _, async_carry = carrying(carried)
    one = a_delivery()

    async def main():
        crew = AsyncCrew(async_carry, lambda delivery, _: given_up.append(delivery))
        crew.put(one, 1)
        for task in list(crew._begun.values()):
            task.cancel()
        return await crew.landed(5)

    assert asyncio.run(main()) is one
    assert (carried, given_up) == ([], [one])


def test_a_thread_that_is_back_is_not_counted_as_stuck():
    one = a_delivery()
    one.is_back = True
    crew = Crew(lambda _: None, lambda *_: None)

    crew.abandon(one)

    assert crew._stuck == set()


def test_what_was_not_begun_when_a_batch_stops_is_cancelled():
    run = Run()
    run.halt()

    assert a_delivery(run).refusal().outcome == "cancelled"


def test_an_address_that_nobody_looked_for_is_none():
    with pytest.raises(ValueError):  # noqa: PT011 - it has no words
        a_delivery()._known_address(Contact("p-0"))


# Ctrl-C.


class AtLine:
    """
    Ctrl-C before one line of some functions, in this thread.
    """

    def __init__(self, number, files, names=None):
        self._left = number
        self._files = {module.__file__ for module in files}
        self._names = names
        self.has_come = False

    def __enter__(self):
        self._before = sys.gettrace()
        sys.settrace(self._enter)
        return self

    def __exit__(self, *error):
        sys.settrace(self._before)

    def _enter(self, frame, event, argument):
        code = frame.f_code
        is_watched = code.co_filename in self._files
        return (
            self._step if is_watched and (not self._names or code.co_name in self._names) else None
        )

    def _step(self, frame, event, argument):
        line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
        # No signal comes between a lock's being taken and its block.
        self._left -= event == "line" and not line.strip().startswith("with ")
        if self._left == 0 and not self.has_come:
            self.has_come = True
            raise KeyboardInterrupt
        return self._step


def test_ctrl_c_while_one_is_given_up_loses_no_receipt(monkeypatch):
    from careof._sending.many.batch import Batch

    monkeypatch.setattr(Batch.close, "__defaults__", (0.05,))
    contact("p-0")  # what is imported late takes its time
    for number in range(1, 60):
        gate = Gate(["p-0"], "late")
        host = Host(Sync, send=gate)
        batch = host.batch = host.dispatcher.send_many(ids(2), INVITATION, patience=0.05)
        receipts = [next(batch)]
        names = {"_give_up_overdue", "_give_up_on", "decide", "abandon"}
        ctrl_c = AtLine(number, [under_way, fate, crew_module], names)
        with contextlib.suppress(KeyboardInterrupt), ctrl_c:
            receipts += [next(batch)]
        receipts += batch
        gate.open()

        assert outcomes(receipts) == {"sent": 1, "uncertain": 1}
        assert everybody_has_one(host, ids(2), receipts)
        if not ctrl_c.has_come:
            break
    assert 8 < number < 59


def test_ctrl_c_at_any_line_at_the_end_of_a_send_settles_and_tells():
    names = {"_conclude", "_settle", "_settled", "must_settle", "decide", "settle", "conclude"}
    names |= {"_tell", "let_go", "sent"}
    from careof._sending import ledger
    from careof._sending.one import configured as dispatching
    from careof._sending.one import delivering

    files = [delivering, dispatching, ledger, fate, delivery_module]
    for number in range(1, 90):
        host = Host(Sync)
        ctrl_c = AtLine(number, files, names)
        with contextlib.suppress(KeyboardInterrupt), ctrl_c:
            host.dispatcher.send("p-0", INVITATION)

        [outcome] = host.ledger.entries.values()
        assert outcome in ("sent", "uncertain")
        # Whether the hook has been called nobody knows before its first line.
        assert len(host.told) <= 1
        if not ctrl_c.has_come:
            break
    assert 30 < number < 89


def test_ctrl_c_in_the_storage_asks_it_once_more():
    class Interrupted(MemoryLedger):
        times = 0

        def settle(self, key, outcome):
            self.times += 1
            if self.times == 1:
                raise KeyboardInterrupt
            super().settle(key, outcome)

    host = Host(Sync, ledger=Interrupted())

    with pytest.raises(KeyboardInterrupt):
        host.dispatcher.send("p-0", INVITATION)

    [receipt] = host.told
    assert (receipt.outcome, receipt.detail) == ("sent", "")
    assert list(host.ledger.entries.values()) == ["sent"]


def test_ctrl_c_in_a_claim_does_not_claim_again():
    host = Host(Sync)
    asked = []

    def claim(key):
        asked.append(key)
        raise KeyboardInterrupt

    host.claim = claim
    with pytest.raises(KeyboardInterrupt):
        host.dispatcher.send("p-0", INVITATION)

    assert len(asked) == 1
    assert outcomes(host.told) == {"cancelled": 1}


def test_ctrl_c_twice_in_the_storage_is_said():
    class Interrupted(MemoryLedger):
        def settle(self, key, outcome):
            raise KeyboardInterrupt

    host = Host(Sync, ledger=Interrupted())

    with pytest.raises(KeyboardInterrupt):
        host.dispatcher.send("p-0", INVITATION)

    [receipt] = host.told
    assert (receipt.outcome, receipt.detail) == ("sent", "unsettled:KeyboardInterrupt")


@pytest.mark.parametrize("run", ["asyncio", "trio"])
@pytest.mark.parametrize("is_grouped", [False, True])
def test_ctrl_c_in_a_task_comes_out_of_the_loop(run, is_grouped):
    if is_grouped and run == "asyncio":
        pytest.skip("asyncio raises it in its loop alone")
    error = KeyboardInterrupt()
    host = Host(Asyncio, send=BaseExceptionGroup("of a nursery", [error]) if is_grouped else error)

    async def main():
        async for _ in host.dispatcher.send_many(ids(1), INVITATION):
            pass
        await anyio.sleep(1)

    with pytest.raises(KeyboardInterrupt):
        anyio.run(main, backend=run)

    assert outcomes(host.told) == {"uncertain": 1}
    assert "open" not in host.ledger.entries.values()


def test_a_group_without_ctrl_c_is_none():
    assert not is_ctrl_c(BaseExceptionGroup("", [SystemExit()]))


# The end of a loop, of a process, and another process.


@pytest.mark.parametrize("part", ["claim", "settle"])
def test_the_end_of_a_loop_cuts_no_ledger_off(part):
    host = Host(Asyncio)
    reached = threading.Event()
    plain = getattr(host.dispatcher._ledger, part)

    async def slow(*arguments):
        reached.set()
        found = await plain(*arguments)
        await anyio.sleep(0.1)
        return found

    setattr(host.dispatcher._ledger, part, slow)

    async def main():
        host.batch = host.dispatcher.send_many(ids(3), INVITATION)
        asking = asyncio.ensure_future(anext(host.batch))
        await happened(reached)
        return asking

    asyncio.run(main())

    assert outcomes(host.told) == {"cancelled" if part == "claim" else "sent": 3}
    assert "open" not in host.ledger.entries.values()


def test_a_cancelled_caller_hears_of_its_cancellation_whatever_the_storage_says():
    async def cancelled():
        await anyio.sleep(0.02)
        raise asyncio.CancelledError

    async def main():
        task = asyncio.ensure_future(uncut(cancelled, 5.0))
        await anyio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_the_end_of_the_program_waits_for_what_is_under_way(monkeypatch):
    gate = Gate(["p-1"], "id-1", first="p-0")
    host = Host(Sync, send=gate)
    batch = host.batch = host.dispatcher.send_many(ids(2), INVITATION)
    first = next(batch)
    gate.reached.wait(5)
    monkeypatch.setattr(flow, "CLOSING", 0.05)

    flow._close_all()
    receipts = [first, *batch]
    gate.open()

    assert outcomes(receipts) == {"sent": 1, "uncertain": 1}
    assert everybody_has_one(host, ids(2), receipts)
    assert our_threads() == []


def test_a_child_has_no_part_in_the_batch_of_its_parent(shell):
    gate = Gate(["p-1"], "id-1", first="p-0")
    host = Host(shell, send=gate)

    def elsewhere(batch, close, ask):
        close()
        batch.stop()
        batch._flow.forsake()
        with pytest.raises(ConfigurationError, match="process"):
            ask()
        return (
            sorted(map(str, host.ledger.entries.values())),
            len(host.told),
            batch._flow.run.is_halted,
        )

    def forked():
        batch = host.batch = host.dispatcher.send_many(ids(2), INVITATION)
        first = next(batch)
        gate.reached.wait(5)
        child = in_a_child(lambda: elsewhere(batch, batch.close, functools.partial(next, batch)))
        gate.open()
        return child, [first, *batch]

    async def async_forked():
        batch = host.batch = host.dispatcher.send_many(ids(2), INVITATION)
        first = await anext(batch)
        await happened(gate.reached)
        child = in_a_child(
            lambda: elsewhere(
                batch, lambda: finished(batch.aclose()), lambda: finished(anext(batch))
            )
        )
        gate.open()
        return child, [first, *[receipt async for receipt in batch]]

    child, receipts = shell.call(forked if shell.name == "sync" else async_forked)

    assert child == "(['open', 'sent'], 1, False)"
    assert outcomes(receipts) == {"sent": 2}
    assert everybody_has_one(host, ids(2), receipts)


def finished(coroutine):
    """
    Run to its end what waits for nothing.
    """
    with pytest.raises(StopIteration):
        coroutine.send(None)


def test_a_batch_of_another_process_does_nothing(shell):
    host = Host(shell)

    def elsewhere(batch):
        batch._flow._process += 1
        batch.stop()
        batch._flow.forsake()

    def asked():
        batch = host.batch = host.dispatcher.send_many(ids(2), INVITATION)
        elsewhere(batch)
        batch.close()
        with pytest.raises(ConfigurationError, match="process"):
            next(batch)
        batch._flow._process -= 1
        return list(batch)

    async def async_asked():
        batch = host.batch = host.dispatcher.send_many(ids(2), INVITATION)
        elsewhere(batch)
        await batch.aclose()
        with pytest.raises(ConfigurationError, match="process"):
            await anext(batch)
        batch._flow._process -= 1
        return [receipt async for receipt in batch]

    receipts = shell.call(asked if shell.name == "sync" else async_asked)

    assert outcomes(receipts) == {"sent": 2}


def test_the_second_of_an_address_waits_for_the_first(shell):
    gate = Gate(["p-0"], "id-0")

    def same(reference):
        if len(host.asked) == 2:
            threading.Timer(0.1, gate.open).start()
        return contact(reference, "all@people.example")

    host = Host(shell, resolve=same, send=gate, once_per_address=True)

    def in_turn():
        yield "p-0"
        gate.reached.wait(5)
        yield "p-1"

    # In tasks nobody may wait so.
    receipts = host.receipts(in_turn() if shell.name == "sync" else ids(2))

    assert outcomes(receipts) == {"sent": 1, "duplicate": 1}


def test_a_rate_begins_anew_with_a_lock_of_its_own():
    before = RateLimit._lock
    RateLimit(1_000)._begin_anew()

    assert RateLimit._lock is not before


def test_a_child_has_a_lock_of_its_own_for_rates():
    rate = RateLimit(1_000)
    host = Host(Sync, endpoint_rate=rate)
    host.dispatcher.send("p-0", INVITATION)
    with RateLimit._lock:
        child = in_a_child(lambda: host.dispatcher.send("p-1", INVITATION).outcome.value)

    assert child == "sent"


def test_an_address_that_may_have_had_one_gets_no_other(shell):
    """
    Nobody knows of the first, so nobody may be the second.
    """
    host = Host(
        shell,
        resolve=lambda reference: contact(reference, "ann@people.example"),
        send=TimeoutError("no answer"),
        once_per_address=True,
    )
    receipts = host.receipts(ids(3), concurrency=1)

    assert [receipt.outcome for receipt in receipts] == ["uncertain"] * 3
    assert len(host.sent) == 1


def test_a_cancellation_that_waited_for_an_answer_is_not_lost():
    gate = asyncio.Event()

    async def main():
        task = asyncio.ensure_future(uncut(gate.wait, 5.0))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        gate.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_a_receipt_that_ctrl_c_kept_from_the_caller_comes_again():
    host = Host(Sync)
    batch = host.batch = host.dispatcher.send_many(ids(3), INVITATION, concurrency=1)
    give_out = batch._flow.next

    def interrupted():
        give_out()
        raise KeyboardInterrupt

    batch._flow.next = interrupted
    with pytest.raises(KeyboardInterrupt):
        next(batch)
    batch._flow.next = give_out
    receipts = list(batch)

    assert len(receipts) == len(host.told)
    assert outcomes(receipts)["sent"] == 1
    assert everybody_has_one(host, references(receipts), receipts)
