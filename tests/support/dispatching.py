"""
A host that sends to many: its resolver, sender, ledger and list of opt-outs, as one object.
"""

from __future__ import annotations

import threading

import anyio
import anyio.lowlevel
import anyio.to_thread

from careof import Contact, EmailAddress, Invitation, MemoryLedger

INVITATION = Invitation(survey_id="S-1", channel="email", subject="Hello", text="How was it?")


def ids(number, first=0):
    return [f"p-{position}" for position in range(first, first + number)]


class Host:
    """
    Does what it is told: answers are values, exceptions or callables of the reference.

    Attributes:
        asked: The references that were looked up.
        sent: The references whose message was handed over.
        told: The receipts that ``on_event`` was told.
    """

    def __init__(self, shell, *, resolve=None, send=None, contains=False, ledger=None, **options):
        self.shell = shell
        self.asked = []
        self.sent = []
        self.told = []
        self.listed = []
        self.batch = None
        self.ledger = MemoryLedger() if ledger is None else ledger
        self._resolve = contact if resolve is None else resolve
        self._send = (lambda reference: f"id-{reference}") if send is None else send
        self._contains = contains
        part = self if shell.name == "sync" else AsyncHost(self)
        parts = {name: part for name in ("ledger", "suppression") if options.pop(name, True)}
        if "fingerprints" not in options:
            parts.pop("suppression", None)
        self.dispatcher = shell.Dispatcher(
            part, part, on_event=self.told.append, **parts, **options
        )

    def resolve(self, reference):
        self.asked.append(reference)
        return self._now(said(self._resolve, reference))

    def send(self, contact, message):
        self.sent.append(contact.reference_id)
        return self._now(said(self._send, contact.reference_id))

    def _now(self, answer):
        is_blocking = isinstance(answer, Held) and self.shell.name == "sync"
        return answer.block() if is_blocking else answer

    def claim(self, key):
        return self.ledger.claim(key)

    def settle(self, key, outcome):
        self.ledger.settle(key, outcome)

    def contains(self, fingerprint, reference, channel):
        self.listed.append((fingerprint, reference, channel))
        return self._now(said(self._contains, reference))

    def receipts(self, references, *, after=None, then="close", **options):
        """
        The receipts of *references*; after so many the consumer stops asking.

        Args:
            then: What it does then: ``"close"`` the batch, or ``"stop"`` it and ask on.
        """
        return self.shell.call(
            self._receipts if self.shell.name == "sync" else self._async_receipts,
            references,
            after,
            then,
            options,
        )

    def _receipts(self, references, after, then, options):
        receipts = []
        self.batch = batch = self.dispatcher.send_many(references, INVITATION, **options)
        for receipt in batch:
            receipts.append(receipt)
            if len(receipts) == after:
                if then == "close":
                    break
                batch.stop()
        batch.close()
        return receipts

    async def _async_receipts(self, references, after, then, options):
        receipts = []
        self.batch = batch = self.dispatcher.send_many(references, INVITATION, **options)
        async for receipt in batch:
            receipts.append(receipt)
            if len(receipts) == after:
                if then == "close":
                    break
                batch.stop()
        await batch.aclose()
        return receipts


class AsyncHost:
    """
    The same for the async dispatcher; other tasks run in each of its methods.
    """

    def __init__(self, host):
        self._host = host

    async def resolve(self, reference):
        await anyio.lowlevel.checkpoint()
        return await awaited(self._host.resolve(reference))

    async def send(self, contact, message):
        await anyio.lowlevel.checkpoint()
        return await awaited(self._host.send(contact, message))

    async def claim(self, key):
        await anyio.lowlevel.checkpoint()
        return self._host.claim(key)

    async def settle(self, key, outcome):
        await anyio.lowlevel.checkpoint()
        self._host.settle(key, outcome)

    async def contains(self, fingerprint, reference, channel):
        await anyio.lowlevel.checkpoint()
        return await awaited(self._host.contains(fingerprint, reference, channel))


class Gate:
    """
    Where references wait until it is opened, in threads and in tasks alike.

    Args:
        holds: Which of them.
        answer: What they get then.
        first: One that goes on when one of them has come.
    """

    def __init__(self, holds, answer, *, first=None):
        self._holds = set(holds)
        self._first = first
        self._answer = answer
        self._opened = threading.Event()
        self.reached = threading.Event()

    def __call__(self, reference):
        if reference == self._first:
            return Held(self, reference, self.reached)
        if reference not in self._holds:
            return said(self._answer, reference)
        self.reached.set()
        return Held(self, reference, self._opened)

    def open(self):
        self._opened.set()


class Held:
    """
    What a gate gives out: blocks where it is asked for, or is awaited.
    """

    def __init__(self, gate, reference, event):
        self._gate = gate
        self._reference = reference
        self._event = event

    def block(self):
        self._event.wait(20)
        return said(self._gate._answer, self._reference)

    async def suspend(self):
        await happened(self._event)
        return said(self._gate._answer, self._reference)


async def happened(event):
    """
    Wait, as a task, for what a thread waits for.
    """
    await anyio.to_thread.run_sync(event.wait, 20, abandon_on_cancel=True)


def contact(reference, address=None):
    return Contact(reference, email=EmailAddress.parse(address or f"{reference}@people.example"))


def said(answer, reference):
    if callable(answer):
        answer = answer(reference)
    if isinstance(answer, BaseException):
        raise answer
    return answer


async def awaited(answer):
    return await answer.suspend() if isinstance(answer, Held) else answer


def in_time(work, seconds=10):
    """
    What *work* returns, in a thread, because it is what must not hang.
    """
    found = []
    thread = threading.Thread(target=lambda: found.append(work()), daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), "it hangs"
    return found[0]
