"""
What everything that reaches a customer's or a provider's HTTP endpoint is made of.
"""

from __future__ import annotations

import ssl
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import httpx

from careof._network.asked import origin_of
from careof._network.limits import Limits
from careof._network.network import AsyncNetwork, Network
from careof._network.policy import NetworkPolicy
from careof._network.tls import verifies
from careof._values.clock import is_clock
from careof._values.unwrap import unwrap
from careof.auth import NoAuth
from careof.auth._strategy import bound_elsewhere
from careof.errors import ConfigurationError

Transport = TypeVar("Transport", bound=httpx.BaseTransport | httpx.AsyncBaseTransport)


class Request(Protocol):
    """
    What says where requests go.
    """

    @property
    def origin(self) -> httpx.URL: ...


class Reaching(Generic[Transport]):
    """
    Where it goes, as whom, and within which limits, checked when it is built.
    """

    _transport_type: ClassVar[type]
    _network_type: ClassVar[type[Network | AsyncNetwork]]
    _request_type: ClassVar[type]
    _usual_limits: ClassVar[Limits] = Limits()
    _network: Any

    # What the repr shows of an object that is half built, in the traceback of
    # its own constructor.
    _name: str = "?"
    _auth: httpx.Auth = NoAuth()

    def _check_parts(
        self,
        request: object,
        *more: tuple[str, object, Any, str],
        auth: object,
        limits: object,
        network: object,
        ssl_context: object,
        name: object,
        clock: object,
        transport: object,
    ) -> None:
        """
        Refuse an argument that cannot work.

        Args:
            more: Others, with their types and the words for them.
        """
        for parameter, value, expected, words in (
            ("request", request, self._request_type, f"a {self._request_type.__name__}"),
            ("auth", auth, httpx.Auth | None, "a strategy of careof.auth or an httpx.Auth"),
            ("limits", limits, Limits | None, "a Limits"),
            ("network", network, NetworkPolicy | None, "a NetworkPolicy"),
            ("ssl_context", ssl_context, ssl.SSLContext | None, "an ssl.SSLContext"),
            ("name", name, str | None, "a str"),
            (
                "transport",
                transport,
                self._transport_type | None,
                f"an httpx.{self._transport_type.__name__}",
            ),
            *more,
        ):
            if not isinstance(value, expected):
                raise self._wrong(parameter, f"expected {words}")
        if isinstance(ssl_context, ssl.SSLContext) and not verifies(ssl_context):
            raise self._wrong("ssl_context", "it must verify certificate and host")
        if isinstance(name, str) and not (name and name.isprintable()):
            raise self._wrong("name", "expected visible characters, or None")
        if not is_clock(clock):
            raise self._wrong("clock", "expected monotonic() and time()")

    def _reach(
        self,
        request: Request,
        *,
        auth: httpx.Auth | None,
        limits: Limits | None,
        network: NetworkPolicy | None,
        name: str | None,
    ) -> NetworkPolicy:
        """
        Take over what was checked, and return the policy, which allows the endpoint.
        """
        self._limits = self._usual_limits if limits is None else limits
        policy = NetworkPolicy() if network is None else network
        policy.check_url(request.origin)
        self._auth = NoAuth() if auth is None else auth
        unwrap(bound_elsewhere(self._auth, origin_of(request.origin)))
        self._name = request.origin.host if name is None else name
        return policy

    def _wrong(self, parameter: str, expected: str) -> ConfigurationError:
        return ConfigurationError(f"{type(self).__name__}: {parameter}: {expected}.")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name!r}, auth={type(self._auth).__name__})"
