from __future__ import annotations

import asyncio
import gc
import itertools
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import anyio
import httpx
import pytest
import trio
import trio.testing

from careof import ContactSelector, Limits, NetworkPolicy, RequestTemplate, RetryPolicy
from careof._network.call import Call
from careof._network.circuit import FIRST_PAUSE, THRESHOLD, Circuit
from careof._network.limits import Deadline
from careof._network.retry import Retry, is_passing, pause
from careof.auth import OAuth2ClientCredentials
from careof.errors import (
    AuthenticationError,
    CareofError,
    ConfigurationError,
    DeadlineError,
    DestinationRefusedError,
    EndpointUnavailableError,
    InvalidReferenceError,
    NoAddressError,
    RateLimitedError,
    ReferenceGoneError,
    ReferenceNotFoundError,
    UnexpectedAnswerError,
)
from careof.testing import FakeClock, FakeContactEndpoint
from tests.support.server import Server

asynchronous = pytest.mark.parametrize("shell", ["asyncio", "trio"], indirect=True)

AT_ONCE = RetryPolicy(base=0.001)
CONTACT = "the contact"


def away(detail="connect", step="connect", **facts):
    return EndpointUnavailableError("Away.", detail=detail, step=step, **facts)


def busy(status=503, retry_after=None):
    return away("status", "status", status=status, retry_after=retry_after)


# Which outcomes are worth another try


@pytest.mark.parametrize(
    "outcome",
    [
        away(),
        away("tls", "tls"),
        away("incomplete_answer", "status"),
        away("ReadError", "status"),
        away("names_busy", "destination"),
        DeadlineError("Late.", detail="deadline", step="status"),
        DeadlineError("Late.", detail="deadline", step="destination"),
        RateLimitedError("429.", detail="status", step="status", status=429),
        *(busy(status) for status in (408, 500, 502, 503, 504)),
    ],
)
def test_what_may_be_over_in_a_moment_is_passing(outcome):
    assert is_passing(outcome) is True


@pytest.mark.parametrize(
    "outcome",
    [
        CONTACT,
        None,
        away("certificate", "tls"),
        away("circuit_open"),
        *(busy(status) for status in (501, 505, 507, 511, 599)),
        ReferenceNotFoundError("404.", step="status", status=404),
        ReferenceGoneError("410.", step="status", status=410),
        NoAddressError("Nothing.", step="selection"),
        UnexpectedAnswerError("422.", detail="status", step="status", status=422),
        # An error that does not say "retryable" is believed, whatever its status.
        UnexpectedAnswerError("503?", detail="status", step="status", status=503),
        AuthenticationError("401.", detail="endpoint", step="status", status=401),
        DestinationRefusedError("No.", detail="destination", step="destination"),
        InvalidReferenceError("No."),
        ConfigurationError("No."),
        CareofError("What?"),
        EndpointUnavailableError,
        ConnectionError("theirs"),
    ],
)
def test_what_another_try_does_not_change_is_not_passing(outcome):
    assert is_passing(outcome) is False


# How long a pause is


def longest_pause(policy, made, error=None, draws=300):
    return max(pause(policy, error or away(), made) for _ in range(draws))


@pytest.mark.parametrize("made, bound", [(1, 1), (2, 2), (3, 4), (4, 8), (5, 10), (6, 10)])
def test_a_pause_has_any_length_up_to_a_bound_that_doubles_up_to_the_cap(made, bound):
    policy = RetryPolicy(base=1, cap=10)
    draws = [pause(policy, away(), made) for _ in range(500)]

    assert 0 <= min(draws) < bound / 4
    assert bound * 3 / 4 < max(draws) <= bound


def test_the_cap_holds_for_the_first_pause_as_well():
    assert longest_pause(RetryPolicy(base=60, cap=1), 1) <= 1


@pytest.mark.parametrize("made", [1000, 100_000, 10**9])
def test_a_pause_after_very_many_tries_is_no_longer_than_the_cap(made):
    """
    Two to the power of them is no float.
    """
    assert longest_pause(RetryPolicy(base=0.2, cap=5), made) <= 5


def test_what_the_endpoint_asks_for_comes_on_top_of_the_pause():
    """
    Those who were sent away together do not come back together.
    """
    draws = {pause(RetryPolicy(base=1), busy(retry_after=7), 1) for _ in range(50)}

    assert 7 <= min(draws) < max(draws) <= 8


def test_an_endpoint_that_asks_for_no_pause_has_the_usual_one():
    assert longest_pause(RetryPolicy(base=1), 1, busy(retry_after=0)) <= 1


# The tries of one call


