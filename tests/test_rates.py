from __future__ import annotations

import math
import threading
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careof import RateLimit
from careof.errors import ConfigurationError
from careof.testing import FakeClock
from tests.support.forks import in_a_child

rates = st.floats(0.01, 1000)
bursts = st.integers(1, 20)
pauses = st.lists(st.sampled_from([0.0, 0.0, 0.001, 0.3, 2.5, 100.0]), max_size=60)


def waits(rate, *pauses):
    clock = rate._clock
    for pause in pauses:
        clock.advance(pause)
        yield rate._reserve()


def test_one_token_comes_back_after_another():
    rate = RateLimit(4, clock=FakeClock())

    assert list(waits(rate, 0, 0, 0, 0.25, 10)) == [0, 0.25, 0.5, 0.5, 0]


def test_after_a_pause_so_many_can_be_taken_at_once():
    rate = RateLimit(2, burst=3, clock=FakeClock())

    assert list(waits(rate, 0, 0, 0, 0, 0)) == [0, 0, 0, 0.5, 1.0]
    assert list(waits(rate, 100, 0, 0, 0)) == [0, 0, 0, 0.5]


def test_a_rate_may_be_less_than_one_a_second():
    rate = RateLimit(1 / 60, clock=FakeClock())

    assert list(waits(rate, 0, 0, 30)) == pytest.approx([0, 60, 90])


@given(rates, bursts, pauses)
def test_in_any_span_there_are_never_more_than_the_burst_and_the_rate_allow(
    per_second, burst, pauses
):
    rate = RateLimit(per_second, burst=burst, clock=FakeClock())
    now, taken = 0.0, []
    for pause, wait in zip(pauses, waits(rate, *pauses), strict=True):
        now += pause
        taken.append(now + wait)

    assert taken == sorted(taken)
    for first, begin in enumerate(taken):
        for last in range(first, len(taken)):
            span = taken[last] - begin
            assert last - first + 1 <= burst + per_second * span + 1e-6


@given(rates, bursts, pauses)
def test_nobody_waits_longer_than_those_before_make_necessary(per_second, burst, pauses):
    rate = RateLimit(per_second, burst=burst, clock=FakeClock())

    for number, wait in enumerate(waits(rate, *pauses)):
        assert 0 <= wait <= max(0, number + 1 - burst) / per_second + 1e-6


def test_many_threads_share_one_rate():
    rate = RateLimit(10, burst=5, clock=FakeClock())
    found = []
    begin = threading.Barrier(8)

    def take():
        begin.wait()
        found.extend([rate._reserve() for _ in range(50)])

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    expected = [max(0, number - 4) / 10 for number in range(400)]
    assert sorted(found) == pytest.approx(expected)


def test_a_child_that_is_forked_while_a_token_is_taken_takes_its_own():
    rate = RateLimit(1, clock=FakeClock())
    rate._reserve()

    with rate._lock:
        found = in_a_child(rate._reserve)
        rate._begin_anew()  # as the child did

        assert found == "1.0"
        assert rate._reserve() == 1.0


@pytest.mark.parametrize("per_second", [0, -1, math.inf, math.nan, 1e-310, True, "4", None])
def test_a_rate_that_cannot_be_is_refused(per_second):
    with pytest.raises(ConfigurationError, match="RateLimit: per_second: expected a number"):
        RateLimit(per_second)


@pytest.mark.parametrize("burst", [0, -1, 1.0, 10**400, True, "4", None])
def test_a_burst_that_cannot_be_is_refused(burst):
    with pytest.raises(ConfigurationError, match="RateLimit: burst: expected a whole number"):
        RateLimit(1, burst=burst)


@pytest.mark.parametrize("clock", [None, 4, timedelta(1)])
def test_a_clock_that_is_none_is_refused(clock):
    with pytest.raises(ConfigurationError, match="RateLimit: clock: expected monotonic"):
        RateLimit(1, clock=clock)


def test_it_prints_what_it_allows():
    assert repr(RateLimit(0.5, burst=3)) == "RateLimit(0.5, burst=3)"


def test_it_takes_the_clock_of_the_machine():
    rate = RateLimit(0.001)

    assert rate._reserve() == 0
    assert 900 < rate._reserve() <= 1000
