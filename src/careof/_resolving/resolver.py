"""
The resolvers: a reference id in, a contact out, nothing kept.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

import httpx

from careof._network.call import Call
from careof._network.network import AsyncNetwork, Network
from careof._network.retry import Retry
from careof._resolving.check import CheckReport
from careof._resolving.checking.lookups import keys_of, report
from careof._resolving.configured import Configured
from careof._resolving.lookup import is_unconfirmed
from careof._values.contact import Contact
from careof._values.unwrap import Unseen, unwrap
from careof.errors import CareofError


class HttpResolver(Configured[httpx.BaseTransport]):
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
        retry: How often a lookup is tried when the endpoint may only be busy.
        network: Where calls may go; by default https to public addresses.
        ssl_context: Private authorities and client certificates.
        name: What reports and events call the endpoint; by default its host.
        on_event: Called with each ``Event`` of a lookup when it is over.  It
            must not block; what it raises is ignored.
        clock: What tells the time, such as ``careof.testing.FakeClock``.
        transport: For tests, such as ``httpx.MockTransport`` or
            ``careof.testing.FakeContactEndpoint``.

    Raises:
        ConfigurationError: An argument cannot work.
        DestinationRefusedError: The policy refuses the URL, or *auth* is bound
            to other origins.
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
        call = self._call()
        with Unseen():
            outcome = self._exchange(reference_id, call)
        self._tell(call, outcome)
        return unwrap(outcome)

    def check(self, reference_id: str) -> CheckReport:
        """
        Test the configuration with a reference that has an address.

        Sends one real lookup; the report names each step and shows nobody.
        """
        with Unseen():
            outcome = self._check(reference_id)
        return outcome

    def _exchange(self, reference_id: str, call: Call) -> Contact | CareofError:
        with call:
            retry = Retry(self._retry, call, self._circuit)
            return retry.run(lambda: self._attempt(reference_id, call))

    def _attempt(self, reference_id: str, call: Call) -> Contact | CareofError:
        request = self._lookup.question(reference_id)
        if isinstance(request, CareofError):
            return request
        answer = self._network.converse(request, self._auth, call)
        outcome = self._lookup.contact(reference_id, answer)
        if isinstance(outcome, Contact):
            call.confirm()
        elif call.is_reused and is_unconfirmed(outcome):
            # It could be the late answer to another question: only a connection
            # of its own can tell.
            call.stop_reuse()
            return self._attempt(reference_id, call)
        call.tried(outcome)
        return outcome

    def _check(self, reference_id: str) -> CheckReport:
        with self._network.call(self._limits.deadline, is_test=True) as call:
            outcome, keys = self._checked(reference_id, call)
            if isinstance(outcome, Contact):
                # Whoever mended the endpoint need not wait for the circuit.
                self._circuit.note(outcome)
            return report(self._name, call, outcome, self._selector, keys)

    def _checked(self, reference_id: str, call: Call) -> tuple[Contact | CareofError, str]:
        request = self._lookup.question(reference_id)
        if isinstance(request, CareofError):
            return request, ""
        call.passed("template", timed=False)
        # First only a connection, to tell a wrong host from a wrong credential.
        failure = self._network.probe(call.carried_by(request))
        if failure is not None:
            return failure, ""
        answer = self._network.converse(request, self._auth, call)
        outcome = self._lookup.contact(reference_id, answer)
        return outcome, keys_of(outcome, answer, self._limits, self._network.policy)

    def close(self) -> None:
        """
        Close the connections that are kept for the next lookup.

        The resolver can be used again; it opens new ones.
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


class AsyncHttpResolver(Configured[httpx.AsyncBaseTransport]):
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
        call = self._call()
        with Unseen():
            outcome = await self._exchange(reference_id, call)
        self._tell(call, outcome)
        return unwrap(outcome)

    async def check(self, reference_id: str) -> CheckReport:
        """
        Test the configuration with a reference that has an address.

        Sends one real lookup; the report names each step and shows nobody.
        """
        with Unseen():
            outcome = await self._check(reference_id)
        return outcome

    async def _exchange(self, reference_id: str, call: Call) -> Contact | CareofError:
        with call:
            retry = Retry(self._retry, call, self._circuit)
            return await retry.async_run(lambda: self._attempt(reference_id, call))

    async def _attempt(self, reference_id: str, call: Call) -> Contact | CareofError:
        request = self._lookup.question(reference_id)
        if isinstance(request, CareofError):
            return request
        answer = await self._network.converse(request, self._auth, call)
        outcome = self._lookup.contact(reference_id, answer)
        if isinstance(outcome, Contact):
            call.confirm()
        elif call.is_reused and is_unconfirmed(outcome):
            # It could be the late answer to another question: only a connection
            # of its own can tell.
            call.stop_reuse()
            return await self._attempt(reference_id, call)
        call.tried(outcome)
        return outcome

    async def _check(self, reference_id: str) -> CheckReport:
        with self._network.call(self._limits.deadline, is_test=True) as call:
            outcome, keys = await self._checked(reference_id, call)
            if isinstance(outcome, Contact):
                # Whoever mended the endpoint need not wait for the circuit.
                self._circuit.note(outcome)
            return report(self._name, call, outcome, self._selector, keys)

    async def _checked(self, reference_id: str, call: Call) -> tuple[Contact | CareofError, str]:
        request = self._lookup.question(reference_id)
        if isinstance(request, CareofError):
            return request, ""
        call.passed("template", timed=False)
        # First only a connection, to tell a wrong host from a wrong credential.
        failure = await self._network.probe(call.carried_by(request))
        if failure is not None:
            return failure, ""
        answer = await self._network.converse(request, self._auth, call)
        outcome = self._lookup.contact(reference_id, answer)
        return outcome, keys_of(outcome, answer, self._limits, self._network.policy)

    async def aclose(self) -> None:
        """
        Close the connections that are kept for the next lookup.

        The resolver can be used again; it opens new ones.
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
