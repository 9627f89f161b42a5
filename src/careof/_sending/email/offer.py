"""
What a server offers in its reply to EHLO: the extensions that we know, and no text.
"""

from __future__ import annotations

import re

_SIZE = re.compile(rb"[0-9]{1,18}")
_KNOWN = ("STARTTLS", "AUTH", "PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8")


class Offer:
    """
    The extensions of one server, at one moment.

    What is offered in clear text counts only there: RFC 3207 §4.2 has us ask
    again in TLS.

    Attributes:
        names: Those that we know, in the order of their list.
        mechanisms: Ways to authenticate.
        size: The most bytes of a message (RFC 1870), or None for no limit.
    """

    __slots__ = ("mechanisms", "names", "size")

    def __init__(self, lines: list[bytes]) -> None:
        # The first line is a greeting.  Some old servers write AUTH=LOGIN.
        offered = {
            words[0].decode("latin-1"): words[1:]
            for line in lines[1:]
            if (words := line.upper().replace(b"AUTH=", b"AUTH ", 1).split())
        }
        self.names = tuple(name for name in _KNOWN if name in offered)
        self.mechanisms = frozenset(offered.get("AUTH", ()))
        limit = b"".join(offered.get("SIZE", ())[:1])
        # RFC 1870 §4: 0 is no limit.
        self.size = int(limit) or None if _SIZE.fullmatch(limit) else None

    def __contains__(self, name: str) -> bool:
        return name in self.names
