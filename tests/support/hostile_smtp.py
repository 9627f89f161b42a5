"""
A mail server that does everything wrong, in a process of its own.

``with HostileMailServer() as server:`` starts it; ``begin`` says which mode it
plays on every connection from then on.  It has a process of its own so that its
memory is not taken for the client's, and ends with the pipe that it reads its
orders from.

Wherever it refuses something it repeats what it was told, credentials in clear.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import pathlib
import re
import ssl
import subprocess
import sys
import traceback

from tests.support.hostile_smtp_modes import GOOD, MODES, OverError

ROOT = pathlib.Path(__file__).parents[2]
PATIENCE = 20.0  # seconds for one connection: no client stays as long
OFFERS = ("AUTH PLAIN LOGIN", "8BITMIME", "SIZE 1000000", "SMTPUTF8", "PIPELINING")


class HostileMailServer:
    """
    The process, as a test sees it.

    Attributes:
        modes: Their names.
        port: Where it listens.
    """

    def __enter__(self):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.hostile_smtp"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        hello = self._heard()
        self.port = hello["port"]
        self._authority = hello["authority"]
        return self

    def __exit__(self, *error):
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def trusting(self):
        """
        The TLS settings of a client that trusts the authority of the server.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self._authority)
        return context

    def begin(self, mode, *, security="none", one_by_one=False):
        """
        Count anew, and play *mode*; without PIPELINING if *one_by_one*.
        """
        self._say({"begin": mode, "security": security, "one_by_one": one_by_one})

    def settle(self):
        """
        Wait until all that was to be said later is said.
        """
        self._say({"settle": True})

    def seen(self):
        """
        What came since ``begin``, when the connections are at their end.

        ``accepted`` are the marks of the messages that may have been accepted,
        ``connections`` how many came, ``open`` how many there still are, and
        ``said`` the verbs, those in TLS in small letters.
        """
        seen = self._say({"seen": True})
        assert seen["bugs"] == [], seen["bugs"]
        return seen

    def _say(self, order):
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        return self._heard()

    def _heard(self):
        return json.loads(self._process.stdout.readline())


class Server:
    """
    The same from inside: what is played, and what has been seen.

    Attributes:
        later: Tasks that will say something that nobody asks for.
        times: How often each point was reached, over all connections.
    """

    def __init__(self, tls):
        self.tls = tls
        self._peers = {}
        self.obey({"begin": "good", "security": "none", "one_by_one": False})

    def obey(self, order):
        """
        Begin anew, as *order* says.
        """
        self.mode = MODES[order["begin"]]
        self.security = order["security"]
        self.one_by_one = order["one_by_one"]
        self.accepted, self.said, self.bugs, self.later = [], [], [], []
        self.times = {}
        self.connections = 0

    async def look(self):
        """
        What has been seen, when nothing is to come any more.
        """
        for _ in range(500):  # the end of a connection may be on its way
            if not self._peers:
                break
            await asyncio.sleep(0.001)
        return {
            "accepted": self.accepted,
            "connections": self.connections,
            "open": len(self._peers),
            "said": self.said,
            "bugs": self.bugs,
        }

    async def meet(self, reader, writer):
        """
        Play the mode on one connection.
        """
        self.connections += 1
        peer = Peer(self, reader, writer)
        self._peers[peer] = asyncio.current_task()  # a loop holds its tasks weakly
        try:
            async with asyncio.timeout(PATIENCE):
                await peer.converse()
        except (OSError, EOFError, TimeoutError, OverError):
            pass  # what the client does to us is its right, and what a mode does is meant
        except Exception:  # a mistake in a mode: the test is told, and the server goes on
            self.bugs.append(traceback.format_exc())
        finally:
            del self._peers[peer]
            writer.transport.abort() if peer.is_reset else writer.close()


