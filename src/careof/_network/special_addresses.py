"""
Addresses that are not everybody's: private, local, reserved, or a cloud's own.
"""

from __future__ import annotations

import ipaddress

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Every row of IANA's two registries of special addresses (RFC 6890), those that
# are reachable from everywhere too, and what the registries leave out.  is_global
# of Python passes multicast, NAT64 and 6to4, through which IPv4 can be reached.
_SPECIAL = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "161.26.0.0/16",  # services of IBM's cloud, reached from inside it
        "166.8.0.0/14",  # the same
        "168.63.129.16/32",  # metadata and agent address of Azure, a public one
        "169.254.0.0/16",  # link-local, and the metadata address of most clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112: answers for private networks, often within them
        "192.52.193.0/24",  # multicast tunnels (AMT)
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
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
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)

_LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


def is_special(address: IPAddress) -> bool:
    """
    Whether *address* is anything but a public address of one host.
    """
    if isinstance(address, ipaddress.IPv6Address) and (
        address.scope_id is not None  # RFC 4007: a zone of this machine's
        or _is_isatap(address)
    ):
        return True
    return any(address in network for network in _SPECIAL)


def is_loopback(address: IPAddress) -> bool:
    """
    Whether *address* is this machine.

    Not as Python says it: newer versions count ::ffff:127.0.0.1 among them.
    """
    return any(address in network for network in _LOOPBACK)


def _is_isatap(address: ipaddress.IPv6Address) -> bool:
    # RFC 5214 §6.1: 0000:5efe or 0200:5efe, then the IPv4 address that is reached.
    return (int(address) >> 32) & 0xFDFF_FFFF == 0x5EFE
