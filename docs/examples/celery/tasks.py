"""
One task for each survey that is sent: it carries a reference, and nothing about anybody.
"""

from __future__ import annotations

import os
from typing import Any

import wiring
from celery import Celery, Task

from careof import Invitation, Outcome, Receipt

app = Celery(
    "surveys",
    broker=os.environ.get("HOST_BROKER", "amqp://localhost"),
    backend=os.environ.get("HOST_RESULTS"),
)
app.conf.worker_prefetch_multiplier = 1  # what waits, waits where every worker can take it

LATER = {Outcome.UNAVAILABLE, Outcome.RATE_LIMITED}  # nothing was handed over
TRIES = 6
FIRST_PAUSE = 30.0  # seconds; each pause is twice as long as the one before
LONGEST_PAUSE = 1800.0


class ByReference(Task):
    """
    A task whose arguments stand in its message, and not in logs and monitoring.
    """

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        """
        As of any task, also when it is tried again.
        """
        options |= {"argsrepr": "(***)", "kwargsrepr": "{***}"}
        return super().apply_async(args, kwargs, **options)


@app.task(
    bind=True,
    base=ByReference,
    acks_late=True,
    reject_on_worker_lost=True,
    max_retries=None,  # pause_after counts; the error of Celery's own count quotes arguments
)
def send_survey(self: Task, slug: str, reference_id: str) -> dict[str, str]:
    """
    Send one survey to one reference; what became of whom stands in the ledger.
    """
    receipt = wiring.dispatcher(run=self.request.id).send(reference_id, invitation(slug))
    pause = pause_after(receipt, tries=self.request.retries + 1)
    if pause is not None:
        raise self.retry(countdown=pause)
    return {"outcome": receipt.outcome, "detail": receipt.detail}


def pause_after(receipt: Receipt, tries: int) -> float | None:
    """
    Seconds until another try, or None where that is not for a queue to decide.
    """
    if receipt.outcome not in LATER or tries >= TRIES:
        return None
    asked = receipt.retry_after or 0.0
    return min(max(asked, FIRST_PAUSE * 2 ** (tries - 1)), LONGEST_PAUSE)


def invitation(slug: str) -> Invitation:
    """
    The words, which come from this host's own database in earnest.
    """
    return Invitation(
        survey_id=slug,
        channel="email",
        subject="How was it?",
        text=f"Tell us: https://surveys.example/{slug}",
    )
