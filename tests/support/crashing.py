"""
A run that is made to be stopped, in a process of its own, and what the test sees of it.

The ledger is a file, the messages go over loopback to a server in the process of
the test, and each receipt is written down at once: whoever kills the run can read
how far it came.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
import os
import pathlib
import random
import select
import signal
import socket
import socketserver
import sqlite3
import subprocess
import sys
import threading
import time
import traceback
import weakref

import anyio

from careof import (
    AsyncDispatcher,
    Contact,
    Dispatcher,
    EmailAddress,
    Invitation,
    errors,
)

ROOT = pathlib.Path(__file__).parents[2]
CODE = "from tests.support import crashing; crashing.main()"
INVITATION = Invitation(survey_id="S-1", channel="email", subject="Hello", text="How was it?")
PATIENCE = 60.0  # seconds for one run
MAILBOX = "canary"


def references(number):
    """
    The reference ids of so many people.
    """
    return [f"p-{each:03}" for each in range(number)]


def address_of(reference_id):
    """
    The address that only the endpoint knows.
    """
    return f"{MAILBOX}.{reference_id}@people.example"


# The host's own parts


class SqlLedger:
    """
    A ledger over a file, of which each process has its own.
    """

    def __init__(self, path):
        self._path = path
        self._local = threading.local()
        self._opened = []
        self._database().execute(
            "CREATE TABLE IF NOT EXISTS surveys (survey TEXT, wave TEXT, reference TEXT,"
            " channel TEXT, outcome TEXT, UNIQUE (survey, wave, reference, channel))"
        )

    def _database(self):
        if not hasattr(self._local, "database"):
            # Each statement is committed by itself.
            self._local.database = sqlite3.connect(
                self._path, timeout=30.0, isolation_level=None, check_same_thread=False
            )
            # A process that is killed takes nothing with it that was written.
            self._local.database.execute("PRAGMA synchronous = OFF")
            self._opened.append(self._local.database)
        return self._local.database

    def claim(self, key):
        made = self._database().execute(
            "INSERT INTO surveys VALUES (?, ?, ?, ?, 'open') ON CONFLICT DO NOTHING", key
        )
        if made.rowcount:
            return None
        found = self._database().execute(
            "SELECT outcome FROM surveys WHERE (survey, wave, reference, channel) = (?, ?, ?, ?)",
            key,
        )
        return found.fetchone()[0]

    def settle(self, key, outcome):
        where = "WHERE (survey, wave, reference, channel) = (?, ?, ?, ?)"
        if outcome.is_final:
            change = f"UPDATE surveys SET outcome = ? {where}"
            self._database().execute(change, (outcome.value, *key))
        else:
            self._database().execute(f"DELETE FROM surveys {where}", key)

    def entries(self):
        """
        Each reference with its outcome, or ``"open"``.
        """
        return dict(self._database().execute("SELECT reference, outcome FROM surveys"))

    def close(self):
        for database in self._opened:
            database.close()


class Host:
    """
    A resolver and a sender with a mood of their own in each run.

    In a *bad* run some lookups and some hand-overs fail in a way that another run
    may try again.
    """

    def __init__(self, plan):
        self._port = plan["port"]
        self._is_bad = plan["is_bad"]
        self._random = random.Random(plan["seed"])

    def delay(self):
        return self._random.random() * 0.004

    def resolve(self, reference_id):
        time.sleep(self.delay())
        return self.known(reference_id)

    def known(self, reference_id):
        if reference_id.endswith("49"):
            raise errors.ReferenceNotFoundError("nobody")
        if reference_id.endswith("7") and self._is_bad:
            raise errors.EndpointUnavailableError("later")
        return Contact(reference_id, email=EmailAddress.parse(address_of(reference_id)))

    def send(self, contact, message):
        self.may_send(contact)
        with socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE) as server:
            server.sendall(self.line(contact))
            return answered(server.recv(10))

    def may_send(self, contact):
        if contact.reference_id.endswith("3") and self._is_bad:
            raise errors.SendUnavailableError("later")

    @staticmethod
    def line(contact):
        return f"{contact.reference_id} {contact.email.reveal()}\n".encode()


class AsyncHost(Host):
    async def resolve(self, reference_id):
        await anyio.sleep(self.delay())
        return self.known(reference_id)

    async def send(self, contact, message):
        self.may_send(contact)
        async with await anyio.connect_tcp("127.0.0.1", self._port) as server:
            await server.send(self.line(contact))
            return answered(await server.receive(10))


class AsyncSqlLedger:
    """
    The same file, asked in threads.
    """

    def __init__(self, path):
        self._ledger = SqlLedger(path)

    async def claim(self, key):
        return await anyio.to_thread.run_sync(self._ledger.claim, key)

    async def settle(self, key, outcome):
        await anyio.to_thread.run_sync(self._ledger.settle, key, outcome)


def answered(reply):
    if reply != b"ok\n":
        raise OSError("no answer")
    return "id-1"


# The process


def main():
    """
    Run each plan that comes in, in a child that has everything imported already.
    """
    import trio

    sys.excepthook = show_everything
    threading.excepthook = lambda raised: show_everything(
        raised.exc_type, raised.exc_value, raised.exc_traceback
    )
    EmailAddress.parse(address_of("warm"))
    while line := sys.stdin.readline():
        child = os.fork()
        if child == 0:
            play(json.loads(line), trio.run)
            return  # and end as any program does
        print(child, flush=True)  # noqa: T201
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)  # noqa: T201


def play(plan, run_in_trio):
    os.dup2(os.open(plan["stderr"], os.O_WRONLY), 2)
    # A shell starts a job in the background with SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    program = Program(plan)
    if plan["shell"] == "sync":
        program.consume()
    elif plan["shell"] == "asyncio":
        asyncio.run(program.consume_async())
    else:
        run_in_trio(program.consume_async)


def show_everything(kind, error, frames):
    """
    Print what an error tracker would take along: the locals of every frame.
    """
    shown = traceback.TracebackException(kind, error, frames, capture_locals=True)
    sys.stderr.write("".join(shown.format()))


class Program:
    """
    What the process does, and notes.
    """

    def __init__(self, plan):
        self._plan = plan
        self._notes = os.open(plan["notes"], os.O_WRONLY | os.O_APPEND)
        self._batch = None
        is_sync = plan["shell"] == "sync"
        host = (Host if is_sync else AsyncHost)(plan)
        self._dispatcher = (Dispatcher if is_sync else AsyncDispatcher)(
            host,
            host,
            ledger=(SqlLedger if is_sync else AsyncSqlLedger)(plan["ledger"]),
            on_event=lambda receipt: self.note("told", *summary(receipt)),
        )
        # Made before the batch: as the program ends, it is called after it.
        weakref.finalize(self, self.note_tally)

    def note(self, *words):
        # One write: it is there as a whole, or not at all.
        os.write(self._notes, json.dumps(words).encode() + b"\n")

    def note_tally(self):
        tally = self._batch.tally
        self.note("tally", {outcome.value: count for outcome, count in tally.items()})

    def pause_at(self, place):
        return 0.002 if self._plan["place"] == place else 0.0

    def ids(self):
        for reference_id in references(self._plan["people"]):
            time.sleep(self.pause_at("iterable"))
            self.note("taken", reference_id)
            yield reference_id

    async def ids_async(self):
        for reference_id in references(self._plan["people"]):
            await anyio.sleep(self.pause_at("iterable"))
            self.note("taken", reference_id)
            yield reference_id

    def begin(self, ids):
        self._batch = self._dispatcher.send_many(
            ids, INVITATION, concurrency=self._plan["concurrency"]
        )
        return self._batch if self._plan["closes"] else contextlib.nullcontext()

    def consume(self):
        with self.begin(self.ids()):
            for receipt in self._batch:
                self.note("given", *summary(receipt))
                time.sleep(self.pause_at("consumer"))
        self.note("ended")

    async def consume_async(self):
        is_async = self._plan["place"] == "iterable"
        async with self.begin(self.ids_async() if is_async else self.ids()):
            async for receipt in self._batch:
                self.note("given", *summary(receipt))
                await anyio.sleep(self.pause_at("consumer"))
        self.note("ended")


def summary(receipt):
    return receipt.reference_id, receipt.outcome.value, receipt.detail


# What the test sees


class CountingServer(socketserver.ThreadingTCPServer):
    """
    Accepts messages, and counts them for each reference.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, seed):
        super().__init__(("127.0.0.1", 0), Accepting)
        self.port = self.server_address[1]
        self.accepted = collections.Counter()
        self.strays = []  # what went to an address of somebody else
        self.random = random.Random(seed)
        self.changed = threading.Condition()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self.shutdown()
        self._thread.join()
        self.server_close()

    def accept(self, reference_id, address):
        with self.changed:
            self.accepted[reference_id] += 1
            if address != address_of(reference_id):
                self.strays.append(reference_id)
            self.changed.notify_all()

    def wait_for(self, number, run):
        """
        Wait until so many messages were accepted, or *run* has ended.
        """
        until = time.monotonic() + PATIENCE
        with self.changed:
            while self.accepted.total() < number and run.code is None:
                assert time.monotonic() < until
                self.changed.wait(0.02)


