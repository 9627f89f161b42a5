"""
The batch resolvers as a host uses them.
"""

from __future__ import annotations

import asyncio
import inspect
import time

import anyio
import httpx
import pytest
import trio

from careof import (
    AsyncBatchHttpResolver,
    BatchHttpResolver,
    BatchRequestTemplate,
    Contact,
    ContactSelector,
    Invitation,
    Limits,
    NetworkPolicy,
    RequestTemplate,
    RetryPolicy,
    Secret,
)
from careof.auth import ApiKeyAuth
from careof.errors import (
    CareofError,
    ConfigurationError,
    DeadlineError,
    DestinationRefusedError,
    InvalidReferenceError,
)
from careof.testing import FakeClock
from tests.support.batches import (
    SELECTOR,
    URL,
    Endpoint,
    address,
    asked_in,
    person,
    resolver,
    results,
    template,
    words,
)
from tests.support.canary import SECRET, all_logs, every_view_of, every_view_of_error, seen_in
from tests.support.hostile import HostileEndpoint
from tests.test_hostile_endpoint import EXPECTED, GENEROUS, SHORT

EAGER = RetryPolicy(base=0.001, cap=0.001)


# How it is built


@pytest.mark.parametrize(
    "parameter, value, expected",
    [
        ("request", RequestTemplate(f"{URL}/{{reference_id}}"), "a BatchRequestTemplate"),
        ("request", None, "a BatchRequestTemplate"),
        ("contact", None, "a ContactSelector"),
        ("items", "people", "JSONPath"),
        ("items", None, "JSONPath"),
        ("wait", 0, "above 0"),
        ("wait", -1, "above 0"),
        ("wait", 10.0, "below the deadline"),
        ("wait", "1", "above 0"),
        ("wait", float("nan"), "above 0"),
        ("limits", 5, "a Limits"),
        ("name", "", "visible"),
    ],
)
def test_a_wrong_argument_is_refused_by_name(shell, parameter, value, expected):
    arguments = {"request": template(), "contact": SELECTOR, parameter: value}
    with pytest.raises(ConfigurationError, match=f"BatchHttpResolver: {parameter}: .*{expected}"):
        shell.BatchHttpResolver(**arguments)


def test_a_request_about_many_is_none_for_one(shell):
    with pytest.raises(ConfigurationError, match="request: expected a RequestTemplate"):
        shell.HttpResolver(template(), SELECTOR)


def test_a_url_that_the_policy_refuses_is_refused_when_it_is_built(shell):
    request = BatchRequestTemplate("https://10.0.0.1/?ids={reference_ids}")
    with pytest.raises(DestinationRefusedError):
        shell.BatchHttpResolver(request, SELECTOR)


def test_it_takes_every_option_of_the_resolver_for_one(shell):
    one = inspect.signature(shell.HttpResolver).parameters
    many = inspect.signature(shell.BatchHttpResolver).parameters

    assert {name: one[name].default for name in list(one)[2:]} == {
        name: many[name].default for name in many if name in one and name not in list(one)[:2]
    }
    assert set(many) - set(one) == {"items", "wait"}


@pytest.mark.parametrize("size, max_body", [(1, 65_536), (100, 409_600), (500, 2_048_000)])
def test_the_usual_size_of_an_answer_goes_with_the_size_of_the_batch(shell, size, max_body):
    batch = resolver(shell, Endpoint(), size=size)

    assert batch._limits == Limits(max_body=max_body)


def test_limits_that_are_given_are_those(shell):
    limits = Limits(max_body=50)

    assert words(results(shell, resolver(shell, Endpoint(), limits=limits), ["C-1", "C-2"])) == [
        ("C-1", "bad_response too_large"),
        ("C-2", "bad_response too_large"),
    ]


def test_it_shows_its_host(shell):
    batch = resolver(shell, Endpoint(), auth=ApiKeyAuth("X-Key", SECRET))

    assert repr(batch).endswith("BatchHttpResolver('contacts.customer.example', auth=ApiKeyAuth)")
    assert seen_in(every_view_of(batch)) == []


# One by one


def test_it_resolves_as_any_resolver_does(shell):
    contact = shell.call(resolver(shell, Endpoint()).resolve, "C-1")

    assert isinstance(contact, Contact)
    assert (contact.reference_id, contact.email.reveal()) == ("C-1", address("C-1"))


