"""
What each failure on the way to a mail server, or with it, means.
"""

from __future__ import annotations

import ssl

from careof._network.policy import NetworkPolicy
from careof._sending.email.dialogue import RefusedError, UnusableError
from careof.errors import (
    CareofError,
    ConfigurationError,
    DeliveryUncertainError,
    DestinationRefusedError,
    SendRejectedError,
    SendUnavailableError,
)

# The first that fits.
_WORDS = (
    (ConfigurationError, "secret"),
    (ssl.SSLCertVerificationError, "certificate"),
    (ssl.SSLError, "tls"),
    (TimeoutError, "deadline"),
    (CareofError, "connect"),  # no address, or too many look-ups
    ((ConnectionResetError, BrokenPipeError), "disconnected"),
    (OSError, "connect"),
)

_BUSY = (
    "All connections of the sender were busy until the deadline. Allow it more of them "
    "(connections=), or send fewer messages at a time."
)


def failure(
    error: Exception, *, is_undecided: bool = False, network: NetworkPolicy | None = None
) -> CareofError:
    """
    What *error* means.  Its text is dropped: servers repeat addresses and
    credentials in it.

    Args:
        is_undecided: Whether the server was given the message.
        network: The policy for a server that a tenant chose, if one did.  Whoever
            may name a server must not learn what exists inside, so one that is
            not allowed and one that does not exist have the policy's one error.
    """
    if is_undecided:
        return DeliveryUncertainError(
            "The server was given the message and did not say what became of it. "
            "Look into its log before sending again.",
            detail="smtp_no_reply",
        )
    if isinstance(error, RefusedError):
        kind = SendRejectedError if error.for_ever else SendUnavailableError
        return kind(
            f"The server refused the message ({error.detail}).",
            detail=error.detail,
            retry_after=error.retry_after,
        )
    if isinstance(error, DestinationRefusedError) and network is not None:
        return network._server_refusal()
    detail = _reason(error)
    text = _BUSY if detail == "busy" else f"The server cannot be used ({detail})."
    return SendUnavailableError(text, detail=detail)


def _reason(error: Exception) -> str:
    if isinstance(error, UnusableError):
        return error.detail
    for kind, word in _WORDS:
        if isinstance(error, kind):
            return word
    return type(error).__name__
