from __future__ import annotations

import signal

import pytest

from tests.support.desk import Desk


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    yield desk
    for process in desk.processes:
        process.kill()
        process.communicate()


@pytest.fixture
def kept_handlers():
    """
    Whatever a test does to signals, those after it hear them as before.
    """
    before = {
        number: signal.getsignal(number)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
