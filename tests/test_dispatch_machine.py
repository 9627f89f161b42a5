"""
Dispatcher, ledger and opt-outs against a model, in whatever order things happen.
"""

from __future__ import annotations

import asyncio
import collections
import gc
import time

import anyio
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from careof import Outcome
from tests.support.survey_world import ADDRESSES, REFERENCES, REFUSED, TROUBLES, Model, World

known = st.sampled_from(REFERENCES)
numbers = st.integers(0, len(ADDRESSES) - 1)
spellings = st.integers(0, 1)
given_ids = st.sampled_from([*REFERENCES * 3, *REFUSED])
batches = st.one_of(
    st.lists(given_ids, max_size=10), st.lists(known, min_size=3, max_size=6, unique=True)
)
# What goes wrong in one run, for some of its references.
troubles = st.dictionaries(known, st.sampled_from(TROUBLES), max_size=3)
# How a consumer leaves a batch after so many receipts.
leavings = st.one_of(
    st.none(), st.tuples(st.integers(0, 5), st.sampled_from(["close", "ask on", "drop"]))
)


class DispatchMachine(RuleBasedStateMachine):
    """
    Six references to three addresses, and a host that fails in every part.
    """

    is_async = False

    def __init__(self):
        super().__init__()
        self.world = World()
        self.model = Model(self.world)

    @initialize(people=st.lists(st.tuples(numbers, spellings), min_size=6, max_size=6))
    def people_come(self, people):
        self.world.people.update(zip(REFERENCES, people, strict=True))

    # What happens at the host

    @rule(reference=known, number=numbers, spelling=spellings)
    def a_reference_leads_to_another_address(self, reference, number, spelling):
        self.world.people[reference] = (number, spelling)

    @rule(reference=known)
    def a_reference_is_dropped(self, reference):
        self.world.people.pop(reference, None)

    @rule(reference=known)
    def a_reference_opts_out(self, reference):
        self.world.refusals.add((reference, self.world.channel))

    @rule(number=numbers, spelling=spellings, rotations=st.integers(0, 2))
    def an_address_opts_out(self, number, spelling, rotations):
        self.world.opt_out(number, spelling)
        for _ in range(rotations):
            self.world.rotate()

    @rule()
    def opt_outs_are_withdrawn(self):
        self.world.refusals.clear()
        self.world.refused.clear()

    @rule(reference=known)
    def somebody_looks_and_releases_a_claim(self, reference):
        key = self.world.key(reference)
        if self.model.entries.get(key) == "open":
            self.world.ledger.settle(key, Outcome.CANCELLED)
            del self.model.entries[key]
            del self.world.handed_over[key]

    # What is sent

    def begin(self, is_new_wave, troubles):
        if is_new_wave:
            self.world.wave += 1
            self.world.channel = "sms" if self.world.wave % 3 == 2 else "email"
        self.world.troubles = {reference: dict([each]) for reference, each in troubles.items()}

    @rule(reference=given_ids, is_new_wave=st.booleans(), troubles=troubles)
    def one_is_sent(self, reference, is_new_wave, troubles):
        self.begin(is_new_wave, troubles)
        expected = self.model.end(reference)
        dispatcher = self.world.dispatcher(is_async=self.is_async)

        receipt = self.sent(dispatcher, reference)

        assert (receipt.outcome, receipt.detail) == expected
        self.take_note([receipt])

    @rule(
        ids=batches,
        is_new_wave=st.booleans(),
        troubles=troubles,
        ordered=st.booleans(),
        once=st.booleans(),
    )
    def many_are_sent_one_after_the_other(self, ids, is_new_wave, troubles, ordered, once):
        self.begin(is_new_wave, troubles)
        dispatcher = self.world.dispatcher(is_async=self.is_async, once_per_address=once)

        batch, receipts = self.sent_many(dispatcher, ids, concurrency=1, ordered=ordered)

        had = {}
        for reference, receipt in zip(ids, receipts, strict=True):
            end = (receipt.outcome, receipt.detail)
            assert end == self.model.end(reference, had if once else None)
            if receipt.detail not in ("same_address", "claimed", "ledger") and (
                receipt.outcome in ("sent", "uncertain")
            ):
                had[self.world.people[reference][0]] = receipt.outcome.value
            self.model.note(receipt)
        self.take_note(receipts, batch, once=once)

    @rule(
        ids=batches,
        is_new_wave=st.booleans(),
        troubles=troubles,
        options=st.fixed_dictionaries(
            {"concurrency": st.integers(1, 5), "ordered": st.booleans()}
        ),
        once=st.booleans(),
        leaving=leavings,
        failure=st.one_of(st.none(), st.none(), st.integers(0, 6)),
    )
    def many_are_sent_at_once(
        self, ids, is_new_wave, troubles, *, options, once, leaving, failure
    ):
        self.begin(is_new_wave, troubles)
        world = self.world
        before = {reference: self.model.end(reference) for reference in ids}
        taken = self.taken = []
        dispatcher = world.dispatcher(is_async=self.is_async, once_per_address=once)
        batch, receipts = self.sent_many(
            dispatcher,
            self.taken_from(ids, taken, failure),
            leaving=leaving,
            **options,
        )

        assert taken == ids[: len(taken)]
        if leaving is None:
            assert taken == ids[:failure]
        shown = ["***" if reference in REFUSED else reference for reference in taken]
        if batch is None:
            # Dropped: the others are told all the same.
            receipts = list(world.told)
        assert sorted(each.reference_id for each in receipts) == sorted(shown)
        if options["ordered"] and batch is not None:
            assert [receipt.reference_id for receipt in receipts] == shown
        ends = collections.defaultdict(set)
        for receipt in receipts:
            ends[receipt.reference_id].add(receipt.outcome.value)
        for receipt in receipts:
            if receipt.reference_id != "***":
                allowed = self.allowed(receipt.reference_id, before, taken, ends, once)
                if leaving is not None:
                    allowed |= {("cancelled", ""), ("cancelled", "unsettled:KeyError")}
                assert (receipt.outcome, receipt.detail) in allowed
        self.take_note(receipts, batch, once=once)

    def allowed(self, reference, before, taken, ends, once):
        """
        How *reference* may end beside the others of its batch.
        """
        allowed = {before[reference]}
        detail = "unsettled:KeyError" if self.world.trouble("settle", reference) else None
        if taken.count(reference) > 1:
            allowed |= {("uncertain", "claimed")}
            allowed |= {self.model.claimed_before(outcome) for outcome in ends[reference]}
        if once and self.model.may_reach_the_sender(reference):
            number, _ = self.world.people[reference]
            for other in set(taken) - {reference}:
                if self.world.people.get(other, ("", ""))[0] == number:
                    for outcome in ends[other] & {"sent", "uncertain"}:
                        end = "duplicate" if outcome == "sent" else outcome
                        allowed.add((end, detail or "same_address"))
        return allowed

    @staticmethod
    def taken_from(ids, taken, failure):
        for number, reference in enumerate(ids):
            if number == failure:
                raise ValueError
            taken.append(reference)
            yield reference
        if failure is not None and failure >= len(ids):
            raise ValueError

    def take_note(self, receipts, batch=None, *, once=False):
        """
        What holds after every run, and what the next one has to know.
        """
        world = self.world
        assert sorted(map(str, world.told)) == sorted(map(str, receipts))
        if batch is not None:
            assert batch.tally == collections.Counter(each.outcome for each in receipts)
        if once:
            assert set(world.run.values()) <= {1}
        for receipt in receipts:
            self.model.note(receipt)
        world.told.clear()
        world.run.clear()

    @invariant()
    def nobody_twice_and_nobody_who_said_no(self):
        assert self.world.problems == []
        assert set(self.world.handed_over.values()) <= {1}

    @invariant()
    def the_ledger_has_what_the_model_has(self):
        """
        Nothing is open but what could not be settled.
        """
        assert self.world.ledger.entries == self.model.entries

    # How it is sent

    def sent(self, dispatcher, reference):
        return dispatcher.send(reference, self.world.invitation)

    def sent_many(self, dispatcher, ids, *, leaving=None, **options):
        batch = dispatcher.send_many(ids, self.world.invitation, **options)
        receipts = []
        stop, how = leaving or (None, "ask on")
        try:
            while stop is None or len(receipts) < stop:
                receipt = next(batch, None)
                if receipt is None:
                    return batch, receipts
                receipts.append(receipt)
            if how == "close":
                batch.close()
            elif how == "ask on":
                batch.stop()
            if how != "drop":
                receipts += batch
        except ValueError:
            assert next(batch, None) is None
        if how == "drop":
            del batch
            gc.collect()
            until = time.monotonic() + 10
            while len(self.world.told) < len(self.taken):
                assert time.monotonic() < until
                time.sleep(0.001)
            return None, receipts
        return batch, receipts


