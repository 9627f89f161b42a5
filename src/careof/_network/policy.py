"""
Where a call may go.  Pure: it looks at a URL or an address and says yes or raises.

The URL of an endpoint is typed by a customer, so it may point anywhere, the
host's own network included.  Names are judged when an object is built, every
address they resolve to when a connection is opened, and the connection goes to
the address that was judged.  Every refusal says the same words: whoever types
the URL must not learn from them what exists behind it.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import Collection, Iterable

import attrs
import httpx

from careof.errors import ConfigurationError, DestinationRefusedError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

# RFC 6890 registries, and what they leave out.  is_global of Python passes
# multicast, NAT64 and 6to4, through which IPv4 addresses can be reached.
_DENIED = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # metadata and agent address of Azure, a public one
        "169.254.0.0/16",  # link-local, and the metadata address of most clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/3",  # multicast, reserved, broadcast
        # Only 2000::/3 is global unicast.  The rest has loopback, link-local and
        # unique local addresses, IPv4-mapped ones, NAT64, and much unassigned.
        "::/3",
        "4000::/2",
        "8000::/1",
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
)

_LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))

# RFC 952 and 1123: letters, digits and hyphens.  What passes has no %, no
# lookalike and no second spelling.
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
# A last label that some reader takes for a number.  "de" and "cafe" are names.
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
_INTERNAL_SUFFIXES = tuple(
    f".{suffix}"
    for suffix in (
        "localhost local internal intranet lan home corp private home.arpa "
        "in-addr.arpa ip6.arpa onion svc.cluster.local"
    ).split()
)


def _ports(values: Collection[int] | None) -> frozenset[int] | None:
    if values is None:
        return None
    # A text or bytes are collections as well, and bytes even of numbers.
    if isinstance(values, Collection) and not isinstance(values, str | bytes | bytearray):
        ports = [port for port in values if type(port) is int and 0 < port < 65_536]
        if len(ports) == len(values):
            return frozenset(ports)
    raise ConfigurationError(
        "NetworkPolicy: ports: expected a set of numbers from 1 to 65535, or None for every port."
    )


def _networks(values: Iterable[str | IPNetwork]) -> tuple[IPNetwork, ...]:
    if not isinstance(values, str):  # which is a row of texts as well
        with contextlib.suppress(TypeError, ValueError):
            return tuple(_network(value) for value in values)
    raise ConfigurationError(
        "NetworkPolicy: allow_networks: expected a list of networks such as "
        '["10.1.0.0/16"], without host bits.'
    )


def _network(value: object) -> IPNetwork:
    # ip_network takes a number for an address, and bytes, and pairs.
    if isinstance(value, str | IPNetwork):
        return ipaddress.ip_network(value)
    raise TypeError


def _yes_or_no(instance: object, attribute: attrs.Attribute[bool], value: object) -> None:
    if not isinstance(value, bool):  # nor anything with a truth: "false" is true
        raise ConfigurationError(
            f"{type(instance).__name__}: {attribute.name}: expected True or False."
        )


@attrs.frozen(kw_only=True)
class NetworkPolicy:
    """
    Which destinations a call may have: by default https to public addresses.

    Attributes:
        allow_http: Whether clear text is allowed.
        ports: The ports that are allowed; None for every port.
        allow_networks: Special networks that the operator of this host opens,
            such as ``"10.1.0.0/16"``.  Never take them from a tenant.
    """

    allow_http: bool = attrs.field(default=False, validator=_yes_or_no)
    ports: frozenset[int] | None = attrs.field(default=frozenset({443}), converter=_ports)
    allow_networks: tuple[IPNetwork, ...] = attrs.field(default=(), converter=_networks)

    @classmethod
    def for_loopback(cls) -> NetworkPolicy:
        """
        For demos and tests: http or https, any port, this machine and nothing else.
        """
        return _LoopbackPolicy(allow_http=True, ports=None)

    def check_url(self, url: httpx.URL | str) -> None:
        """
        Look at *url* without asking the network.

        Raises:
            DestinationRefusedError: It may not be called.
        """
        try:
            allowed = self.allows_url(httpx.URL(url))
        except (httpx.InvalidURL, TypeError, ValueError):
            allowed = False
        if not allowed:
            raise self.refusal()

    def check_address(self, address: IPAddress | str) -> None:
        """
        Look at one address that a name resolved to.

        Raises:
            DestinationRefusedError: It may not be connected to, or is none.
        """
        if not self.allows_address(address):
            raise self.refusal()

    def refusal(self) -> DestinationRefusedError:
        """
        The one error for every destination that is not allowed or does not exist.

        It says what this policy allows, and nothing about the destination.
        """
        schemes = "http and https" if self.allow_http else "https"
        ports = "every port" if self.ports is None else f"port {_listed(self.ports)}"
        return DestinationRefusedError(
            "The destination is not allowed or does not exist. This NetworkPolicy allows "
            f"{schemes} on {ports} to {self._allowed_places()}, without user, password and "
            "fragment in the URL.",
            detail="destination",
            step="destination",
        )

    def allows_url(self, url: httpx.URL) -> bool:
        """
        Whether *url* may be called, as far as can be seen without the network.
        """
        schemes = ("https", "http") if self.allow_http else ("https",)
        return (
            url.scheme in schemes
            and not url.userinfo
            and not url.fragment
            and (self.ports is None or port_of(url) in self.ports)
            and self._allows_host(url.raw_host.decode("ascii"))
        )

    def allows_address(self, address: IPAddress | str) -> bool:
        """
        Whether *address* may be connected to; what is no address may not.
        """
        try:
            return self._allows_ip(ipaddress.ip_address(address))
        except ValueError:
            return False

    def _allows_host(self, host: str) -> bool:
        labels = host.removesuffix(".").split(".")
        if ":" in host or _NUMERIC.fullmatch(labels[-1]):
            # 127.1, 0x7f000001 and 2130706433 are 127.0.0.1 to some readers.
            # Only the strict spelling is an address; nothing else like it is a name.
            return "%" not in host and self.allows_address(host)
        return all(map(_LABEL.fullmatch, labels)) and self._allows_name(".".join(labels))

    def _allowed_places(self) -> str:
        return "public hosts" + "".join(f" and {network}" for network in self.allow_networks)

    def _allows_name(self, name: str) -> bool:
        return "." in name and not f".{name}".endswith(_INTERNAL_SUFFIXES)

    def _allows_ip(self, address: IPAddress) -> bool:
        if any(address in network for network in self.allow_networks):
            return True
        return not any(address in network for network in _DENIED)


class _LoopbackPolicy(NetworkPolicy):
    def _allowed_places(self) -> str:
        return "this machine only (localhost, 127.0.0.1, ::1)"

    def _allows_name(self, name: str) -> bool:
        return name == "localhost"

    def _allows_ip(self, address: IPAddress) -> bool:
        # Not is_loopback: newer Pythons count ::ffff:127.0.0.1 among them.
        return any(address in network for network in _LOOPBACK)


def _listed(ports: Collection[int]) -> str:
    return " and ".join(map(str, sorted(ports)))


def port_of(url: httpx.URL) -> int:
    """
    The port that *url* names, or the usual one of its scheme.
    """
    if url.port is None:
        return 443 if url.scheme == "https" else 80
    return url.port  # 0 is a port that was named, and no usual one