@pytest.mark.parametrize(
    "answer, ending",
    [
        ([], "not_found missing"),
        ([person("C-9")], "bad_response other_reference"),
        ([person("C-1"), person("C-1")], "bad_response repeated"),
        ([{"id": "C-1", "email": "x"}], "bad_response email_address"),
        ({"error": "down"}, "bad_response error_answer"),
        (httpx.Response(410), "bad_response status"),
        (httpx.Response(200, html="<html>"), "bad_response html"),
        (httpx.Response(401), "auth_failed endpoint"),
        (httpx.Response(200, json=[person("C-1")], headers={"age": "9"}), "bad_response cached"),
    ],
)
def test_it_raises_what_became_of_this_one(shell, answer, ending):
    batch = resolver(shell, Endpoint(lambda asked: answer))
    with pytest.raises(CareofError) as caught:
        shell.call(batch.resolve, "C-1")

    assert f"{caught.value.outcome} {caught.value.detail}" == ending
    assert caught.value.__context__ is None


def test_what_is_no_reference_is_refused_without_a_request(shell):
    endpoint = Endpoint()
    with pytest.raises(InvalidReferenceError):
        shell.call(resolver(shell, endpoint).resolve, "kim@people.example")

    assert endpoint.asked == []


def test_it_works_in_a_dispatcher(shell):
    sender = shell.RecordingSender()
    invitation = Invitation(survey_id="s", channel="email", subject="Hello", text="Hello")
    dispatcher = shell.Dispatcher(resolver(shell, Endpoint()), sender)

    assert shell.call(dispatcher.send, "C-1", invitation).outcome == "sent"


def test_the_configuration_test_names_each_step(shell):
    report = shell.call(resolver(shell, Endpoint()).check, "C-1")

    assert report
    assert seen_in([str(report)], [address("C-1")]) == []


@pytest.mark.parametrize(
    "answer, step",
    [
        ([], "selection"),
        (httpx.Response(404), "status"),
        ([{"id": "C-1"}], "address"),
        ({"people": [person("C-1")]}, "selection"),
    ],
)
def test_the_configuration_test_says_what_is_wrong(shell, answer, step):
    report = shell.call(resolver(shell, Endpoint(lambda asked: answer)).check, "C-1")

    assert not report
    assert [each.name for each in report.steps if each.state == "failed"] == [step]


def test_the_configuration_test_refuses_what_is_no_reference(shell):
    report = shell.call(resolver(shell, Endpoint()).check, "kim@people.example")

    assert [each.name for each in report.steps if each.state == "failed"] == ["template"]


# Many at once


def test_each_reference_has_one_result_in_the_order_of_the_input(shell):
    endpoint = Endpoint()
    ids = ["C-3", "C-1", "kim@people.example", "C-1", "C-2", "", "C-4"]

    assert words(results(shell, resolver(shell, endpoint, size=3), ids)) == [
        ("C-3", address("C-3")),
        ("C-1", address("C-1")),
        ("kim@people.example", "refused reference_personal"),
        ("C-1", address("C-1")),
        ("C-2", address("C-2")),
        ("", "refused reference_empty"),
        ("C-4", address("C-4")),
    ]
    assert endpoint.asked == [["C-3", "C-1"], ["C-1", "C-2"], ["C-4"]]


def test_without_references_there_are_no_results(shell):
    endpoint = Endpoint()

    assert results(shell, resolver(shell, endpoint), []) == []
    assert endpoint.asked == []


def test_whoever_cannot_be_asked_about_costs_no_request(shell):
    endpoint = Endpoint()
    found = results(shell, resolver(shell, endpoint, size=2), ["", 5, "kim@people.example"])

    assert [outcome.outcome for _, outcome in found] == ["refused"] * 3
    assert endpoint.asked == []


def test_a_failure_is_that_of_its_own_request(shell):
    def answer(asked):
        return httpx.Response(503) if "C-2" in asked else [person(each) for each in asked]

    batch = resolver(shell, Endpoint(answer), size=2, retry=RetryPolicy.never())
    found = results(shell, batch, [f"C-{number}" for number in range(6)])

    assert [ending for _, ending in words(found)] == [
        address("C-0"),
        address("C-1"),
        *["unavailable status"] * 2,
        address("C-4"),
        address("C-5"),
    ]
    errors = [outcome for _, outcome in found if isinstance(outcome, CareofError)]
    assert errors[0] is not errors[1]


@pytest.mark.parametrize("ids", ["C-1", b"C-1", 5, None])
def test_what_holds_no_references_is_refused_at_once(shell, ids):
    with pytest.raises(ConfigurationError, match="resolve_many: expected an iterable"):
        resolver(shell, Endpoint()).resolve_many(ids)


def test_no_more_is_taken_than_one_request_holds():
    taken = []

    def endless():
        while True:
            taken.append(f"C-{len(taken)}")
            yield taken[-1]

    batch = BatchHttpResolver(template(size=10), SELECTOR, transport=Endpoint())
    many = batch.resolve_many(endless())
    found = [next(many) for _ in range(15)]

    assert [reference_id for reference_id, _ in found] == taken[:15]
    assert len(taken) == 20


