"""
Callers who share a request: what each gets, whatever becomes of the others.
"""

from __future__ import annotations

import asyncio
import gc
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import anyio
import httpx
import pytest
import trio

from careof import (
    AsyncBatchHttpResolver,
    BatchHttpResolver,
    BatchRequestTemplate,
    Limits,
    RetryPolicy,
)
from careof._resolving.batching import Seat
from careof.errors import CareofError, DeadlineError, RateLimitedError, UnexpectedAnswerError
from careof.testing import FakeClock
from tests.support.batches import SELECTOR, Endpoint, address, asked_in, person, template
from tests.support.canary import every_view_of, objects_holding, seen_in
from tests.support.forks import in_a_child
from tests.support.memory import living

PATIENCE = 10.0
LONG = 5.0  # seconds to wait for a batch that will be full


class AsyncEndpoint(httpx.AsyncBaseTransport):
    """
    Answers when it may.

    Attributes:
        asked: Those that each request asked about.
    """

    def __init__(self, *, held=0):
        self.asked = []
        self.begun = anyio.Event()
        self.may_answer = anyio.Event()
        self._held = held

    async def handle_async_request(self, request):
        asked = asked_in(request)
        self.asked.append(asked)
        self.begun.set()
        if len(self.asked) <= self._held:
            await self.may_answer.wait()
        return httpx.Response(200, json=[person(each) for each in reversed(asked)])


class HeldEndpoint(Endpoint):
    """
    A blocking one that answers when it may.
    """

    def __init__(self, *, held=1, error=None):
        super().__init__(self._people)
        self.begun = threading.Event()
        self.may_answer = threading.Event()
        self._held = held
        self._error = error

    def _people(self, asked):
        self.begun.set()
        if len(self.asked) <= self._held:
            assert self.may_answer.wait(PATIENCE)
            if self._error is not None:
                raise self._error
        return [person(each) for each in asked]


def blocking(transport, *, size=100, **options):
    options = {"wait": 0.05, **options}
    return BatchHttpResolver(template(size=size), SELECTOR, transport=transport, **options)


def waiting(transport, *, size=100, **options):
    options = {"wait": 0.05, **options}
    return AsyncBatchHttpResolver(template(size=size), SELECTOR, transport=transport, **options)


def outcome_of(resolver, reference_id):
    try:
        return resolver.resolve(reference_id).email.reveal()
    except BaseException as error:
        return type(error)


def in_threads(resolver, reference_ids):
    with ThreadPoolExecutor(len(reference_ids)) as pool:
        return list(pool.map(lambda each: outcome_of(resolver, each), reference_ids))


def started(resolver, reference_id):
    """
    A thread that resolves, and the list that its outcome goes to.
    """
    outcomes = []
    thread = threading.Thread(target=lambda: outcomes.append(outcome_of(resolver, reference_id)))
    thread.start()
    return thread, outcomes


def wait_until(condition):
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.001)


async def until(condition):
    with anyio.fail_after(PATIENCE):
        while not condition():  # noqa: ASYNC110  # others move on without a word
            await anyio.sleep(0.001)


def seated(resolver):
    batch = resolver._collector._open
    return 0 if batch is None else len(batch.seats)


@pytest.fixture(params=["asyncio", "trio"])
def run(request):
    return lambda main: anyio.run(main, backend=request.param)


class Tasks:
    """
    Tasks that resolve, each in a scope of its own.
    """

    def __init__(self, resolver, group):
        self.outcomes = {}
        self.scopes = {}
        self._resolver = resolver
        self._group = group

    async def start(self, *names):
        for name in names:
            before = len(self.scopes)
            self._group.start_soon(self._resolve, name)
            await until(lambda before=before: len(self.scopes) > before)

    async def _resolve(self, name):
        with anyio.CancelScope() as self.scopes[name]:
            try:
                self.outcomes[name] = (await self._resolver.resolve(name)).email.reveal()
            except CareofError as error:
                self.outcomes[name] = error


# How many requests there are


def time_for(size):
    # Full ones do not wait; where the last is not full, all must have called before it goes.
    return LONG if 12 % size == 0 else 2.0


@pytest.mark.parametrize("size, requests", [(1, 12), (5, 3), (6, 2), (100, 1)])
def test_threads_that_call_at_once_share_as_few_requests_as_hold_them(size, requests):
    endpoint = Endpoint()
    names = [f"C-{number}" for number in range(12)]

    outcomes = in_threads(blocking(endpoint, size=size, wait=time_for(size)), names)

    assert outcomes == list(map(address, names))
    assert len(endpoint.asked) == requests
    assert sorted(each for asked in endpoint.asked for each in asked) == sorted(names)


