"""
What a call tells the host's ``on_event``, once it is over.

Theory of operation: a hook may log, and whoever handles that record may look at
every frame beneath it.  So the steps of a call are only noted while it is under
way, and told when the frames that held the request and the answer are gone.
"""

from __future__ import annotations

from collections.abc import Iterator

from careof._network.call import Call
from careof._values.event import OK, STEPS, Event
from careof._values.receipt import Outcome
from careof.errors import CareofError

_WORDS = frozenset(outcome.value for outcome in Outcome)


def events_of(call: Call, *outcomes: object, endpoint: str, host: str) -> Iterator[Event]:
    """
    One event for each step of *call*, and one for each of its *outcomes*.

    Args:
        endpoint: What the host calls it.
        host: The server that the template names.
    """
    for step in call.steps:
        if step.name in STEPS:  # not "template", which never left the process
            word, detail = step.failure or (OK, "")
            word = _known(word)
            yield Event(
                endpoint=endpoint,
                host=host,
                step=step.name,
                attempt=step.attempt,
                status=step.status,
                outcome=word,
                detail=detail,
                started_at=call.started_at + step.began,
                duration=step.seconds,
            )
    for outcome in outcomes:
        error = outcome if isinstance(outcome, CareofError) else None
        yield Event(
            endpoint=endpoint,
            host=host,
            step="resolve",
            attempt=call.attempt,
            status=200 if error is None else error.status,
            outcome=OK if error is None else _known(error.outcome),
            detail="" if error is None else error.detail,
            started_at=call.started_at,
            duration=call.lasted(),
        )


def _known(word: str) -> str:
    # An error of the host's own may have a word of its own.
    return word if word == OK or word in _WORDS else Outcome.UNAVAILABLE.value
