"""
The email senders: SMTP, one recipient a message.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from careof._network.flights import async_wait_for, wait_for
from careof._network.limits import Deadline
from careof._resolving.check import CheckReport
from careof._sending.email.configured import SmtpConfigured
from careof._values.contact import Contact
from careof._values.invitation import Message
from careof._values.unwrap import Unseen, unwrap
from careof.errors import CareofError

T = TypeVar("T")


class SmtpSender(SmtpConfigured):
    """
    Sends email through an SMTP server, blocking.

    The certificate and the name of the server are verified.  A server that
    does not offer STARTTLS is refused before any credential or address is
    sent; clear text goes to this machine only.  Connections are kept for the
    next message, and hold nothing of the last one.  One sender may be used by
    many threads, and after ``fork()``; it opens nothing before it is used.

    Args:
        host: The server.
        port: Its port; by default 587 for STARTTLS, 465 for TLS, 25 for none.
        from_address: Who the mail is from.
        security: ``"starttls"``, ``"tls"``, or ``"none"`` (loopback only).
        username, password: Credentials, if the server asks for them.
        ssl_context: Private authorities and client certificates.
        connections: How many connections there may be at a time, and so how
            many messages; whoever comes later waits, within its deadline.
        deadline: Seconds for everything until the message is handed over.
        final_reply: Seconds to wait for the reply to it.  RFC 5321 §4.5.3.2.6
            allows a server ten minutes; giving up earlier is ``uncertain``.
        network: None for a server of the operator's own, which may stand
            anywhere.  For one that a tenant chose, a policy that names the
            ports of mail, such as ``NetworkPolicy(ports={465, 587})``: host and
            port are judged here, every address when a connection is opened.

    Raises:
        ConfigurationError: An argument cannot work.
        DestinationRefusedError: *network* does not allow the server.
    """

    def send(self, contact: Contact, message: Message) -> str:
        """
        Hand *message* over, and return its ``Message-ID``.

        Raises:
            SendRejectedError: The server will never accept it.
            SendUnavailableError: Nothing was accepted.
            DestinationRefusedError: *network* does not allow the server, or it
                does not exist; nothing was sent.
            DeliveryUncertainError: The server was given the message and did
                not say what became of it.
        """
        with Unseen():
            outcome = self._send(contact, message)
        del contact, message  # an error that is kept would keep them in this frame
        return unwrap(outcome)

    def check(self) -> CheckReport:
        """
        Speak to the server up to authentication, and say what is wrong.

        No address is sent.
        """
        with Unseen():
            outcome = self._run(self._look)
        return outcome

    def close(self) -> None:
        """
        Close the connections that are kept for the next message.

        The sender can be used again; it opens new ones.
        """
        self._run(self._carrier.close)

    def _send(self, contact: Contact, message: Message) -> str | CareofError:
        deadline = Deadline(self._clock, self._deadline)
        turn = self._turns.ask()
        try:
            wait_for(turn.wait, deadline.left())
            return self._run(self._deliver, turn, [(contact, message)], deadline)
        finally:
            # Unless it was begun, and then its end is the end of the message.
            if turn.claim():
                self._turns.give_back(turn)

    def _run(self, work: Callable[..., T], /, *arguments: object) -> T:
        # In the thread of the caller; the async sender has one of its own.
        return work(*arguments)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        frames: TracebackType | None,
    ) -> None:
        self.close()


class AsyncSmtpSender(SmtpConfigured):
    """
    As ``SmtpSender``, for asyncio and Trio: each message in a worker thread.

    There are as many threads as connections, and one for each ``check()``.  A
    message that was begun is not left without an end: a send that is cancelled
    by Trio or by a scope of anyio waits for its thread, which its deadlines
    bound.  asyncio's own ``Task.cancel`` waits for nothing; the thread then comes
    to its end alone.
    """

    async def send(self, contact: Contact, message: Message) -> str:
        """
        Hand *message* over, and return its ``Message-ID``; as ``SmtpSender.send``.
        """
        with Unseen():
            outcome = await self._send(contact, message)
        del contact, message  # an error that is kept would keep them in this frame
        return unwrap(outcome)

    async def check(self) -> CheckReport:
        """
        Speak to the server up to authentication, and say what is wrong.

        No address is sent.
        """
        with Unseen():
            outcome = await self._run(self._look)
        return outcome

    async def aclose(self) -> None:
        """
        Close the connections that are kept for the next message.

        The sender can be used again; it opens new ones.
        """
        await self._run(self._carrier.close)

    async def _send(self, contact: Contact, message: Message) -> str | CareofError:
        deadline = Deadline(self._clock, self._deadline)
        turn = self._turns.ask()
        try:
            await async_wait_for(turn.wait, deadline.left())
            return await self._run(self._deliver, turn, [(contact, message)], deadline)
        finally:
            # Unless it was begun, and then its end is the end of the message.
            if turn.claim():
                self._turns.give_back(turn)

    async def _run(self, work: Callable[..., T], /, *arguments: object) -> T:
        from anyio import CapacityLimiter, to_thread

        # Turns are what bounds it; a host has other uses for the threads of its loop.
        return await to_thread.run_sync(work, *arguments, limiter=CapacityLimiter(1))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        frames: TracebackType | None,
    ) -> None:
        await self.aclose()