@pytest.mark.parametrize("size, requests", [(1, 12), (5, 3), (6, 2), (100, 1)])
def test_tasks_that_call_at_once_share_as_few_requests_as_hold_them(run, size, requests):
    names = [f"C-{number}" for number in range(12)]

    async def main():
        endpoint = AsyncEndpoint()
        async with anyio.create_task_group() as group:
            tasks = Tasks(waiting(endpoint, size=size, wait=time_for(size)), group)
            for name in names:
                group.start_soon(tasks._resolve, name)
        return tasks.outcomes, endpoint.asked

    outcomes, asked = run(main)
    assert outcomes == {name: address(name) for name in names}
    assert len(asked) == requests


def test_a_full_batch_does_not_wait():
    began = time.monotonic()

    in_threads(blocking(Endpoint(), size=3, wait=LONG), ["C-1", "C-2", "C-3"])

    assert time.monotonic() - began < LONG / 2


def test_one_alone_waits_for_the_others_and_no_longer():
    endpoint = Endpoint()
    began = time.monotonic()

    assert outcome_of(blocking(endpoint, wait=0.1), "C-1") == address("C-1")

    assert 0.1 <= time.monotonic() - began < PATIENCE
    assert endpoint.asked == [["C-1"]]


def test_references_that_would_make_the_url_too_long_are_cut_off():
    seen = []

    def handler(request):
        seen.append(len(str(request.url)))
        return httpx.Response(200, json=[])

    url = "https://contacts.customer.example/?ids={reference_ids}"
    resolver = BatchHttpResolver(
        BatchRequestTemplate(url, method="GET", size=500),
        SELECTOR,
        transport=httpx.MockTransport(handler),
    )
    list(resolver.resolve_many("ä" * 200 + str(number) for number in range(20)))

    assert len(seen) > 1
    assert max(seen) < 8000


def test_a_long_url_without_references_takes_none_of_their_room():
    endpoint = Endpoint()
    request = BatchRequestTemplate(
        f"https://contacts.customer.example/?key={'x' * 7900}", json={"ids": "{reference_ids}"}
    )
    resolver = BatchHttpResolver(request, SELECTOR, transport=endpoint)

    list(resolver.resolve_many(["C-1", "C-2"]))

    assert endpoint.asked == [["C-1", "C-2"]]


# What each gets


def test_who_asks_for_the_same_person_gets_a_contact_of_its_own():
    endpoint = Endpoint()
    resolver = blocking(endpoint, wait=0.5)
    with ThreadPoolExecutor(3) as pool:
        contacts = list(pool.map(resolver.resolve, ["C-1"] * 3))

    assert endpoint.asked == [["C-1"]]
    assert [contact.email.reveal() for contact in contacts] == [address("C-1")] * 3
    assert len(set(map(id, contacts))) == 3


def test_who_fails_together_fails_with_an_error_of_its_own():
    limited = httpx.Response(429, headers={"Retry-After": "7"})
    resolver = blocking(Endpoint(lambda asked: limited), wait=0.5, retry=RetryPolicy.never())
    errors = []

    def fail(reference_id):
        with pytest.raises(RateLimitedError) as caught:
            resolver.resolve(reference_id)
        errors.append(caught.value)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(fail, ["C-1", "C-2", "C-3"]))

    assert len({id(error) for error in errors}) == 3
    assert [error.retry_after for error in errors] == [7.0] * 3
    assert {error.__context__ for error in errors} == {None}


def test_who_cannot_be_asked_about_keeps_nobody_waiting():
    endpoint = Endpoint()
    resolver = blocking(endpoint, size=2, wait=0.2)

    outcomes = in_threads(resolver, ["C-1", "kim@people.example", "", "C-2"])

    assert [each if isinstance(each, str) else each.__name__ for each in outcomes] == [
        address("C-1"),
        "InvalidReferenceError",
        "InvalidReferenceError",
        address("C-2"),
    ]
    assert len(endpoint.asked) == 1


def test_nobody_is_remembered():
    endpoint = Endpoint()
    resolver = blocking(endpoint, wait=0.01)

    assert [outcome_of(resolver, "C-1") for _ in range(3)] == [address("C-1")] * 3

    assert endpoint.asked == [["C-1"]] * 3


# Who leaves


