from __future__ import annotations

import math
import threading
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careof import RateLimit
from careof._sending.rates import Pace
from careof.errors import ConfigurationError
from careof.testing import FakeClock
from tests.support.forks import in_a_child

rates = st.floats(0.01, 1000)
bursts = st.integers(1, 20)


def waits(rate, *pauses):
    clock = rate._clock
    for pause in pauses:
        clock.advance(pause)
        yield Pace(rate).wait()


def gone(clock, *rates, number):
    """
    When each of *number* who wait has gone, all of them asking as they are told to.
    """
    waiting = [(clock.monotonic(), Pace(*rates)) for _ in range(number)]
    times = []
    while waiting:
        moment, pace = waiting.pop(0)
        clock.advance(max(0.0, moment - clock.monotonic()))
        wait = pace.wait()
        if wait:
            waiting.append((clock.monotonic() + wait, pace))
            waiting.sort(key=lambda each: each[0])
        else:
            times.append(clock.monotonic())
    return times


def test_one_token_comes_back_after_another():
    clock = FakeClock()
    begin = clock.monotonic()

    times = gone(clock, RateLimit(4, clock=clock), number=4)

    assert [time - begin for time in times] == [0, 0.25, 0.5, 0.75]


def test_who_comes_later_is_told_to_wait_longer():
    rate = RateLimit(4, clock=FakeClock())

    assert list(waits(rate, 0, 0, 0, 0)) == [0, 0.25, 0.5, 0.75]


def test_after_a_pause_so_many_can_be_taken_at_once():
    rate = RateLimit(2, burst=3, clock=FakeClock())

    assert list(waits(rate, 0, 0, 0, 0, 0)) == [0, 0, 0, 0.5, 1.0]
    assert list(waits(rate, 100, 0, 0, 0)) == [0, 0, 0, 0.5]


def test_who_leaves_the_line_makes_it_shorter():
    rate = RateLimit(1, clock=FakeClock())
    paces = [Pace(rate) for _ in range(4)]

    assert [pace.wait() for pace in paces] == [0, 1, 2, 3]
    for pace in paces:
        pace.leave()
    assert Pace(rate).wait() == 1


def test_who_slept_too_long_does_not_go_with_all_the_others():
    clock = FakeClock()
    rate = RateLimit(10, clock=clock)
    paces = [Pace(rate) for _ in range(20)]
    for pace in paces:
        pace.wait()

    clock.advance(60)  # the process stood still

    assert [pace.wait() for pace in paces].count(0.0) == 1


def test_of_several_rates_all_have_a_token_or_none_is_taken():
    clock = FakeClock()
    quick, slow = RateLimit(10, clock=clock), RateLimit(1, clock=clock)
    assert Pace(quick, None, slow).wait() == 0

    clock.advance(0.1)

    assert Pace(quick, slow).wait() == pytest.approx(0.9)
    assert Pace(quick).wait() == 0


def test_without_a_rate_nobody_waits():
    assert Pace().wait() == Pace(None).wait() == 0


@given(rates, bursts, st.integers(1, 30))
def test_in_any_span_there_are_never_more_than_the_burst_and_the_rate_allow(
    per_second, burst, number
):
    clock = FakeClock()
    times = gone(clock, RateLimit(per_second, burst=burst, clock=clock), number=number)

    for first, begin in enumerate(times):
        for last in range(first, len(times)):
            assert last - first + 1 <= burst + per_second * (times[last] - begin) + 1e-6
    # And nobody waits longer than those before make necessary.
    assert times[-1] - times[0] <= max(0, number - burst) / per_second * 1.001 + 1e-6


def test_many_threads_share_one_rate():
    rate = RateLimit(10, burst=5, clock=FakeClock())
    found = []
    begin = threading.Barrier(8)

    def take():
        begin.wait()
        found.extend([Pace(rate).wait() for _ in range(50)])

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    expected = [max(0, number - 4) / 10 for number in range(400)]
    assert sorted(found) == pytest.approx(expected)


def test_a_child_that_is_forked_while_a_token_is_taken_takes_its_own():
    rate = RateLimit(1, clock=FakeClock())
    Pace(rate).wait()

    with RateLimit._lock:
        found = in_a_child(Pace(rate).wait)

    assert found == "1.0"
    assert Pace(rate).wait() == 1.0


@pytest.mark.parametrize("per_second", [0, -1, 1e-5, math.inf, math.nan, 1e-310, True, "4", None])
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

    assert Pace(rate).wait() == 0
    assert 900 < Pace(rate).wait() <= 1000
