"""
Silence beneath us: libraries that log what they send and receive, while we call.

Theory of operation: our own transport logs nothing.  A host may pass another
one, and a foreign ``httpx.Auth`` may send requests by itself; the libraries
under these write URLs and headers to the log.  Levels and handlers are the
host's, for the whole process, so neither is touched.  A filter is asked on the
way instead, and drops a record if, in the context in which it was made, a call
of ours is under way.  A context is that of a thread or a task, so the host's
own requests beside it go on being logged.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

# A filter acts on the logger that a record is made with, not on those below.
LOGGERS = (
    "httpx",  # Client: the whole URL, at INFO
    # Every argument of every step, at DEBUG: response headers above all.
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
    # Under httpcore.http2, h2 has no logger, and hpack writes each header.
    "hpack.hpack",
    "hpack.table",
    # What other adapters for httpx are made of: paths, redirects, cookies.
    "urllib3.connection",
    "urllib3.connectionpool",
    "urllib3.http2.connection",
    "urllib3.poolmanager",
    "urllib3.response",
    "urllib3.util.retry",
    "aiohttp.client",
    "aiohttp.internal",
)

_under_way: ContextVar[bool] = ContextVar("careof.under_way", default=False)


class _NotOurs(logging.Filter):
    """
    Lets pass what was logged while no call of ours was under way.
    """

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002 - it is the place that counts
        return not _under_way.get()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """
    A ``with`` block beneath which nothing is logged or traced, in this task or thread.
    """
    _listen()
    traced_again = _untraced()
    before = _under_way.set(True)
    try:
        yield
    finally:
        # A task that is collected unfinished ends in a context that is not its
        # own, where nothing is to be undone.
        with contextlib.suppress(ValueError):
            _under_way.reset(before)
            traced_again()


@functools.cache
def _listen() -> None:
    not_ours = _NotOurs()
    for name in LOGGERS:
        logging.getLogger(name).addFilter(not_ours)


def _untraced() -> Callable[[], object]:
    """
    Switch off OpenTelemetry's instrumentations of HTTP; what switches them on again.

    They patch ``httpx.HTTPTransport`` and the like, and put the URL in the span.
    Where the module is not loaded, nothing is instrumented.
    """
    utils: Any = sys.modules.get("opentelemetry.instrumentation.utils")
    if not hasattr(utils, "suppress_http_instrumentation"):  # not loaded, or an old release
        return _nothing
    from opentelemetry import context

    with utils.suppress_http_instrumentation():
        untraced = context.get_current()
    return functools.partial(context.detach, context.attach(untraced))


def _nothing() -> None:
    return None
