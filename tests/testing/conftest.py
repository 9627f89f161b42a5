"""
What the tests of the doubles share.
"""

from __future__ import annotations

import gc
import threading

import pytest


@pytest.fixture(autouse=True)
def _only_what_the_test_makes(request):
    """
    Walks through the memory pass by what was there before: tens of thousands of tests.
    """
    if request.node.get_closest_marker("whole_memory"):
        yield
        return
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def no_thread_is_left(request):
    """
    Those that hang are let go.
    """
    over = request.module.wrong.OVER
    before = set(threading.enumerate())
    yield
    over.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    over.clear()
    assert set(threading.enumerate()) <= before
