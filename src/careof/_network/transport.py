"""
An httpx transport that goes where the policy lets it, within a deadline, once.

Why not httpx's own: it can keep no total deadline, writes URLs and headers to
the log, and follows the proxies of the environment.  One request has one
connection of its own, so that no late or doubled answer can reach the next.
"""

from __future__ import annotations

import ssl
from collections.abc import Generator

import httpx

from careof._network.connection import AsyncConnection, Connection
from careof._network.limits import Limits
from careof._network.names import addresses, async_addresses
from careof._network.policy import NetworkPolicy
from careof._network.tls import default_context
from careof._network.trip import Trip
from careof._network.unread import Answer
from careof._values.unwrap import Unseen, unwrap
from careof.errors import CareofError


class _Guarded:
    def __init__(
        self, policy: NetworkPolicy, limits: Limits, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        self._policy = policy
        self._limits = limits
        self._ssl_context = ssl_context

    def _tls(self) -> ssl.SSLContext:
        return default_context() if self._ssl_context is None else self._ssl_context

    def _steps(self, trip: Trip) -> Generator[bytes | Answer | None, bytes | None, None]:
        # Late, so that importing careof imports no h11.
        from careof._network.exchange import exchange

        return exchange(trip.request, max_body=self._limits.max_body)


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
            outcome = self._ask(Trip(request, self._limits))
        return unwrap(outcome)

    def probe(self, request: httpx.Request) -> CareofError | None:
        """
        Open a connection as for *request*, and close it unused.
        """
        connection = self._open(Trip(request, self._limits))
        if isinstance(connection, CareofError):
            return connection
        connection.close()
        return None

    def _ask(self, trip: Trip) -> Answer:
        connection = self._open(trip)
        if isinstance(connection, CareofError):
            return connection
        steps = self._steps(trip)
        try:
            wanted = next(steps)
            while True:
                if isinstance(wanted, bytes):
                    connection.send(wanted, trip.deadline)
                    wanted = next(steps)
                elif wanted is None:
                    wanted = steps.send(connection.receive(trip.deadline))
                else:
                    return wanted
        except Exception as error:
            return trip.failure(error)
        finally:
            steps.close()
            connection.close()

    def _open(self, trip: Trip) -> Connection | CareofError:
        if not self._policy.allows_url(trip.request.url):
            return self._policy.refusal()
        found = addresses(trip.host, self._policy, trip.connecting)
        if isinstance(found, CareofError):
            return found
        trip.advance("connect")
        try:
            connection = Connection.open(found, trip.port, trip.connecting)
        except Exception as error:
            return trip.failure(error)
        trip.advance("tls" if trip.is_secure else "status")
        return self._secured(connection, trip) if trip.is_secure else connection

    def _secured(self, connection: Connection, trip: Trip) -> Connection | CareofError:
        secured = False
        try:
            connection.start_tls(self._tls(), trip.host, trip.connecting)
            secured = True
        except Exception as error:
            return trip.failure(error)
        finally:
            if not secured:
                connection.close()
        trip.advance("status")
        return connection


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
            outcome = await self._ask(Trip(request, self._limits))
        return unwrap(outcome)

    async def probe(self, request: httpx.Request) -> CareofError | None:
        """
        Open a connection as for *request*, and close it unused.
        """
        connection = await self._open(Trip(request, self._limits))
        if isinstance(connection, CareofError):
            return connection
        await connection.close()
        return None

    async def _ask(self, trip: Trip) -> Answer:
        connection = await self._open(trip)
        if isinstance(connection, CareofError):
            return connection
        steps = self._steps(trip)
        try:
            wanted = next(steps)
            while True:
                if isinstance(wanted, bytes):
                    await connection.send(wanted, trip.deadline)
                    wanted = next(steps)
                elif wanted is None:
                    wanted = steps.send(await connection.receive(trip.deadline))
                else:
                    return wanted
        except Exception as error:
            return trip.failure(error)
        finally:
            steps.close()
            await connection.close()

    async def _open(self, trip: Trip) -> AsyncConnection | CareofError:
        if not self._policy.allows_url(trip.request.url):
            return self._policy.refusal()
        found = await async_addresses(trip.host, self._policy, trip.connecting)
        if isinstance(found, CareofError):
            return found
        trip.advance("connect")
        try:
            connection = await AsyncConnection.open(found, trip.port, trip.connecting)
        except Exception as error:
            return trip.failure(error)
        trip.advance("tls" if trip.is_secure else "status")
        return await self._secured(connection, trip) if trip.is_secure else connection

    async def _secured(
        self, connection: AsyncConnection, trip: Trip
    ) -> AsyncConnection | CareofError:
        secured = False
        try:
            await connection.start_tls(self._tls(), trip.host, trip.connecting)
            secured = True
        except Exception as error:
            return trip.failure(error)
        finally:
            if not secured:
                await connection.close()
        trip.advance("status")
        return connection
