"""
The host at work: it tests its configuration, sends, stores, and is careless.
"""

from __future__ import annotations

import json
import logging
import pathlib
import pickle
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from host import make_invitation, make_recipient, make_resolver, make_sender, read_records

from careof import CheckReport, Dispatcher, MemoryLedger, Outcome, Receipt

logger = logging.getLogger("host")


class HostAtWork:
    """
    One run of the main job, and all that a host keeps of it.
    """

    def __init__(self, folder: pathlib.Path, doors: Mapping[str, Any]) -> None:
        self.folder = folder
        self.records = read_records(folder / "people.csv")
        self.links = {
            record["reference_id"]: f"https://surveys.host.example/s/{secrets.token_hex(8)}"
            for record in self.records
        }
        self.invitation = make_invitation(self.links)
        self.resolver = make_resolver(doors)
        self.sender = make_sender(doors)
        self.ledger = MemoryLedger()  # a host has a table in its database
        self.receipts: list[Receipt] = []
        self.errors: list[Exception] = []
        self.contact_pickled = False

    def check(self) -> CheckReport:
        """
        Test the configuration with the first reference.
        """
        return self.resolver.check(self.records[0]["reference_id"])

    def send(self, records: Sequence[Mapping[str, str]]) -> None:
        """
        Send the survey to each of *records*.
        """
        dispatcher = Dispatcher(self.resolver, self.sender, ledger=self.ledger)
        recipients = map(make_recipient, records)
        with dispatcher.send_many(recipients, self.invitation, ordered=True) as batch:
            for receipt in batch:
                logger.info("%s", receipt)
                self.receipts.append(receipt)

    def be_careless(self) -> None:
        """
        Do what leaks elsewhere: log contacts, pickle them, log every traceback.
        """
        for record, receipt in zip(self.records, self.receipts, strict=True):
            self._look_into(record, receipt)
            try:
                receipt.raise_for_outcome()
            except Exception as error:
                logger.exception("not sent")
                self.errors.append(error)

    def _look_into(self, record: Mapping[str, str], receipt: Receipt) -> None:
        try:
            contact = self.resolver.resolve(receipt.reference_id)
            message = self.invitation.render(contact, make_recipient(record).variables)
            address = contact.email  # a local variable, for tracebacks to show
            logger.debug("%s %r %s %s", contact, contact, address, _attributes(message))
            if receipt.outcome == Outcome.REJECTED:
                self.sender.send(contact, message)
            pickle.dumps(contact)
            self.contact_pickled = True
        except Exception as error:
            logger.exception("looked into %s", receipt.reference_id)
            self.errors.append(error)

    def store(self, report: CheckReport) -> list[object]:
        """
        Write receipts and pickles to the working folder; all that was pickled.
        """
        stored = [receipt.to_dict() for receipt in self.receipts]
        text = json.dumps(stored, indent=1)
        (self.folder / "receipts.json").write_text(text, encoding="utf-8")
        things = [self.receipts, report, self.invitation, *self.errors]
        for number, thing in enumerate(things):
            (self.folder / f"{number:02}-{type(thing).__name__}.pickle").write_bytes(
                pickle.dumps(thing)
            )
        return things


def _attributes(thing: object) -> dict[str, object]:
    """
    The attributes of *thing*, as a debugger lists them.
    """
    return {name: getattr(thing, name) for name in dir(thing) if not name.startswith("_")}
