"""
The ledger over the ORM, as the documentation of careof has it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from django.db import IntegrityError, connections, models, transaction

from careof import LedgerKey, Outcome
from surveys.models import SentOnce


class DjangoLedger:
    """
    Who was sent what; refuses to work inside a transaction, which could be taken back.
    """

    def __init__(self, run: str, using: str = "ledger") -> None:
        self._run = run
        self._using = using

    def claim(self, key: LedgerKey) -> str | None:
        """
        None if *key* is ours now; otherwise what is known of it.
        """
        with contextlib.suppress(IntegrityError), self._committed() as entries:
            entries.create(**key._asdict(), outcome="open", run=self._run)
            return None
        with self._committed() as entries:
            found = entries.filter(**key._asdict()).values_list("outcome", flat=True).first()
        return found or "open"

    def settle(self, key: LedgerKey, outcome: Outcome) -> None:
        """
        Keep *outcome* if it is final, and give the claim back otherwise.
        """
        with self._committed() as entries:
            if outcome.is_final:
                entries.bulk_create(
                    [SentOnce(**key._asdict(), outcome=outcome.value, run=self._run)],
                    update_conflicts=True,
                    unique_fields=LedgerKey._fields,
                    update_fields=["outcome"],
                )
            else:
                entries.filter(**key._asdict(), outcome="open", run=self._run).delete()

    @contextlib.contextmanager
    def _committed(self) -> Iterator[models.QuerySet[SentOnce]]:
        try:
            with transaction.atomic(using=self._using, durable=True):
                yield SentOnce.objects.using(self._using)
        finally:
            # No request ends in a thread of a dispatcher, and so nobody else hands
            # its connection back.
            connections[self._using].close_if_unusable_or_obsolete()
