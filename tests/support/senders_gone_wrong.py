"""
Senders that hosts write by mistake, over a provider that fails when it is told to.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
import sqlite3
import sys
import threading
import time
import warnings

from careof.errors import (
    DestinationRefusedError,
    RateLimitedError,
    SendRejectedError,
    SendUnavailableError,
    SuppressedError,
)

OVER = threading.Event()  # what hangs is let go
KEPT = []  # in a module
ACCEPTED = []  # by the provider of all of them, as (address, text)
LOG = logging.getLogger("host.sender")


class ProviderError(Exception):
    """
    What the client of a provider raises, and what it says.
    """

    def __init__(self, said, text=""):
        super().__init__(text)
        self.said = said


class Good:
    """
    A sender that does all of it right, in steps to get wrong.
    """

    def __init__(self, failure=None):
        self.failure = failure

    def send(self, contact, message):
        found = self.ask(contact, message)
        return self.said(found, contact, message)

    def ask(self, contact, message):
        """
        What the provider says; its client raises where it says nothing.
        """
        if self.failure == "uncertain":
            raise TimeoutError("nothing came")
        if self.failure is None:
            self.post(self.recipient(contact, message), message.text.reveal())
        return self.failure

    def recipient(self, contact, message):
        return (contact.email if message.channel == "email" else contact.phone).reveal()

    def post(self, address, text):
        ACCEPTED.append((address, f"From us.\n\n{text}"))

    def said(self, found, contact, message):
        if found == "rejected":
            raise SendRejectedError("It will never take this.", detail="provider_422")
        if found == "unavailable":
            raise SendUnavailableError("It took nothing.", detail="provider_busy")
        if found == "refused":
            raise DestinationRefusedError("Not there.")
        if found == "rate_limited":
            raise RateLimitedError("Fewer of them.", retry_after=30)
        if found == "suppressed":
            raise SuppressedError("They want none.")
        return self.result(contact, message)

    def result(self, contact, message):
        return "m-1"


class Slots(Good):
    """
    One that has nothing but slots.
    """

    __slots__ = ("failure",)


class AsyncGood(Good):
    async def send(self, contact, message):
        await asyncio.sleep(0)
        found = self.ask(contact, message)
        return self.said(found, contact, message)


class ReturnsTrue(Good):
    def result(self, contact, message):
        return True


class ReturnsResponse(Good):
    def result(self, contact, message):
        return {"id": "m-1"}


class ReturnsALongId(Good):
    def result(self, contact, message):
        return "m" * 257


class ReturnsTwoLines(Good):
    def result(self, contact, message):
        return "m-1\n"


class IsAsyncInside(Good):
    def send(self, contact, message):
        return self.later(contact, message)

    async def later(self, contact, message):
        return self.ask(contact, message) or "m-1"


class ReturnsTheAddress(Good):
    def result(self, contact, message):
        address = contact.email if message.channel == "email" else contact.phone
        return f"m-{address.reveal()}".replace("@", "=")


class SwallowsFailures(Good):
    def said(self, found, contact, message):
        return None if found else "m-1"

    def ask(self, contact, message):
        with contextlib.suppress(TimeoutError):
            return super().ask(contact, message)


class CallsEverythingUnavailable(Good):
    def send(self, contact, message):
        try:
            return super().send(contact, message)
        except Exception:
            error = SendUnavailableError("It did not work.")
        raise error


class RaisesWhatTheClientRaises(Good):
    def said(self, found, contact, message):
        if found:
            raise ProviderError(found)
        return "m-1"


class ExitsTheProgram(Good):
    def said(self, found, contact, message):
        if found:
            raise SystemExit(1)
        return "m-1"


class QuotesTheAddress(Good):
    def said(self, found, contact, message):
        if found == "rejected":
            raise SendRejectedError(f"Not to {contact.email.reveal()}.")
        return super().said(found, contact, message)


class KeepsTheNumberOnItsError(Good):
    def said(self, found, contact, message):
        if found == "rejected":
            error = SendRejectedError("It will never take this.")
            error.recipient = contact.phone.reveal()
            raise error
        return super().said(found, contact, message)


class RaisesInsideExcept(Good):
    def ask(self, contact, message):
        try:
            self.client(contact)
        except ProviderError as error:
            if error.said == "rejected":
                raise SendRejectedError("It will never take this.") from None
            raise
        return super().ask(contact, message)

    def client(self, contact):
        if self.failure == "rejected":
            raise ProviderError("rejected", f"no such mailbox: {contact.email.reveal()}")


class LetsTheClientQuote(Good):
    def ask(self, contact, message):
        if self.failure == "uncertain":
            raise TimeoutError(f"no answer about {contact.email.reveal().upper()}")
        return super().ask(contact, message)


class PrintsTheLast(Good):
    last = ""

    def said(self, found, contact, message):
        self.last = contact.email.reveal()
        try:
            return super().said(found, contact, message)
        finally:
            self.last = SealedLast(self.last)

    def __repr__(self):
        return f"PrintsTheLast({getattr(self.last, 'text', '')})"


class SealedLast:
    def __init__(self, text):
        self.text = text


class Logs(Good):
    def result(self, contact, message):
        LOG.debug("sent to %s", contact.phone.reveal())
        return "m-1"


class LogsItsRequest(Good):
    def result(self, contact, message):
        LOG.info("body %s", base64.b64encode(f"text={message.text.reveal()}".encode()).decode())
        return "m-1"


class LogsItsFailure(Good):
    def said(self, found, contact, message):
        if found:
            LOG.warning("could not send %r", message.text.reveal())
        return super().said(found, contact, message)


class Warns(Good):
    def result(self, contact, message):
        warnings.warn(f"slow: {contact.email.reveal()}", stacklevel=2)
        return "m-1"


class Prints(Good):
    def result(self, contact, message):
        sys.stdout.write("sent")
        return "m-1"


class PrintsItsFailure(Good):
    def said(self, found, contact, message):
        if found:
            sys.stderr.write(f"{found}\n")
        return super().said(found, contact, message)


class KeepsTheContact(Good):
    def __init__(self, failure=None):
        super().__init__(failure)
        self.seen = []

    def result(self, contact, message):
        self.seen.append([contact])
        return "m-1"


class KeepsItInAClosure(Good):
    def result(self, contact, message):
        email = contact.email.reveal().encode()
        self.again = lambda: email
        return "m-1"


class KeepsItInItsClass(Good):
    seen = {}  # noqa: RUF012  # the mistake

    def result(self, contact, message):
        self.seen["last"] = contact.email.reveal()
        return "m-1"


class KeepsTheTextOnFailure(Good):
    def said(self, found, contact, message):
        if found:
            self.unsent = {"text": message.text.reveal()}
        return super().said(found, contact, message)


class KeepsItInAModule(Good):
    def result(self, contact, message):
        KEPT[:] = [message]
        return "m-1"


class BelongsToOneThread(Good):
    def __init__(self, failure=None):
        super().__init__(failure)
        self.owner = None

    def result(self, contact, message):
        if self.owner not in (None, threading.get_ident()):
            raise sqlite3.ProgrammingError("created in another thread")
        self.owner = threading.get_ident()
        time.sleep(0.05)
        return "m-1"


class AsyncCountsOnItself(AsyncGood):
    busy = False

    async def send(self, contact, message):
        if self.busy:
            raise RuntimeError("another task is in here")
        self.busy = True
        await asyncio.sleep(0.01)
        self.busy = False
        return await super().send(contact, message)


class AsyncLogs(AsyncGood):
    def result(self, contact, message):
        LOG.debug("sent to %s", contact.email.reveal())
        return "m-1"


class Fails(Good):
    def result(self, contact, message):
        raise LookupError(contact.email.reveal())


class NeverEnds(Good):
    def result(self, contact, message):
        OVER.wait(10)


class PostsToTheLast(Good):
    to = ""

    def post(self, address, text):
        self.to = address
        time.sleep(0.01)  # in which another thread sets it
        super().post(self.to, text)
        self.to = ""


class PostsToTheLastWithoutAPause(Good):
    to = ""

    def post(self, address, text):
        self.to = address
        for part in range(1000):  # some milliseconds of a client's own work
            json.dumps({"part": part})
        super().post(self.to, text)
        self.to = ""


class AsyncPostsToTheLast(AsyncGood):
    to = ""

    async def send(self, contact, message):
        if self.failure is not None:
            return await super().send(contact, message)
        self.to = self.recipient(contact, message)
        await asyncio.sleep(0.01)
        self.post(self.to, message.text.reveal())
        self.to = ""
        return "m-1"


class PostsTheLastText(Good):
    text = ""

    def post(self, address, text):
        self.text = text
        time.sleep(0.01)  # in which another thread sets it
        super().post(address, self.text)
        self.text = ""


class PostsTwice(Good):
    def post(self, address, text):
        super().post(address, text)
        super().post(address, text)


class PostsACopy(Good):
    def post(self, address, text):
        super().post(address, text)
        super().post("archive@host.example", text)


class PostsToOneAddress(Good):
    def post(self, address, text):
        super().post("developer@host.example", text)


class PostsAnEmptyText(Good):
    def post(self, address, text):
        super().post(address, "")


class DropsWhatComesMeanwhile(Good):
    def __init__(self, failure=None):
        super().__init__(failure)
        self.lock = threading.Lock()

    def post(self, address, text):
        if self.lock.acquire(blocking=False):
            time.sleep(0.05)  # in which the others find it locked
            super().post(address, text)
            self.lock.release()


class TriesAgainAfterSilence(Good):
    def ask(self, contact, message):
        if self.failure == "uncertain":
            for _ in range(2):  # each is accepted, and the answer lost
                self.post(self.recipient(contact, message), message.text.reveal())
        return super().ask(contact, message)


class SendsElsewhereOnFailure(Good):
    def ask(self, contact, message):
        if self.failure == "unavailable":
            self.post(self.recipient(contact, message), message.text.reveal())
        return super().ask(contact, message)


class TellsTheDeveloperAfterSilence(Good):
    def ask(self, contact, message):
        if self.failure == "uncertain":
            self.post("developer@host.example", message.text.reveal())
        return super().ask(contact, message)
