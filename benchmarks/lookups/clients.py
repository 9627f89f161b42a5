"""
The clients: each a context that yields a function, which asks about one reference.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any

import httpx

from careof import (
    AsyncHttpResolver,
    ContactSelector,
    HttpResolver,
    NetworkPolicy,
    RequestTemplate,
    Secret,
)
from careof.auth import MemoryTokenCache, OAuth2ClientCredentials

Ask = Callable[[str], Awaitable[object]]
AsyncClient = Callable[[str, ssl.SSLContext], AbstractAsyncContextManager[Ask]]
Client = Callable[[str, ssl.SSLContext], AbstractContextManager[Callable[[str], object]]]

PATIENCE = 60.0  # seconds; nobody gives up, however slow the others make him


def configured(
    url: str, context: ssl.SSLContext | None = None, *, has_echo: bool = True
) -> dict[str, Any]:
    """
    The arguments of a resolver as a host would write it.
    """
    return {
        "request": RequestTemplate(f"{url}/people/{{reference_id}}"),
        "contact": ContactSelector(
            email="$.data.email",
            reference_id="$.data.id" if has_echo else None,
            attributes={"first_name": "$.data.first_name"},
        ),
        "auth": OAuth2ClientCredentials(
            f"{url}/token", "surveys", Secret("made-up"), cache=MemoryTokenCache()
        ),
        "network": NetworkPolicy.for_loopback(),
        "ssl_context": context,
    }


@contextlib.asynccontextmanager
async def careof_async(url: str, context: ssl.SSLContext) -> AsyncIterator[Ask]:
    """
    The whole of ``AsyncHttpResolver.resolve``.
    """
    async with AsyncHttpResolver(**configured(url, context)) as resolver:
        yield resolver.resolve


@contextlib.asynccontextmanager
async def careof_fresh(url: str, context: ssl.SSLContext) -> AsyncIterator[Ask]:
    """
    As ``careof_async``, without an echo path: a connection for each lookup.
    """
    async with AsyncHttpResolver(**configured(url, context, has_echo=False)) as resolver:
        yield resolver.resolve


@contextlib.asynccontextmanager
async def httpx_async(url: str, context: ssl.SSLContext) -> AsyncIterator[Ask]:
    """
    A bare GET of httpx, its pool as large as it may be.
    """
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(
        limits=limits, timeout=PATIENCE, verify=context, trust_env=False
    ) as client:
        yield lambda reference: client.get(f"{url}/people/{reference}")


@contextlib.asynccontextmanager
async def httpx_fresh(url: str, context: ssl.SSLContext) -> AsyncIterator[Ask]:
    """
    As ``httpx_async``, with a connection for each request.
    """
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(
        limits=limits, timeout=PATIENCE, verify=context, trust_env=False
    ) as client:
        yield lambda reference: client.get(f"{url}/people/{reference}")


@contextlib.asynccontextmanager
async def aiohttp_async(
    url: str, context: ssl.SSLContext, *, fresh: bool = False
) -> AsyncIterator[Ask]:
    """
    A bare GET of aiohttp, its body read.
    """
    import aiohttp

    connector = aiohttp.TCPConnector(limit=0, ssl=context, force_close=fresh)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def ask(reference: str) -> bytes:
            async with session.get(f"{url}/people/{reference}") as response:
                return await response.read()

        yield ask


def aiohttp_fresh(url: str, context: ssl.SSLContext) -> AbstractAsyncContextManager[Ask]:
    """
    As ``aiohttp_async``, with a connection for each request.
    """
    return aiohttp_async(url, context, fresh=True)


@contextlib.asynccontextmanager
async def raw_async(url: str, _context: ssl.SSLContext) -> AsyncIterator[Ask]:
    """
    The least that Python can do: asyncio's streams, and a parser of one line.
    """
    host, _, port = url.removeprefix("http://").partition(":")
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(reference: str) -> bytes:
        reader, writer = idle.pop() if idle else await asyncio.open_connection(host, int(port))
        writer.write(b"GET /people/%b HTTP/1.1\r\nHost: localhost\r\n\r\n" % reference.encode())
        head = await reader.readuntil(b"\r\n\r\n")
        _, _, after = head.lower().partition(b"content-length:")
        content = await reader.readexactly(int(after[: after.index(b"\r")]))
        idle.append((reader, writer))
        return content

    try:
        yield ask
    finally:
        for _, writer in idle:
            writer.close()


@contextlib.contextmanager
def careof_sync(url: str, context: ssl.SSLContext) -> Iterator[Callable[[str], object]]:
    """
    The whole of ``HttpResolver.resolve``.
    """
    with HttpResolver(**configured(url, context)) as resolver:
        yield resolver.resolve


@contextlib.contextmanager
def httpx_sync(url: str, context: ssl.SSLContext) -> Iterator[Callable[[str], object]]:
    """
    A bare GET of ``httpx.Client``, its pool as large as it may be.
    """
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    with httpx.Client(limits=limits, timeout=PATIENCE, verify=context, trust_env=False) as client:
        yield lambda reference: client.get(f"{url}/people/{reference}")
