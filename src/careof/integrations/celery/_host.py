"""
What the host knows, and what a worker asks it for when it has a message.

Theory of operation: everything here is the host's own code, asked anew for each
message, in the process that works on it.  Whatever that code raises may have a
password in its text, so only the class of it goes on, and it is tried again later;
what does not fit together stays so, and is an error at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import attrs

from careof._sending.dispatcher import Dispatcher
from careof._sending.ledger import Ledger
from careof._values.invitation import Invitation
from careof._values.receipt import Outcome, Receipt
from careof._values.unwrap import forget_the_way, unwrap
from careof.errors import ConfigurationError
from careof.integrations.celery._survey import Survey
from careof.integrations.celery._turn import Done, Rate, Turn

T = TypeVar("T")

Dispatchers = Mapping[str, Dispatcher] | Callable[[str], Dispatcher]
Ledgers = Ledger | Callable[[str, str], Ledger]
Invitations = Callable[[Survey], Invitation | None]
Rates = Mapping[str, Rate] | Callable[[str], Rate | None]


@attrs.frozen(kw_only=True)
class Host:
    """
    What the host knows, asked for with each message.
    """

    dispatchers: Dispatchers
    ledger: Ledgers
    invitations: Invitations
    rates: Rates | None
    concurrency: int

    def turn(self, survey: Survey, references: Sequence[str], run: str) -> Done:
        """
        One turn at *references*, whose claims are those of *run*.

        Raises:
            ConfigurationError: The host's parts do not fit together.
        """
        parts = self._parts(survey, run)
        if isinstance(parts, ConfigurationError):
            unwrap(parts)
        elif isinstance(parts, str):
            return Done(left=references, reason=parts)
        elif parts is not None:
            dispatcher, invitation, rate = parts
            turn = Turn(references, rate=rate)
            return turn.take(dispatcher, invitation, self.concurrency)
        return Done(receipts=[no_turn(survey, each, Outcome.CANCELLED) for each in references])

    def ledger_of(self, tenant: str, run: str) -> Ledger:
        """
        The ledger of *tenant*, which notes *run* beside each claim.
        """
        return self.ledger(tenant, run) if callable(self.ledger) else self.ledger

    def _parts(
        self, survey: Survey, run: str
    ) -> tuple[Dispatcher, Invitation, Rate | None] | ConfigurationError | str | None:
        asked = "invitations"
        try:
            invitation = self.invitations(survey)
            if invitation is None:
                return None
            asked = "rates"
            rate = None if self.rates is None else _of(self.rates, survey.tenant)
            asked = "ledger"
            ledger = self.ledger_of(survey.tenant, run)
            asked = "dispatchers"
            dispatcher = _of(self.dispatchers, survey.tenant)
            return _fitted(survey, invitation, dispatcher, ledger), invitation, rate
        except ConfigurationError as error:
            failure: ConfigurationError = error
        except Exception as error:
            return f"{asked}: {type(error).__name__}"
        return ConfigurationError(str(forget_the_way(failure)))


def _of(parts: Mapping[str, T] | Callable[[str], T], tenant: str) -> T:
    return parts(tenant) if callable(parts) else parts[tenant]


def _fitted(survey: Survey, invitation: object, dispatcher: object, ledger: Ledger) -> Dispatcher:
    if not isinstance(invitation, Invitation):
        raise ConfigurationError("survey_tasks: invitations: expected an Invitation, or None.")
    # The ledger knows a message by these: another one would be sent once more.
    said = Survey(
        tenant=survey.tenant,
        survey_id=invitation.survey_id,
        wave=invitation.wave,
        channel=invitation.channel,
    )
    if said != survey:
        raise ConfigurationError(
            "survey_tasks: invitations: the invitation has another survey_id, wave or channel "
            "than the survey that it was asked for."
        )
    if not isinstance(dispatcher, Dispatcher):
        raise ConfigurationError("survey_tasks: dispatchers: expected a Dispatcher.")
    return dispatcher._with_ledger(ledger)


def no_turn(survey: Survey, reference_id: str, outcome: Outcome, detail: str = "") -> Receipt:
    """
    The receipt of a reference that nobody was asked about.
    """
    return Receipt(
        reference_id=reference_id,
        survey_id=survey.survey_id,
        wave=survey.wave,
        channel=survey.channel,
        outcome=outcome,
        attempts=0,
        started_at=datetime.now(UTC),
        detail=detail,
    )
