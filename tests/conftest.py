from __future__ import annotations

import asyncio
import signal
import threading

import pytest
import trio
from hypothesis import settings

import careof
from careof.testing import AsyncRecordingSender, RecordingSender
from tests.support import mails

# Machines are shared: no example fails for being slow.
settings.register_profile("careof", deadline=None)
settings.load_profile("careof")


class Shell:
    """
    One of the three ways to call careof: blocking, asyncio, Trio.

    Every call of the last two runs in an event loop of its own, as in a host
    that calls ``asyncio.run`` more than once.
    """

    def __init__(self, name):
        self.name = name
        prefix = "" if name == "sync" else "Async"
        self.HttpResolver = getattr(careof, f"{prefix}HttpResolver")
        self.BatchHttpResolver = getattr(careof, f"{prefix}BatchHttpResolver")
        self.Dispatcher = getattr(careof, f"{prefix}Dispatcher")
        self.HttpGatewaySender = getattr(careof, f"{prefix}HttpGatewaySender")
        self.SmtpSender = getattr(careof, f"{prefix}SmtpSender")
        self.RecordingSender = AsyncRecordingSender if prefix else RecordingSender

    def call(self, function, *arguments, **options):
        """
        Call *function*, which is async in the async shells, and return its result.
        """
        if self.name == "sync":
            return function(*arguments, **options)

        async def main():
            return await function(*arguments, **options)

        return asyncio.run(main()) if self.name == "asyncio" else trio.run(main)


def pytest_collection_modifyitems(items):
    """
    What looks at every object in memory comes first, while memory holds few of other tests.
    """
    order = {"test_nothing_is_kept.py": 0, "test_hostile_endpoint.py": 1, "testing": 2}
    items.sort(key=lambda item: order.get(item.path.name, order.get(item.path.parent.name, 3)))


@pytest.fixture(autouse=True, scope="session")
def ctrl_c_is_heard():
    """
    A shell starts a job in the background with SIGINT ignored, and its children inherit that.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def threads_of_before():
    """
    A thread that another test left hanging is none of the next one's.
    """
    mails.BEFORE = set(threading.enumerate())


@pytest.fixture(params=["sync", "asyncio", "trio"])
def shell(request):
    return Shell(request.param)
