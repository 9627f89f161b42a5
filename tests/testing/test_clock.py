from __future__ import annotations

import pytest

from careof.testing import FakeClock


@pytest.mark.parametrize(
    "move, monotonic, wall",
    [
        (lambda clock: clock.advance(5.0), 5.0, 5.0),
        (lambda clock: clock.suspend(5.0), 0.0, 5.0),
        (lambda clock: clock.set_wall(1000.0), 0.0, 900.0),
        (lambda clock: None, 0.0, 0.0),
    ],
)
def test_a_test_moves_each_clock_as_life_does(move, monotonic, wall):
    clock = FakeClock(100.0)
    before = clock.monotonic()

    move(clock)

    assert clock.monotonic() - before == monotonic
    assert clock.time() - 100.0 == wall
