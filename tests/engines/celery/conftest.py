"""
A fleet for each test: servers, customers, and the host in fleet.py.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys

import pytest

from tests.engines.celery.servers import Outside, Rabbit, Redis, Worker, environment


class Fleet:
    """
    Servers, a world that says where they are, and the host as this process has it.
    """

    def __init__(self, folder, stack, broker="redis", answer_time=0.005):
        self.folder = folder
        self.redis = stack.enter_context(Redis(folder / "redis"))
        self.outside = stack.enter_context(Outside(folder / "outside", answer_time))
        self.broker = self.redis
        if broker == "rabbit":
            self.broker = stack.enter_context(Rabbit(folder / "rabbit"))
        self.world = {
            "broker": self.redis.url(0) if broker == "redis" else self.broker.broker,
            "results": self.redis.url(1),
            "redis": self.redis.url(2),
            "database": str(folder / "ledger.sqlite"),
            "ledger": "sql",
            "endpoint": self.outside.endpoint,
            "mail": self.outside.mail,
            "first_pause": 0.2,
        }
        if broker == "redis":
            # A worker that was killed cannot say so: its messages come back by these.
            self.world["transport_options"] = {
                "visibility_timeout": 4,
                "unacked_restore_interval": 1,
                "unacked_restore_throttle": 1,
            }
        self._stack = stack

    def host(self, **world):
        """
        The host of fleet.py, in this process.
        """
        self.world |= world
        before = dict(os.environ)
        os.environ.update(environment(self.world))
        sys.path[:0] = os.environ["PYTHONPATH"].split(os.pathsep)
        try:
            host = importlib.import_module("fleet")
        finally:
            os.environ.clear()
            os.environ.update(before)
        self._stack.callback(host.app.close)
        return host

    def worker(self, name="worker", **options):
        """
        One more worker, which runs.
        """
        folder = self.folder / name
        return self._stack.enter_context(Worker(folder, self.world, **options))

    def mails(self):
        """
        The references whose mail was accepted, each as often as it was.
        """
        return [line.partition("@")[0] for line in self.outside.lines("mails")]

    def logs(self):
        """
        What the workers and servers logged.
        """
        return "".join(path.read_text(errors="replace") for path in self.folder.rglob("log"))


@pytest.fixture
def fleet(tmp_path, request):
    """
    A function of options that makes the fleet of the test; it ends with it.
    """
    path = list(sys.path)
    with contextlib.ExitStack() as stack:
        yield lambda **options: Fleet(tmp_path, stack, **options)
    for name in ("fleet", "ledger", "redis_ledger", "token_cache"):
        sys.modules.pop(name, None)
    sys.path[:] = path
