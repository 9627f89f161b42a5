"""
What can go wrong, sorted by who must act.

    CareofError
    ├── ConfigurationError (ValueError)      the program: fix it
    ├── ResolutionError                      the reference, the endpoint, the way to it
    │   ├── InvalidReferenceError (ValueError)    fix the data
    │   ├── DestinationRefusedError               fix the URL, or the policy
    │   ├── ReferenceNotFoundError                skip it
    │   ├── ReferenceGoneError                    drop the reference
    │   ├── NoAddressError                        skip it; tell the customer
    │   ├── UnexpectedAnswerError                 tell the customer
    │   ├── AuthenticationError                   fix the credentials
    │   ├── EndpointUnavailableError *            try later
    │   │   └── DeadlineError (TimeoutError) *    try later
    │   └── RateLimitedError *                    try later
    ├── DeliveryError                        the sender
    │   ├── SuppressedError                       respect it
    │   ├── SendRejectedError                     skip it
    │   ├── SendUnavailableError *                try later
    │   ├── DeliveryUncertainError                look before sending again
    │   └── BatchCancelledError                   resume
    ├── EmailAddressError (ValueError)       fix the data
    ├── PhoneNumberError (ValueError)        fix the data
    └── PseudonymError (ValueError)          fix the data, or the key

Those with a star are ``retryable``.
"""

from __future__ import annotations

import re
from typing import ClassVar

# A detail is a word of ours or a class name.  Everything else, above all text
# of somebody else's exception, could carry an address and is dropped.
_DETAIL = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,79}", re.ASCII)
_SMTP = re.compile(r"(?:sender:)?smtp_[0-9]{3}(?:_[245]\.[0-9]{1,3}\.[0-9]{1,3})?", re.ASCII)
_DIGITS = re.compile(r"[0-9](?:[^A-Za-z]*[0-9]){6}", re.ASCII)


