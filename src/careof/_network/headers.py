"""
What a header may be called and may hold (RFC 9110 §5).
"""

from __future__ import annotations

import re

# RFC 9110 §5.6.2: a token.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Visible ASCII, with spaces inside.  RFC 9110 §5.5 has more, for history's sake.
_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")


def is_header_name(name: object) -> bool:
    """
    Whether *name* can be the name of a header.
    """
    return isinstance(name, str) and bool(_NAME.fullmatch(name))


def is_header_value(value: object) -> bool:
    """
    Whether *value* can be the value of a header, without ending it.
    """
    return isinstance(value, str) and bool(_VALUE.fullmatch(value))
