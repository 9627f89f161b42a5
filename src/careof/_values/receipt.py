"""
What became of one reference, in words that name nobody.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from careof._values.html_table import html_table
from careof._values.reference import refuse_reference
from careof.errors import ConfigurationError, error_class, is_safe_detail


class Outcome(enum.StrEnum):
    """
    What became of one reference: exactly one word of this closed list.
    """

    SENT = "sent"
    SUPPRESSED = "suppressed"
    DUPLICATE = "duplicate"
    GONE = "gone"
    NOT_FOUND = "not_found"
    NO_ADDRESS = "no_address"
    BAD_RESPONSE = "bad_response"
    AUTH_FAILED = "auth_failed"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"
    RATE_LIMITED = "rate_limited"
    REJECTED = "rejected"
    UNCERTAIN = "uncertain"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """
        Whether a ledger keeps it: the next run does not try this reference again.

        The others release the claim.  Nothing was handed over, and what was in
        the way may be gone by then.
        """
        return self not in _RELEASED


_RELEASED = frozenset(
    {Outcome.UNAVAILABLE, Outcome.RATE_LIMITED, Outcome.AUTH_FAILED, Outcome.CANCELLED}
)
_FINE = frozenset({Outcome.SENT, Outcome.DUPLICATE})

# Of a receipt that is drawn.
HEAD = ("reference", "outcome", "detail", "attempts", "duration")


def _safe(detail: str) -> str:
    # A host's resolver may raise our errors, with text of its own in them.
    return detail if is_safe_detail(detail) else ""


@attrs.frozen(kw_only=True)
class Receipt:
    """
    One reference, one outcome, and facts that name nobody.

    Safe to store, to log and to send through a queue: it pickles, and
    ``to_dict`` and ``from_dict`` carry it through JSON.

    Attributes:
        reference_id: As it was given; ``"***"`` if it was refused as a reference.
        outcome: The word from the closed list.
        message_id: The provider's id of the message, where it gave one.
        attempts: How many times a lookup was begun.
        retry_after: Seconds that the other side asked us to wait.
        started_at: When the send began (UTC).
        duration: Seconds that it took.
        detail: One word more about the outcome, for the one who looks into it.
    """

    reference_id: str
    survey_id: str
    wave: str = ""
    channel: str
    outcome: Outcome = attrs.field(converter=Outcome)
    message_id: str | None = None
    attempts: int = 1
    retry_after: float | None = None
    started_at: datetime
    duration: float = 0.0
    detail: str = attrs.field(default="", converter=_safe)

    @property
    def ok(self) -> bool:
        """
        Whether the person has the invitation, by ``sent`` or ``duplicate``.
        """
        return self.outcome in _FINE

    def raise_for_outcome(self) -> None:
        """
        Do nothing if all is well; raise the error of the outcome otherwise.

        Raises:
            CareofError: The class that the table in ``careof.errors`` gives.
        """
        if not self.ok:
            raise error_class(self.outcome, self.detail)(
                f"The survey was not sent: {self.outcome}"
                f"{f' ({self.detail})' if self.detail else ''}.",
                detail=self.detail,
                retry_after=self.retry_after,
            )

    def __str__(self) -> str:
        words = [self.reference_id, self.outcome.value, self.detail]
        return f"{' '.join(filter(None, words))} ({self.duration * 1000:.0f} ms)"

    def _row(self) -> tuple[str, ...]:
        # The dispatcher has masked what is no reference; a host that builds
        # receipts may not have.
        is_refused = refuse_reference(self.reference_id) is not None
        return (
            "***" if is_refused else self.reference_id,
            self.outcome.value,
            self.detail,
            str(self.attempts),
            f"{self.duration * 1000:.0f} ms",
        )

    def _repr_html_(self) -> str:
        survey = f"{self.survey_id}, {self.wave}" if self.wave else self.survey_id
        return html_table(f"Receipt: {survey}, {self.channel}", [self._row()], head=HEAD)

    def to_dict(self) -> dict[str, Any]:
        """
        The receipt as a dictionary that ``json.dumps`` takes.
        """
        return {
            **attrs.asdict(self),
            "outcome": self.outcome.value,
            "started_at": self.started_at.isoformat(),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Receipt:
        """
        The receipt that ``to_dict`` made *values* of.
        """
        missing = {"reference_id", "survey_id", "channel", "outcome", "started_at"} - set(values)
        if missing:
            raise ConfigurationError(f"Receipt.from_dict: {', '.join(sorted(missing))}: missing.")
        return cls(**{**values, "started_at": datetime.fromisoformat(values["started_at"])})
