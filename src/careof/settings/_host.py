"""
What settings cannot say, because only the host has it: objects, and its own network.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import httpx

from careof._network.policy import NetworkPolicy
from careof._network.tls import verifies
from careof._values.clock import Clock, is_clock
from careof._values.event import Event, is_hook
from careof._values.secret import Secret
from careof.auth._sharing import AnyCache, is_cache
from careof.errors import ConfigurationError
from careof.settings._problems import Problems

_HOOK = "an object to call, no class, and nothing async"

AnyTransport = httpx.BaseTransport | httpx.AsyncBaseTransport

# A server of mail listens there (RFC 5321, 6409, 8314), and where 25 is closed.
_MAIL_PORTS = frozenset({25, 465, 587, 2525})


@attrs.frozen(kw_only=True, repr=False)
class Host:
    """
    What ``load`` was given beside the settings.
    """

    network: NetworkPolicy | None = None
    ssl_context: ssl.SSLContext | None = None
    cache: AnyCache | None = None
    on_event: Callable[[Event], object] | None = None
    on_rotate: Callable[[str, Secret], object] | None = None
    clock: Clock | None = None
    transport: AnyTransport | None = None

    def problem(self) -> ConfigurationError | None:
        """
        What of it cannot work.
        """
        for parameter, is_right, expected in (
            ("network", isinstance(self.network, NetworkPolicy | None), "a NetworkPolicy"),
            (
                "ssl_context",
                self.ssl_context is None
                or (isinstance(self.ssl_context, ssl.SSLContext) and verifies(self.ssl_context)),
                "an ssl.SSLContext that verifies certificate and host",
            ),
            ("cache", self.cache is None or is_cache(self.cache), "get, set and delete_if"),
            ("on_event", is_hook(self.on_event), _HOOK),
            ("on_rotate", is_hook(self.on_rotate), _HOOK),
            ("clock", self.clock is None or is_clock(self.clock), "monotonic() and time()"),
        ):
            if not is_right:
                return ConfigurationError(f"load: {parameter}: expected {expected}, or None.")
        return None

    def shared(self) -> dict[str, Any]:
        """
        The arguments that resolvers and gateways take alike, transport apart.
        """
        clock = {} if self.clock is None else {"clock": self.clock}
        return {"ssl_context": self.ssl_context, **clock}

    def policy(self, asked: Mapping[str, Any], path: str, problems: Problems) -> NetworkPolicy:
        """
        Where calls may go: as *asked*, and no further than the host's own policy.
        """
        if self.network is None:
            return NetworkPolicy(**asked)
        if asked.get("allow_http") and not self.network.allow_http:
            problems.add(
                f"{path}.allow_http", "the policy of this host allows no http.", is_shape=False
            )
        ports = asked.get("ports")
        if (
            ports is not None
            and self.network.ports is not None
            and not ports <= self.network.ports
        ):
            problems.add(
                f"{path}.ports", "the policy of this host allows fewer ports.", is_shape=False
            )
        return attrs.evolve(self.network, **asked)

    def mail_policy(self) -> NetworkPolicy:
        """
        Where mail may go: the ports of mail, in the places of the host's own policy.
        """
        policy = NetworkPolicy() if self.network is None else self.network
        ports = None if policy.ports is None else (policy.ports - {443}) | _MAIL_PORTS
        return attrs.evolve(policy, ports=ports)
