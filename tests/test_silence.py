from __future__ import annotations

import asyncio
import contextlib
import contextvars
import importlib
import logging
import pathlib
import re
import subprocess
import sys
import threading

import anyio
import httpx
import pytest
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from careof import CareofError
from careof._network.silence import LOGGERS, quiet
from tests.support.canary import EMAIL, SECRET, all_logs, seen_in
from tests.support.scenes import SERVERS, resolver_of, server_of
from tests.support.server import Server

ONCE = httpx.Limits(max_keepalive_connections=0)
HEAD = [f"Set-Cookie: {SECRET}"]


@pytest.fixture
def server():
    with Server(head=HEAD, body=EMAIL.encode()) as server:
        yield server


def ask(origin):
    with httpx.HTTPTransport() as transport:
        response = transport.handle_request(httpx.Request("GET", f"{origin}/{SECRET}"))
        response.read()
        response.close()


async def ask_async(origin):
    async with httpx.AsyncHTTPTransport() as transport:
        response = await transport.handle_async_request(httpx.Request("GET", f"{origin}/{SECRET}"))
        await response.aread()
        await response.aclose()


def ask_quietly(origin):
    with quiet():
        ask(origin)


async def ask_quietly_async(origin):
    with quiet():
        await ask_async(origin)


def as_host(origin):
    with httpx.Client(trust_env=False) as client:
        client.get(f"{origin}/{SECRET}")


async def as_host_async(origin):
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.get(f"{origin}/{SECRET}")


def of(shell, function):
    return function if shell.name == "sync" else globals()[f"{function.__name__}_async"]


def test_a_foreign_transport_logs_nothing_of_our_call(shell, server):
    with all_logs() as logs:
        shell.call(of(shell, ask_quietly), server.origin)

    assert len(server.requests) == 1
    assert seen_in(logs) == []
    assert [text for text in logs if "http" in text] == []


def test_without_it_the_transport_shows_what_the_server_says(shell, server):
    """
    Or the test above would see nothing because there is nothing to see.
    """
    with all_logs() as logs:
        shell.call(of(shell, ask), server.origin)

    assert seen_in(logs) == [SECRET]


def test_the_host_is_heard_before_and_after(shell, server):
    with all_logs() as before:
        shell.call(of(shell, as_host), server.origin)
    shell.call(of(shell, ask_quietly), server.origin)
    with all_logs() as after:
        shell.call(of(shell, as_host), server.origin)

    assert [text for text in before if "HTTP Request" in text]
    assert len(after) == len(before)


def test_the_host_is_heard_while_our_call_is_under_way_in_another_thread(server):
    begun, over = threading.Event(), threading.Event()

    def ours():
        with quiet():
            begun.set()
            over.wait(10)
            ask(server.origin)

    thread = threading.Thread(target=ours)
    thread.start()
    begun.wait(10)
    with all_logs() as logs:
        as_host(server.origin)
    over.set()
    thread.join(10)

    assert [text for text in logs if "HTTP Request" in text]
    assert [text for text in logs if "Set-Cookie" in text]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_the_host_is_heard_while_our_call_is_under_way_in_another_task(backend, server):
    async def main():
        begun, over, done = anyio.Event(), anyio.Event(), anyio.Event()

        async def ours():
            with quiet():
                begun.set()
                await over.wait()
                await ask_async(server.origin)
            done.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ours)
            await begun.wait()
            with all_logs() as theirs:
                await as_host_async(server.origin)
            with all_logs() as rest:
                over.set()
                await done.wait()
        return theirs, rest

    theirs, rest = anyio.run(main, backend=backend)

    assert [text for text in theirs if "HTTP Request" in text]
    assert [text for text in rest if "http" in text] == []


@pytest.mark.parametrize("name", LOGGERS)
def test_each_of_the_loggers_is_silent_beneath_us_only(name, caplog):
    with caplog.at_level(logging.DEBUG, name):
        with quiet():
            logging.getLogger(name).error("ours")
        logging.getLogger(name).debug("theirs")

    assert [record.getMessage() for record in caplog.records] == ["theirs"]


def test_the_loggers_of_the_host_are_heard_even_beneath_us(caplog):
    with quiet():
        logging.getLogger("host").error("theirs")

    assert len(caplog.records) == 1


