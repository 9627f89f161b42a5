"""
What a header may be called and may hold (RFC 9110 §5).
"""

from __future__ import annotations

import re

# RFC 9110 §5.6.2: a token.
NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
# Visible ASCII, with spaces inside.  RFC 9110 §5.5 has more, for history's sake.
VALUE = r"[!-~](?:[ -~]*[!-~])?"

_NAME = re.compile(NAME)
_VALUE = re.compile(VALUE)

# They belong to the connection (RFC 9110 §7.6.1) or are set by careof.
_RESERVED = frozenset(
    "accept-encoding connection content-length expect host keep-alive proxy-authorization "
    "proxy-connection te trailer transfer-encoding upgrade".split()
)


def is_header_name(name: object) -> bool:
    """
    Whether *name* can be the name of a header.
    """
    return isinstance(name, str) and bool(_NAME.fullmatch(name))


def is_reserved(name: str) -> bool:
    """
    Whether the header *name* is set by careof, or by nobody.
    """
    return name.lower() in _RESERVED


def is_header_value(value: object) -> bool:
    """
    Whether *value* can be the value of a header, without ending it.
    """
    return isinstance(value, str) and bool(_VALUE.fullmatch(value))
