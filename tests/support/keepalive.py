"""
A contact endpoint that keeps its connections open, and may say more than it was asked.

Every answer is right.  What is planted beside it is a second, whole answer
about somebody else, as a proxy sends that has lost count.
"""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import ssl
import threading


def person(reference):
    return f"{reference}@people.example"


def answer(reference):
    body = json.dumps({"id": reference, "email": person(reference)}).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


STRANGER = answer("stranger")


class KeepAlive:
    """
    Answers ``GET /<reference>`` until the client closes.

    Args:
        mode: ``good``; ``doubled`` (the stranger in the same segment),
            ``next_record`` (in the next TLS record of the same segment), ``later``
            (when ``plant`` is called), ``before_next`` (in front of the second
            answer), ``stranger`` (instead of the second answer), ``gone`` (a stray
            410 instead of it), ``silent`` (nothing instead of it), ``cut_off`` (the
            end of the connection instead of it), ``hang_up`` (closes after each
            answer), ``mixed_up`` (always the stranger), ``farewell`` (says that it will
            close, and does not).
        tls: What a ``certificate`` of ``tests.support.server`` returned, or None.
    """

    def __init__(self, mode="good", *, tls=None):
        self.mode = mode
        self.asked = []  # (number of the connection, reference)
        self.arrived = threading.Semaphore(0)
        self._tls = tls
        self._threads = []
        self._lines = []
        self._planted = queue.Queue()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]

    @property
    def origin(self):
        return f"{'http' if self._tls is None else 'https'}://127.0.0.1:{self.port}"

    @property
    def connections(self):
        return len(self._lines)

    def plant(self):
        """
        Send the stranger down every line, and return when the kernel has it.
        """
        for line in self._lines:
            line.send(STRANGER)

    def __enter__(self):
        self._start(self._accept)
        return self

    def __exit__(self, *error):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join(10)
        self._listener.close()
        for line in self._lines:
            line.shut()
        for thread in self._threads[1:]:
            thread.join(10)
        assert not any(thread.is_alive() for thread in self._threads)

    def _start(self, function, *arguments):
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        while True:
            try:
                stream, _ = self._listener.accept()
            except OSError:
                return
            line = Line(stream, self._tls)
            self._lines.append(line)
            self._start(self._serve, line, len(self._lines))

    def _serve(self, line, number):
        answered = 0
        with contextlib.suppress(OSError), contextlib.closing(line):
            while reference := line.receive():
                self.asked.append((number, reference))
                self.arrived.release()
                answered += 1
                if not self._answer(line, reference, answered):
                    return

    def _answer(self, line, reference, count):
        good = answer(reference)
        if self.mode == "doubled":
            line.send(good + STRANGER)
        elif self.mode == "next_record":
            line.send(good, STRANGER)
        elif self.mode == "before_next" and count > 1:
            line.send(STRANGER + good)
        elif self.mode == "mixed_up" or (self.mode == "stranger" and count > 1):
            line.send(STRANGER)
        elif self.mode == "cut_off" and count > 1:
            return False
        elif self.mode == "silent" and count > 1:
            line.receive()
        elif self.mode == "farewell":
            line.send(good.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
        elif reference == "nobody" or (self.mode == "gone" and count > 1):
            line.send(b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n")
        else:
            line.send(good)
        return self.mode != "hang_up"


class Line:
    """
    One connection, with TLS in memory, so that a segment can be made of two records.
    """

    def __init__(self, stream, tls):
        self._stream = stream
        self._lock = threading.Lock()
        self._tls = None
        if tls is not None:
            self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
            self._tls = tls.wrap_bio(self._in, self._out, server_side=True)

    def receive(self):
        """
        The reference of the next request, or an empty text at the end.
        """
        data = b""
        while b"\r\n\r\n" not in data:
            try:
                received = self._read()
            except OSError:
                return ""
            if not received:
                return ""
            data += received
        return data.split(b" ")[1].removeprefix(b"/").decode()

    def send(self, *records):
        """
        All *records* in one segment.
        """
        with self._lock:
            if self._tls is None:
                self._stream.sendall(b"".join(records))
                return
            for record in records:
                self._tls.write(record)
            self._stream.sendall(self._out.read())

    def shut(self):
        with contextlib.suppress(OSError):
            self._stream.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.shut()
        self._stream.close()

    def _read(self):
        if self._tls is None:
            return self._stream.recv(65_536)
        while True:
            with self._lock:
                try:
                    return self._tls.read(65_536)
                except ssl.SSLWantReadError:
                    pass
                finally:
                    if self._out.pending:
                        self._stream.sendall(self._out.read())
            received = self._stream.recv(65_536)
            if not received:
                return b""
            self._in.write(received)