class Attempts:
    """
    Tries with these outcomes, one after the other; the last one again and again.
    """

    def __init__(self, *outcomes, then=None):
        self.made = 0
        self.numbers = []
        self._outcomes = list(outcomes)
        self._then = then
        self.call = None

    def __call__(self):
        self.made += 1
        self.numbers.append(self.call.attempt)
        if self._then is not None:
            self._then()
        outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
        if isinstance(outcome, BaseException) and not isinstance(outcome, CareofError):
            raise outcome
        return outcome

    async def in_a_task(self):
        await anyio.lowlevel.checkpoint()
        return self()


def tried(shell, attempts, policy=AT_ONCE, *, clock=None, seconds=10, circuit=None):
    clock = clock or FakeClock()
    circuit = circuit or Circuit(clock)
    attempts.call = Call(None, Deadline(clock, seconds), clock)
    retry = Retry(policy, attempts.call, circuit)
    if shell.name == "sync":
        return retry.run(attempts)
    return shell.call(retry.async_run, attempts.in_a_task)


def test_a_contact_needs_one_try(shell):
    attempts = Attempts(CONTACT)

    assert (tried(shell, attempts), attempts.made) == (CONTACT, 1)


def test_what_fails_for_a_moment_succeeds_in_the_next_try(shell):
    attempts = Attempts(away(), CONTACT)

    assert (tried(shell, attempts), attempts.made) == (CONTACT, 2)


@pytest.mark.parametrize("most", [1, 2, 3, 5])
def test_there_are_as_many_tries_as_the_policy_says(shell, most):
    attempts = Attempts(busy())
    tried(shell, attempts, RetryPolicy(attempts=most, base=0.001))

    assert attempts.made == most


def test_the_outcome_of_the_last_try_is_that_of_the_lookup(shell):
    last = busy(504)
    attempts = Attempts(away(), busy(503), last)

    assert tried(shell, attempts) is last


def test_a_try_that_ends_otherwise_is_the_last_one(shell):
    gone = ReferenceGoneError("410.", step="status", status=410)
    attempts = Attempts(away(), gone, CONTACT)

    assert (tried(shell, attempts), attempts.made) == (gone, 2)


def test_each_try_knows_its_number(shell):
    attempts = Attempts(busy())
    tried(shell, attempts, RetryPolicy(attempts=4, base=0.001))

    assert attempts.numbers == [1, 2, 3, 4]


def test_a_pause_is_made_between_two_tries(shell):
    attempts = Attempts(busy(retry_after=0.03), CONTACT)
    began = time.monotonic()
    tried(shell, attempts)

    assert 0.03 <= time.monotonic() - began < 3


def test_a_pause_that_the_deadline_leaves_no_time_for_is_not_begun(shell):
    """
    Whoever waits for the answer hears at once, and hears when to come back.
    """
    attempts = Attempts(busy(retry_after=10))
    began = time.monotonic()
    outcome = tried(shell, attempts, seconds=10)

    assert time.monotonic() - began < 3
    assert (outcome.retry_after, attempts.made) == (10, 1)


def test_time_that_a_try_took_is_not_there_for_a_pause(shell):
    clock = FakeClock()
    attempts = Attempts(busy(retry_after=5), then=lambda: clock.advance(6))
    tried(shell, attempts, clock=clock, seconds=10)

    assert attempts.made == 1


def test_after_the_deadline_nothing_is_tried(shell):
    clock = FakeClock()
    attempts = Attempts(away(), then=lambda: clock.advance(10))
    tried(shell, attempts, clock=clock, seconds=10)

    assert attempts.made == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(), RuntimeError("a bug")])
@pytest.mark.parametrize("before", [[], [away()]])
def test_what_a_try_raises_passes_at_once_and_nothing_is_tried_again(shell, error, before):
    attempts = Attempts(*before, error)
    with pytest.raises(type(error)) as caught:
        tried(shell, attempts)

    assert caught.value is error
    assert attempts.made == len(before) + 1


@asynchronous
@pytest.mark.parametrize("before", [[], [away()]])
def test_a_try_that_is_cancelled_is_not_tried_again(shell, before):
    made = []

    async def attempt():
        made.append(True)
        if len(made) <= len(before):
            return before[0]
        started.set()
        return await anyio.sleep(60)

    async def main():
        nonlocal started
        started = anyio.Event()
        clock = FakeClock()
        call = Call(None, Deadline(clock, 10), clock)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(Retry(AT_ONCE, call, Circuit(clock)).async_run, attempt)
            await started.wait()
            tasks.cancel_scope.cancel()

    started = None
    shell.call(main)

    assert len(made) == len(before) + 1


