"""
The doubles as fixtures of pytest.

Name it where they are wanted: ``pytest_plugins = ["careof.testing.plugin"]`` in the
topmost ``conftest.py``, or ``-p careof.testing.plugin``.  It is no entry point, which
pytest would load by itself: every run in an environment that has careof would import
it, whatever it tests, and measure its coverage too late.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from careof.testing import (
    AsyncRecordingSender,
    Canaries,
    CanaryPerson,
    FakeClock,
    FakeContactEndpoint,
    RecordingSender,
    assert_no_leak,
)
from careof.testing._canaries import new_people


@pytest.fixture
def canary_people() -> list[CanaryPerson]:
    """
    Two people who exist in this test and nowhere else.
    """
    return new_people()


@pytest.fixture
def contact_endpoint(canary_people: list[CanaryPerson]) -> FakeContactEndpoint:
    """
    A contact endpoint that knows ``canary_people``.
    """
    return FakeContactEndpoint({each.reference_id: each.answer() for each in canary_people})


@pytest.fixture
def recording_sender() -> RecordingSender:
    """
    A sender that sends to nobody.
    """
    return RecordingSender()


@pytest.fixture
def async_recording_sender() -> AsyncRecordingSender:
    """
    Its twin, for asyncio and Trio.
    """
    return AsyncRecordingSender()


@pytest.fixture
def fake_clock() -> FakeClock:
    """
    A clock that stands still until the test moves it.
    """
    return FakeClock()


@pytest.fixture
def no_leak(
    request: pytest.FixtureRequest, canary_people: list[CanaryPerson], tmp_path: pathlib.Path
) -> Callable[..., None]:
    """
    ``assert_no_leak`` with ``canary_people``, which searches ``tmp_path`` too.

    A ``contact_endpoint`` of the same test knows them, and that is no leak.
    """
    of_test = "contact_endpoint" in request.fixturenames
    own = [request.getfixturevalue("contact_endpoint")] if of_test else []

    def check(
        work: Callable[[Canaries], object], *, besides: Iterable[object] = (), **places: Any
    ) -> None:
        __tracebackhide__ = True
        places = {"people": canary_people, "directory": tmp_path, **places}
        assert_no_leak(work, besides=[*own, *besides], **places)

    return check
