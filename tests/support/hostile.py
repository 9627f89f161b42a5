"""
A contact endpoint that does everything wrong, in a process of its own.

``with HostileEndpoint() as endpoint:`` starts it; it plays the mode that the
path of a request names, or, where the trouble begins before any request, the
mode of the port.  It has a process of its own so that its memory is not taken
for the client's, and ends with the pipe that it reads its orders from.

Whatever it sends holds a canary of the call under way, so that a test can tell
whether any of it was kept or shown.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import json
import pathlib
import socket
import ssl
import struct
import subprocess
import sys
import traceback

ROOT = pathlib.Path(__file__).parents[2]
PATIENCE = 20.0  # seconds for one connection: no client stays as long
PAUSE = 0.02  # seconds between two bytes of a drip
# Before the name of a mode: the first request on a connection is answered well.
AFTER_A_GOOD_ONE = "then_"
# The same: what is sent first arrives in two pieces.
IN_PIECES = "split_"


class HostileEndpoint:
    """
    The process, as a test sees it.

    Attributes:
        modes: Names of the modes to where they are played: a scheme and a port.
    """

    def __enter__(self):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.hostile"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        hello = self._heard()
        self.modes = hello["modes"]
        self._secure_port = hello["secure_port"]
        self._authority = hello["authority"]
        return self

    def __exit__(self, *error):
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def trusting(self):
        """
        The TLS settings of a client that trusts the authority of the endpoint.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self._authority)
        return context

    def url(self, mode, *, secure=False):
        """
        Where *mode* is played, as a template; over TLS if *secure*.
        """
        scheme, port = self._place(mode)
        if secure:
            scheme, port = "https", self._secure_port
        return f"{scheme}://127.0.0.1:{port}/{mode}/{{reference_id}}"

    def begin(self, stem, mode):
        """
        Count anew, where *mode* may be played, and plant canaries that end in *stem*.
        """
        # The other ports are not looked at: a stranger may knock there.
        ports = [self.modes["good"][1], self._secure_port, self._place(mode)[1]]
        self._say({"begin": stem, "ports": ports})

    def push(self, text):
        """
        Send *text* on every connection that is open, unasked; nothing ends them.
        """
        self._say({"push": text})

    def seen(self):
        """
        How many connections and requests came since ``begin``.
        """
        seen = self._say({"seen": True})
        assert seen["bugs"] == [], seen["bugs"]
        return seen

    def _place(self, mode):
        return self.modes[_bare(mode)]

    def _say(self, order):
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        return self._heard()

    def _heard(self):
        return json.loads(self._process.stdout.readline())


class Endpoint:
    """
    The same from inside: what is played, and what has been seen.

    Attributes:
        stem: What the canaries of this call end in.
        connections: How many have come, where they count.
        requests: How many have been read.
        inside: A port of ours to which no redirect should lead.
        bugs: What went wrong that was not meant to.
    """

    def __init__(self):
        self.stem = ""
        self.connections = self.requests = 0
        self.bugs = []
        self.inside = 0
        self._counted = []
        self._peers = {}

    async def listen(self, play, tls=None):
        """
        The port on which *play* meets each connection; *tls* without is plain.
        """

        async def meet(reader, writer):
            port = writer.get_extra_info("sockname")[1]
            self.connections += port in self._counted
            peer = Peer(self, reader, writer)
            self._peers[peer] = asyncio.current_task()  # a loop holds its tasks weakly
            try:
                async with asyncio.timeout(PATIENCE):
                    if tls is not None:
                        await peer.start_tls(tls)
                    await play(peer)
            except (OSError, EOFError, TimeoutError):
                pass  # what the client does to us, closing first of all, is its right
            except Exception:  # a mistake in a mode: the test is told, and the server goes on
                self.bugs.append(traceback.format_exc())
            finally:
                writer.transport.abort() if peer.is_reset else writer.close()
                del self._peers[peer]

        server = await asyncio.start_server(meet, "127.0.0.1", 0, backlog=128)
        return server.sockets[0].getsockname()[1]

    def obey(self, order):
        """
        The answer to an order of the test.
        """
        if "begin" in order:
            self.stem, self._counted = order["begin"], order["ports"]
            self.connections = self.requests = 0
            self.bugs = []
        for peer in self._peers if "push" in order else ():
            peer.push(order["push"].encode())
        return {"connections": self.connections, "requests": self.requests, "bugs": self.bugs}

    async def answer_requests(self, modes, peer):
        """
        Play the mode that each request of *peer* names.
        """
        for is_first in itertools.chain([True], itertools.repeat(False)):
            mode = await peer.read_request()
            self.requests += 1
            peer.is_split = mode.startswith(IN_PIECES)
            if is_first and mode.startswith(AFTER_A_GOOD_ONE):
                mode = "good"
            await modes[_bare(mode)](peer)


