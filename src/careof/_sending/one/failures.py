"""
What an exception of a resolver or of a sender means, in errors of ours.

Either may raise anything, with an address in its text.  Only the class of what
they raised is kept, and of our own errors what they say in safe words.
"""

from __future__ import annotations

import math

from careof.errors import (
    CareofError,
    DeliveryUncertainError,
    DestinationRefusedError,
    EndpointUnavailableError,
    RateLimitedError,
    SendRejectedError,
    SendUnavailableError,
    SuppressedError,
    is_safe_detail,
)

_OF_SENDERS = (SendRejectedError, SendUnavailableError, DeliveryUncertainError)


def failed_lookup(error: Exception) -> CareofError:
    """
    What an exception of a resolver means.

    One of our errors keeps its meaning, and a class that a host derived from it
    has the same; of a foreign one only the name of the class is kept.  So it is
    with what only a sender can say: nothing was handed over yet.
    """
    detail, retry_after = _facts(error)
    kind = _our_class(error)
    if kind is None or issubclass(kind, _OF_SENDERS):
        return EndpointUnavailableError("The resolver failed.", detail=type(error).__name__)
    return kind("The resolver found no contact.", detail=detail, retry_after=retry_after)


def failed_sending(error: Exception) -> CareofError:
    """
    What an exception of a sender means.  Its text, which can quote the address, is dropped.

    What is none of our errors for senders leaves open whether the message was
    accepted.
    """
    detail, retry_after = _facts(error)
    if isinstance(error, SendRejectedError):
        return SendRejectedError("The sender rejected the message.", detail=detail)
    if isinstance(error, SendUnavailableError):
        return SendUnavailableError(
            "The sender accepted nothing.",
            detail=f"sender:{detail}" if detail else "sender",
            retry_after=retry_after,
        )
    if isinstance(error, RateLimitedError):
        return RateLimitedError(
            "The sender wants fewer messages, and accepted nothing.",
            detail=f"sender:{detail}" if detail else "sender",
            retry_after=retry_after,
        )
    if isinstance(error, SuppressedError):
        return SuppressedError("The sender knows that this person wants none.", detail=detail)
    if isinstance(error, DestinationRefusedError):
        # A policy looks before it lets anybody speak.
        return DestinationRefusedError("The sender may not go there.", detail="sender:destination")
    return DeliveryUncertainError(
        "The sender failed; the message may have been accepted.", detail=detail
    )


def _facts(error: Exception) -> tuple[str, float | None]:
    # Whoever keeps the error (a sender may) would keep our frames, and in them
    # the contact.
    error.with_traceback(None)
    if not isinstance(error, CareofError):
        return type(error).__name__, None
    # A class of the host may have left out what ours set, or put in anything.
    detail = getattr(error, "detail", "")
    wait = getattr(error, "retry_after", None)
    return (
        detail if is_safe_detail(detail) else "",
        float(wait) if isinstance(wait, int | float) and 0 <= wait < math.inf else None,
    )


def _our_class(error: Exception) -> type[CareofError] | None:
    return next(
        (
            kind
            for kind in type(error).__mro__
            if issubclass(kind, CareofError) and kind.__module__ == CareofError.__module__
        ),
        None,
    )
