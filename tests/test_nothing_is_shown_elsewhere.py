"""
Promise 2, seen from outside: logs, Sentry, OpenTelemetry, pytest, asyncio in debug mode.

Every lookup goes over our own transport to a server on loopback.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import pathlib
import reprlib
import subprocess
import sys

import anyio
import httpx
import pytest
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from careof import CareofError
from careof._values import event as events
from careof.integrations.otel import Spans
from tests.support.canary import (
    OURS,
    all_logs,
    every_view_of,
    every_view_of_error,
    frames_of,
    seen_in,
)
from tests.support.scenes import FAILING, SERVERS, resolver_of, server_of
from tests.support.watched import MARKER

ROOT = pathlib.Path(__file__).parents[1]
CANARIES = ("canary", "Canary", "+4420")  # how each of them begins: a part is too much
KIND = {"sync": "HttpResolver", "asyncio": "AsyncHttpResolver", "trio": "AsyncHttpResolver"}


def error_in(shell, scene, on_event=None):
    """
    How the lookup of a *scene* ends, or None.
    """
    with server_of(scene) as server:
        resolver = resolver_of(KIND[shell.name], scene, server.origin, on_event=on_event)
        try:
            shell.call(resolver.resolve, "C-1")
        except CareofError as error:
            return error
    return None


@pytest.fixture(autouse=True)
def _no_hook_was_reported_before(monkeypatch):
    monkeypatch.setattr(events, "_REPORTED", {})


def raising(event):
    raise RuntimeError(event.endpoint)


@pytest.mark.parametrize("scene", SERVERS)
@pytest.mark.parametrize("hook", [None, raising])
def test_no_logger_at_any_level_sees_a_lookup(shell, scene, hook):
    with all_logs() as logs:
        error = error_in(shell, scene, hook)

    assert (error is not None) == (scene in FAILING)
    assert seen_in(logs, CANARIES) == []


@pytest.mark.parametrize("scene", FAILING)
def test_no_error_shows_the_way_that_it_came(shell, scene):
    error = error_in(shell, scene, raising)
    error.__traceback__ = error.__traceback__.tb_next  # the frame above holds our own objects

    assert seen_in(every_view_of_error(error), CANARIES) == []
    assert set(frames_of(error)) == {"resolve", "unwrap"}
    assert error.__context__ is None


@pytest.fixture
def spans():
    """
    The spans that the instrumentation of httpx makes, and that ``Spans`` makes.
    """
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    HTTPXClientInstrumentor().instrument(tracer_provider=provider)
    yield exporter.get_finished_spans, Spans(provider)
    HTTPXClientInstrumentor().uninstrument()


@pytest.mark.parametrize("scene", SERVERS)
def test_no_span_holds_a_url_a_path_or_a_reference(shell, scene, spans):
    finished, hook = spans
    error_in(shell, scene, hook)
    texts = [span.to_json() for span in finished()]

    assert len(texts) == 2
    assert seen_in(texts, (*CANARIES, "C-1", "http://", "url.")) == []


@pytest.mark.parametrize("backend", KIND)
def test_sentry_sends_nothing_of_a_lookup(backend):
    with contextlib.ExitStack() as running:
        servers = {scene: running.enter_context(server_of(scene)).origin for scene in [*SERVERS]}
        sent = subprocess.run(
            [sys.executable, "-m", "tests.support.watched", backend],
            input=json.dumps(servers),
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
            cwd=ROOT,
        ).stdout

    assert MARKER in sent, "locals are sent"
    assert "on resolve" in sent, "what the hook logs is sent"
    assert all(scene in sent for scene in ("UnexpectedAnswerError", "DeadlineError"))
    assert seen_in([sent], CANARIES) == []


OPTIONS = ["-vv", "--showlocals", "--full-trace", "--log-level=DEBUG", "-p", "no:cacheprovider"]
HOST_TESTS = """
import asyncio, logging, os
from tests.support.scenes import resolver_of

def resolver(kind):
    return resolver_of(kind, os.environ["SCENE"], os.environ["ORIGIN"], on_event=log)

def log(event):
    logging.getLogger("host").warning("%s", event, stack_info=True)

def test_blocking():
    crm = resolver("HttpResolver")
    contact = crm.resolve("C-1")
    assert contact.email == contact.phone

def test_asyncio():
    crm = resolver("AsyncHttpResolver")
    async def main():
        contact = await crm.resolve("C-1")
        assert contact.attributes == crm
    asyncio.run(main(), debug=True)
