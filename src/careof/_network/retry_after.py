"""
How long the other side asks us to wait (RFC 9110 §10.2.3).
"""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

import httpx

LONGEST = 86_400.0  # seconds; more than a day is no answer to plan with


def retry_after(headers: httpx.Headers) -> float | None:
    """
    Seconds from ``Retry-After``, a number or a date, or None where it says nothing.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST)
    try:
        moment = parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return min(max(0.0, moment - time.time()), LONGEST)