@asynchronous
def test_a_pause_can_be_cancelled(shell):
    attempts = Attempts(busy(retry_after=5), CONTACT)

    async def main():
        clock = FakeClock()
        attempts.call = Call(None, Deadline(clock, 10), clock)
        with anyio.move_on_after(0.02) as scope:
            await Retry(AT_ONCE, attempts.call, Circuit(clock)).async_run(attempts.in_a_task)
        return scope.cancelled_caught

    began = time.monotonic()

    assert shell.call(main) is True
    assert (time.monotonic() - began < 3, attempts.made) == (True, 1)


class Kept:
    """
    An outcome that knows whether anybody still has it.
    """


@pytest.mark.parametrize("before", [[], [busy()], [busy(), away()]])
def test_nothing_of_an_outcome_is_left_behind(shell, before):
    attempts = Attempts(*before, Kept())
    contact = weakref.ref(tried(shell, attempts))
    attempts._outcomes.clear()
    gc.collect()

    assert contact() is None


@pytest.mark.parametrize("before", [[], [away()]])
def test_nothing_of_a_failure_is_left_behind(shell, before):
    attempts = Attempts(*before, busy())
    failure = weakref.ref(tried(shell, attempts, RetryPolicy(attempts=2, base=0.001)))
    attempts._outcomes.clear()
    gc.collect()

    assert failure() is None


# The tries and the circuit


class Watched(Circuit):
    """
    A circuit that notes what it is asked and told.
    """

    def __init__(self, clock, closed_after=None):
        super().__init__(clock)
        self.heard = []
        self._asked = 0
        self._closed_after = closed_after

    def refusal(self):
        self._asked += 1
        self.heard.append("asked")
        if self._closed_after is not None and self._asked > self._closed_after:
            return away("circuit_open", retry_after=5.0)
        return None

    def note(self, outcome):
        self.heard.append(outcome)


def test_the_circuit_is_asked_before_each_try_and_told_after_the_last(shell):
    outcomes = [away(), away("tls", "tls"), CONTACT]
    circuit = Watched(FakeClock())
    tried(shell, Attempts(*outcomes), circuit=circuit)

    assert circuit.heard == ["asked", "asked", "asked", CONTACT]


@pytest.mark.parametrize("tries", [0, 1, 2])
def test_where_the_circuit_is_open_nothing_is_tried(shell, tries):
    circuit = Watched(FakeClock(), closed_after=tries)
    attempts = Attempts(away())
    outcome = tried(shell, attempts, circuit=circuit)

    assert (outcome.detail, outcome.retry_after) == ("circuit_open", 5.0)
    assert attempts.made == tries
    assert circuit.heard.count("asked") == tries + 1


@pytest.mark.parametrize("failure", [away(), busy(500)])
def test_a_lookup_counts_once_however_often_it_was_tried(shell, failure):
    """
    Its reference may be to blame, or a restart that the next lookup outlasts.
    """
    circuit = Watched(FakeClock())
    tried(shell, Attempts(failure), circuit=circuit)

    assert circuit.heard == ["asked", "asked", "asked", failure]


def test_a_try_that_is_broken_off_says_nothing_to_the_circuit(shell):
    circuit = Watched(FakeClock())
    with pytest.raises(KeyboardInterrupt):
        tried(shell, Attempts(KeyboardInterrupt()), circuit=circuit)

    assert circuit.heard == ["asked"]


# From end to end

URL = "https://contacts.example/c/{reference_id}"
PERSON = {"email": "ada@people.example"}


def resolver_over(shell, transport, **options):
    options = {"retry": AT_ONCE, "clock": FakeClock(), **options}
    return shell.HttpResolver(
        RequestTemplate(URL), ContactSelector(email="$.email"), transport=transport, **options
    )


class Answers(httpx.MockTransport):
    """
    An endpoint that gives one answer after the other, the last one again and again.
    """

    def __init__(self, *answers):
        self.count = 0
        self._answers = itertools.chain(answers, itertools.repeat(answers[-1]))
        super().__init__(self._next)

    def _next(self, request):
        self.count += 1
        status, headers = next(self._answers)
        return httpx.Response(status, headers=headers, json=PERSON)


def outcome_of(shell, resolver, reference="r-1"):
    try:
        return shell.call(resolver.resolve, reference)
    except CareofError as error:
        return error


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_an_endpoint_that_only_stumbles_is_asked_three_times(shell, status):
    endpoint = Answers((status, {}))
    failure = outcome_of(shell, resolver_over(shell, endpoint))

    assert (failure.status, endpoint.count) == (status, 3)


