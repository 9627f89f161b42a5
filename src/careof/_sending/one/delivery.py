"""
One reference on its way, as judgement: no resolver, no sender and no ledger is called here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime

import attrs

from careof._sending.fingerprints import Address, Fingerprinter
from careof._sending.ledger import LedgerKey
from careof._sending.one.ends import CANCELLED, End, had_before
from careof._sending.one.fate import Fate
from careof._sending.one.message_ids import safe_message_id
from careof._sending.one.run import Run, Single
from careof._values.clock import Clock
from careof._values.contact import Contact, Recipient
from careof._values.invitation import Invitation, Message
from careof._values.receipt import Outcome, Receipt
from careof._values.reference import refuse_reference
from careof._values.sealed import SealedMapping
from careof.errors import CareofError

HIDDEN_REFERENCE = "***"
_A_LONG_NUMBER = 10**32
SINGLE = Single()
_NO_VARIABLES = SealedMapping({})


class Delivery:
    """
    One reference on its way through one send.

    It holds nothing of a contact: those live in the frames that need them.

    Attributes:
        reference_id: Who is asked about.
        run: What it shares with the others of its call.
        number: Which of them it is, from 0.
        fate: What becomes of it.
        is_concluded: Whether there is a receipt.
        has_landed: Whether its receipt may be given out.
        is_settled: Whether the ledger has the outcome, or said that it cannot take it.
        is_back: Whether whoever carried it came back.
        receipt: The receipt, once there is one.
    """

    __slots__ = (
        "_asked",
        "_clock",
        "_invitation",
        "_is_reference",
        "_started",
        "_started_at",
        "_variables",
        "fate",
        "has_landed",
        "is_back",
        "is_concluded",
        "is_settled",
        "number",
        "receipt",
        "reference_id",
        "run",
    )
    receipt: Receipt

    def __init__(
        self,
        recipient: str | Recipient,
        invitation: Invitation,
        clock: Clock,
        run: Run | Single = SINGLE,
        number: int = 0,
    ) -> None:
        self.reference_id: str
        if isinstance(recipient, Recipient):
            self.reference_id, self._variables = recipient.reference_id, recipient.variables
        else:
            self.reference_id, self._variables = recipient, _NO_VARIABLES
        self._invitation = invitation
        self._asked = self._is_reference = False
        self._clock = clock
        self._started = clock.monotonic()
        self._started_at = clock.time()
        self.fate: Fate = Fate()
        self.run: Run | Single = run
        self.number: int = number
        self.has_landed: bool = False
        self.is_back: bool = False
        self.is_settled: bool = False
        self.is_concluded: bool = False

    @property
    def channel(self) -> str:
        """
        Over what it is sent.
        """
        return self._invitation.channel

    @property
    def key(self) -> LedgerKey:
        """
        What a ledger knows it by.
        """
        invitation = self._invitation
        return LedgerKey(
            invitation.survey_id, invitation.wave, self.reference_id, invitation.channel
        )

    @property
    def settled_as(self) -> Outcome:
        """
        What a ledger is told: what was decided, or that the claim is free again.
        """
        return (self.fate.end or CANCELLED).settled_as

    def refusal(self) -> End | None:
        """
        Why nobody is asked about this reference, or None: then somebody is.
        """
        if self.run.is_halted:
            return CANCELLED
        self.fate.since = self._started
        refused = refuse_reference(self.reference_id)
        self._is_reference = refused is None
        return None if refused is None else End.of(refused)

    def rest(self) -> None:
        """
        Note that it only waits for its turn now, however long that takes.
        """
        self.fate.since = None

    def goes_on(self) -> bool:
        """
        Whether it has rested, which is over now.
        """
        has_rested = self.fate.since is None
        if has_rested:
            self.fate.since = self._clock.monotonic()
        return has_rested

    def ask(self) -> bool:
        """
        Whether the resolver is asked: nobody has stopped it.
        """
        if self.run.is_halted or self.fate.end is not None:
            return False
        self._asked = True
        self.fate.since = self._clock.monotonic()
        return True

    def addressed(self, contact: object) -> Contact | End:
        """
        *contact*, if it is one of this reference and has an address for the channel.
        """
        if not isinstance(contact, Contact):
            return End(Outcome.BAD_RESPONSE, "no_contact")
        if contact.reference_id != self.reference_id:
            return End(Outcome.BAD_RESPONSE, "other_reference")
        if self._address(contact) is None:
            return End(Outcome.NO_ADDRESS, self.channel)
        return contact

    def fingerprints(self, contact: Contact, fingerprinter: Fingerprinter) -> list[str]:
        """
        What a suppression list may know the address of *contact* by.
        """
        return fingerprinter.candidates(self._known_address(contact))

    def message(self, contact: Contact) -> Message | End:
        """
        What is sent to *contact*, or why nothing is.
        """
        outcome = self._invitation._fill(contact, self._variables)
        return End.of(outcome) if isinstance(outcome, CareofError) else outcome

    def reserve(self, contact: Contact) -> End | Future[None] | None:
        """
        None if no other reference of the run has this address; otherwise what
        that means, or a future to wait for before asking again.
        """
        addresses = self.run.addresses
        if addresses is None:
            return None
        mark = addresses.mark(self._known_address(contact))
        found = addresses.reserve(mark)
        if found is None:
            return self._held(lambda end: addresses.conclude(mark, end.outcome))
        return had_before(found) if isinstance(found, Outcome) else found

    def twin(self) -> Future[None] | None:
        """
        None if no other delivery of this reference is under way in the run; a
        future to wait for before asking again otherwise.
        """
        found = self.run.enter(self.reference_id)
        if found is None:
            self.goes_on()
            self._held(lambda _: self.run.leave(self.reference_id))
        return found

    def _held(self, let_go: Callable[[End], object]) -> End | None:
        if self.fate.hold(let_go):
            return None
        # It was given up, and concluded perhaps.
        let_go(CANCELLED)
        return CANCELLED

    def hand_over(self) -> bool:
        """
        Whether the message may be handed over now.
        """
        # A turn that was waited for is none after the batch was stopped.
        return not self.run.is_halted and self.fate.hand_over(self._clock.monotonic())

    def sent(self, contact: Contact, given: object) -> End:
        """
        The end of a message for which the sender returned *given*.
        """
        if inspect.isawaitable(given):
            # An async sender that did not look like one: it has sent nothing
            # yet, and nobody knows whether it ever will.
            return End(Outcome.UNCERTAIN, "async_sender")
        if given is False:
            return End(Outcome.UNCERTAIN, "sender_false")
        return End(Outcome.SENT, message_id=safe_message_id(contact, given))

    def failed(self, error: Exception) -> End:
        """
        The end of what ended in a way that we did not think of.
        """
        error.with_traceback(None)
        outcome = Outcome.UNCERTAIN if self.fate.is_handed_over else Outcome.UNAVAILABLE
        return End(outcome, f"bug:{type(error).__name__}")

    def unsettled(self, error: BaseException) -> None:
        """
        Note that the ledger did not take the outcome, if it did not: the claim stays open.
        """
        end = self.fate.end
        error.with_traceback(None)
        if end is not None and not self.is_settled:
            self.fate.end = attrs.evolve(end, detail=f"unsettled:{type(error).__name__}")
            self.is_settled = isinstance(error, Exception)

    def resume(self) -> None:
        """
        Let what was begun at the end be done again, by the one who had begun it.
        """
        if not self.is_settled:
            self.fate.resume()

    def conclude(self) -> None:
        """
        Make the receipt, and let go of the address.
        """
        end = self.fate.end or CANCELLED
        self.receipt = Receipt(
            reference_id=self._shown_reference(),
            survey_id=self._invitation.survey_id,
            wave=self._invitation.wave,
            channel=self._invitation.channel,
            outcome=end.outcome,
            message_id=end.message_id,
            attempts=int(self._asked),
            retry_after=end.retry_after,
            started_at=datetime.fromtimestamp(self._started_at, UTC),
            duration=self._clock.monotonic() - self._started,
            detail=end.detail,
        )
        self.run.count(self.receipt)
        self.fate.let_go(end)
        self.is_concluded = True

    def _address(self, contact: Contact) -> Address | None:
        return contact.email if self.channel == "email" else contact.phone

    def _known_address(self, contact: Contact) -> Address:
        address = self._address(contact)
        if address is None:  # which `addressed` has seen to
            raise ValueError
        return address

    def _shown_reference(self) -> str:
        # A reference that was refused may be an address with a line break, and
        # a receipt is meant to be stored and logged.  A number is none: whoever
        # forgot str() wants to find it again.
        given: object = self.reference_id
        if self._is_reference:
            return self.reference_id
        if type(given) is int and abs(given) < _A_LONG_NUMBER:
            return str(given)
        return HIDDEN_REFERENCE if refuse_reference(given) else self.reference_id
