"""
What a day of sends costs, by arithmetic from what was measured and what is assumed.
"""

from __future__ import annotations

import math
import pathlib
import re
import sqlite3
import uuid

import attrs
from lookups.table import print_lines

LEDGER_PAGE = pathlib.Path(__file__).parents[2] / "docs" / "ledger.md"
DAY = 86_400

# Measured, as docs/performance.md has it: µs of CPU for each.
RECEIPT = 199.6  # send_many over an endpoint, blocking: lookup, invitation, receipt
TLS = 221 - 165  # what TLS adds to a lookup
MAIL = 348 - 47  # one message over one connection, without its lookup in memory
LEDGER = 23.3  # claim and settle, in memory: the driver of a database is not in it
CPU = (RECEIPT + TLS + MAIL + LEDGER) / 1e6  # seconds
MEMORY = 39  # MiB of a process that sends, without a framework
HALF = 0.5  # of a core is what one should plan with
BROKER = 52  # commands to Redis for a message of 100 references, its result and who asks for it


@attrs.frozen(kw_only=True)
class Day:
    """
    What a day is assumed to be like.

    Attributes:
        sends: Surveys a day.
        customers: Whose endpoints are asked.
        peak: How many times the mean the busiest hour has.
        largest: The share of the largest customer.
        lookup: Seconds until a customer has answered.
        mail: Seconds until the mail server has taken a message.
        ledger: Seconds for one statement of the ledger.
        at_once: How many sends are under way in one process.
        lifetime: Seconds for which a token is good.
        chunk: References in one message of the broker, or in one request for many.
    """

    sends: int
    customers: int
    peak: float = 4.0
    largest: float = 0.1
    lookup: float = 0.1
    mail: float = 0.1
    ledger: float = 0.002
    at_once: int = 32
    lifetime: float = 3600.0
    chunk: int = 100

    @property
    def rate(self) -> float:
        """
        Sends a second in the busiest hour.
        """
        return self.sends / DAY * self.peak

    @property
    def under_way(self) -> float:
        """
        Sends that are under way at once, then.
        """
        return self.rate * (self.lookup + self.mail + 2 * self.ledger)

    @property
    def processes(self) -> int:
        """
        Processes that it takes: for the waiting, or for the work if that is more.
        """
        return math.ceil(max(self.under_way / self.at_once, self.rate * CPU / HALF))


DAYS = (
    Day(sends=1_000_000, customers=50),
    Day(sends=100_000_000, customers=500),
    Day(sends=1_000_000_000, customers=2_000),
)


def lines(days: tuple[Day, ...] = DAYS) -> list[list[str]]:
    """
    The table: a row for each thing that is paid, a column for each size.
    """
    row_bytes = bytes_of_a_row()
    rows: list[tuple[str, list[float | str]]] = [
        ("customers (assumed)", [day.customers for day in days]),
        ("sends a second, on average", [day.sends / DAY for day in days]),
        ("sends a second, in the busiest hour", [day.rate for day in days]),
        ("cores, busy", [day.rate * CPU for day in days]),
        ("cores, half busy", [day.rate * CPU / HALF for day in days]),
        ("sends under way", [day.under_way for day in days]),
        ("processes, 32 under way in each", [day.processes for day in days]),
        ("GiB for them", [day.processes * MEMORY / 1024 for day in days]),
        ("GiB, one under way in each", [math.ceil(day.under_way) * MEMORY / 1024 for day in days]),
        ("lookups a second, largest customer", [day.rate * day.largest for day in days]),
        (
            "requests a second there, 100 in each",
            [day.rate * day.largest / day.chunk for day in days],
        ),
        ("tokens a day, one a process", [day.processes * _tokens(day) for day in days]),
        ("tokens a day, one a fleet", [_tokens(day) for day in days]),
        ("ledger statements a second", [2 * day.rate for day in days]),
        ("ledger rows a day", [day.sends for day in days]),
        ("ledger GB a day", [day.sends * row_bytes / 1e9 for day in days]),
        ("broker messages a day, 100 references in each", [day.sends / day.chunk for day in days]),
        ("broker commands a second", [_broker(day) for day in days]),
        ("SMTP connections, busy", [day.rate * day.mail for day in days]),
    ]
    heads = ["a day", *(f"{day.sends / 1e6:,.0f} million" for day in days)]
    return [heads, *([name, *map(_figure, figures)] for name, figures in rows)]


def show() -> None:
    """
    Print the table, and what it is made of.
    """
    print_lines(lines())
    print(f"CPU of a send: {CPU * 1e6:.0f} µs; a row of the ledger: {bytes_of_a_row():.0f} bytes.")


def bytes_of_a_row(rows: int = 20_000) -> float:
    """
    What one reference takes in the table of docs/ledger.md, its index included, in SQLite.
    """
    table = re.search(r"CREATE TABLE[^;]*?sent_once.*?\n\)", LEDGER_PAGE.read_text(), re.DOTALL)
    if table is None:
        raise LookupError("docs/ledger.md has no table any more.")
    with sqlite3.connect(":memory:") as connection:
        connection.execute(table[0])
        connection.executemany(
            "INSERT INTO sent_once (survey_id, wave, reference_id, channel, outcome, run)"
            " VALUES ('visit-autumn', 'w-2', ?, 'email', 'sent', 'run-20261130-01')",
            # References as most customers have them, and in no order.
            ((str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))),) for number in range(rows)),
        )
        [[size]] = connection.execute(
            "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        )
    return float(size / rows)


def _broker(day: Day) -> float:
    return day.rate / day.chunk * BROKER


def _tokens(day: Day) -> float:
    return day.customers * DAY / day.lifetime


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
