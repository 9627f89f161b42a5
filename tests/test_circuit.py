from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from careof._network.circuit import FIRST_PAUSE, JITTER, LONGEST_PAUSE, THRESHOLD, Circuit
from careof.errors import (
    AuthenticationError,
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
from careof.testing import FakeClock

AWAY = EndpointUnavailableError("Away.", detail="connect", step="connect")
CONTACT = object()
A_MOMENT = 1e-6  # more than what the sum of two times may be rounded by


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def circuit(clock):
    return Circuit(clock)


def note(circuit, outcome, times):
    for _ in range(times):
        circuit.note(outcome)


def is_open(circuit):
    return circuit.refusal() is not None


def pauses(circuit, clock, times):
    """
    How long each of the next pauses lasts, with one lookup after each, which fails.
    """
    lasted = []
    for _ in range(times):
        lasted.append(circuit.refusal().retry_after)
        clock.advance(lasted[-1] + A_MOMENT)
        assert circuit.refusal() is None
        circuit.note(AWAY)
    return lasted


def test_a_circuit_begins_closed(circuit):
    assert not is_open(circuit)


def test_some_failures_in_a_row_open_it(circuit):
    note(circuit, AWAY, THRESHOLD - 1)
    before = is_open(circuit)
    circuit.note(AWAY)

    assert (before, is_open(circuit)) == (False, True)


@pytest.mark.parametrize(
    "failure",
    [
        AWAY,
        EndpointUnavailableError("No TLS.", detail="tls", step="tls"),
        EndpointUnavailableError("Cut.", detail="incomplete_answer", step="status"),
        EndpointUnavailableError("503.", detail="status", step="status", status=503),
        DeadlineError("Late.", detail="deadline", step="connect"),
        DeadlineError("Late.", detail="deadline", step="status"),
    ],
)
def test_an_endpoint_that_cannot_be_had_counts(circuit, failure):
    note(circuit, failure, THRESHOLD)

    assert is_open(circuit)


@pytest.mark.parametrize(
    "outcome",
    [
        EndpointUnavailableError("Busy.", detail="names_busy", step="destination"),
        DeadlineError("Late.", detail="deadline", step="destination"),
        DestinationRefusedError("No.", detail="destination", step="destination"),
        InvalidReferenceError("No.", step="template"),
        AuthenticationError("No.", detail="strategy", step="token"),
        EndpointUnavailableError("No.", detail="no_socket", step="connect"),
    ],
)
def test_what_the_endpoint_is_not_to_blame_for_counts_neither_way(circuit, outcome):
    note(circuit, outcome, 2 * THRESHOLD)
    before = is_open(circuit)
    note(circuit, AWAY, THRESHOLD - 1)
    note(circuit, outcome, 2 * THRESHOLD)
    circuit.note(AWAY)

    assert (before, is_open(circuit)) == (False, True)


ANSWERS = [
    CONTACT,
    ReferenceNotFoundError("404.", step="status", status=404),
    ReferenceGoneError("410.", step="status", status=410),
    AuthenticationError("401.", detail="endpoint", step="status", status=401),
    RateLimitedError("429.", detail="status", step="status", status=429),
    UnexpectedAnswerError("HTML.", detail="json", step="body"),
    UnexpectedAnswerError("Who?", detail="other_reference", step="selection"),
    UnexpectedAnswerError("No address.", detail="not_an_address", step="address"),
    NoAddressError("Nothing.", step="selection"),
]


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_of_the_endpoint_begins_the_count_anew(circuit, answer):
    note(circuit, AWAY, THRESHOLD - 1)
    circuit.note(answer)
    note(circuit, AWAY, THRESHOLD - 1)

    assert not is_open(circuit)


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_of_the_endpoint_closes_it(circuit, clock, answer):
    note(circuit, AWAY, THRESHOLD)
    clock.advance(FIRST_PAUSE)
    circuit.refusal()
    circuit.note(answer)

    assert not is_open(circuit)
    assert not is_open(circuit)


def test_the_error_says_what_happened_and_when_to_come_back(circuit, clock):
    note(circuit, AWAY, THRESHOLD)
    before = circuit.refusal().retry_after
    clock.advance(2)
    error = circuit.refusal()

    assert type(error) is EndpointUnavailableError
    assert (error.detail, error.step, error.retryable) == ("circuit_open", "connect", True)
    assert error.retry_after == pytest.approx(before - 2)


def test_each_one_is_refused_with_an_error_of_its_own(circuit):
    """
    A traceback belongs to one thread.
    """
    note(circuit, AWAY, THRESHOLD)

    assert circuit.refusal() is not circuit.refusal()


def test_when_the_pause_is_over_one_goes_ahead(circuit, clock):
    note(circuit, AWAY, THRESHOLD)
    clock.advance(circuit.refusal().retry_after - A_MOMENT)
    before = is_open(circuit)
    clock.advance(2 * A_MOMENT)

    assert before
    assert [is_open(circuit) for _ in range(4)] == [False, True, True, True]


def test_each_pause_may_be_twice_the_one_before_up_to_the_longest(circuit, clock):
    note(circuit, AWAY, THRESHOLD)
    lasted = pauses(circuit, clock, 6)

    for most, pause in zip([5, 10, 20, 40, 60, 60], lasted, strict=True):
        assert most * (1 - JITTER) <= pause <= most
    assert LONGEST_PAUSE == 60


@pytest.mark.parametrize("nth", [0, 3])
def test_circuits_that_open_together_do_not_ask_together(clock, nth):
    """
    A thousand workers meet the same silence at the same moment.
    """
    lasted = []
    for _ in range(300):
        circuit = Circuit(clock)
        note(circuit, AWAY, THRESHOLD)
        lasted.append(pauses(circuit, clock, nth + 1)[nth])
    most = FIRST_PAUSE * 2**nth

    assert most * (1 - JITTER) <= min(lasted) < most * (1 - JITTER * 0.9)
    assert most * (1 - JITTER * 0.1) < max(lasted) <= most


def test_a_circuit_that_was_closed_begins_with_the_first_pause_again(circuit, clock):
    note(circuit, AWAY, THRESHOLD)
    pauses(circuit, clock, 3)
    circuit.note(CONTACT)
    note(circuit, AWAY, THRESHOLD)

    assert circuit.refusal().retry_after <= FIRST_PAUSE


def test_one_that_went_ahead_and_was_cancelled_leaves_nothing_behind(circuit, clock):
    """
    It never says what became of it; the next one goes after the next pause.
    """
    note(circuit, AWAY, THRESHOLD)
    clock.advance(FIRST_PAUSE)
    circuit.refusal()
    clock.advance(2 * FIRST_PAUSE)

    assert not is_open(circuit)


def test_many_that_fail_at_once_open_it_for_the_first_pause_only(circuit, clock):
    """
    Those that were under way when it opened.
    """
    note(circuit, AWAY, THRESHOLD)
    before = circuit.refusal().retry_after
    clock.advance(1)
    note(circuit, AWAY, 1000)

    assert circuit.refusal().retry_after == pytest.approx(before - 1)


def test_failures_that_come_late_do_not_make_the_pause_longer(circuit, clock):
    note(circuit, AWAY, THRESHOLD)
    clock.advance(FIRST_PAUSE)
    circuit.refusal()
    note(circuit, AWAY, 1000)

    assert 2 * FIRST_PAUSE * (1 - JITTER) <= circuit.refusal().retry_after <= 2 * FIRST_PAUSE


def test_what_it_refused_itself_is_no_failure(circuit, clock):
    """
    Those that were refused before it closed may say so after.
    """
    note(circuit, AWAY, THRESHOLD)
    refused = [circuit.refusal() for _ in range(THRESHOLD)]
    clock.advance(FIRST_PAUSE)
    circuit.refusal()
    circuit.note(CONTACT)
    for refusal in refused:
        circuit.note(refusal)

    assert not is_open(circuit)


def test_the_wall_clock_may_be_turned(circuit, clock):
    note(circuit, AWAY, THRESHOLD)
    before = circuit.refusal().retry_after
    clock.set_wall(0)

    assert circuit.refusal().retry_after == before


def test_threads_that_fail_together_open_it_for_the_first_pause(circuit):
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    start = threading.Barrier(8)

    def fail(_):
        start.wait(10)
        note(circuit, AWAY, 50)

    try:
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(fail, range(8)))
    finally:
        sys.setswitchinterval(before)

    assert circuit.refusal().retry_after <= FIRST_PAUSE


def test_the_error_says_what_the_last_failure_was(circuit):
    note(circuit, EndpointUnavailableError("No.", detail="certificate", step="tls"), THRESHOLD)

    assert "certificate at the step tls" in str(circuit.refusal())


def test_one_that_went_ahead_and_never_asked_lets_the_next_one_go(circuit, clock):
    """
    Or one bad reference after each pause would hold back a healthy endpoint for ever.
    """
    note(circuit, AWAY, THRESHOLD)
    clock.advance(FIRST_PAUSE)
    circuit.refusal()
    circuit.note(InvalidReferenceError("No.", step="template"))

    assert circuit.refusal() is None
    assert circuit.refusal().retry_after == FIRST_PAUSE


def test_it_tells_that_it_is_open_without_letting_anybody_ahead(circuit, clock):
    before = circuit.is_open
    note(circuit, AWAY, THRESHOLD)
    meanwhile = circuit.is_open
    clock.advance(FIRST_PAUSE)

    assert (before, meanwhile, circuit.is_open) == (False, True, False)
    assert circuit.refusal() is None