class Accepting(socketserver.StreamRequestHandler):
    def handle(self):
        with contextlib.suppress(OSError):
            line = self.rfile.readline()
            time.sleep(self.server.random.random() * 0.003)
            if line.endswith(b"\n"):
                self.server.accept(*line.decode().split())
                time.sleep(self.server.random.random() * 0.003)
                self.wfile.write(b"ok\n")


class Nursery:
    """
    A process whose children are the runs; it ends with the pipe that it reads from.
    """

    def __enter__(self):
        self._process = subprocess.Popen(
            [sys.executable, "-c", CODE],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        return self

    def __exit__(self, *error):
        self._process.stdin.close()
        self._process.wait(PATIENCE)
        self._process.stdout.close()

    def begin(self, plan):
        """
        Begin a run, and give the id of its process.
        """
        self._process.stdin.write(json.dumps(plan).encode() + b"\n")
        return self.heard(PATIENCE)

    def heard(self, seconds):
        """
        The number that it says next, or None if it says none within *seconds*.
        """
        ready, _, _ = select.select([self._process.stdout], [], [], seconds)
        return int(self._process.stdout.readline()) if ready else None


class Run:
    """
    One run, with its notes.
    """

    def __init__(self, nursery, folder, **plan):
        self._nursery = nursery
        self._code = None
        self._files = {}
        for name in ("notes", "stderr"):
            self._files[name] = folder / f"{name}-{plan['seed']}"
            self._files[name].touch(exist_ok=False)
        plan |= {name: str(file) for name, file in self._files.items()}
        self._id = nursery.begin(plan | {"ledger": str(folder / "ledger.db")})

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.code is None:
            self.stop(signal.SIGKILL)

    @property
    def code(self):
        """
        How it has ended, or None.
        """
        if self._code is None:
            self._code = self._nursery.heard(0)
        return self._code

    def stop(self, number):
        """
        Send a signal, unless it has ended by itself, and wait for the end.
        """
        if self.code is None:
            os.kill(self._id, number)
        self.end()

    def end(self):
        """
        Wait for the end.
        """
        if self.code is None:
            self._code = self._nursery.heard(PATIENCE)
        assert self._code is not None, "it hangs"

    @property
    def stderr(self):
        return self._files["stderr"].read_text()

    def notes(self, kind):
        """
        What it has written down of one *kind*.
        """
        notes = [json.loads(line) for line in self._files["notes"].read_text().splitlines()]
        return [words for found, *words in notes if found == kind]
