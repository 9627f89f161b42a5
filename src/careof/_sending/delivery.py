"""
What becomes of one reference, as judgement: no resolver and no sender is called here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import unquote

from careof._values.clock import Clock
from careof._values.contact import Contact, Recipient
from careof._values.invitation import Invitation, Message
from careof._values.receipt import Outcome, Receipt
from careof._values.reference import refuse_reference
from careof.errors import (
    CareofError,
    DeliveryUncertainError,
    EndpointUnavailableError,
    NoAddressError,
    SendRejectedError,
    SendUnavailableError,
    UnexpectedAnswerError,
    is_safe_detail,
)

HIDDEN_REFERENCE = "***"
_OF_SENDERS = (SendRejectedError, SendUnavailableError, DeliveryUncertainError)


class Delivery:
    """
    One reference on its way through one send.
    """

    __slots__ = ("_clock", "_invitation", "_recipient", "_started", "_started_at")

    def __init__(self, recipient: str | Recipient, invitation: Invitation, clock: Clock) -> None:
        self._recipient = recipient if isinstance(recipient, Recipient) else Recipient(recipient)
        self._invitation = invitation
        self._clock = clock
        self._started = clock.monotonic()
        self._started_at = datetime.fromtimestamp(clock.time(), UTC)

    @property
    def reference_id(self) -> str:
        """
        Who is asked about.
        """
        return self._recipient.reference_id

    def refusal(self) -> CareofError | None:
        """
        Why nobody is asked about this reference, or None.
        """
        return refuse_reference(self.reference_id)

    def message(self, contact: Contact) -> Message | CareofError:
        """
        What is sent to *contact*, or why nothing is.
        """
        if not isinstance(contact, Contact):
            return UnexpectedAnswerError("The resolver returned no Contact.", detail="no_contact")
        if contact.reference_id != self.reference_id:
            return UnexpectedAnswerError(
                "The resolver answered about another reference.", detail="other_reference"
            )
        address = contact.email if self._invitation.channel == "email" else contact.phone
        if address is None:
            return NoAddressError(
                "The contact has no address for this channel.", detail=self._invitation.channel
            )
        return self._invitation.fill(contact, self._recipient.variables)

    def message_id(self, contact: Contact, given: object) -> str | None:
        """
        The sender's id of the message, if it is one and does not hold an address.
        """
        if not (isinstance(given, str) and given.isprintable() and len(given) <= 256):
            return None
        held = [value.reveal() for value in (contact.email, contact.phone) if value is not None]
        # Letters and digits only: ids write an address as ann=example.org, or
        # a number with hyphens.
        bare = _bare(unquote(given))
        return None if any(_bare(value) in bare for value in held) else given

    def receipt(self, outcome: str | CareofError | None) -> Receipt:
        """
        The receipt for a message id (or None: sent, without one) or an error.
        """
        error = outcome if isinstance(outcome, CareofError) else None
        hidden = error is not None and error.detail in ("reference_personal", "reference_type")
        return Receipt(
            # A reference that looks like an address would be one, in a record
            # that is meant to be stored and logged.
            reference_id=HIDDEN_REFERENCE if hidden else self.reference_id,
            survey_id=self._invitation.survey_id,
            wave=self._invitation.wave,
            channel=self._invitation.channel,
            outcome=Outcome.SENT if error is None else Outcome(error.outcome),
            message_id=None if isinstance(outcome, CareofError) else outcome,
            attempts=0 if error is not None and error.outcome == "refused" else 1,
            retry_after=None if error is None else error.retry_after,
            started_at=self._started_at,
            duration=self._clock.monotonic() - self._started,
            detail="" if error is None else error.detail,
        )


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

    What is not one of our two errors leaves open whether the message was
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
        float(wait) if isinstance(wait, int | float) and wait >= 0 else None,
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


def _bare(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