@pytest.mark.parametrize("seconds", [0.0, 0.011, 60.0])
def test_whoever_takes_long_over_the_results_has_them_all_in_full_requests(shell, seconds):
    clock, endpoint = FakeClock(), Endpoint()
    many = resolver(shell, endpoint, size=3, clock=clock).resolve_many(
        [f"C-{number}" for number in range(7)]
    )

    step = many.__next__ if shell.name == "sync" else many.__anext__
    found = []
    for _ in range(7):
        clock.advance(seconds)  # before the first as well
        found.append(shell.call(step))

    assert [ending for _, ending in words(found)] == [address(f"C-{each}") for each in range(7)]
    assert [len(asked) for asked in endpoint.asked] == [3, 3, 1]


def run_in(name, main):
    return asyncio.run(main()) if name == "asyncio" else trio.run(main)


@pytest.fixture(params=["asyncio", "trio"])
def world(request):
    return request.param


def async_batch(transport, **options):
    options = {"wait": 0.05, **options}
    size = options.pop("size", 100)
    return AsyncBatchHttpResolver(template(size=size), SELECTOR, transport=transport, **options)


def test_async_input_is_taken_as_well(world):
    endpoint = Endpoint()

    async def ids():
        for number in range(5):
            await anyio.sleep(0.001)
            yield f"C-{number}"

    async def main():
        many = async_batch(endpoint, size=2).resolve_many(ids())
        return [result async for result in many], [result async for result in many]

    found, more = run_in(world, main)
    assert [reference_id for reference_id, _ in found] == [f"C-{number}" for number in range(5)]
    assert more == []
    assert [len(asked) for asked in endpoint.asked] == [2, 2, 1]


def test_who_was_taken_when_the_input_failed_is_not_lost(shell):
    class Ids:
        def __init__(self):
            self.each = iter(["C-1", LookupError(), "C-2"])

        def __iter__(self):
            return self

        def __next__(self):
            value = next(self.each)
            if isinstance(value, Exception):
                raise value
            return value

    many = resolver(shell, Endpoint()).resolve_many(Ids())
    step = many.__next__ if shell.name == "sync" else many.__anext__
    with pytest.raises(LookupError):
        shell.call(step)

    assert [shell.call(step)[0] for _ in range(2)] == ["C-1", "C-2"]