@pytest.mark.parametrize("status", [204, 302, 400, 401, 403, 404, 410, 422, 501])
def test_an_endpoint_that_means_what_it_says_is_asked_once(shell, status):
    endpoint = Answers((status, {}))
    failure = outcome_of(shell, resolver_over(shell, endpoint))

    assert (failure.status, endpoint.count) == (status, 1)


@pytest.mark.parametrize("failure", ["no_connection", "timeout"])
def test_an_endpoint_that_cannot_be_had_is_asked_three_times(shell, failure):
    endpoint = FakeContactEndpoint({})
    endpoint.play(failure)
    outcome_of(shell, resolver_over(shell, endpoint))

    assert endpoint.lookups == 3


@pytest.mark.parametrize("failure", ["malformed", "not_json", "redirect"])
def test_an_answer_that_is_none_is_asked_for_once(shell, failure):
    endpoint = FakeContactEndpoint({})
    endpoint.play(failure)
    outcome_of(shell, resolver_over(shell, endpoint))

    assert endpoint.lookups == 1


def test_a_contact_that_comes_in_the_second_try_is_a_contact(shell):
    endpoint = Answers((503, {}), (200, {}))
    contact = outcome_of(shell, resolver_over(shell, endpoint))

    assert (contact.email.reveal(), endpoint.count) == (PERSON["email"], 2)


def test_a_policy_of_one_try_asks_once(shell):
    endpoint = Answers((503, {}))
    outcome_of(shell, resolver_over(shell, endpoint, retry=RetryPolicy.never()))

    assert endpoint.count == 1


@pytest.mark.parametrize("mode", ["hang_up", "short_body", "reset_midway"])
def test_an_answer_that_breaks_off_on_the_wire_is_asked_for_again(shell, mode):
    with Server(mode) as server:
        resolver = shell.HttpResolver(
            RequestTemplate(f"{server.origin}/{{reference_id}}"),
            ContactSelector(email="$.email"),
            network=NetworkPolicy.for_loopback(),
            retry=AT_ONCE,
        )
        failure = outcome_of(shell, resolver)

    assert (type(failure), len(server.requests)) == (EndpointUnavailableError, 3)


def test_silence_is_tried_again_within_the_deadline(shell):
    with Server("silence") as server:
        resolver = shell.HttpResolver(
            RequestTemplate(f"{server.origin}/{{reference_id}}"),
            ContactSelector(email="$.email"),
            network=NetworkPolicy.for_loopback(),
            limits=Limits(deadline=0.3, attempt=0.1),
            retry=RetryPolicy(attempts=50, base=0.001),
        )
        began = time.monotonic()
        failure = outcome_of(shell, resolver)
        lasted = time.monotonic() - began

    assert type(failure) is DeadlineError
    assert 2 <= server.connections <= 4
    assert lasted < 3


def test_a_token_endpoint_that_stumbles_is_left_alone_and_nobody_waits_for_it(shell):
    """
    https://github.com/camunda/camunda-8-js-sdk/issues/605: a client that sleeps
    until its token endpoint has recovered freezes its callers.
    """
    tokens = []

    def answer(request):
        tokens.append(request)
        return httpx.Response(503)

    auth = OAuth2ClientCredentials(
        "https://contacts.example/token", client_id="retried", client_secret="s"
    )
    failure = outcome_of(shell, resolver_over(shell, httpx.MockTransport(answer), auth=auth))

    assert (type(failure), failure.step) == (EndpointUnavailableError, "token")
    assert len(tokens) == 1


# Retry-After

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def in_seconds(seconds):
    """
    The headers of an answer that names a moment.
    """
    return {
        "Date": format_datetime(NOW, usegmt=True),
        "Retry-After": format_datetime(NOW + timedelta(seconds=seconds), usegmt=True),
    }


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    "headers, told",
    [({"Retry-After": "30"}, 30), (in_seconds(30), 30), ({"Retry-After": "9" * 400}, 86_400)],
)
def test_a_wish_that_does_not_fit_is_reported_and_not_waited_for(shell, status, headers, told):
    endpoint = Answers((status, headers))
    began = time.monotonic()
    failure = outcome_of(shell, resolver_over(shell, endpoint))

    assert time.monotonic() - began < 3
    assert (failure.retry_after, endpoint.count) == (told, 1)


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "0"},
        in_seconds(0),
        in_seconds(-86_400),
        {"Retry-After": "-5"},
        {"Retry-After": "soon"},
        {"Retry-After": "nan"},
        {"Retry-After": "inf"},
        {"Retry-After": "1e9"},
        {"Retry-After": "٣"},
        {"Retry-After": "Mon, 99 Foo 99999 99:99:99 GMT"},
        {"Retry-After": ""},
    ],
)
def test_a_wish_that_is_over_or_absurd_keeps_nobody(shell, headers):
    endpoint = Answers((503, {name: value.encode() for name, value in headers.items()}))
    began = time.monotonic()
    outcome_of(shell, resolver_over(shell, endpoint))

    assert time.monotonic() - began < 3
    assert endpoint.count == 3