@pytest.mark.parametrize("library", ["httpx", "httpcore", "urllib3"])
def test_every_logger_of_the_library_is_in_the_list(library):
    folder = pathlib.Path(importlib.import_module(library).__file__).parent
    elsewhere = {"urllib3.contrib", "urllib3"}  # other TLS and other Pythons; its root is unused
    names = set()
    for path in folder.rglob("*.py"):
        module = ".".join(path.relative_to(folder.parent).with_suffix("").parts)
        for name in re.findall(r"logging\.getLogger\((.*?)\)", path.read_text(encoding="utf-8")):
            names.add(module if name == "__name__" else name.strip('"'))

    assert {
        name
        for name in names
        if name.removesuffix(".__init__") not in elsewhere
        and not name.startswith("urllib3.contrib.")
    } <= set(LOGGERS)


@pytest.mark.parametrize(
    "name", ["hpack.hpack", "hpack.table", "aiohttp.client", "aiohttp.internal"]
)
def test_what_is_not_installed_here_is_in_the_list_as_well(name):
    """
    As hpack 4, h2 4 and aiohttp 3 have it; h2 itself logs to nobody.
    """
    assert name in LOGGERS


def test_there_is_one_filter_however_often_we_call():
    for _ in range(3):
        with quiet():
            pass

    assert [len(logging.getLogger(name).filters) for name in LOGGERS] == [1] * len(LOGGERS)


def test_levels_and_handlers_stay_the_hosts():
    def settings():
        loggers = map(logging.getLogger, LOGGERS)
        return [(a.level, list(a.handlers), a.propagate, a.disabled) for a in loggers]

    before = settings()
    with quiet():
        during = settings()

    assert before == during == settings()


def test_importing_touches_no_logger():
    program = """
import logging, careof, careof.auth, careof._network.silence as silence
known = logging.root.manager.loggerDict
print([name for name in silence.LOGGERS if getattr(known.get(name), "filters", None)])
print([name for name in known if name.startswith(("hpack", "urllib3", "aiohttp"))])
"""
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )

    assert result.stdout.split() == ["[]", "[]"]


def test_a_call_within_a_call_does_not_end_the_silence(caplog):
    with quiet():
        with quiet():
            pass
        logging.getLogger("httpx").error("ours")

    assert caplog.records == []


def test_the_silence_ends_with_a_call_that_fails(caplog):
    with contextlib.suppress(KeyError), quiet():
        raise KeyError
    logging.getLogger("httpx").error("theirs")

    assert len(caplog.records) == 1


def test_a_task_that_is_collected_unfinished_ends_in_peace(caplog):
    """
    Its block is left in the context of whoever happens to collect it.
    """

    async def ours():
        with quiet():
            await asyncio.sleep(0)

    task = ours()
    contextvars.copy_context().run(task.send, None)
    with quiet():
        task.close()
        logging.getLogger("httpx").error("ours")

    assert caplog.records == []


@pytest.fixture
def spans():
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    HTTPXClientInstrumentor().instrument(tracer_provider=provider)
    yield exporter.get_finished_spans
    HTTPXClientInstrumentor().uninstrument()


def test_open_telemetry_makes_no_span_of_our_call(shell, server, spans):
    shell.call(of(shell, ask_quietly), server.origin)

    assert spans() == ()


def test_open_telemetry_goes_on_making_spans_for_the_host(shell, server, spans):
    shell.call(of(shell, ask_quietly), server.origin)
    shell.call(of(shell, as_host), server.origin)

    assert seen_in([span.attributes["http.url"] for span in spans()]) == [SECRET]


def test_without_open_telemetry_there_is_nothing_to_switch_off(shell, server, monkeypatch):
    monkeypatch.delitem(sys.modules, "opentelemetry.instrumentation.utils")
    with all_logs() as logs:
        shell.call(of(shell, ask_quietly), server.origin)

    assert seen_in(logs) == []


@pytest.mark.parametrize("scene", SERVERS)
def test_a_resolver_with_a_foreign_transport_logs_nothing(shell, scene, spans):
    """
    Its token request as well, which flies in a thread of its own.
    """
    kinds = {"sync": ("HttpResolver", httpx.HTTPTransport)}
    kind, foreign = kinds.get(shell.name, ("AsyncHttpResolver", httpx.AsyncHTTPTransport))
    with server_of(scene) as server, all_logs() as logs:
        resolver = resolver_of(kind, scene, server.origin, transport=foreign(limits=ONCE))
        with contextlib.suppress(CareofError):
            shell.call(resolver.resolve, "C-1")

    assert server.requests
    assert seen_in(logs) == []
    assert [text for text in logs if "http" in text] == []
    assert spans() == ()
