"""
A host application under the eyes of Sentry: a program, so that Sentry's patches end with it.

``python -m tests.support.watched sync`` reads the scenes and their servers as
JSON, plays them, and prints what would have been sent, an envelope a line.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import sys

import anyio
import sentry_sdk
from sentry_sdk.integrations.asyncio import AsyncioIntegration
from sentry_sdk.integrations.httpx import HttpxIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.transport import Transport

from tests.support.scenes import resolver_of

MARKER = "local-of-the-host"


class Printing(Transport):
    def capture_envelope(self, envelope):
        sys.stdout.write(envelope.serialize().decode().replace("\n", " ") + "\n")


def watch():
    sentry_sdk.init(
        "https://nobody@localhost/1",
        transport=Printing,
        include_local_variables=True,
        include_source_context=True,
        attach_stacktrace=True,
        send_default_pii=True,
        traces_sample_rate=1.0,
        max_breadcrumbs=1000,
        max_value_length=100_000,
        enable_logs=True,
        integrations=[
            AsyncioIntegration(),
            HttpxIntegration(),
            LoggingIntegration(level=logging.DEBUG, event_level=logging.ERROR),
        ],
    )
    logging.getLogger().setLevel(logging.DEBUG)


def log_an_error(event):
    marker = MARKER  # noqa: F841 - shows that locals are sent
    logging.getLogger("host").error("on %s", event.step)
    raise ValueError


def sync(servers):
    for scene, origin in servers.items():
        resolver = resolver_of("HttpResolver", scene, origin, on_event=log_an_error)
        marker = MARKER  # noqa: F841 - shows that locals are sent
        try:
            resolver.resolve("C-1")
        except Exception as error:
            sentry_sdk.capture_exception(error)


async def main(servers):
    for scene, origin in servers.items():
        resolver = resolver_of("AsyncHttpResolver", scene, origin, on_event=log_an_error)
        marker = MARKER  # noqa: F841 - shows that locals are sent
        try:
            await resolver.resolve("C-1")
        except Exception as error:
            sentry_sdk.capture_exception(error)
    patient = resolver_of("AsyncHttpResolver", "silence", servers["silence"], deadline=30)
    with anyio.move_on_after(0.2):
        try:
            await patient.resolve("C-1")
        except BaseException as error:
            sentry_sdk.capture_exception(error)
            raise


async def forget(servers):
    """
    A task that fails, and whose error nobody asks for.
    """
    resolver = resolver_of("AsyncHttpResolver", "error_page", servers["error_page"])
    await asyncio.wait([asyncio.ensure_future(resolver.resolve("C-1"))])


if __name__ == "__main__":
    backend, there = sys.argv[1], json.load(sys.stdin)
    watch()
    with sentry_sdk.start_transaction(name="survey"):
        if backend == "sync":
            sync(there)
        else:
            anyio.run(main, there, backend=backend)
        if backend == "asyncio":
            asyncio.run(forget(there))
            gc.collect()
    sentry_sdk.flush()