class Peer:
    """
    The other end of one connection, as a mode sees it.

    Attributes:
        is_reset: Whether it ends with RST.
    """

    def __init__(self, server, reader, writer):
        self.server = server
        self.is_reset = False
        self._mode = server.mode
        self._reader, self._writer = reader, writer
        self._is_secure = False
        # What of a transaction is accepted: MAIL, RCPT.
        self._stage = []

    async def converse(self):
        """
        Talk, until one of the two has had enough.
        """
        if self.server.security == "tls":
            await self.shake_hands()
        await self._reply("greeting", b"")
        while True:
            line = await self._line()
            verb = line[:4].decode("latin-1").upper()
            self.server.said.append(verb.lower() if self._is_secure else verb)
            point = {"STAR": "starttls"}.get(verb, verb.lower())
            if point not in GOOD and point != "ehlo":
                await self.send(b"502 5.5.1 unknown\r\n")
                continue
            needed = self.needed(point)
            if needed is not None and needed != self._stage:
                await self.send(b"503 5.5.1 not now\r\n")
                continue
            code = await self._reply(point, line)
            if code in (250, 251) and point in ("mail", "rcpt"):
                self._stage.append(point)
            elif point == "rset":
                self._stage = []
            if point == "starttls" and code == 220:
                await self.shake_hands()
            elif point == "data" and code == 354:
                await self._message()
            elif point == "quit":
                raise OverError

    async def shake_hands(self):
        """
        Go on in TLS.
        """
        await self._writer.start_tls(self.server.tls)
        self._is_secure = True

    async def receive(self):
        """
        Some bytes of the client.
        """
        data = await self._reader.read(65_536)
        if not data:
            raise EOFError
        return data

    async def send(self, data):
        """
        Send *data*.
        """
        if self._writer.is_closing():
            raise EOFError
        self._writer.write(data)
        await self._writer.drain()
        await asyncio.sleep(0)  # TLS may take all at once, for ever

    def send_later(self, data, *, close=False):
        """
        Send *data* when nobody waits for it, and perhaps hang up.
        """

        async def push():
            await asyncio.sleep(0.02)
            self._writer.write(data)
            if close:
                self._writer.close()

        self.server.later.append(asyncio.create_task(push()))

    def repeated(self, said):
        """
        What was *said*, in one line, and once more without its base64.
        """
        words = b" ".join(said.split())[:400]
        with contextlib.suppress(ValueError):
            words += b" " + base64.b64decode(said.split(b" ")[-1]).replace(b"\0", b" ")
        return words

    def needed(self, point):
        """
        What must have been accepted before *point*, or None if it is all the same.
        """
        needed = {"mail": [], "rcpt": ["mail"], "data": ["mail", "rcpt"]}
        return None if self._mode.naive else needed.get(point)

    def ehlo(self):
        """
        What is offered.
        """
        offers = [*self._mode.offers(OFFERS)]
        if self.server.one_by_one:
            offers.remove("PIPELINING")
        if self.server.security == "starttls" and not self._is_secure and self._mode.starttls:
            offers.append("STARTTLS")
        lines = ["mail.example", *offers]
        return "".join(
            f"250{' ' if line is lines[-1] else '-'}{line}\r\n" for line in lines
        ).encode()

    async def _message(self):
        await self._act("content", b"")
        message = await self._reader.readuntil(b"\r\n.\r\n")
        mark = re.search(rb"mark-([0-9]+)", message)
        self._stage = []
        code = await self._reply("message", message)
        # Only a clear no means that it was not accepted.
        if not (self._mode.accepts or 400 <= code <= 599):
            self.server.accepted.append(int(mark[1]))

    async def _reply(self, point, said):
        code = await self._act(point, said)
        if code is None:
            await self.send(self.ehlo() if point == "ehlo" else GOOD[point])
            code = int(GOOD.get(point, b"250")[:3])
        return code

    async def _act(self, point, said):
        self.server.times[point] = self.server.times.get(point, 0) + 1
        act = self._mode.acts.get(point)
        if act is None:
            return None
        if point == "message" and self._mode.accepts:
            mark = re.search(rb"mark-([0-9]+)", said)
            self.server.accepted.append(int(mark[1]))
        return await act(self, said)

    async def _line(self):
        return (await self._reader.readuntil(b"\r\n"))[:-2]


async def main():
    from tests.support.server import authority, certificate

    server = Server(certificate("localhost", "127.0.0.1"))
    listening = await asyncio.start_server(server.meet, "127.0.0.1", 0, backlog=128)
    port = listening.sockets[0].getsockname()[1]
    say({"port": port, "authority": authority().cert_pem.bytes().decode()})
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order = json.loads(line)
        if "begin" in order:
            server.obey(order)
            say({})
        elif "settle" in order:
            await asyncio.gather(*server.later, return_exceptions=True)
            say({})
        else:
            say(await server.look())


def say(what):
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