class AsyncDispatchMachine(DispatchMachine):
    """
    The same, in tasks of asyncio.
    """

    is_async = True

    def sent(self, dispatcher, reference):
        return asyncio.run(dispatcher.send(reference, self.world.invitation))

    def sent_many(self, dispatcher, ids, **options):
        return asyncio.run(self.async_sent_many(dispatcher, ids, **options))

    async def async_sent_many(self, dispatcher, ids, *, leaving=None, **options):
        batch = dispatcher.send_many(ids, self.world.invitation, **options)
        receipts = []
        stop, how = leaving or (None, "ask on")
        try:
            while stop is None or len(receipts) < stop:
                receipt = await anext(batch, None)
                if receipt is None:
                    return batch, receipts
                receipts.append(receipt)
            if how == "close":
                await batch.aclose()
            elif how == "ask on":
                batch.stop()
            async for receipt in batch if how != "drop" else nothing():
                receipts.append(receipt)  # noqa: PERF401 - what came before an error stays
        except ValueError:
            assert await anext(batch, None) is None
        if how == "drop":
            del batch
            gc.collect()
            with anyio.fail_after(10):
                while len(self.world.told) < len(self.taken):  # noqa: ASYNC110 - who could say so is gone
                    await anyio.sleep(0.001)
            return None, receipts
        return batch, receipts


async def nothing():
    """
    No receipt.
    """
    for receipt in ():
        yield receipt


TestDispatch = DispatchMachine.TestCase
TestAsyncDispatch = AsyncDispatchMachine.TestCase
TestDispatch.settings = TestAsyncDispatch.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