def test_a_follower_that_is_cancelled_is_not_asked_about(run):
    async def main():
        endpoint = AsyncEndpoint()
        async with anyio.create_task_group() as group:
            tasks = Tasks(waiting(endpoint, size=3, wait=LONG), group)
            await tasks.start("C-1", "C-2")
            tasks.scopes["C-2"].cancel()
            await until(lambda: seated(tasks._resolver) == 1)
            await tasks.start("C-3", "C-4")
        return tasks.outcomes, endpoint.asked

    outcomes, asked = run(main)
    assert outcomes == {name: address(name) for name in ("C-1", "C-3", "C-4")}
    assert asked == [["C-1", "C-3", "C-4"]]


def test_a_follower_that_is_cancelled_while_it_is_asked_about_takes_nobody_with_it(run):
    async def main():
        endpoint = AsyncEndpoint(held=1)
        async with anyio.create_task_group() as group:
            tasks = Tasks(waiting(endpoint, size=3, wait=LONG), group)
            await tasks.start("C-1", "C-2", "C-3")
            await endpoint.begun.wait()
            tasks.scopes["C-2"].cancel()
            endpoint.may_answer.set()
        return tasks.outcomes, endpoint.asked

    outcomes, asked = run(main)
    assert outcomes == {name: address(name) for name in ("C-1", "C-3")}
    assert asked == [["C-1", "C-2", "C-3"]]


def test_a_leader_that_is_cancelled_while_it_waits_leaves_the_rest_of_the_wait(run):
    async def main():
        endpoint = AsyncEndpoint()
        async with anyio.create_task_group() as group:
            tasks = Tasks(waiting(endpoint, size=3, wait=LONG), group)
            await tasks.start("C-1", "C-2")
            tasks.scopes["C-1"].cancel()
            await until(lambda: seated(tasks._resolver) == 1)
            await tasks.start("C-3", "C-4")
        return tasks.outcomes, endpoint.asked

    outcomes, asked = run(main)
    assert outcomes == {name: address(name) for name in ("C-2", "C-3", "C-4")}
    assert asked == [["C-2", "C-3", "C-4"]]


def test_a_leader_that_is_cancelled_while_it_asks_leaves_the_question_to_the_next(run):
    async def main():
        endpoint = AsyncEndpoint(held=1)
        async with anyio.create_task_group() as group:
            tasks = Tasks(waiting(endpoint, size=3, wait=LONG), group)
            await tasks.start("C-1", "C-2", "C-3")
            await endpoint.begun.wait()
            tasks.scopes["C-1"].cancel()
        return tasks.outcomes, endpoint.asked

    outcomes, asked = run(main)
    assert outcomes == {name: address(name) for name in ("C-2", "C-3")}
    assert asked == [["C-1", "C-2", "C-3"], ["C-2", "C-3"]]


def test_leaders_that_are_cancelled_one_after_another_leave_it_to_the_last(run):
    async def main():
        endpoint = AsyncEndpoint(held=4)
        async with anyio.create_task_group() as group:
            tasks = Tasks(waiting(endpoint, size=5, wait=LONG), group)
            await tasks.start(*(f"C-{number}" for number in range(5)))
            for number in range(4):
                await until(lambda number=number: len(endpoint.asked) == number + 1)
                tasks.scopes[f"C-{number}"].cancel()
        return tasks.outcomes, [len(each) for each in endpoint.asked]

    assert run(main) == ({"C-4": address("C-4")}, [5, 4, 3, 2, 1])


def test_when_all_are_cancelled_nothing_is_left(run):
    async def main():
        endpoint = AsyncEndpoint()
        resolver = waiting(endpoint, size=4, wait=LONG)
        async with anyio.create_task_group() as group:
            tasks = Tasks(resolver, group)
            await tasks.start("C-1", "C-2", "C-3")
            group.cancel_scope.cancel()
        is_open = resolver._collector._open
        async with anyio.create_task_group() as group:
            tasks = Tasks(resolver, group)
            await tasks.start("C-4", "C-5", "C-6", "C-7")
        return is_open, tasks.outcomes, len(endpoint.asked)

    names = ("C-4", "C-5", "C-6", "C-7")
    assert run(main) == (None, {name: address(name) for name in names}, 1)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_a_leader_that_is_interrupted_leaves_the_question_to_the_next(error):
    endpoint = HeldEndpoint(error=error())
    resolver = blocking(endpoint, size=3, wait=LONG)
    threads = []
    for number in range(3):
        threads.append(started(resolver, f"C-{number}"))
        wait_until(lambda number=number: seated(resolver) == number + 1 or number == 2)
    assert endpoint.begun.wait(PATIENCE)
    endpoint.may_answer.set()
    for thread, _ in threads:
        thread.join(PATIENCE)

    assert [outcomes for _, outcomes in threads] == [[error], [address("C-1")], [address("C-2")]]
    assert [len(each) for each in endpoint.asked] == [3, 2]


