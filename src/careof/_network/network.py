"""
One conversation with anybody: guarded, bounded, read whole, errors as values.

Lookups and token requests go the same way.  Whatever a transport or a strategy
raises ends here; what leaves is a response or one of our errors, and no frame
that saw either.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Generator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

import httpx

from careof._network.bridge import ThroughTheLoop
from careof._network.call import Call
from careof._network.failures import no_request, strategy_failure, too_late, too_many
from careof._network.foreign import AsyncForeign, Foreign
from careof._network.identity_numbers import number_of
from careof._network.limits import Deadline, Limits
from careof._network.policy import NetworkPolicy
from careof._network.pool import Pool
from careof._network.silence import quiet
from careof._network.transport import AsyncGuardedTransport, GuardedTransport
from careof._network.unread import Answer
from careof._values.clock import SYSTEM_CLOCK, Clock
from careof.errors import CareofError

Flow = Generator[httpx.Request, httpx.Response, None]
AsyncFlow = AsyncGenerator[httpx.Request, httpx.Response]

MAX_REQUESTS = 8  # of one strategy for one lookup


class _Settings:
    """
    What the two networks have in common: what bounds them and who they are.
    """

    _guarded_type: ClassVar[type[GuardedTransport | AsyncGuardedTransport]]
    _foreign_type: ClassVar[type[Foreign | AsyncForeign]]
    _transport: Any

    def __init__(
        self,
        *,
        policy: NetworkPolicy | None = None,
        limits: Limits | None = None,
        ssl_context: ssl.SSLContext | None = None,
        transport: Any = None,
        clock: Clock = SYSTEM_CLOCK,
        reuse: bool = False,
    ) -> None:
        self.policy = NetworkPolicy() if policy is None else policy
        self.limits = Limits() if limits is None else limits
        self.clock = clock
        # A token may be bound to a client certificate (RFC 8705), one that a
        # test's endpoint issued means nothing to another, and one that came
        # where a policy let it is not for another policy.
        self.place: str = f"{number_of(ssl_context)}/{number_of(transport)}/{self.policy.place}"
        # Whether it is the same in another process: those numbers are not.
        self.is_anywhere: bool = ssl_context is None and transport is None
        self._ssl_context = ssl_context
        self._given = transport
        self.is_foreign = transport is not None
        self._pool = Pool(clock) if reuse else None
        # Not `or`: a test's transport that is false would give way to the real one.
        self._transport = (
            self._guarded_type(self.policy, self.limits, ssl_context)
            if transport is None
            else self._foreign_type(transport, self.policy, self.limits.max_body)
        )

    def call(
        self,
        seconds: float,
        *,
        may_reuse: bool = False,
        is_watched: bool = True,
        is_test: bool = False,
        asks_once: bool = False,
    ) -> Call:
        """
        A new call that must end within *seconds*.

        Args:
            may_reuse: Whether its last answer will be confirmed by an echo, so
                that its connection may be one that was kept.
            is_watched: Whether somebody will read its steps.
            is_test: Whether somebody tests the configuration, and waits for the
                answer of an endpoint that is left alone.
            asks_once: Whether what it asks for must not happen twice.
        """
        return Call(
            self,
            Deadline(self.clock, seconds),
            self.clock,
            pool=self._pool if may_reuse else None,
            is_watched=is_watched,
            is_test=is_test,
            asks_once=asks_once,
        )

    def _is_ours(self, auth: httpx.Auth) -> bool:
        # Ours know the deadline wherever they wait, and log nothing.
        # A combination is ours only if all that is in it is.
        parts = (auth, *getattr(auth, "careof_parts", ()))
        return not self.is_foreign and all(
            type(part).__module__.startswith("careof.") for part in parts
        )

    def close(self) -> None:
        """
        Close the connections that are idle.
        """
        if self._pool is not None:
            self._pool.close()


class Network(_Settings):
    """
    The blocking network.
    """

    _guarded_type = GuardedTransport
    _foreign_type = Foreign
    _transport: GuardedTransport | Foreign

    def blocking(self) -> Network:
        """
        This network, for work in a thread.
        """
        return self

    def converse(self, request: httpx.Request, auth: httpx.Auth, call: Call) -> Answer:
        """
        The last answer of *auth*'s flow around *request*, or the error that ended it.
        """
        call.question = request
        if self._is_ours(auth):
            return self._converse(request, auth, call)
        outcome: Answer | None = None
        with self._bounded(call.deadline.left()), quiet():
            outcome = self._converse(request, auth, call)
        return too_late(call.step) if outcome is None else outcome

    def _converse(self, request: httpx.Request, auth: httpx.Auth, call: Call) -> Answer:
        try:
            flow = auth.sync_auth_flow(call.carried_by(request))
            try:
                return self._follow(flow, call)
            finally:
                flow.close()
        except Exception as error:
            return strategy_failure(error)

    def _follow(self, flow: Flow, call: Call) -> Answer:
        outcome: Answer | None = None
        try:
            # What takes long outside of our requests is the strategy's token.
            call.step = "token"
            wanted = next(flow)
            for _ in range(MAX_REQUESTS):
                call.step = "status"
                outcome = self.send(call.carried_by(wanted))
                if isinstance(outcome, CareofError):
                    return outcome
                call.heard(outcome)
                call.step = "token"
                wanted = flow.send(outcome)
                if call.is_over():
                    return outcome
        except StopIteration:
            return no_request() if outcome is None else outcome
        return too_many(MAX_REQUESTS)

    def send(self, request: httpx.Request) -> Answer:
        """
        The whole answer to one request, or the error.
        """
        return self._transport.ask(request)

    def probe(self, request: httpx.Request) -> CareofError | None:
        """
        Open a connection for *request*, where the transport can, to be used next.
        """
        return self._transport.probe(request)

    @staticmethod
    def _bounded(_seconds: float) -> AbstractContextManager[object]:
        # A blocking call cannot be interrupted: its transport keeps the deadline.
        return nullcontext()


class AsyncNetwork(_Settings):
    """
    The network for asyncio and Trio.
    """

    _guarded_type = AsyncGuardedTransport
    _foreign_type = AsyncForeign
    _transport: AsyncGuardedTransport | AsyncForeign

    def blocking(self) -> Network:
        """
        The same network for work in a thread; called on the loop's own thread.
        """
        given = self._given
        if given is not None and not isinstance(given, httpx.BaseTransport):
            given = ThroughTheLoop(self.send, self.limits.deadline)
        network = Network(
            policy=self.policy,
            limits=self.limits,
            ssl_context=self._ssl_context,
            transport=given,
            clock=self.clock,
        )
        network.place, network.is_anywhere = self.place, self.is_anywhere
        return network

    async def converse(self, request: httpx.Request, auth: httpx.Auth, call: Call) -> Answer:
        """
        The last answer of *auth*'s flow around *request*, or the error that ended it.
        """
        call.question = request
        if self._is_ours(auth):
            return await self._converse(request, auth, call)
        outcome: Answer | None = None
        with self._bounded(call.deadline.left()), quiet():
            outcome = await self._converse(request, auth, call)
        return too_late(call.step) if outcome is None else outcome

    async def _converse(self, request: httpx.Request, auth: httpx.Auth, call: Call) -> Answer:
        try:
            flow = auth.async_auth_flow(call.carried_by(request))
            try:
                return await self._follow(flow, call)
            finally:
                await flow.aclose()
        except Exception as error:
            return strategy_failure(error)

    async def _follow(self, flow: AsyncFlow, call: Call) -> Answer:
        outcome: Answer | None = None
        try:
            # What takes long outside of our requests is the strategy's token.
            call.step = "token"
            wanted = await anext(flow)
            for _ in range(MAX_REQUESTS):
                call.step = "status"
                outcome = await self.send(call.carried_by(wanted))
                if isinstance(outcome, CareofError):
                    return outcome
                call.heard(outcome)
                call.step = "token"
                wanted = await flow.asend(outcome)
                if call.is_over():
                    return outcome
        except StopAsyncIteration:
            return no_request() if outcome is None else outcome
        return too_many(MAX_REQUESTS)

    async def send(self, request: httpx.Request) -> Answer:
        """
        The whole answer to one request, or the error.
        """
        return await self._transport.ask(request)

    async def probe(self, request: httpx.Request) -> CareofError | None:
        """
        Open a connection for *request*, where the transport can, to be used next.
        """
        return await self._transport.probe(request)

    @staticmethod
    def _bounded(seconds: float) -> AbstractContextManager[object]:
        import anyio

        return anyio.move_on_after(seconds)
