from __future__ import annotations

import time

from careof._values.clock import SYSTEM_CLOCK


def test_the_clock_of_the_system_shows_the_time_of_the_system():
    before = (time.monotonic(), time.time())
    now = (SYSTEM_CLOCK.monotonic(), SYSTEM_CLOCK.time())
    after = (time.monotonic(), time.time())

    assert before[0] <= now[0] <= after[0]
    assert before[1] <= now[1] <= after[1]


def test_the_clock_of_the_system_names_itself():
    assert repr(SYSTEM_CLOCK) == "SystemClock()"
