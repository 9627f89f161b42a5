"""
``python -m careof pseudonymize``: a copy of a table, with pseudonyms for phone numbers.

Theory of operation: rows go through memory a few thousand at a time.  Until the
last one is written there is nothing but drafts; whatever happens before, they
go, and the same command can be given again.
"""

from __future__ import annotations

import argparse
import contextlib
import os
from pathlib import Path

import attrs

from careof._commands.columns import Column
from careof._commands.command import Done, Shell
from careof._commands.files import Draft, Drafts
from careof._commands.problems import Problem, of_file, shown
from careof._commands.progress import Progress
from careof._commands.pseudonymize_orders import Order
from careof._commands.stopping import Stop
from careof._commands.tables import Form, Table
from careof.errors import ConfigurationError
from careof.pseudonyms import HmacPseudonymizer, KeyRing, SivPseudonymizer
from careof.pseudonyms._keyed import KeyedPseudonymizer

SCHEMES: dict[str, type[KeyedPseudonymizer]] = {
    "hmac": HmacPseudonymizer,
    "siv": SivPseudonymizer,
}


@attrs.frozen
class Prepared:
    """
    All that has to be right before the first row is read.
    """

    table: Table
    column: Column
    pseudonymizer: KeyedPseudonymizer
    key: str


class Output:
    """
    The drafts: rows with pseudonyms, and from the first one on a list of those refused.
    """

    def __init__(self, order: Order, form: Form, drafts: Drafts, mode: int) -> None:
        self._order = order
        self._form = form
        self._drafts = drafts
        self._mode = mode
        self._begun: dict[Path, Draft] = {}

    def add(self, path: Path, header: list[str], rows: list[list[str]]) -> Problem | None:
        """
        Write *rows* to the draft of *path*, which begins with *header*.
        """
        text = self._form.text(rows)
        if path not in self._begun:
            draft = self._drafts.begin(path, self._form.encoding)
            if isinstance(draft, Problem):
                return draft
            self._begun[path] = draft
            text = self._form.mark + self._form.text([header]) + text
        return self._begun[path].write(text)

    def publish(self) -> Problem | None:
        """
        Let the files appear, the list of refused rows before the others.
        """
        paths = (self._order.side, self._order.target)
        drafts = [self._begun[path] for path in paths if path in self._begun]
        return self._drafts.publish(drafts, self._mode)


def run(options: argparse.Namespace, shell: Shell) -> Done | Problem:
    """
    Do what *options* say: all of it, or nothing.
    """
    order = Order.of(options)
    with shell.stop.heard():
        prepared = _prepared(order)
    if isinstance(prepared, Problem):
        return prepared
    table = prepared.table
    with contextlib.closing(table), Drafts() as drafts:
        progress = Progress(shell.stderr, table.size, shell.clock)
        output = Output(order, table.form, drafts, table.mode)
        try:
            problem = _copy(order, prepared, output, progress, shell.stop)
        finally:
            progress.clear()
        problem = problem or output.publish()
    return problem or _summary(order, prepared)


def _prepared(order: Order) -> Prepared | Problem:
    problem = _taken(order)
    if problem is not None:
        return problem
    made = _pseudonymizer(order)
    if isinstance(made, Problem):
        return made
    table = Table.open(order.source, Form(delimiter=order.delimiter, encoding=order.encoding))
    if isinstance(table, Problem):
        return table
    column = Column.named(order.column, table.header)
    if isinstance(column, Problem):
        table.close()
        return column
    return Prepared(table, column, *made)


def _taken(order: Order) -> Problem | None:
    with contextlib.suppress(OSError):
        if order.source.samefile(order.target):
            return Problem(
                "IN and OUT are one file, and nothing is overwritten: choose another OUT."
            )
    for path in (order.target, order.side):
        if os.path.lexists(path):
            return of_file("write", path, FileExistsError())
    return None


def _pseudonymizer(order: Order) -> tuple[KeyedPseudonymizer, str] | Problem:
    try:
        keyring = KeyRing.parse(order.keyring)
        pseudonymizer = SCHEMES[order.scheme](
            keyring, order.tenant, purpose=order.purpose, region=order.region
        )
        check = keyring.checks[keyring.primary]
    except ConfigurationError as error:
        return Problem(str(error))
    context = [
        f"{kind} {shown(text)}" if text else f"no {kind}"
        for kind, text in (("tenant", order.tenant), ("purpose", order.purpose))
    ]
    key = f"the key {keyring.primary} (check value {check})"
    return pseudonymizer, f"{key} by {order.scheme}, with {' and '.join(context)}"


def _copy(
    order: Order, prepared: Prepared, output: Output, progress: Progress, stop: Stop
) -> Problem | None:
    table, column = prepared.table, prepared.column
    problem = output.add(order.target, table.header, [])
    while problem is None:
        before = table.count
        with stop.heard():
            rows = table.rows()
        if isinstance(rows, Problem):
            return rows
        if not rows:
            return None
        refused = column.fill(rows, prepared.pseudonymizer)
        if refused:
            listed = [[f"{before + 1 + n}", reason] for n, reason in sorted(refused.items())]
            rows = [row for n, row in enumerate(rows) if n not in refused]
            problem = output.add(order.side, ["row", "reason"], listed)
        problem = problem or output.add(order.target, table.header, rows)
        if progress.is_due:
            progress.show(table.count - 1, table.position)  # the header is no row
    return problem


def _summary(order: Order, prepared: Prepared) -> Done:
    column = prepared.column
    written = f"{_rows(column.written)} written to {shown(order.target)}"
    refused = f"{_rows(column.refused)} refused"
    if column.refused:
        refused += f", listed in {shown(order.side)}"
    lines = [
        f"{written}, {column.empty:,} of them without a number.",
        f"{refused}.",
        f"made with {prepared.key}.",
    ]
    if column.refused and column.written == column.empty:
        lines.append("no cell was a phone number: are --column and --region the right ones?")
    return Done(not column.refused, lines)


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"