class CareofError(Exception):
    """
    The root of everything that careof raises.

    Messages are made of safe facts only: what happened, a status, a host, and
    what to do.  They never repeat a reference, a secret or a contact value.

    Attributes:
        detail: One word that tells apart the causes of one class.
        step: The step that failed, as the configuration test names them.
        status: The HTTP status, where there was one.
        retry_after: Seconds that the other side asked us to wait.
        retryable: Whether the same call can succeed later, unchanged.
        outcome: The word that a receipt uses for it.
    """

    retryable: ClassVar[bool] = False
    outcome: ClassVar[str] = "unavailable"

    def __init__(
        self,
        message: str,
        *,
        detail: str = "",
        step: str = "",
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.detail: str = detail if is_safe_detail(detail) else ""
        self.step = step
        self.status = status
        self.retry_after = retry_after


class ConfigurationError(CareofError, ValueError):
    """
    The program hands us something that cannot work: fix the program.

    Raised when an object is built.  The message names the parameter and what
    was expected.
    """

    # A secret that can no longer be read is found at run time: it stops a
    # survey as a wrong credential does.
    outcome = "auth_failed"


class ResolutionError(CareofError):
    """
    No contact: the reference, the endpoint, or the way to it.
    """


class InvalidReferenceError(ResolutionError, ValueError):
    """
    This cannot be a reference id: fix the data.
    """

    outcome = "refused"


class DestinationRefusedError(ResolutionError):
    """
    The policy does not let us go there: fix the URL, or the policy.

    A name that does not resolve says the same words, or whoever may type a URL
    could ask what exists inside the host's network.
    """

    outcome = "refused"


class ReferenceNotFoundError(ResolutionError):
    """
    The endpoint does not know the reference (404): skip it.
    """

    outcome = "not_found"


class ReferenceGoneError(ResolutionError):
    """
    The person behind the reference no longer exists there (410): drop it.
    """

    outcome = "gone"


class NoAddressError(ResolutionError):
    """
    The contact has no address for this channel: skip it, tell the customer.
    """

    outcome = "no_address"


class UnexpectedAnswerError(ResolutionError):
    """
    The answer is not exactly one contact for exactly this reference.
    """

    outcome = "bad_response"


class AuthenticationError(ResolutionError):
    """
    The credentials are not accepted: fix them.

    Attributes:
        error: The error code of a token endpoint, such as ``invalid_client``
            (RFC 6749 §5.2), or an empty string.
    """

    outcome = "auth_failed"
    error: str = ""


class EndpointUnavailableError(ResolutionError):
    """
    The endpoint did not answer, or answered that it cannot now: try later.
    """

    retryable = True
    outcome = "unavailable"


class DeadlineError(EndpointUnavailableError, TimeoutError):
    """
    The call did not end within its deadline: try later.
    """


class RateLimitedError(ResolutionError):
    """
    The endpoint wants fewer calls (429): try again after ``retry_after`` seconds.
    """

    retryable = True
    outcome = "rate_limited"


class DeliveryError(CareofError):
    """
    The contact was known, the message was not sent, or we do not know.
    """


class SuppressedError(DeliveryError):
    """
    This person does not want to be asked: respect it.
    """

    outcome = "suppressed"


class SendRejectedError(DeliveryError):
    """
    The sender will never accept this message: skip it.
    """

    outcome = "rejected"


class SendUnavailableError(DeliveryError):
    """
    The sender accepted nothing and may accept it later.
    """

    retryable = True
    outcome = "unavailable"


class DeliveryUncertainError(DeliveryError):
    """
    The message may have been accepted: look before sending again.
    """

    outcome = "uncertain"


class BatchCancelledError(DeliveryError):
    """
    The batch stopped before this reference was handed over: resume it.
    """

    outcome = "cancelled"


class EmailAddressError(CareofError, ValueError):
    """
    The text is not an email address.  The message does not repeat it.
    """

    outcome = "bad_response"


class PhoneNumberError(CareofError, ValueError):
    """
    The text is not a phone number.  The message does not repeat it.
    """

    outcome = "bad_response"


class PseudonymError(CareofError, ValueError):
    """
    The text is no pseudonym of these keys, tenant and purpose; which of them is not said.
    """

    outcome = "refused"


def is_safe_detail(detail: object) -> bool:
    """
    Whether *detail* is a word of ours or a class name, and no address or number.
    """
    if not isinstance(detail, str):
        return False
    if not detail or _SMTP.fullmatch(detail):
        return True
    return bool(_DETAIL.fullmatch(detail)) and not _DIGITS.search(detail)


_BY_OUTCOME: dict[str, type[CareofError]] = {
    "refused": InvalidReferenceError,
    "not_found": ReferenceNotFoundError,
    "gone": ReferenceGoneError,
    "no_address": NoAddressError,
    "bad_response": UnexpectedAnswerError,
    "auth_failed": AuthenticationError,
    "unavailable": EndpointUnavailableError,
    "rate_limited": RateLimitedError,
    "suppressed": SuppressedError,
    "rejected": SendRejectedError,
    "uncertain": DeliveryUncertainError,
    "cancelled": BatchCancelledError,
}
_BY_DETAIL: dict[str, type[CareofError]] = {
    "destination": DestinationRefusedError,
    "deadline": DeadlineError,
    "sender": SendUnavailableError,
    "pseudonym": PseudonymError,
}


def error_class(outcome: str, detail: str) -> type[CareofError]:
    """
    The class of the error that an *outcome* other than success stands for.

    Where one outcome has several classes, the first word of *detail* picks,
    behind the one that says whose word it is.
    """
    first_word = re.split(r"[.:_-]", detail, maxsplit=1)[0]
    for word in (first_word, detail.removeprefix("sender:")):
        special = _BY_DETAIL.get(word)
        if special is not None and special.outcome == outcome:
            return special
    return _BY_OUTCOME[outcome]