class Peer:
    """
    The other end of one connection, as a mode sees it.

    In what it sends ``@C@`` becomes the canary, ``@R@`` the reference that was
    asked for, ``@S@`` the credential that came along.
    """

    def __init__(self, endpoint, reader, writer):
        self.endpoint = endpoint
        self.is_reset = self.is_split = False
        self.reference = ""
        self._secret = ""
        self._reader = reader
        self._writer = writer
        self._tls = None

    async def start_tls(self, context):
        """
        Shake hands by hand, so that a mode decides what a record is.
        """
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        await self._with_tls(tls.do_handshake)
        self._tls = tls

    async def _with_tls(self, act, *arguments):
        while True:
            try:
                return act(*arguments)
            except ssl.SSLWantReadError:
                await self.raw(self._outgoing.read())
                self._incoming.write(await self._received())
            finally:
                await self.raw(self._outgoing.read())

    async def _received(self):
        data = await self._reader.read(65_536)
        if not data:
            raise EOFError
        return data

    async def receive(self):
        """
        Some bytes of the client.
        """
        if self._tls is None:
            return await self._received()
        data = await self._with_tls(self._tls.read, 65_536)
        if not data:
            raise EOFError
        return data

    async def read_request(self):
        """
        The mode that the next request asks for.
        """
        data = b""
        while b"\r\n\r\n" not in data:
            data += await self.receive()
            if data.startswith(b"\x16"):  # TLS where none is spoken
                await self.answer(b"Bad Request @C@", status=b"400 @C@")
                self.close()
        target, *lines = data.decode("ascii").split("\r\n")
        _, mode, self.reference = target.split(" ")[1].split("/")
        for line in lines:
            if line.lower().startswith("authorization: bearer "):
                self._secret = line.split(" ")[2]
        return mode

    def filled(self, data):
        """
        *data* with the canaries of this call in it.
        """
        for name, value in (
            (b"@C@", f"canary{self.endpoint.stem}"),
            (b"@R@", self.reference),
            (b"@S@", self._secret),
        ):
            data = data.replace(name, value.encode())
        return data

    async def send(self, *parts):
        """
        Send *parts*; under TLS each is a record, and all leave at once.
        """
        parts = [self.filled(part) for part in parts]
        if self.is_split:
            self.is_split = False
            first, *others = parts
            await self.send(first[:1])
            await asyncio.sleep(PAUSE / 10)
            parts = [first[1:], *others]
        if self._tls is not None:
            for part in parts:
                self._tls.write(part)
            parts = [self._outgoing.read()]
        await self.raw(b"".join(parts))

    def push(self, data):
        """
        Send *data* while nobody listens, or the end.
        """
        if not data:
            self._writer.close()
        elif self._tls is None:
            self._writer.write(self.filled(data))
        else:
            self._tls.write(self.filled(data))
            self._writer.write(self._outgoing.read())

    async def raw(self, data):
        """
        Send *data* past TLS.
        """
        if data:
            self._writer.write(data)
            await self._writer.drain()

    async def answer(self, body, *lines, status=b"200 Fine @C@"):
        """
        Send a whole answer that says where it ends.
        """
        await self.send(whole(self.filled(body), *lines, status=status))

    async def drip(self, first, then):
        """
        Send *first*, and then one *then* after the other, slowly, for ever.
        """
        await self.send(first)
        while True:
            await self.send(then)
            await asyncio.sleep(PAUSE)

    async def flood(self, first, then):
        """
        Send *first*, and then one *then* after the other, for ever.
        """
        await self.send(first)
        then = self.filled(then) * (65_536 // len(then) + 1)
        while True:
            await self.send(then)

    async def silence(self):
        """
        Listen, until the client has had enough.
        """
        while True:
            await self.receive()

    def close(self):
        """
        End the connection, as is proper: FIN.
        """
        raise EOFError

    def reset(self):
        """
        End it rudely: RST.
        """
        # Zero seconds of lingering: the kernel sends RST in place of FIN.
        stream = self._writer.get_extra_info("socket")
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.is_reset = True
        raise EOFError

    async def say_goodbye(self):
        """
        End TLS with its own goodbye, in the middle of whatever it was.
        """
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls.unwrap()
        await self.raw(self._outgoing.read())


def whole(body, *lines, status=b"200 Fine @C@"):
    """
    A whole answer that says where it ends.
    """
    head = [
        b"HTTP/1.1 " + status,
        b"X-Canary: @C@",
        b"Content-Length: %d" % len(body),
        *lines,
        b"\r\n",
    ]
    return b"\r\n".join(head) + body


def _bare(mode):
    return mode.removeprefix(AFTER_A_GOOD_ONE).removeprefix(IN_PIECES)


async def main():
    from tests.support import hostile_modes as modes
    from tests.support import server

    endpoint = Endpoint()
    good = server.certificate("127.0.0.1")
    answer = functools.partial(endpoint.answer_requests, modes.ASKED)
    plain_port = await endpoint.listen(answer)
    secure_port = await endpoint.listen(answer, good)
    endpoint.inside = plain_port
    places = dict.fromkeys(modes.ASKED, ("http", plain_port))
    places |= dict.fromkeys(modes.SECURE, ("https", secure_port))
    for name, play in modes.ACCEPTED.items():
        places[name] = ("http", await endpoint.listen(play))
    for name, play in modes.GREETED.items():
        places[name] = ("https", await endpoint.listen(play))
    for name, context in modes.contexts().items():
        places[name] = ("https", await endpoint.listen(answer, context))
    # Bound, and nobody listens: whoever comes is refused.
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        places["refused"] = ("http", nobody.getsockname()[1])
        places["https_to_plain_http"] = ("https", plain_port)
        places["http_to_https"] = ("http", secure_port)
        hello = {
            "modes": places,
            "secure_port": secure_port,
            "authority": server.authority().cert_pem.bytes().decode(),
        }
        print(json.dumps(hello), flush=True)  # noqa: T201
        orders = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(orders), sys.stdin
        )
        while order := await orders.readline():
            print(json.dumps(endpoint.obey(json.loads(order))), flush=True)  # noqa: T201


if __name__ == "__main__":
    # This module is tests.support.hostile as well, for the modes.
    asyncio.run(main())
