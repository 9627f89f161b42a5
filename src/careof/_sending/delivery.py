"""
What becomes of one reference, as judgement: no resolver and no sender is called here.
"""

from __future__ import annotations

from datetime import UTC, datetime

from careof._values.clock import Clock
from careof._values.contact import Contact, Recipient
from careof._values.invitation import Invitation, Message
from careof._values.receipt import Outcome, Receipt
from careof._values.reference import refuse_reference
from careof.errors import (
    CareofError,
    DeliveryError,
    DeliveryUncertainError,
    EndpointUnavailableError,
    NoAddressError,
    SendRejectedError,
    SendUnavailableError,
    UnexpectedAnswerError,
)

HIDDEN_REFERENCE = "***"


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
        folded = given.casefold()
        hidden = any(
            value.casefold() in folded or value.casefold().lstrip("+") in folded for value in held
        )
        return None if hidden else given

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
            attempts=0 if isinstance(error, CareofError) and error.outcome == "refused" else 1,
            retry_after=None if error is None else error.retry_after,
            started_at=self._started_at,
            duration=self._clock.monotonic() - self._started,
            detail="" if error is None else error.detail,
        )


def failed_lookup(error: Exception) -> CareofError:
    """
    What an exception of a resolver means.  Of a foreign one only the class is kept.
    """
    if isinstance(error, CareofError):
        return error
    return EndpointUnavailableError(
        f"The resolver failed ({type(error).__name__}).", detail=type(error).__name__
    )


def failed_sending(error: Exception) -> CareofError:
    """
    What an exception of a sender means.  Of every one only the class is kept.

    A sender's text can quote the address.  What is not one of our two errors
    leaves open whether the message was accepted.
    """
    detail = error.detail if isinstance(error, DeliveryError) else type(error).__name__
    retry_after = error.retry_after if isinstance(error, DeliveryError) else None
    if isinstance(error, SendRejectedError):
        return SendRejectedError("The sender rejected the message.", detail=detail)
    if isinstance(error, SendUnavailableError):
        return SendUnavailableError(
            "The sender accepted nothing.",
            detail=f"sender:{detail}" if detail else "sender",
            retry_after=retry_after,
        )
    return DeliveryUncertainError(
        f"The sender failed ({type(error).__name__}); the message may have been accepted.",
        detail=detail,
    )
