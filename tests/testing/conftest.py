"""
What the tests of the doubles share.
"""

from __future__ import annotations

import gc

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