def test_a_leader_whose_loop_stands_still_holds_up_nobody_who_comes_later():
    """
    A loop that is stopped in the middle runs no more of its tasks.
    """
    endpoint = Endpoint()
    resolver = waiting(endpoint, wait=0.1)
    stopped = asyncio.new_event_loop()
    lost = stopped.create_task(resolver.resolve("C-1"))
    stopped.run_until_complete(asyncio.sleep(0.01))
    open_before = seated(resolver)
    time.sleep(0.1)

    async def main():
        return (await resolver.resolve("C-2")).email.reveal()

    found = asyncio.run(main())
    asked = list(endpoint.asked)
    stopped.run_until_complete(lost)
    stopped.close()

    assert open_before == 1
    assert (found, asked) == (address("C-2"), [["C-2"]])


def test_a_loop_that_ends_hands_the_lead_to_those_of_other_loops():
    endpoint = Endpoint()
    resolver = waiting(endpoint, size=3, wait=LONG)
    found = []

    async def leave():
        task = asyncio.create_task(resolver.resolve("C-1"))
        await until(lambda: seated(resolver) == 2)
        del task  # asyncio.run cancels it

    async def stay(name):
        found.append((await resolver.resolve(name)).email.reveal())

    threads = [threading.Thread(target=asyncio.run, args=(leave(),))]
    threads[0].start()
    wait_until(lambda: seated(resolver) == 1)
    for main, name in ((anyio.run, "C-2"), (trio.run, "C-3"), (anyio.run, "C-4")):
        threads.append(threading.Thread(target=main, args=(stay, name)))
        threads[-1].start()
        # The first of them lets the leader go.
        wait_until(lambda: not threads[0].is_alive())
    for thread in threads:
        thread.join(PATIENCE)

    assert sorted(found) == [address(name) for name in ("C-2", "C-3", "C-4")]
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize("seed", range(3))
def test_whoever_is_cancelled_whenever_all_others_get_their_own(run, seed):
    chance = random.Random(seed)

    class Slow(AsyncEndpoint):
        async def handle_async_request(self, request):
            await anyio.sleep(chance.random() * 0.005)
            return await super().handle_async_request(request)

    async def main():
        resolver = waiting(Slow(), size=10, wait=0.003)
        endings = []

        async def one(name, patience):
            with anyio.move_on_after(patience) as scope:
                endings.append((name, (await resolver.resolve(name)).email.reveal()))
            if scope.cancelled_caught:
                endings.append((name, "cancelled"))

        async with anyio.create_task_group() as group:
            for _ in range(150):
                impatient = chance.random() < 0.4
                patience = chance.random() * 0.01 if impatient else PATIENCE
                group.start_soon(one, f"C-{chance.randrange(40)}", patience)
                if chance.random() < 0.2:
                    await anyio.sleep(chance.random() * 0.002)
        return endings, resolver._collector._open

    endings, is_open = run(main)
    assert len(endings) == 150
    assert {(name, ending) for name, ending in endings if ending != "cancelled"} <= {
        (f"C-{number}", address(f"C-{number}")) for number in range(40)
    }
    assert is_open is None


# How long it takes


def test_a_follower_waits_no_longer_than_its_own_deadline():
    endpoint = HeldEndpoint()
    resolver = blocking(endpoint, size=2, wait=0.2, limits=Limits(deadline=0.4))
    leader, led = started(resolver, "C-1")
    wait_until(lambda: seated(resolver) == 1)
    began = time.monotonic()

    with pytest.raises(DeadlineError) as caught:
        resolver.resolve("C-2")

    assert 0.3 < time.monotonic() - began < PATIENCE / 2
    assert (caught.value.detail, caught.value.step) == ("deadline", "status")
    endpoint.may_answer.set()
    leader.join(PATIENCE)
    assert led == [address("C-1")]


def test_all_of_them_end_with_the_deadline_of_an_endpoint_that_hangs(run):
    async def main():
        endpoint = AsyncEndpoint(held=9)
        began = anyio.current_time()
        async with anyio.create_task_group() as group:
            limits = Limits(deadline=0.3)
            tasks = Tasks(waiting(endpoint, size=3, wait=0.2, limits=limits), group)
            await tasks.start("C-1", "C-2", "C-3")
        return tasks.outcomes.values(), anyio.current_time() - began

    outcomes, seconds = run(main)
    assert [type(outcome) for outcome in outcomes] == [DeadlineError] * 3
    assert 0.2 < seconds < PATIENCE / 2