"""


@pytest.mark.parametrize("scene", ["good", "somebody_else", "error_page", "silence"])
def test_pytest_with_locals_shows_nobody_when_a_test_of_the_host_fails(scene, tmp_path):
    (tmp_path / "test_host.py").write_text(HOST_TESTS, encoding="utf-8")
    with server_of(scene) as server:
        output = subprocess.run(
            [sys.executable, "-m", "pytest", *OPTIONS, f"--rootdir={tmp_path}", str(tmp_path)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd=ROOT,
            env={**os.environ, "SCENE": scene, "ORIGIN": server.origin},
        ).stdout

    assert "2 failed" in output
    assert "crm        = " in output, "locals are shown"
    assert "step='resolve'" in output, "logs are shown"
    assert seen_in([output], CANARIES) == []


@pytest.mark.parametrize("scene", SERVERS)
def test_asyncio_in_debug_mode_shows_no_callback_that_carries_anything(scene, monkeypatch):
    """
    It cuts arguments and results short, which could hide from us what others see.
    """
    for name in ("maxstring", "maxother"):
        monkeypatch.setattr(reprlib.aRepr, name, 100_000)

    async def main():
        loop = asyncio.get_running_loop()
        loop.slow_callback_duration = 0  # so all are slow
        with contextlib.suppress(CareofError):
            await resolver.resolve("C-1")

    with server_of(scene) as server, all_logs() as logs:
        resolver = resolver_of("AsyncHttpResolver", scene, server.origin, on_event=raising)
        asyncio.run(main(), debug=True)

    assert [text for text in logs if text.startswith("Executing <")]
    assert seen_in(logs, CANARIES) == []


@pytest.mark.parametrize("scene", FAILING)
def test_the_error_of_a_task_that_nobody_asked_shows_nobody(scene):
    async def main():
        await asyncio.wait([asyncio.ensure_future(resolver.resolve("C-1"))])

    with server_of(scene) as server, all_logs() as logs:
        resolver = resolver_of("AsyncHttpResolver", scene, server.origin)
        asyncio.run(main())
        gc.collect()

    assert [text for text in logs if text.startswith("Task exception was never retrieved")]
    assert seen_in(logs, CANARIES) == []


def test_a_gathering_that_is_cancelled_shows_nobody():
    async def main():
        lookups = asyncio.gather(*(resolver.resolve(f"C-{n}") for n in range(3)))
        await anyio.to_thread.run_sync(server.arrived.wait, 10)
        lookups.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await lookups

    with server_of("silence") as server, all_logs() as logs:
        resolver = resolver_of("AsyncHttpResolver", "silence", server.origin, deadline=30)
        asyncio.run(main(), debug=True)
        gc.collect()

    assert len(server.requests) > 0
    assert seen_in(logs, CANARIES) == []


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_lookup_that_is_cancelled_shows_no_frame_of_ours(backend):
    seen = []

    async def lookup():
        try:
            await resolver.resolve("C-1")
        except BaseException as error:
            seen.extend(every_view_of_error(error))
            seen.extend(frames_of(error))
            raise

    async def main():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lookup)
            await anyio.to_thread.run_sync(server.arrived.wait, 10)
            tasks.cancel_scope.cancel()

    with server_of("silence") as server, all_logs() as logs:
        resolver = resolver_of("AsyncHttpResolver", "silence", server.origin, deadline=30)
        anyio.run(main, backend=backend)

    assert seen
    assert seen_in([*seen, *logs], CANARIES) == []


@pytest.mark.parametrize("scene", SERVERS)
def test_the_stack_beneath_a_hook_holds_nothing_of_the_lookup(shell, scene):
    """
    Loggers with ``stack_info``, and Sentry, record it with the variables of each frame.
    """
    variables = []

    def hook(event):
        frame = sys._getframe(1)
        while frame is not None:
            if frame.f_code.co_filename.startswith(OURS):
                variables.extend(frame.f_locals.values())
            frame = frame.f_back
        logging.getLogger("host").warning("%s", event, stack_info=True)

    with all_logs() as logs:
        error_in(shell, scene, hook)
    texts = [text for value in variables for text in every_view_of(value)]

    assert variables
    assert not [value for value in variables if isinstance(value, httpx.Request | httpx.Response)]
    assert seen_in([*texts, *logs], CANARIES) == []
