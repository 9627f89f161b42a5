from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time

import pytest
import trio

from careof._network.connection import AsyncConnection, Connection
from careof._network.limits import Deadline
from careof._values.clock import SYSTEM_CLOCK
from tests.support.server import BODY, Server, certificate, trusting

REQUEST = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"


def within(seconds):
    return Deadline(SYSTEM_CLOCK, seconds)


class Awaitable:
    """
    The blocking connection with the ``await`` of the other, so that a test is written once.
    """

    def __init__(self, connection):
        self._connection = connection

    @classmethod
    async def open(cls, *arguments):
        return cls(Connection.open(*arguments))

    async def start_tls(self, *arguments):
        self._connection.start_tls(*arguments)

    async def send(self, *arguments):
        self._connection.send(*arguments)

    async def receive(self, *arguments):
        return self._connection.receive(*arguments)

    async def close(self):
        self._connection.close()


def run(shell, function, *arguments):
    if shell.name == "trio":
        return trio.run(function, AsyncConnection, *arguments)
    if shell.name == "asyncio":
        return asyncio.run(function(AsyncConnection, *arguments))
    try:
        function(Awaitable, *arguments).send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError


async def everything_received(connection):
    received = b""
    while data := await connection.receive(within(5)):
        received += data
    return received


async def asked(kind, port, context=None, host="127.0.0.1"):
    connection = await kind.open(["127.0.0.1"], port, within(5))
    try:
        if context is not None:
            await connection.start_tls(context, host, within(5))
        await connection.send(REQUEST, within(5))
        return await everything_received(connection)
    finally:
        await connection.close()


def test_what_is_sent_arrives_and_the_answer_comes_to_its_end(shell):
    with Server() as server:
        received = run(shell, asked, server.port)

    assert received.endswith(BODY)
    assert server.requests == [REQUEST]


def test_the_same_goes_through_tls(shell):
    with Server(tls=certificate("127.0.0.1")) as server:
        received = run(shell, asked, server.port, trusting())

    assert received.endswith(BODY)


def test_the_other_side_must_be_the_host_that_was_meant(shell):
    with Server(tls=certificate("127.0.0.1")) as server, pytest.raises(ssl.SSLError):
        run(shell, asked, server.port, trusting(), "other.example")

    assert server.requests == []


def test_a_name_with_a_dot_at_its_end_is_the_same_host(shell):
    """
    A certificate and SNI (RFC 6066 §3) have the name without it.
    """
    with Server(tls=certificate("contacts.example")) as server:
        received = run(shell, asked, server.port, trusting(), "contacts.example.")

    assert received.endswith(BODY)


def test_where_nobody_listens_there_is_no_connection(shell):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(OSError, match=r".+"):
        run(shell, asked, port)


@pytest.fixture
def deaf():
    """
    A listener that answers no SYN: its queue is full.
    """
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.2", 0), backlog=0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener


async def reaches_the_second(kind, port):
    connection = await kind.open(["127.0.0.2", "127.0.0.1"], port, within(1))
    await connection.close()


def test_an_address_that_is_silent_leaves_time_for_the_next_one(shell, deaf):
    port = deaf.getsockname()[1]
    with socket.create_server(("127.0.0.1", port)) as listener:
        run(shell, reaches_the_second, port)
        listener.settimeout(5)
        stream, _ = listener.accept()
        stream.close()


async def late_to_open(kind, port):
    await kind.open(["127.0.0.1"], port, within(0))


async def late_to_send(kind, port):
    connection = await kind.open(["127.0.0.1"], port, within(5))
    try:
        await connection.send(REQUEST, within(0))
    finally:
        await connection.close()


async def late_to_receive(kind, port):
    connection = await kind.open(["127.0.0.1"], port, within(5))
    try:
        await connection.receive(within(0))
    finally:
        await connection.close()


async def late_to_shake_hands(kind, port):
    connection = await kind.open(["127.0.0.1"], port, within(5))
    try:
        await connection.start_tls(trusting(), "127.0.0.1", within(0))
    finally:
        await connection.close()


async def receives_nothing(kind, port):
    connection = await kind.open(["127.0.0.1"], port, within(5))
    try:
        await connection.receive(within(0.1))
    finally:
        await connection.close()


async def is_not_read(kind, port):
    connection = await kind.open(["127.0.0.1"], port, within(5))
    try:
        await connection.send(b" " * 50_000_000, within(0.1))
    finally:
        await connection.close()


async def meets_no_handshake(kind, port):
    connection = await kind.open(["127.0.0.1"], port, within(5))
    try:
        await connection.start_tls(trusting(), "127.0.0.1", within(0.1))
    finally:
        await connection.close()


@pytest.mark.parametrize(
    "story",
    [
        late_to_open,
        late_to_send,
        late_to_receive,
        late_to_shake_hands,
        receives_nothing,
        is_not_read,
        meets_no_handshake,
    ],
)
def test_no_wait_is_longer_than_its_deadline(shell, story):
    with Server("no_handshake", tls=certificate("127.0.0.1")) as server:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            run(shell, story, server.port)
        lasted = time.monotonic() - began

    assert lasted < 3
