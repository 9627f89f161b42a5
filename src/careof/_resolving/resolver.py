"""
The resolvers: a reference id in, a contact out, nothing kept.
"""

from __future__ import annotations

import ssl
from types import TracebackType
from typing import Any, ClassVar, Generic, Self, TypeVar

import httpx

from careof._network.limits import Limits, RetryPolicy
from careof._network.network import AsyncNetwork, Network
from careof._network.policy import NetworkPolicy
from careof._network.tls import verifies
from careof._resolving.check import CheckReport, report
from careof._resolving.lookup import Lookup
from careof._resolving.selector import ContactSelector
from careof._resolving.template import RequestTemplate
from careof._values.clock import SYSTEM_CLOCK, Clock
from careof._values.contact import Contact
from careof._values.unwrap import Unseen, unwrap
from careof.auth import NoAuth
from careof.errors import CareofError, ConfigurationError

Transport = TypeVar("Transport", bound=httpx.BaseTransport | httpx.AsyncBaseTransport)


class _Configured(Generic[Transport]):
    """
    What both resolvers are made of.
    """

    _transport_type: ClassVar[type]
    _network_type: ClassVar[type[Network | AsyncNetwork]]
    _network: Any

    # What the repr shows of an object that is half built, in the traceback of
    # its own constructor.
    _name: str = "?"
    _auth: httpx.Auth = NoAuth()

    def __init__(
        self,
        request: RequestTemplate,
        contact: ContactSelector,
        *,
        auth: httpx.Auth | None = None,
        limits: Limits | None = None,
        retry: RetryPolicy | None = None,
        network: NetworkPolicy | None = None,
        ssl_context: ssl.SSLContext | None = None,
        name: str | None = None,
        clock: Clock = SYSTEM_CLOCK,
        transport: Transport | None = None,
    ) -> None:
        kind = type(self).__name__
        for parameter, value, expected, words in (
            ("request", request, RequestTemplate, "a RequestTemplate"),
            ("contact", contact, ContactSelector, "a ContactSelector"),
            ("auth", auth, httpx.Auth | None, "a strategy of careof.auth or an httpx.Auth"),
            ("limits", limits, Limits | None, "a Limits"),
            ("retry", retry, RetryPolicy | None, "RetryPolicy.never()"),
            ("network", network, NetworkPolicy | None, "a NetworkPolicy"),
            ("ssl_context", ssl_context, ssl.SSLContext | None, "an ssl.SSLContext"),
            ("name", name, str | None, "a str"),
            (
                "transport",
                transport,
                self._transport_type | None,
                f"an httpx.{self._transport_type.__name__}",
            ),
        ):
            if not isinstance(value, expected):
                raise ConfigurationError(f"{kind}: {parameter}: expected {words}.")
        if ssl_context is not None and not verifies(ssl_context):
            raise ConfigurationError(f"{kind}: ssl_context: it must verify certificate and host.")
        if not _is_clock(clock):
            raise ConfigurationError(f"{kind}: clock: expected monotonic() and time().")
        self._limits = Limits() if limits is None else limits
        self._policy = NetworkPolicy() if network is None else network
        self._policy.check_url(request.origin)
        self._auth = NoAuth() if auth is None else auth
        self._lookup = Lookup(request, contact, self._limits)
        self._selector = contact
        self._name = request.origin.host if name is None else name
        self._network = self._network_type(
            policy=self._policy,
            limits=self._limits,
            ssl_context=ssl_context,
            clock=clock,
            transport=transport,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name!r}, auth={type(self._auth).__name__})"


