from __future__ import annotations

import math
from datetime import timedelta

import attrs
import pytest

from careof import Limits, RetryPolicy
from careof._network.limits import Deadline, seconds
from careof.errors import ConfigurationError
from careof.testing import FakeClock


def test_a_duration_is_seconds_or_a_timedelta():
    assert [seconds(2), seconds(0.5), seconds(timedelta(minutes=1))] == [2.0, 0.5, 60.0]


@pytest.mark.parametrize("value", ["2", b"2", True, False, None, [1], 2j, 10**400])
def test_what_is_no_duration_is_no_number(value):
    assert math.isnan(seconds(value))


def test_limits_take_a_timedelta():
    assert Limits(deadline=timedelta(seconds=7)).deadline == 7.0


def test_the_usual_limits_leave_time_for_a_second_attempt():
    limits = Limits()

    assert limits.connect < limits.attempt < limits.deadline / 2


@pytest.mark.parametrize("name", ["deadline", "attempt", "connect", "max_body", "max_depth"])
@pytest.mark.parametrize(
    "value", [0, -1, float("inf"), float("nan"), "a long while", "5", True, None, [1]]
)
def test_a_limit_that_bounds_nothing_is_refused_by_name(name, value):
    with pytest.raises(
        ConfigurationError, match=f"^Limits: {name}: expected a (whole )?number"
    ) as caught:
        Limits(**{name: value})

    assert "while" not in str(caught.value)


@pytest.mark.parametrize("name", ["max_body", "max_depth"])
def test_what_is_counted_is_a_whole_number(name):
    with pytest.raises(ConfigurationError, match=name):
        Limits(**{name: 1.5})


def test_limits_do_not_change():
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Limits().deadline = 1.0


@pytest.mark.parametrize("name", ["attempts", "base", "cap"])
@pytest.mark.parametrize(
    "value", [0, -1, float("inf"), float("nan"), "a long while", "5", True, None, [1]]
)
def test_a_retry_that_never_ends_or_begins_is_refused_by_name(name, value):
    with pytest.raises(ConfigurationError, match=f"^RetryPolicy: {name}: expected a ") as e:
        RetryPolicy(**{name: value})

    assert "while" not in str(e.value)


def test_tries_are_whole():
    with pytest.raises(ConfigurationError, match="attempts"):
        RetryPolicy(attempts=1.5)


def test_pauses_between_tries_may_be_a_timedelta():
    policy = RetryPolicy(base=timedelta(milliseconds=500), cap=timedelta(seconds=7))

    assert (policy.base, policy.cap) == (0.5, 7.0)


def test_there_are_usually_three_tries_and_pauses_that_fit_into_the_deadline():
    policy = RetryPolicy()

    assert policy.attempts == 3
    assert 3 * policy.base < Limits().deadline / 10


def test_a_retry_policy_does_not_change():
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        RetryPolicy().attempts = 9


def test_one_try_is_no_retry():
    assert RetryPolicy.never() == RetryPolicy(attempts=1)


def test_a_deadline_tells_the_time_of_its_clock():
    clock = FakeClock()
    deadline = Deadline(clock, 10)
    clock.advance(4)

    assert deadline.now() == clock.monotonic()


def test_a_deadline_comes_nearer_as_time_passes():
    clock = FakeClock()
    deadline = Deadline(clock, 10)
    clock.advance(4)

    assert deadline.left() == 6


def test_after_a_deadline_nothing_is_left():
    clock = FakeClock()
    deadline = Deadline(clock, 10)
    clock.advance(11)

    assert deadline.left() == 0


def test_a_deadline_does_not_move_with_the_clock_on_the_wall():
    clock = FakeClock()
    deadline = Deadline(clock, 10)
    clock.set_wall(0)

    assert deadline.left() == 10


@pytest.mark.parametrize("inner, left", [(3, 3), (30, 10)])
def test_a_deadline_within_another_is_the_earlier_one(inner, left):
    assert Deadline(FakeClock(), 10).within(inner).left() == left


def test_those_who_share_a_deadline_have_equal_parts_of_what_is_left():
    clock = FakeClock()
    deadline = Deadline(clock, 3)
    first = deadline.share(3).left()
    clock.advance(1)

    assert (first, deadline.share(2).left(), deadline.share(1).left()) == (1, 1, 2)


def test_a_deadline_shows_what_is_left():
    assert repr(Deadline(FakeClock(), 10)) == "Deadline(left=10.000)"
