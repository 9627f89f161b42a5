"""
``manage.py send_survey SLUG``: a survey to everybody who is to be asked.

It can be killed and started again: the ledger knows who was asked already.
"""

from __future__ import annotations

import logging
import socket

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from careof import progress
from surveys import wiring
from surveys.models import Survey

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    """
    Sends one survey, and prints what became of it in numbers.
    """

    help = "Send a survey to all its participants; nobody is sent it twice."

    def add_arguments(self, parser: CommandParser) -> None:
        """
        Which survey, and how many at once.
        """
        parser.add_argument("slug")
        parser.add_argument("--at-once", type=int, default=32)

    def handle(self, *, slug: str, at_once: int, **_: object) -> None:
        """
        One receipt for each participant.
        """
        survey = Survey.objects.filter(slug=slug).first()
        if survey is None:
            raise CommandError(f"There is no survey {slug!r}.")
        references = survey.participants.values_list("reference_id", flat=True)
        dispatcher = wiring.dispatcher(run=f"{socket.gethostname()} {timezone.now():%FT%TZ}")
        batch = dispatcher.send_many(
            references.iterator(), survey.invitation(), concurrency=at_once
        )
        with batch:
            for receipt in progress(batch, total=references.count()):
                if not receipt.ok:
                    logger.warning("%s", receipt)
        self.stdout.write(str(batch.tally))
