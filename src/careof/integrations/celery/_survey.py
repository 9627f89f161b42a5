"""
Which survey it is, in the words that a message may hold, and how far it has come.
"""

from __future__ import annotations

from typing import get_args

import attrs

from careof._sending.tally import Tally
from careof._values.html_table import html_table
from careof._values.invitation import Channel
from careof._values.receipt import Outcome
from careof._values.reference import refuse_reference
from careof._values.unwrap import unwrap
from careof.errors import ConfigurationError

_CHANNELS = get_args(Channel)


def _refusal(channel: object, **names: object) -> ConfigurationError | None:
    # They stand in every message of the broker: names, and nobody's address.
    for field, value in names.items():
        if refuse_reference(value) is not None and (field, value) != ("wave", ""):
            return ConfigurationError(
                f"Survey: {field}: expected the host's own id of it, as text of 1 to 256 "
                "characters, and nothing that looks like an address."
            )
    if channel not in _CHANNELS:
        return ConfigurationError(f"Survey: channel: expected {' or '.join(_CHANNELS)}.")
    return None


@attrs.frozen(kw_only=True, init=False)
class Survey:
    """
    One survey of one tenant, in one wave, over one channel: all that a message says of it.

    Attributes:
        tenant: Whose survey it is: what *dispatchers*, *ledger* and *rates* are told.
        survey_id: That of the invitation.
        wave: That of the invitation; empty if it has none.
        channel: ``"email"`` or ``"sms"``.

    Raises:
        ConfigurationError: One of them is no id, or looks like somebody's address.
    """

    tenant: str
    survey_id: str
    wave: str
    channel: Channel

    def __init__(self, *, tenant: str, survey_id: str, wave: str = "", channel: Channel) -> None:
        refused = _refusal(channel, tenant=tenant, survey_id=survey_id, wave=wave)
        if refused is not None:
            del self, tenant, survey_id, wave, channel  # half built, and somebody's address
            unwrap(refused)
        self.__attrs_init__(tenant=tenant, survey_id=survey_id, wave=wave, channel=channel)


@attrs.frozen(kw_only=True)
class Standing:
    """
    How far a survey has come, by what its ledger says.

    Attributes:
        outcomes: What is settled.
        open: Claims that are not: under way, or left by a worker that was killed.
            When nothing of the survey runs any more, these are ``uncertain``.
    """

    outcomes: Tally
    open: int = 0

    def __str__(self) -> str:
        return f"{self.outcomes}, open {self.open:,}" if self.open else str(self.outcomes)

    def _repr_html_(self) -> str:
        rows = [*self.outcomes._rows(), ("open", f"{self.open:,}")]
        return html_table("By the ledger", rows, head=("outcome", "references"))


def standing(counts: object) -> Standing | ConfigurationError:
    """
    What a ledger's *counts* mean: its own words, outcomes and ``"open"``, to numbers.
    """
    try:
        numbers = {str(word): int(count) for word, count in dict(counts).items()}  # type: ignore[call-overload]
        is_open = numbers.pop("open", 0)
        return Standing(
            outcomes=Tally({Outcome(word): count for word, count in numbers.items()}),
            open=is_open,
        )
    except (TypeError, ValueError):
        return ConfigurationError(
            "SurveyTasks: standing: the ledger's counts(survey_id, wave, channel) must return "
            'a mapping of its words ("open", or an outcome) to numbers.'
        )
