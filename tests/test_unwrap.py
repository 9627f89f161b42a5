from __future__ import annotations

import dataclasses
import gc
import sys
import weakref

import pytest

from careof import CareofError
from careof._values.unwrap import Unseen, forget_the_way, unwrap
from careof.errors import UnexpectedAnswerError
from tests.support.canary import EMAIL, every_view_of_error, frames_of, seen_in


def fail(kind, *arguments):
    raise kind(*arguments)


def failed_on_the_way():
    """
    An error that has passed through frames with an address in them.
    """
    address = EMAIL
    try:
        try:
            fail(ValueError, address)
        except ValueError as cause:
            raise UnexpectedAnswerError("It failed.") from cause
    except CareofError as error:
        return error


def test_a_value_passes_through():
    value = object()

    assert unwrap(value) is value


def test_an_error_is_raised_itself():
    error = CareofError("It failed.")

    with pytest.raises(CareofError) as caught:
        unwrap(error)

    assert caught.value is error


def test_a_raised_error_has_passed_through_one_frame_of_ours():
    with pytest.raises(CareofError) as caught:
        unwrap(failed_on_the_way())

    assert list(frames_of(caught.value)) == ["unwrap"]


def test_what_led_to_the_error_is_forgotten():
    with pytest.raises(CareofError) as caught:
        unwrap(failed_on_the_way())

    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert seen_in(every_view_of_error(caught.value)) == []


def test_the_error_used_for_these_tests_does_show_an_address():
    assert seen_in(every_view_of_error(failed_on_the_way())) == [EMAIL]


def test_the_frame_that_raises_does_not_hold_the_error():
    """
    Or the two would live until the garbage collector comes by.
    """

    class WatchedError(CareofError):
        pass

    gc.disable()
    try:
        try:
            unwrap(WatchedError("It failed."))
        except WatchedError as error:
            watch = weakref.ref(error)
        after = watch()
    finally:
        gc.enable()

    assert after is None


def test_forgetting_the_way_keeps_the_facts():
    error = failed_on_the_way()
    error.detail = "word"

    forgotten = forget_the_way(error)

    assert forgotten is error
    assert (forgotten.__traceback__, forgotten.detail) == (None, "word")


@pytest.mark.parametrize("kind", [KeyboardInterrupt, GeneratorExit, SystemExit, RuntimeError])
def test_an_interrupt_goes_on_without_the_frames_below_the_block(kind):
    def ask():
        address = EMAIL
        try:
            fail(LookupError, address)
        except LookupError:
            raise kind from None

    def call():
        with Unseen():
            ask()

    with pytest.raises(kind) as caught:
        call()

    assert "ask" not in [entry.name for entry in caught.traceback]
    assert seen_in(every_view_of_error(caught.value)) == []


def test_a_block_that_ends_well_ends_well():
    with Unseen() as nothing:
        value = 1

    assert (nothing, value) == (None, 1)
    assert sys.exc_info() == (None, None, None)


def test_the_exceptions_inside_a_group_lose_their_frames_as_well():
    def task():
        hidden = "hidden"
        raise KeyError(hidden)

    def group():
        try:
            task()
        except KeyError as error:
            raise BaseExceptionGroup("tasks", [error]) from None

    with pytest.raises(BaseExceptionGroup) as caught, Unseen():
        group()

    assert caught.value.exceptions[0].__traceback__ is None


def test_an_exception_that_cannot_be_changed_loses_its_frames_as_well():
    @dataclasses.dataclass(frozen=True)
    class Frozen(BaseException):
        code: int

    with pytest.raises(Frozen) as caught, Unseen():
        raise Frozen(1)

    assert list(frames_of(caught.value)) == []
