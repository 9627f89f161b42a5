"""
An httpx transport that goes where the policy lets it, within a deadline, once.

Why not httpx's own: it can keep no total deadline, writes URLs and headers to
the log, follows the proxies of the environment, cannot see bytes that nobody
asked for, and plans all its requests anew at each change, so that a hundred at
once cost a hundred times a hundred.  A request has a connection of its own,
unless its call may reuse one that is quiet.
"""

from __future__ import annotations

import ssl

import httpx

from careof._network.call import hand_over
from careof._network.connection import Connection
from careof._network.exchange import Exchange
from careof._network.failures import not_sendable
from careof._network.limits import Limits
from careof._network.names import resolved
from careof._network.policy import NetworkPolicy
from careof._network.tls import default_context
from careof._network.trip import Trip
from careof._network.unread import Answer
from careof._network.waits import Steps, async_drive, drive
from careof._values.unwrap import Unseen, unwrap
from careof.errors import CareofError, DeadlineError


class _Guarded:
    """
    All that both transports do, as steps that only wait in two ways.
    """

    def __init__(
        self, policy: NetworkPolicy, limits: Limits, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        self._policy = policy
        self._limits = limits
        self._ssl_context = ssl_context

    def _asked(self, trip: Trip) -> Steps[Answer]:
        standing = trip.standing()
        if standing is not None:
            answer = yield from self._answered(standing, trip)
            if trip.is_heard:
                return answer
            trip.distrust()
            if isinstance(answer, DeadlineError):
                return answer
            # The other side closed it while it was idle, and our question met
            # that on its way.  A lookup changes nothing there: ask once more.
        opened = yield from self._opened(trip)
        if isinstance(opened, CareofError):
            return opened
        return (yield from self._answered(opened, trip))

    def _probed(self, trip: Trip) -> Steps[CareofError | None]:
        opened = yield from self._opened(trip)
        if isinstance(opened, CareofError):
            return opened
        trip.keep(opened)
        return None

    def _answered(self, connection: Connection, trip: Trip) -> Steps[Answer]:
        is_kept = False
        try:
            exchange = Exchange(
                trip.request, max_body=self._limits.max_body, keep_alive=trip.may_reuse
            )
        except Exception as error:  # h11's, and it quotes the header
            connection.close()
            return not_sendable(error)
        hand_over(trip.request)
        try:
            yield from connection.send(exchange.question, trip.deadline)
            answer: Answer | None = None
            while answer is None:
                data = yield from connection.receive(trip.deadline)
                trip.is_heard = trip.is_heard or bool(data)
                answer = exchange.feed(data)
        except Exception as error:
            return trip.failure(error)
        else:
            is_kept = trip.may_reuse and exchange.leaves_quiet
            if is_kept:
                trip.keep(connection)
            return answer
        finally:
            if not is_kept:
                connection.close()

    def _opened(self, trip: Trip) -> Steps[Connection | CareofError]:
        if not self._policy.allows_url(trip.request.url):
            return self._policy.refusal()
        trip.begin_to_connect()
        found = yield from resolved(trip.host, self._policy, trip.connecting)
        if isinstance(found, CareofError):
            return found
        trip.advance("connect")
        try:
            connection = yield from Connection.open(found, trip.port, trip.connecting)
        except Exception as error:
            return trip.failure(error)
        trip.advance("tls" if trip.is_secure else "status")
        return (yield from self._secured(connection, trip)) if trip.is_secure else connection

    def _secured(self, connection: Connection, trip: Trip) -> Steps[Connection | CareofError]:
        is_secured = False
        try:
            yield from connection.start_tls(self._tls(), trip.host, trip.connecting)
            is_secured = True
        except Exception as error:
            return trip.failure(error)
        finally:
            if not is_secured:
                connection.close()
        trip.advance("status")
        return connection

    def _tls(self) -> ssl.SSLContext:
        return default_context() if self._ssl_context is None else self._ssl_context


class GuardedTransport(_Guarded, httpx.BaseTransport):
    """
    The guarded way to the network, blocking.
    """

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """
        Ask, and return the whole answer.

        Raises:
            CareofError: Anything but a complete answer.
        """
        with Unseen():
            outcome = self.ask(request)
        return unwrap(outcome)

    def ask(self, request: httpx.Request) -> Answer:
        """
        The whole answer, or the error.
        """
        return drive(self._asked(Trip(request, self._limits)))

    def probe(self, request: httpx.Request) -> CareofError | None:
        """
        Open a connection for *request*, which its call then finds open.
        """
        return drive(self._probed(Trip(request, self._limits)))


class AsyncGuardedTransport(_Guarded, httpx.AsyncBaseTransport):
    """
    The guarded way to the network, for asyncio and Trio.
    """

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """
        Ask, and return the whole answer.

        Raises:
            CareofError: Anything but a complete answer.
        """
        with Unseen():
            outcome = await self.ask(request)
        return unwrap(outcome)

    async def ask(self, request: httpx.Request) -> Answer:
        """
        The whole answer, or the error.
        """
        return await async_drive(self._asked(Trip(request, self._limits)))

    async def probe(self, request: httpx.Request) -> CareofError | None:
        """
        Open a connection for *request*, which its call then finds open.
        """
        return await async_drive(self._probed(Trip(request, self._limits)))