def test_a_successor_has_its_own_deadline_and_no_more(run):
    async def main():
        endpoint = AsyncEndpoint(held=9)
        async with anyio.create_task_group() as group:
            limits = Limits(deadline=0.5)
            tasks = Tasks(waiting(endpoint, size=2, wait=0.4, limits=limits), group)
            await tasks.start("C-1", "C-2")
            await endpoint.begun.wait()
            began = anyio.current_time()
            tasks.scopes["C-1"].cancel()
        return tasks.outcomes, anyio.current_time() - began

    outcomes, seconds = run(main)
    assert isinstance(outcomes["C-2"], DeadlineError)
    assert seconds < PATIENCE / 2


# What is left


def test_nothing_is_left_of_a_batch_when_its_callers_are_gone(run):
    def canary(name):
        return "@".join([f"{name.lower()}kept7", "customer.example"])

    def answer(asked):
        return [{"id": each, "email": canary(each)} for each in asked]

    resolver = waiting(Endpoint(answer), size=3, wait=LONG)

    async def main():
        async def resolve(name, found):
            found.append((await resolver.resolve(name)).email.reveal() == canary(name))

        found = []
        async with anyio.create_task_group() as group:
            for name in ("C-1", "C-2", "C-3"):
                group.start_soon(resolve, name, found)
        return found

    assert run(main) == [True] * 3
    assert objects_holding(canary("C-2")) == []


def test_nothing_is_left_for_a_follower_that_gave_up():
    def canary(name):
        return "@".join([f"{name.lower()}kept8", "customer.example"])

    class Slow(HeldEndpoint):
        def _people(self, asked):
            super()._people(asked)
            return [{"id": each, "email": canary(each)} for each in asked]

    endpoint = Slow()
    resolver = blocking(endpoint, size=2, wait=0.2, limits=Limits(deadline=0.3))
    leader, _ = started(resolver, "C-1")
    wait_until(lambda: seated(resolver) == 1)
    assert outcome_of(resolver, "C-2") is DeadlineError
    endpoint.may_answer.set()
    leader.join(PATIENCE)
    del leader, _

    assert objects_holding(canary("C-2")) == []


def test_no_seat_is_left_when_its_caller_is_gone():
    resolver = blocking(Endpoint(), wait=0.01)
    outcome_of(resolver, "C-1")
    gc.collect()

    assert living(Seat) == []


def test_nothing_of_the_others_is_in_the_error_of_one():
    def answer(asked):
        return [{"id": each, "email": "x" if each == "C-2" else address(each)} for each in asked]

    resolver = blocking(Endpoint(answer), wait=0.3)
    with ThreadPoolExecutor(2) as pool:
        good = pool.submit(outcome_of, resolver, "C-1")
        with pytest.raises(UnexpectedAnswerError) as caught:
            resolver.resolve("C-2")

    assert good.result() == address("C-1")
    assert seen_in(every_view_of(caught.value), [address("C-1")]) == []


def test_a_child_leaves_the_batches_to_its_parent():
    endpoint = Endpoint()
    resolver = blocking(endpoint, wait=0.5)
    thread, outcomes = started(resolver, "C-1")
    wait_until(lambda: seated(resolver) == 1)

    in_child = in_a_child(lambda: [outcome_of(resolver, "C-2"), endpoint.asked])
    thread.join(PATIENCE)

    assert in_child == str([address("C-2"), [["C-2"]]])
    assert outcomes == [address("C-1")]


def test_what_a_child_begins_anew():
    resolver = blocking(Endpoint())
    resolver._collector._lock.acquire()

    resolver._collector._begin_anew()

    assert outcome_of(resolver, "C-1") == address("C-1")


def test_a_caller_that_is_interrupted_before_it_sits_down_leaves_nothing():
    collector = blocking(Endpoint())._collector
    with collector.seat("C-1"):
        pass

    assert collector._open is None


def test_a_clock_of_a_test_tells_when_a_batch_goes():
    clock = FakeClock()
    endpoint = Endpoint()
    resolver = blocking(endpoint, wait=1.0, clock=clock)

    def slowly():
        for number in range(6):
            yield f"C-{number}"
            clock.advance(0.4)

    list(resolver.resolve_many(slowly()))

    assert [len(each) for each in endpoint.asked] == [4, 2]
