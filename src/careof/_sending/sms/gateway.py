"""
The SMS senders: one message, one request to an HTTP gateway, at most once.

A lookup that fails is tried again, a message is not.  So each has a connection
of its own, nobody waits and tries once more, and a strategy may send it again
only behind an answer that accepted nothing, as a 401 for a token that expired.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

import httpx

from careof._network.call import Call
from careof._network.failures import strategy_failure, too_late
from careof._network.network import AsyncNetwork, Network
from careof._network.silence import quiet
from careof._resolving.check import CheckReport
from careof._sending.sms.check import report
from careof._sending.sms.configured import GatewaySettings
from careof._values.contact import Contact
from careof._values.invitation import Message
from careof._values.unwrap import Unseen, unwrap
from careof.errors import CareofError


class HttpGatewaySender(GatewaySettings[httpx.BaseTransport]):
    """
    Sends text messages through the HTTP interface of an SMS gateway, blocking.

    A message is handed over once: on a connection of its own, through the
    guarded network, without redirects, and without another try.  Where nobody
    knows whether the gateway took it, the outcome is ``uncertain``.  What the
    gateway says in words is never read, kept or shown.

    Args:
        request: How to hand a message over.
        auth: How the gateway knows that it is us.
        message_id: Where in its answer the id of the message stands, as JSONPath
            or JSON Pointer.  With it, an answer without an id is no success.
        error: Where in its answers a code stands that says what became of the
            message.  With it, a success with a code that *outcomes* does not
            name is ``uncertain``.
        outcomes: What codes (texts) and HTTP statuses from 300 on (numbers)
            mean: ``"sent"``, ``"rejected"``, ``"suppressed"``,
            ``"unavailable"``, ``"rate_limited"`` or ``"uncertain"``.  A code goes
            before a status.
        max_segments: Into how many parts a text may be cut; a longer one is
            ``rejected`` before anything is opened.
        limits: Deadline and size; by default 30 seconds, of which 5 to connect.
        network: Where messages may go; by default https to public addresses.
        ssl_context: Private authorities and client certificates.
        name: What the repr calls the gateway; by default its host.
        clock: What tells the time, such as ``careof.testing.FakeClock``.
        transport: For tests, such as ``httpx.MockTransport``.

    Raises:
        ConfigurationError: An argument cannot work.
        DestinationRefusedError: The policy refuses the URL, or *auth* is bound
            to other origins.
    """

    _transport_type = httpx.BaseTransport
    _network_type = Network
    _network: Network

    def send(self, contact: Contact, message: Message) -> str | None:
        """
        Hand *message* over, and return the gateway's id of it, where it gave one.

        Raises:
            SendRejectedError: The gateway will never take it.
            SendUnavailableError: Nothing was accepted.
            RateLimitedError: Nothing was accepted; the gateway wants fewer.
            SuppressedError: The gateway knows that this person wants none.
            DestinationRefusedError: *network* does not allow the gateway, or it
                does not exist; nothing was sent.
            DeliveryUncertainError: The gateway was given the message and did
                not say clearly what became of it.
        """
        with Unseen():
            outcome = self._send(contact, message)
        del contact, message  # an error that is kept would keep them in this frame
        return unwrap(outcome)

    def _send(self, contact: Contact, message: Message) -> str | CareofError | None:
        request = self._question(contact, message)
        if isinstance(request, CareofError):
            return request
        with self._call() as call:
            answer = self._network.converse(request, self._auth, call)
            return self._answers.outcome(answer, was_handed_over=call.was_handed_over)

    def check(self) -> CheckReport:
        """
        Test the way to the gateway, without a message.

        Goes as far as one can: a connection, TLS, and a token where the
        strategy fetches one.  What only the gateway knows, such as whether it
        takes a key, is not tested.
        """
        with Unseen():
            outcome = self._check()
        return outcome

    def _check(self) -> CheckReport:
        with self._call(is_test=True) as call:
            outcome: CareofError | None = too_late("token")
            with self._network._bounded(call.deadline.left()), quiet():
                outcome = self._rehearsed(call)
            return report(self._name, call, outcome)

    def _rehearsed(self, call: Call) -> CareofError | None:
        request = self._rehearsal(call)
        if isinstance(request, CareofError):
            return request
        failure = self._network.probe(request)
        if failure is not None:
            return failure
        call.question = request
        try:
            flow = self._auth.sync_auth_flow(request)
            try:
                next(flow)  # as far as its request, which is not sent
            finally:
                flow.close()
        except Exception as error:
            return strategy_failure(error)
        return None

    def close(self) -> None:
        """
        Close what is kept: nothing, as each message has a connection of its own.
        """
        self._network.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        frames: TracebackType | None,
    ) -> None:
        self.close()


class AsyncHttpGatewaySender(GatewaySettings[httpx.AsyncBaseTransport]):
    """
    Sends text messages through an SMS gateway, for asyncio and Trio.

    As ``HttpGatewaySender``, argument for argument and promise for promise.  A
    send that is cancelled raises the cancellation: whether its message was
    handed over is then not known.
    """

    _transport_type = httpx.AsyncBaseTransport
    _network_type = AsyncNetwork
    _network: AsyncNetwork

    async def send(self, contact: Contact, message: Message) -> str | None:
        """
        Hand *message* over, and return the gateway's id of it; as ``HttpGatewaySender.send``.
        """
        with Unseen():
            outcome = await self._send(contact, message)
        del contact, message  # an error that is kept would keep them in this frame
        return unwrap(outcome)

    async def _send(self, contact: Contact, message: Message) -> str | CareofError | None:
        request = self._question(contact, message)
        if isinstance(request, CareofError):
            return request
        with self._call() as call:
            answer = await self._network.converse(request, self._auth, call)
            return self._answers.outcome(answer, was_handed_over=call.was_handed_over)

    async def check(self) -> CheckReport:
        """
        Test the way to the gateway, without a message.

        Goes as far as one can: a connection, TLS, and a token where the
        strategy fetches one.  What only the gateway knows, such as whether it
        takes a key, is not tested.
        """
        with Unseen():
            outcome = await self._check()
        return outcome

    async def _check(self) -> CheckReport:
        with self._call(is_test=True) as call:
            outcome: CareofError | None = too_late("token")
            with self._network._bounded(call.deadline.left()), quiet():
                outcome = await self._rehearsed(call)
            return report(self._name, call, outcome)

    async def _rehearsed(self, call: Call) -> CareofError | None:
        request = self._rehearsal(call)
        if isinstance(request, CareofError):
            return request
        failure = await self._network.probe(request)
        if failure is not None:
            return failure
        call.question = request
        try:
            flow = self._auth.async_auth_flow(request)
            try:
                await anext(flow)  # as far as its request, which is not sent
            finally:
                await flow.aclose()
        except Exception as error:
            return strategy_failure(error)
        return None

    async def aclose(self) -> None:
        """
        Close what is kept: nothing, as each message has a connection of its own.
        """
        self._network.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        frames: TracebackType | None,
    ) -> None:
        await self.aclose()
