"""
The links of an invitation: the same for everybody, or each person's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from careof.errors import CareofError, EndpointUnavailableError

Url = str | Callable[[str], str]

LONGEST_IN_HEADER = 900  # characters; RFC 5322 §2.1.1 ends a line at 998

# RFC 3986 §2: no braces, so that a template is not sent in place of a link.
_URL = re.compile(r"(?:https?://|mailto:)[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")


def is_url(text: str) -> bool:
    """
    Whether *text* is a URL that leads to a page, or to a mail.
    """
    return bool(_URL.fullmatch(text))


def fits_header(text: str) -> bool:
    """
    Whether *text* is a URL that can stand in one line of a mail's header.
    """
    return stays_in_header(text) and is_url(text)


def stays_in_header(url: str) -> bool:
    """
    As ``fits_header``, of what is known to be a URL.
    """
    # Some readers decode what looks like an encoded word (RFC 2047) wherever it stands.
    return len(url) <= LONGEST_IN_HEADER and "=?" not in url


def personal_url(name: str, url: Url, reference_id: str) -> str | CareofError:
    """
    The link *name* for one person.
    """
    if isinstance(url, str):
        return url
    try:
        personal = url(reference_id)
    except Exception as error:
        return EndpointUnavailableError(
            f"The callable for the url {name!r} failed ({type(error).__name__}).",
            detail=f"url:{type(error).__name__}",
        )
    if isinstance(personal, str) and is_url(personal):
        return personal
    return EndpointUnavailableError(
        f"The callable for the url {name!r} returned no URL (RFC 3986).",
        detail="url:invalid",
    )