def test_who_was_being_asked_about_when_it_was_cancelled_is_not_lost(world):
    begun = []

    class Hangs(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            begun.append(asked_in(request))
            if len(begun) == 1:
                await anyio.sleep_forever()
            return httpx.Response(200, json=[person(each) for each in asked_in(request)])

    async def main():
        many = async_batch(Hangs(), size=2).resolve_many(["C-1", "C-2", "C-3"])
        with anyio.move_on_after(0.05):
            await anext(many)
        return [reference_id async for reference_id, _ in many]

    assert run_in(world, main) == ["C-1", "C-2", "C-3"]
    assert begun == [["C-1", "C-2"], ["C-1", "C-2"], ["C-3"]]


def test_who_was_being_asked_about_at_ctrl_c_is_not_lost():
    asked = []

    def handler(request):
        asked.append(asked_in(request))
        if len(asked) == 1:
            raise KeyboardInterrupt
        return httpx.Response(200, json=[person(each) for each in asked_in(request)])

    batch = BatchHttpResolver(template(size=2), SELECTOR, transport=httpx.MockTransport(handler))
    many = batch.resolve_many(["C-1", "C-2", "C-3"])
    with pytest.raises(KeyboardInterrupt):
        next(many)

    assert [reference_id for reference_id, _ in many] == ["C-1", "C-2", "C-3"]
    assert asked == [["C-1", "C-2"], ["C-1", "C-2"], ["C-3"]]


def test_a_result_that_was_given_is_held_no_more(shell):
    many = resolver(shell, Endpoint(), size=2).resolve_many(["C-1", "C-2"])

    async def take():
        return await anext(many)

    first = next(many) if shell.name == "sync" else shell.call(take)
    assert first not in many._results
    assert len(many._results) == 1


def test_a_secret_that_cannot_be_read_stops_them_all(shell):
    endpoint = Endpoint()
    request = template(headers={"X-Key": Secret.from_env("CAREOF_TEST_MISSING")})
    batch = shell.BatchHttpResolver(request, SELECTOR, transport=endpoint)

    assert [ending for _, ending in words(results(shell, batch, ["C-1", "C-2"]))] == [
        "auth_failed secret",
        "auth_failed secret",
    ]
    assert endpoint.asked == []


# Tries, the circuit and events


def test_a_request_that_fails_in_passing_is_tried_again_as_a_whole(shell):
    answers = [httpx.Response(503), httpx.Response(503)]
    endpoint = Endpoint(lambda asked: answers.pop() if answers else list(map(person, asked)))

    found = results(shell, resolver(shell, endpoint, retry=EAGER), ["C-1", "C-2"])

    assert [ending for _, ending in words(found)] == [address("C-1"), address("C-2")]
    assert endpoint.asked == [["C-1", "C-2"]] * 3


def test_who_is_missing_is_not_asked_about_again(shell):
    endpoint = Endpoint(lambda asked: [])

    results(shell, resolver(shell, endpoint, retry=EAGER), ["C-1"])

    assert len(endpoint.asked) == 1


def test_an_endpoint_that_is_down_is_left_alone(shell):
    endpoint = Endpoint(lambda asked: httpx.Response(503))
    batch = resolver(shell, endpoint, size=1, retry=RetryPolicy.never())

    found = results(shell, batch, [f"C-{number}" for number in range(8)])

    details = [outcome.detail for _, outcome in found]
    assert details == ["status"] * 5 + ["circuit_open"] * 3
    assert len(endpoint.asked) == 5


def test_a_request_tells_its_steps_once_and_each_reference_its_outcome(shell):
    events = []
    endpoint = Endpoint(lambda asked: [person("C-1"), {"id": "C-3", "erased": True}])
    selector = ContactSelector(email="$.email", reference_id="$.id", gone={"$.erased": True})
    batch = resolver(
        shell, endpoint, contact=selector, on_event=events.append, clock=FakeClock(), name="crm"
    )

    results(shell, batch, ["C-1", "C-2", "C-3", ""])

    assert [(event.step, event.outcome, event.detail) for event in events] == [
        ("status", "ok", ""),
        ("attempt", "ok", ""),
        ("resolve", "ok", ""),
        ("resolve", "not_found", "missing"),
        ("resolve", "gone", "erased"),
        ("resolve", "refused", "reference_empty"),
    ]
    assert {(event.endpoint, event.host) for event in events} == {
        ("crm", "contacts.customer.example")
    }


def test_callers_who_share_a_request_tell_its_steps_once(world):
    events = []
    batch = async_batch(Endpoint(), size=3, wait=5.0, on_event=events.append)

    async def main():
        async with anyio.create_task_group() as group:
            for number in range(3):
                group.start_soon(batch.resolve, f"C-{number}")

    run_in(world, main)
    assert sorted(event.step for event in events) == ["attempt", *["resolve"] * 3, "status"]


def test_a_closed_resolver_can_be_used_again(shell):
    batch = resolver(shell, Endpoint())

    async def use():
        async with batch:
            return await batch.resolve("C-1")

    if shell.name == "sync":
        with batch:
            contact = batch.resolve("C-1")
    else:
        contact = shell.call(use)
    assert contact.reference_id == shell.call(batch.resolve, "C-1").reference_id


def test_it_logs_nothing(shell):
    with all_logs() as texts:
        results(shell, resolver(shell, Endpoint()), ["C-1", "C-2"])

    assert seen_in(texts, [address("C-1"), "contacts.customer.example/people"]) == []


# Against an endpoint that breaks every rule

# Those that end before anybody looks for people in the answer.
BEFORE = [
    mode
    for mode, (error, detail) in EXPECTED.items()
    if error is not None
    and mode not in ("status_404", "status_410", "good_at_the_third_time", "answer_on_accept")
    and detail not in ("other_reference", "address_type", "email_address", "error_answer")
    and detail not in ("similar_keys", "crowded", "too_large", "depth")
]


@pytest.fixture(scope="module")
def hostile():
    with HostileEndpoint() as endpoint:
        yield endpoint


@pytest.mark.parametrize("mode", BEFORE[::4])
def test_whatever_the_endpoint_does_each_has_an_error_of_its_own_in_time(shell, hostile, mode):
    error, detail = EXPECTED[mode]
    place = hostile.url(mode).replace("{reference_id}", "people?ids={reference_ids}")
    hostile.begin("batch", mode)
    batch = shell.BatchHttpResolver(
        BatchRequestTemplate(place, method="GET"),
        SELECTOR,
        limits=SHORT if issubclass(error, DeadlineError) else None,
        wait=0.01,
        retry=RetryPolicy.never(),
        network=NetworkPolicy.for_loopback(),
        ssl_context=hostile.trusting(),
    )
    began = time.monotonic()

    found = dict(results(shell, batch, ["C-1", "C-2"]))

    assert time.monotonic() - began < GENEROUS
    assert [(type(each), each.detail) for each in found.values()] == [(error, detail)] * 2
    assert found["C-1"] is not found["C-2"]
    assert (
        seen_in(
            [text for each in found.values() for text in every_view_of_error(each)],
            ["canarybatch"],
        )
        == []
    )
