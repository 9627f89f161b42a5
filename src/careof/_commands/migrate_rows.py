"""
Rows of a table, each parted in two.
"""

from __future__ import annotations

import attrs

from careof._commands.migrate_journal import Counts, Journal
from careof._commands.problems import Problem
from careof._commands.tables import Table
from careof._values.contact import Contact
from careof.contacts._derivation import Derivation
from careof.contacts._looking import Look
from careof.contacts._migration import Migrated, Splitter
from careof.contacts._places import Place
from careof.errors import CareofError

_OTHER_DETAILS = (
    "This row has the address of an earlier one and another number or other attributes, and one "
    "reference id can stand for one contact only."
)
_NOT_ENCODED = (
    "This row has an address that is written with other letters than the encoding of the table "
    "has: convert the table to UTF-8."
)


def _is_personal(name: str) -> bool:
    look = Look(None)
    look.into(name, Place.root(lambda _: False))
    return bool(look.found)


@attrs.define
class Parted:
    """
    What becomes of some rows, each under the name of the part that it goes to.
    """

    host: list[list[str]] = attrs.Factory(list)
    customer: list[list[str]] = attrs.Factory(list)
    side: list[list[str]] = attrs.Factory(list)


class Rows:
    """
    The rows of *table*, and the splitter that parts each.
    """

    def __init__(
        self, table: Table, number: str | None, splitter: Splitter, derive: Derivation | None
    ) -> None:
        self._header = table.header
        self._encoding = table.form.encoding
        self._number = number
        self._splitter = splitter
        self._derive = derive

    @property
    def headers(self) -> dict[str, list[str]]:
        """
        The names of the columns of each part.
        """
        fields = self._splitter.fields
        addresses = [name for name in (fields.email, fields.phone) if name is not None]
        return {
            "side": ["row", "code", "reason"],
            "customer": [fields.reference, *addresses, *fields.attributes],
            "host": self._splitter.kept_names(self._header),
        }

    def problem(self) -> Problem | None:
        """
        Why there is no such table, or None.  Nothing of the header is repeated.

        A file without a header has a person in its first row.
        """
        fields = self._splitter.fields
        names = [fields.email, fields.phone, *fields.attributes, *fields.drop, self._number]
        options = ["--email", "--phone", *["--attribute"] * len(fields.attributes)]
        options += [*["--drop"] * len(fields.drop), "--id"]
        for option, name in zip(options, names, strict=True):
            if name is not None and name not in self._header:
                return Problem(
                    f"{option}: no column has exactly that name, with its capitals and spaces. "
                    "The first row, in which the names are expected, has "
                    f"{len(self._header)} cell{'s' * (len(self._header) != 1)}; if that is "
                    "another number than you see in it, give --delimiter."
                )
        if any(map(_is_personal, self._header)):
            return Problem(
                "IN: there is an address or a number in the first row, in which the names of "
                "columns are expected: give it a header, or rename that column."
            )
        for parts in (self._header, self.headers["host"]):
            if len(set(parts)) != len(parts):
                return Problem("IN: two columns have one name; rename all but one.")
        if self._number is not None and fields.takes(self._number):
            return Problem("--id: that column does not stay; expected one that does.")
        return None

    def part(self, rows: list[list[str]], before: int, counts: Counts, journal: Journal) -> Parted:
        """
        What becomes of *rows*, the first of which is the one behind *before*; counted.
        """
        parted = Parted()
        for number, row in enumerate(rows, before + 1):
            if not row:
                continue  # a blank line is no row
            counts.read += 1
            refused = self._one(row, parted, counts, journal)
            if refused is not None:
                counts.refuse(refused[0])
                parted.side.append([f"{number}", *refused])
        return parted

    def _one(
        self, row: list[str], parted: Parted, counts: Counts, journal: Journal
    ) -> tuple[str, str] | None:
        width = len(self._header)
        if len(row) != width:
            cells = f"{len(row)} cell{'s' * (len(row) != 1)}"
            return "cells", f"This row has {cells}, and the first one has {width}."
        record = dict(zip(self._header, row, strict=True))
        if self._number is not None and not record[self._number].strip():
            return "id", "This row has nothing in the column that --id names."
        outcome = self._splitter.split(record)
        if isinstance(outcome, CareofError):
            return outcome.detail, str(outcome)
        return self._divided(outcome, parted, counts, journal)

    def _divided(
        self, migrated: Migrated, parted: Parted, counts: Counts, journal: Journal
    ) -> tuple[str, str] | None:
        contact = migrated.contact
        host = [cell or "" for cell in migrated.record.values()]
        if contact is None:
            counts.empty += 1
            parted.host.append(host)
            return None
        cells = self._cells(contact)
        if not self._can_be_written(cells):
            return "encoding", _NOT_ENCODED
        if self._derive is not None:
            digest = self._derive._digest(contact)
            met = journal.meet(contact.reference_id, digest)
            if met is not None and met != digest:
                return "other_details", _OTHER_DETAILS
            if met is not None:
                counts.repeated += 1
                cells = []
        counts.written += 1
        parted.host.append(host)
        if cells:
            parted.customer.append(cells)
        return None

    def _cells(self, contact: Contact) -> list[str]:
        fields, attributes = self._splitter.fields, contact.attributes
        addresses = [
            address
            for name, address in ((fields.email, contact.email), (fields.phone, contact.phone))
            if name is not None
        ]
        named = [attributes.get(name) for name in fields.attributes]
        texts = [text.reveal() if text is not None else "" for text in (*addresses, *named)]
        return [contact.reference_id, *texts]

    def _can_be_written(self, cells: list[str]) -> bool:
        text = "".join(cells)
        if text.isascii():
            return True
        try:
            text.encode(self._encoding)
        except UnicodeError:  # it quotes the text
            return False
        return True
