from __future__ import annotations

import gc

from careof._network.identity_numbers import _numbers, number_of


class Equal:
    """
    As a dataclass is: equal to its like, and not hashable.
    """

    __hash__ = None

    def __eq__(self, other):
        return True


def test_a_thing_keeps_its_number():
    thing = Equal()

    assert number_of(thing) == number_of(thing)


def test_things_that_are_equal_have_numbers_of_their_own():
    one, other = Equal(), Equal()

    assert number_of(one) != number_of(other)


def test_a_number_is_never_given_again():
    numbers = [number_of(Equal()) for _ in range(50)]

    assert len(set(numbers)) == 50


def test_a_number_keeps_nothing_alive():
    gc.collect()
    before = len(_numbers)
    number_of(Equal())
    gc.collect()

    assert len(_numbers) == before


def test_nothing_has_the_number_zero():
    assert number_of(None) == 0
