"""
What becomes of one reference, as judgement: no resolver and no sender is called here.
"""

from __future__ import annotations

import inspect
import math
from datetime import UTC, datetime
from urllib.parse import unquote

from careof._values.addresses import ascii_address
from careof._values.clock import Clock
from careof._values.contact import Contact, Recipient
from careof._values.invitation import Invitation, Message
from careof._values.receipt import Outcome, Receipt
from careof._values.reference import refuse_reference
from careof.errors import (
    CareofError,
    ConfigurationError,
    DeliveryUncertainError,
    DestinationRefusedError,
    EndpointUnavailableError,
    NoAddressError,
    SendRejectedError,
    SendUnavailableError,
    UnexpectedAnswerError,
    is_safe_detail,
)

HIDDEN_REFERENCE = "***"
_LOCAL_DIGITS = 7  # of a phone number, at its end
_OF_SENDERS = (SendRejectedError, SendUnavailableError, DeliveryUncertainError)


class Delivery:
    """
    One reference on its way through one send.
    """

    __slots__ = ("_asked", "_clock", "_invitation", "_recipient", "_started", "_started_at")

    def __init__(self, recipient: str | Recipient, invitation: Invitation, clock: Clock) -> None:
        if not isinstance(invitation, Invitation):
            raise ConfigurationError("send: invitation: expected an Invitation.")
        self._recipient = recipient if isinstance(recipient, Recipient) else Recipient(recipient)
        self._invitation = invitation
        self._asked = False
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
        Why nobody is asked about this reference, or None: then somebody is.
        """
        refused = refuse_reference(self.reference_id)
        self._asked = refused is None
        return refused

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
        return self._invitation._fill(contact, self._recipient.variables)

    def message_id(self, contact: Contact, given: object) -> str | CareofError | None:
        """
        The sender's id of the message, if it is one and does not hold an address.
        """
        if inspect.isawaitable(given):
            # An async sender that did not look like one: it has sent nothing
            # yet, and nobody knows whether it ever will.
            return DeliveryUncertainError(
                "The sender is async: use AsyncDispatcher.", detail="async_sender"
            )
        if given is False:
            return DeliveryUncertainError(
                "The sender returned False: it should raise SendUnavailableError or "
                "SendRejectedError.",
                detail="sender_false",
            )
        if not (isinstance(given, str) and given.isprintable() and len(given) <= 256):
            return None
        try:
            return None if _holds(given, contact) else given
        except Exception:
            # An address that no parser of ours made.  The message is out: what
            # is said about it now must not look as if it were not.
            return None

    def receipt(self, outcome: str | CareofError | None) -> Receipt:
        """
        The receipt for a message id (or None: sent, without one) or an error.
        """
        error = outcome if isinstance(outcome, CareofError) else None
        return Receipt(
            reference_id=self._shown_reference(),
            survey_id=self._invitation.survey_id,
            wave=self._invitation.wave,
            channel=self._invitation.channel,
            outcome=Outcome.SENT if error is None else Outcome(error.outcome),
            message_id=None if isinstance(outcome, CareofError) else outcome,
            attempts=int(self._asked),
            retry_after=None if error is None else error.retry_after,
            started_at=self._started_at,
            duration=self._clock.monotonic() - self._started,
            detail=self._detail(error),
        )

    def _shown_reference(self) -> str:
        # A reference that was refused may be an address with a line break, and
        # a receipt is meant to be stored and logged.  A number is none: whoever
        # forgot str() wants to find it again.
        given: object = self.reference_id
        if self._asked or type(given) is int:
            return str(given)
        return HIDDEN_REFERENCE if refuse_reference(given) else self.reference_id

    @staticmethod
    def _detail(error: CareofError | None) -> str:
        return "" if error is None else error.detail


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


def _holds(message_id: str, contact: Contact) -> bool:
    """
    Whether *message_id* has the address or the number in it, in a usual spelling.
    """
    while message_id != (message_id := unquote(message_id)):
        pass
    # Letters and digits only: ids write an address as ann=example.org, or a
    # number with hyphens, or without its country.
    bare = _bare(message_id)
    email = "" if contact.email is None else contact.email.reveal()
    phone = "" if contact.phone is None else contact.phone.reveal()
    spellings = [email, email and ascii_address(email), phone[-_LOCAL_DIGITS:]]
    return any(_bare(spelling) in bare for spelling in spellings if spelling)


def _bare(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
