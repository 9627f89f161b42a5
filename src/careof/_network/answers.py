"""
Answers that mean "try later", from whichever endpoint they come.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from careof.errors import CareofError, EndpointUnavailableError, RateLimitedError

LONGEST = 86_400.0  # seconds; more than a day is no answer to plan with


def try_later(response: httpx.Response, whom: str, *, detail: str) -> CareofError | None:
    """
    The error for 408, 429 and 5xx, or None for every other status.

    Args:
        whom: What the endpoint is called in the message.
    """
    status = response.status_code
    kind: type[CareofError]
    if status == 429:
        kind, words = RateLimitedError, "wants fewer calls"
    elif status == 408 or 500 <= status < 600:
        kind, words = EndpointUnavailableError, "cannot answer now"
    else:
        return None
    return kind(
        f"{whom} {words} ({status}).",
        detail=detail,
        step="status",
        status=status,
        retry_after=retry_after(response.headers),
    )


def nothing_was_accepted(status: int) -> bool:
    """
    Whether a *status* says that what was asked for did not happen.

    RFC 9110 §15.5: a 4xx means that the request is at fault.  Behind a 408 or a
    409 (it may be a conflict with the same request, sent before) nobody knows.
    """
    return 400 <= status < 500 and status not in (408, 409)


def retry_after(headers: httpx.Headers) -> float | None:
    """
    Seconds from ``Retry-After`` (RFC 9110 §10.2.3), a number or a date, or None.

    A date is read against the answer's own ``Date``, where it has one: the two
    clocks then are one.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST)
    moment = _date(text)
    if moment is None:
        return None
    now = _date(headers.get("date", "")) or datetime.now(UTC)
    return min(max(0.0, (moment - now).total_seconds()), LONGEST)


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        # RFC 5322 §4.3: -0000 is universal time, of a place that is not told.
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
