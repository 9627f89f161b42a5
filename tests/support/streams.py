"""
Two ends of one connection, ours and the other side's, without a server.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import struct
import threading

from careof._network.connection import Connection
from careof._network.limits import Deadline
from careof._network.waits import drive
from careof._values.clock import SYSTEM_CLOCK
from tests.support.server import authority, certificate, trusting

PATIENCE = 5.0  # seconds


@contextlib.contextmanager
def tcp_pair(buffer=None):
    """
    Our end, which never blocks, and theirs, which does.

    Args:
        buffer: About how many bytes each kernel buffer takes.
    """
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        ours = stack.enter_context(socket.socket())
        if buffer is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
        ours.connect(listener.getsockname())
        ours.setblocking(False)
        theirs = stack.enter_context(listener.accept()[0])
        theirs.settimeout(PATIENCE)
        yield ours, theirs


@contextlib.contextmanager
def plain_pair(buffer=None):
    """
    A connection in clear text, and their end.
    """
    with tcp_pair(buffer) as (ours, theirs):
        yield Connection(ours, 0), theirs


@contextlib.contextmanager
def tls_pair(version=ssl.TLSVersion.TLSv1_3, buffer=None, *, settled=True):
    """
    As ``plain_pair``, after a handshake.

    Args:
        settled: Whether what follows a handshake, such as session tickets, has
            been read.
    """
    with plain_pair(buffer) as (connection, far), contextlib.ExitStack() as stack:
        accepted = []

        def accept():
            accepted.append(certificate("127.0.0.1").wrap_socket(far, server_side=True))

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        deadline = Deadline(SYSTEM_CLOCK, PATIENCE)
        drive(connection.start_tls(_up_to(version), "127.0.0.1", deadline))
        thread.join(PATIENCE)
        theirs = stack.enter_context(accepted[0])
        if settled:
            theirs.sendall(b"!")
            drive(connection.receive(deadline))
        yield connection, theirs


@contextlib.contextmanager
def cut_pair(version=ssl.TLSVersion.TLSv1_3, context=None, client=None):
    """
    As ``plain_pair``, after a handshake with a ``Half``, which is the third; and
    what it says behind the handshake, such as session tickets, is the fourth.
    """
    half = Half(context)
    with plain_pair() as (connection, theirs):
        deadline = Deadline(SYSTEM_CLOCK, PATIENCE)
        steps = connection.start_tls(client or _up_to(version), "127.0.0.1", deadline)
        with contextlib.suppress(StopIteration):
            wait = next(steps)
            while True:
                theirs.sendall(half.replies(theirs.recv(65_536)))
                wait = steps.send(wait.block())
        # Of TLS 1.2 the last word is the server's, of TLS 1.3 the client's.
        rest = b"" if version == ssl.TLSVersion.TLSv1_2 else half.replies(theirs.recv(65_536))
        yield connection, theirs, half, rest


class Half:
    """
    The server's half of TLS, in memory: a test cuts its bytes where it likes.
    """

    def __init__(self, context=None):
        context = context or certificate("127.0.0.1")
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def replies(self, data):
        """
        What the handshake answers to *data*.
        """
        self._incoming.write(data)
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
        return self._outgoing.read()

    def sealed(self, data):
        """
        The records that carry *data*.
        """
        self.tls.write(data)
        return self._outgoing.read()

    def opened(self, data):
        """
        What the records *data* carry.
        """
        self._incoming.write(data)
        return self.tls.read()

    def asks_for_a_certificate(self):
        """
        The record that asks the client who it is.
        """
        self.tls.verify_client_post_handshake()
        return self.replies(b"")

    def goodbye(self):
        """
        The record that says close_notify.
        """
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.unwrap()
        return self._outgoing.read()


def talkative(tickets=2):
    """
    The TLS settings of a server that says *tickets* behind its handshake.

    Not shared, so that a test may change them further.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert("127.0.0.1").configure_cert(context)
    context.num_tickets = tickets
    return context


def _up_to(version):
    context = trusting()
    context.maximum_version = version
    return context


def fill(stream):
    """
    Send on *stream*, which must not block, until its kernel takes no more.
    """
    with contextlib.suppress(BlockingIOError):
        while True:
            stream.send(b" " * 65_536)


def waits_in_the_kernel(stream):
    """
    How many bytes have come for *stream* that nobody has read yet.
    """
    with socket.socket(fileno=os.dup(stream.fileno())) as plain, contextlib.suppress(OSError):
        return len(plain.recv(1_000_000, socket.MSG_PEEK))
    return 0


def reset(stream):
    """
    Close *stream* so that the kernel sends RST in place of FIN.
    """
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.close()


def is_at_its_end(stream):
    """
    Whether the other side of *stream* has closed.
    """
    with contextlib.suppress(ConnectionError):
        return stream.recv(1) == b""
    return True
