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

from careof._network.asked import port_of
from careof._network.special_addresses import IPAddress, is_loopback, is_special
from careof.errors import ConfigurationError, DestinationRefusedError

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

# What every reader of URLs reads alike: RFC 3986 without user, password, fragment
# and percent signs in the host.  httpx reads more, such as a port without colon
# behind a bracket, or in digits of any script.
_PLAIN = re.compile(
    r"[A-Za-z]+://(?:\[[0-9A-Fa-f:.]+\]|(?P<name>[^/?#\\@:%\[\]\s]+))(?::[0-9]*)?(?:[/?][^#]*)?"
)

# RFC 952 and 1123: letters, digits and hyphens.  What passes has no %, no
# lookalike and no second spelling.
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_MAX_NAME = 253  # characters; RFC 1035 §3.1 counts 255 bytes on the wire
# A last label that some reader takes for a number.  "de" and "cafe" are names.
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
# Ends of names that no public name server knows, so that whatever answers stands
# inside: RFC 6761, 6762, 7686, 8375 and 9476, what ICANN keeps back, what hosts
# call themselves, Kubernetes, Consul.
_INTERNAL_SUFFIXES = tuple(
    f".{suffix}"
    for suffix in (
        "localhost localdomain localdomain6 local internal intranet lan home corp mail private "
        "arpa onion alt test invalid svc consul"
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

    Its limit: an IPv6 prefix that a network made up for reaching IPv4 addresses
    (RFC 6052 §2.2) looks like any public one.
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

    @property
    def place(self) -> str:
        """
        What it allows, as one text: equal policies have equal ones, in every process.
        """
        ports = "" if self.ports is None else sorted(self.ports)
        networks = sorted(map(str, self.allow_networks))
        return f"{type(self).__name__} {self.allow_http} {ports} {networks}"

    def check_url(self, url: httpx.URL | str) -> None:
        """
        Look at *url* without asking the network.

        Raises:
            DestinationRefusedError: It may not be called.
        """
        allowed = self._allows_text(url)
        del url  # a traceback with locals would show it
        if not allowed:
            raise self.refusal()

    def check_address(self, address: IPAddress | str) -> None:
        """
        Look at one address that a name resolved to.

        Raises:
            DestinationRefusedError: It may not be connected to, or is none.
        """
        allowed = self.allows_address(address)
        del address  # as above
        if not allowed:
            raise self.refusal()

    def refusal(self) -> DestinationRefusedError:
        """
        The one error for every destination that is not allowed or does not exist.

        It says what this policy allows, and nothing about the destination.
        """
        schemes = "http and https" if self.allow_http else "https"
        return _refused(
            f"{schemes} on {self._allowed_ports()} to {self._allowed_places()}, "
            "without user, password and fragment in the URL"
        )

    def _server_refusal(self) -> DestinationRefusedError:
        """
        The same for a server that is given as host and port, not as a URL.
        """
        return _refused(f"{self._allowed_ports()} of {self._allowed_places()}")

    def allows_url(self, url: httpx.URL) -> bool:
        """
        Whether *url* may be called, as far as can be seen without the network.
        """
        schemes = ("https", "http") if self.allow_http else ("https",)
        return (
            url.scheme in schemes
            and not url.userinfo
            and not url.fragment
            and self._allows_server(url.raw_host.decode("ascii"), port_of(url))
        )

    def _allows_server(self, host: str, port: int) -> bool:
        """
        Whether a connection to *host* at *port* may be opened, as far as can be seen.
        """
        return (
            0 < port < 65_536
            and (self.ports is None or port in self.ports)
            and self._allows_host(host.lower())
        )

    def allows_address(self, address: IPAddress | str) -> bool:
        """
        Whether *address* may be connected to; what is no address may not.
        """
        if not isinstance(address, str | IPAddress):  # numbers and bytes, to ip_address
            return False
        try:
            return self._allows_ip(ipaddress.ip_address(address))
        except ValueError:
            return False

    def _allows_text(self, url: httpx.URL | str) -> bool:
        try:
            read = httpx.URL(url)
        except (httpx.InvalidURL, TypeError, ValueError):
            return False
        return _reads_alike(url, read) and self.allows_url(read)

    def _allows_host(self, host: str) -> bool:
        labels = host.removesuffix(".").split(".")
        if ":" in host or _NUMERIC.fullmatch(labels[-1]):
            # 127.1, 0x7f000001 and 2130706433 are 127.0.0.1 to some readers.
            # Only the strict spelling is an address; nothing else like it is a name.
            return "%" not in host and self.allows_address(host)
        return all(map(_LABEL.fullmatch, labels)) and self._allows_name(".".join(labels))

    def _allowed_ports(self) -> str:
        return "every port" if self.ports is None else f"port {_listed(self.ports)}"

    def _allowed_places(self) -> str:
        return "public hosts" + "".join(f" and {network}" for network in self.allow_networks)

    def _allows_name(self, name: str) -> bool:
        return (
            "." in name and len(name) <= _MAX_NAME and not f".{name}".endswith(_INTERNAL_SUFFIXES)
        )

    def _allows_ip(self, address: IPAddress) -> bool:
        if any(address in network for network in self.allow_networks):
            return True
        return not is_special(address)


class _LoopbackPolicy(NetworkPolicy):
    def _allowed_places(self) -> str:
        return "this machine only (localhost, 127.0.0.1, ::1)"

    def _allows_name(self, name: str) -> bool:
        return name == "localhost"

    def _allows_ip(self, address: IPAddress) -> bool:
        return is_loopback(address)


def _refused(allowed: str) -> DestinationRefusedError:
    return DestinationRefusedError(
        f"The destination is not allowed or does not exist. This NetworkPolicy allows {allowed}.",
        detail="destination",
        step="destination",
    )


def _reads_alike(text: httpx.URL | str, url: httpx.URL) -> bool:
    # Whether *text* is *url* to everybody who reads it.
    if isinstance(text, httpx.URL):
        return True
    match = _PLAIN.fullmatch(text)
    if match is None:
        return False
    if match["name"] is None or match["name"].isascii():
        return True
    # A label outside ASCII has to stay one (xn--): a sign that becomes an ASCII
    # letter, digit or dot hides a second spelling.
    written = match["name"].split(".")
    read = url.raw_host.decode("ascii").split(".")
    return len(written) == len(read) and all(
        label.isascii() or encoded.startswith("xn--")
        for label, encoded in zip(written, read, strict=False)
    )


def _listed(ports: Collection[int]) -> str:
    return " and ".join(map(str, sorted(ports)))