class HttpResolver(_Configured[httpx.BaseTransport]):
    """
    Asks the customer's contact endpoint, blocking.

    One resolver may be used by many threads, and after ``fork()``.  It opens
    nothing before it is used.  An answer counts only if it is complete, well
    formed and within the limits, and, with an echo path, about this reference.

    Args:
        request: What to ask.
        contact: Where in the answer the contact stands.
        auth: How the endpoint knows that it is us.
        limits: Deadline and size.
        retry: How often a lookup is tried; so far once.
        network: Where calls may go; by default https to public addresses.
        ssl_context: Private authorities and client certificates.
        name: What reports call the endpoint; by default its host.
        clock: What tells the time, such as ``careof.testing.FakeClock``.
        transport: For tests, such as ``httpx.MockTransport`` or
            ``careof.testing.FakeContactEndpoint``.

    Raises:
        ConfigurationError: An argument cannot work.
        DestinationRefusedError: The policy refuses the URL.
    """

    _transport_type = httpx.BaseTransport
    _network_type = Network
    _network: Network

    def resolve(self, reference_id: str) -> Contact:
        """
        The contact behind *reference_id*.

        Raises:
            ResolutionError: There is none, or it cannot be had.
        """
        with Unseen():
            outcome = self._exchange(reference_id)
        return unwrap(outcome)

    def check(self, reference_id: str) -> CheckReport:
        """
        Test the configuration with a reference that has an address.

        Sends one real lookup; the report names each step and shows nobody.
        """
        with Unseen():
            outcome = self._check(reference_id)
        return outcome

    def _exchange(self, reference_id: str) -> Contact | CareofError:
        request = self._lookup.question(reference_id)
        if isinstance(request, CareofError):
            return request
        call = self._network.call(self._limits.deadline)
        answer = self._network.converse(request, self._auth, call)
        return self._lookup.contact(reference_id, answer)

    def _check(self, reference_id: str) -> CheckReport:
        call = self._network.call(self._limits.deadline)
        request = self._lookup.question(reference_id)
        if isinstance(request, CareofError):
            return report(self._name, call, request, self._selector)
        call.passed("template", timed=False)
        # First only a connection, to tell a wrong host from a wrong credential.
        failure = self._network.probe(call.carried_by(request))
        if failure is not None:
            return report(self._name, call, failure, self._selector)
        answer = self._network.converse(request, self._auth, call)
        outcome = self._lookup.contact(reference_id, answer)
        return report(self._name, call, outcome, self._selector)

    def close(self) -> None:
        """
        Does nothing: no connection outlives a call.

        It is here so that a host can write `with`.
        """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        frames: TracebackType | None,
    ) -> None:
        self.close()


class AsyncHttpResolver(_Configured[httpx.AsyncBaseTransport]):
    """
    Asks the customer's contact endpoint, for asyncio and Trio.

    As ``HttpResolver``, argument for argument and promise for promise.  One
    resolver may be used by many tasks, and in one event loop after another.
    """

    _transport_type = httpx.AsyncBaseTransport
    _network_type = AsyncNetwork
    _network: AsyncNetwork

    async def resolve(self, reference_id: str) -> Contact:
        """
        The contact behind *reference_id*.

        Raises:
            ResolutionError: There is none, or it cannot be had.
        """
        with Unseen():
            outcome = await self._exchange(reference_id)
        return unwrap(outcome)

    async def check(self, reference_id: str) -> CheckReport:
        """
        Test the configuration with a reference that has an address.

        Sends one real lookup; the report names each step and shows nobody.
        """
        with Unseen():
            outcome = await self._check(reference_id)
        return outcome

    async def _exchange(self, reference_id: str) -> Contact | CareofError:
        request = self._lookup.question(reference_id)
        if isinstance(request, CareofError):
            return request
        call = self._network.call(self._limits.deadline)
        answer = await self._network.converse(request, self._auth, call)
        return self._lookup.contact(reference_id, answer)

    async def _check(self, reference_id: str) -> CheckReport:
        call = self._network.call(self._limits.deadline)
        request = self._lookup.question(reference_id)
        if isinstance(request, CareofError):
            return report(self._name, call, request, self._selector)
        call.passed("template", timed=False)
        # First only a connection, to tell a wrong host from a wrong credential.
        failure = await self._network.probe(call.carried_by(request))
        if failure is not None:
            return report(self._name, call, failure, self._selector)
        answer = await self._network.converse(request, self._auth, call)
        outcome = self._lookup.contact(reference_id, answer)
        return report(self._name, call, outcome, self._selector)

    async def aclose(self) -> None:
        """
        Does nothing: no connection outlives a call.

        It is here so that a host can write `with`.
        """

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        frames: TracebackType | None,
    ) -> None:
        await self.aclose()


def _is_clock(clock: object) -> bool:
    return all(callable(getattr(clock, name, None)) for name in ("monotonic", "time"))