@pytest.mark.parametrize("shell", ["trio"], indirect=True)
@pytest.mark.parametrize("headers", [{"Retry-After": "3"}, in_seconds(3)])
def test_a_wish_that_fits_is_honoured(shell, headers):
    """
    In Trio, whose clock a test can turn.
    """
    endpoint = Answers((503, headers), (503, headers), (200, {}))
    resolver = resolver_over(shell, endpoint)

    async def main():
        began = trio.current_time()
        contact = await resolver.resolve("r-1")
        return contact.email.reveal(), trio.current_time() - began

    clock = trio.testing.MockClock(autojump_threshold=0)
    email, lasted = trio.run(main, clock=clock)

    assert (email, endpoint.count) == (PERSON["email"], 3)
    assert 6 <= lasted < 7


# What a dead endpoint costs


def lookups(shell, resolver, count, width):
    """
    The outcomes of *count* lookups, *width* at a time.
    """
    references = [f"r-{number}" for number in range(count)]
    if shell.name == "sync":
        with ThreadPoolExecutor(width) as threads:
            return list(threads.map(lambda one: outcome_of(shell, resolver, one), references))

    async def one(reference, limiter, outcomes):
        async with limiter:
            try:
                outcomes.append(await resolver.resolve(reference))
            except CareofError as error:
                outcomes.append(error)

    async def main():
        outcomes = []
        limiter = anyio.CapacityLimiter(width)
        async with anyio.create_task_group() as tasks:
            for reference in references:
                tasks.start_soon(one, reference, limiter, outcomes)
        return outcomes

    return asyncio.run(main()) if shell.name == "asyncio" else trio.run(main)


class Dead(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """
    Counts, and lets others go before it fails.
    """

    def __init__(self):
        self.count = 0

    def handle_request(self, request):
        self.count += 1
        time.sleep(0.001)
        raise httpx.ConnectError("refused")

    async def handle_async_request(self, request):
        self.count += 1
        await anyio.sleep(0.001)
        raise httpx.ConnectError("refused")


@pytest.mark.parametrize("width", [1, 32])
def test_a_dead_endpoint_costs_a_batch_few_requests(shell, width):
    """
    All tries of the first lookups, and of those that were under way beside them.
    """
    most = 3 * (THRESHOLD - 1 + width)
    endpoint = Dead()
    outcomes = lookups(shell, resolver_over(shell, endpoint), 200, width)

    assert THRESHOLD <= endpoint.count <= most
    assert {type(outcome) for outcome in outcomes} == {EndpointUnavailableError}
    assert sum(outcome.detail == "circuit_open" for outcome in outcomes) >= 200 - most


def test_an_endpoint_that_is_back_is_found_after_the_pause(shell):
    clock = FakeClock()
    endpoint = FakeContactEndpoint({f"r-{number}": PERSON for number in range(20)})
    resolver = resolver_over(shell, endpoint, clock=clock)
    endpoint.play("no_connection")
    before = lookups(shell, resolver, 20, 1)
    endpoint.play(None)
    still = outcome_of(shell, resolver)
    clock.advance(FIRST_PAUSE)
    after = lookups(shell, resolver, 20, 1)

    assert all(isinstance(outcome, CareofError) for outcome in [*before, still])
    assert 0 < still.retry_after <= FIRST_PAUSE
    assert [outcome.email.reveal() for outcome in after] == [PERSON["email"]] * 20


def test_one_reference_that_makes_its_endpoint_stumble_does_not_stop_the_others(shell):
    endpoint = FakeContactEndpoint({"r-1": PERSON})
    endpoint.play("unavailable", reference_id="bad")
    resolver = resolver_over(shell, endpoint)
    for _ in range(THRESHOLD - 1):
        outcome_of(shell, resolver, "bad")

    assert outcome_of(shell, resolver).email.reveal() == PERSON["email"]
    assert endpoint.lookups == 3 * (THRESHOLD - 1) + 1


def test_an_endpoint_that_rate_limits_is_not_dead(shell):
    endpoint = Answers((429, {}))
    resolver = resolver_over(shell, endpoint)
    outcomes = [outcome_of(shell, resolver) for _ in range(THRESHOLD + 2)]

    assert {type(outcome) for outcome in outcomes} == {RateLimitedError}
