from __future__ import annotations

import pytest

from careof.auth._history import (
    JITTER,
    LASTING_PAUSES,
    PASSING_PAUSES,
    REJECTION_PAUSES,
    History,
    begun_history_of,
    history_of,
)
from careof.errors import AuthenticationError, EndpointUnavailableError, RateLimitedError
from careof.testing import FakeClock


@pytest.fixture
def clock():
    return FakeClock()


def unavailable(**facts):
    return EndpointUnavailableError(
        "The token endpoint cannot answer now (503).", status=503, **facts
    )


def refused():
    error = AuthenticationError(
        "It gave no token (401 invalid_client).", detail="invalid_client", status=401
    )
    error.error = "invalid_client"
    return error


def pause_of(history, clock):
    """
    The seconds until the endpoint may be asked again, counted by the clock.
    """
    begun = clock.monotonic()
    while history.leaves_alone(clock):
        clock.advance(0.25)
    return clock.monotonic() - begun


def test_an_endpoint_that_never_failed_is_not_left_alone(clock):
    history = History()

    assert not history.leaves_alone(clock)
    assert history.refusal(clock) is None


@pytest.mark.parametrize(
    "failure, pauses",
    [
        (unavailable(), PASSING_PAUSES),
        (refused(), LASTING_PAUSES),
        (AuthenticationError("A hook failed.", detail="strategy:KeyError"), PASSING_PAUSES),
    ],
)
def test_the_pauses_grow_to_a_longest_one(clock, failure, pauses):
    history = History()
    first, longest = pauses
    lasted = []

    for _ in range(10):
        history.failed(failure, clock)
        lasted.append(pause_of(history, clock))

    expected = [min(first * 2**before, longest) for before in range(10)]
    for pause, least in zip(lasted, expected, strict=True):
        assert least <= pause <= least * (1 + JITTER) + 0.25


def test_those_who_failed_together_do_not_come_back_together(clock):
    histories = [History() for _ in range(20)]

    for history in histories:
        history.failed(unavailable(), clock)

    assert len({history.refusal(clock).retry_after for history in histories}) == 20


def test_the_wish_of_the_endpoint_is_respected_when_it_is_longer(clock):
    history = History()

    history.failed(RateLimitedError("Wants fewer calls (429).", retry_after=90.0), clock)
    clock.advance(89.5)

    assert history.leaves_alone(clock)
    clock.advance(0.5)
    assert not history.leaves_alone(clock)


def test_meanwhile_everybody_hears_why_and_for_how_long(clock):
    history = History()
    history.failed(unavailable(retry_after=20.0), clock)
    clock.advance(5)

    refusals = [history.refusal(clock) for _ in range(2)]

    assert {str(refusal) for refusal in refusals} == {
        f"{unavailable()} The token endpoint is left alone for 15 s more."
    }
    assert {(refusal.step, refusal.status, refusal.retry_after) for refusal in refusals} == {
        ("token", 503, 15.0)
    }
    assert refusals[0] is not refusals[1]


def test_an_error_that_somebody_must_mend_stays_one(clock):
    history = History()
    history.failed(refused(), clock)

    refusal = history.refusal(clock)

    assert type(refusal) is AuthenticationError
    assert (refusal.error, refusal.detail) == ("invalid_client", "invalid_client")
    assert refusal.retry_after is None


def test_with_the_pause_the_refusal_ends(clock):
    history = History()
    history.failed(unavailable(), clock)

    clock.advance(PASSING_PAUSES[0] * (1 + JITTER))

    assert history.refusal(clock) is None


def test_a_token_ends_the_pause_and_the_growth(clock):
    history = History()
    for _ in range(4):
        history.failed(unavailable(), clock)

    history.brought_a_token()

    assert not history.leaves_alone(clock)
    assert history.refusal(clock) is None
    history.failed(unavailable(), clock)
    assert pause_of(history, clock) <= PASSING_PAUSES[0] * (1 + JITTER) + 0.25


def test_the_same_token_again_delays_the_next_refresh_and_refuses_nobody(clock):
    """
    https://github.com/wso2/api-manager/issues/773: an endpoint that gives one
    token until it dies is not asked at the pace of the lookups.
    """
    history = History()
    history.failed(unavailable(), clock)

    history.brought_nothing_new(clock)

    assert history.leaves_alone(clock)
    assert history.refusal(clock) is None


def test_a_token_is_replaced_when_nothing_speaks_against_it(clock):
    assert History().may_replace(clock)


def test_replacements_that_nobody_accepts_become_rare(clock):
    history = History()
    pauses = []

    for _ in range(8):
        history.replaces(clock)
        begun = clock.monotonic()
        while not history.may_replace(clock):
            clock.advance(1)
        pauses.append(clock.monotonic() - begun)

    assert pauses == [5, 20, 80, 320, 1280, REJECTION_PAUSES[1]] + [REJECTION_PAUSES[1]] * 2


def test_a_replacement_that_is_accepted_ends_the_doubt(clock):
    history = History()
    for _ in range(5):
        history.replaces(clock)

    history.accepted()
    assert history.may_replace(clock)

    history.replaces(clock)  # the next doubt begins anew
    clock.advance(REJECTION_PAUSES[0])
    assert history.may_replace(clock)


def test_a_token_that_is_rejected_at_once_is_noted_once_for_all_who_waited_for_it(clock):
    history = History()

    for _ in range(50):
        history.is_rejected(clock)
    clock.advance(REJECTION_PAUSES[0])

    assert history.may_replace(clock)


def test_a_key_that_nothing_happened_to_has_no_history():
    assert history_of("nothing happened to this one") is None


def test_a_key_has_one_history():
    assert begun_history_of("this one") is begun_history_of("this one") is history_of("this one")


def test_ten_thousand_tenants_do_not_fill_the_memory():
    first = begun_history_of("tenant 0")

    for tenant in range(10_000):
        begun_history_of(f"tenant {tenant}")

    assert history_of("tenant 0") is not first
