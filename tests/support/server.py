"""
A contact endpoint on a real loopback socket, which can behave as badly as one likes.

``with Server("dripped_body") as server:`` listens on a free port, plays the
mode of that name on every connection, counts, and is gone at the end of the
block with its threads and sockets.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import gzip
import socket
import ssl
import struct
import threading

import trustme

EMAIL = "ada@people.example"
BODY = b'{"id": "ref-1", "email": "%s"}' % EMAIL.encode()
PAUSE = 0.02  # seconds between two bytes of a drip


class Server:
    """
    Plays one *mode*.

    Args:
        mode: The name of a method below, without its underscore.
        tls: What a ``certificate`` of this module returned, or None.
        body: The body of a good answer.
        head: More header lines of a good answer.
        status: The status line of a good answer, without the version.
        location: Where the mode ``redirect`` sends to.
    """

    def __init__(
        self, mode="good", *, tls=None, body=BODY, head=(), status="200 OK", location="/elsewhere"
    ):
        self.mode = mode
        self.body = body
        self.connections = 0
        self.requests = []
        self.arrived = threading.Event()  # a whole request, or a hello that is not answered
        self._head = head
        self._status = status
        self._location = location
        self._tls = tls
        self._over = threading.Event()
        self._open = set()
        self._threads = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]

    def __enter__(self):
        self._start(self._accept)
        return self

    def __exit__(self, *error):
        self._over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join(10)
        self._listener.close()
        for stream in list(self._open):
            with contextlib.suppress(OSError):
                stream.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join(10)
        assert not any(thread.is_alive() for thread in self._threads)

    @property
    def origin(self):
        return f"{'http' if self._tls is None else 'https'}://127.0.0.1:{self.port}"

    def _start(self, function, *arguments):
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        while not self._over.is_set():
            try:
                stream, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.add(stream)
            self._start(self._serve, stream)

    def _serve(self, stream):
        plain = stream
        try:
            # What the client does to us, closing first of all, is its right.
            with contextlib.suppress(OSError):
                if self.mode.endswith("_handshake"):
                    self.arrived.set()
                else:
                    if self._tls is not None:
                        stream = self._tls.wrap_socket(stream, server_side=True)
                        self._open.add(stream)
                    self._read_request(stream)
                getattr(self, f"_{self.mode}")(stream)
        finally:
            stream.close()
            plain.close()
            self._open -= {stream, plain}

    def _read_request(self, stream):
        data = b""
        while b"\r\n\r\n" not in data or not _is_complete(data):
            received = stream.recv(65_536)
            if not received:
                return
            data += received
        self.requests.append(data)
        self.arrived.set()

    def _answer(self, body=None, head=()):
        body = self.body if body is None else body
        lines = [
            f"HTTP/1.1 {self._status}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            *self._head,
            *head,
            "",
            "",
        ]
        return "\r\n".join(lines).encode() + body

    def _drip(self, stream, first, byte):
        stream.sendall(first)
        while not self._over.wait(PAUSE):
            stream.sendall(byte)

    def _good(self, stream):
        stream.sendall(self._answer())

    def _two_answers(self, stream):
        stream.sendall(self._answer() + self._answer(b'{"email": "eve@people.example"}'))

    def _chunked(self, stream):
        chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in self.body)
        stream.sendall(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s0\r\n\r\n" % chunks
        )

    def _missing_last_chunk(self, stream):
        stream.sendall(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n"
            % (len(self.body), self.body)
        )

    def _byte_by_byte(self, stream):
        for byte in self._answer():
            stream.sendall(bytes([byte]))

    def _interim(self, stream):
        stream.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n" + self._answer())

    def _dripped_handshake(self, stream):
        # The head of a TLS record with a ServerHello of 16 kB, of which a byte
        # comes now and then.
        self._drip(stream, b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03", b"\x00")

    def _dripped_headers(self, stream):
        self._drip(stream, b"HTTP/1.1 200 OK\r\nX-Drip: ", b"a")

    def _dripped_body(self, stream):
        self._drip(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n{", b" ")

    def _dripped_chunks(self, stream):
        self._drip(stream, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n")

    def _dripped_interim(self, stream):
        stream.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._drip(stream, b"HTTP/1.1 102 Processing\r\nX-Drip: ", b"a")

    def _silence(self, stream):
        self._over.wait(30)

    _no_handshake = _silence

    def _endless_interim(self, stream):
        while not self._over.is_set():
            stream.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)

    def _endless_body(self, stream):
        stream.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not self._over.is_set():
            stream.sendall(b"1000\r\n" + b" " * 4096 + b"\r\n")

    def _announced_giant(self, stream):
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n{")
        self._over.wait(30)

    def _short_body(self, stream):
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + self.body)

    def _reset_midway(self, stream):
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + self.body)
        # Zero seconds of lingering: the kernel sends RST in place of FIN.
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _close_delimited(self, stream):
        stream.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + self.body)

    def _hang_up(self, stream):
        pass

    def _gzip(self, stream):
        stream.sendall(self._answer(gzip.compress(self.body), ["Content-Encoding: gzip"]))

    def _nested_gzip(self, stream):
        bomb = gzip.compress(gzip.compress(b" " * 1_000_000))
        stream.sendall(self._answer(bomb, ["Content-Encoding: gzip, gzip"]))

    def _huge_headers(self, stream):
        stream.sendall(b"HTTP/1.1 200 OK\r\n" + b"X-Huge: %s\r\n" % (b"a" * 1000) * 100)
        self._over.wait(30)

    def _garbage(self, stream):
        stream.sendall(b"\x00\xff\x16SSH-2.0-OpenSSH\r\n\r\n" * 20)

    _garbage_handshake = _garbage

    def _redirect(self, stream):
        stream.sendall(
            b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n"
            % self._location.encode()
        )


def _is_complete(request):
    head, _, body = request.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.partition(b":")[2])
    return True


@functools.cache
def authority():
    """
    A certificate authority that nobody trusts but ``trusting()``.
    """
    return trustme.CA()


@functools.cache
def certificate(*names, expired=False, by=None):
    """
    The TLS settings of a server with a certificate for *names*.
    """
    day = dt.timedelta(days=1)
    now = dt.datetime.now(dt.UTC)
    times = {"not_before": now - 9 * day, "not_after": now - 8 * day} if expired else {}
    issued = (by or authority()).issue_cert(*names, **times)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(context)
    return context


def trusting():
    """
    The TLS settings of a client that trusts ``authority()``.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority().configure_trust(context)
    return context
