"""
``python -m careof migrate``: a table of people becomes one of references, and one of contacts.

Theory of operation: until the last row is done there is nothing but drafts and a
journal.  A run that fails or is stopped takes them away; one that is killed
leaves them, and the same command goes on where the journal says.  When all rows
are done and the totals are right, the journal notes that the files appear now,
the customer's before the host's: from then on there is no way but to the end,
for this run or the one after it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Callable

from careof._commands.command import Done, Shell
from careof._commands.migrate_journal import COPYING, PUBLISHED, PUBLISHING, Counts, Journal
from careof._commands.migrate_orders import MigrateOrder
from careof._commands.migrate_parts import Part
from careof._commands.migrate_prepared import Prepared, prepare
from careof._commands.problems import Problem, of_file, shown
from careof._commands.progress import Progress
from careof._commands.stopping import Stop


def run(options: argparse.Namespace, shell: Shell) -> Done | Problem:
    """
    Do what *options* say: all of it, or nothing.
    """
    order = MigrateOrder.of(options)
    with shell.stop.heard():
        prepared = prepare(order)
    if isinstance(prepared, Problem):
        return prepared
    with contextlib.closing(prepared.table):
        journal = Journal.open(None if order.dry_run else order.journal, prepared.run)
        if isinstance(journal, Problem):
            return journal
        work = Work(order, prepared, journal)
        progress = Progress(shell.stderr, prepared.table.size, shell.clock)
        is_done = False
        try:
            problem = work.begin() or work.copy(progress, shell.stop) or work.publish()
            is_done = problem is None
        finally:
            progress.clear()
            if not is_done:
                work.undo()
            journal.discard()
    return problem or _summary(order, prepared, journal)


class Work:
    """
    The parts, and the journal that tells how far they are.
    """

    def __init__(self, order: MigrateOrder, prepared: Prepared, journal: Journal) -> None:
        self._order = order
        self._table = prepared.table
        self._rows = prepared.rows
        self._journal = journal
        self._parts: dict[str, Part] = {}
        if not order.dry_run:
            mode = prepared.table.mode
            self._parts = {
                name: Part(
                    path,
                    prepared.rows.headers[name],
                    prepared.table.form,
                    mode=bits,
                    is_ours=not journal.is_new,
                )
                for name, path, bits in (
                    ("side", order.side, mode),
                    ("customer", order.customer, 0o600),
                    ("host", order.host, mode),
                )
            }

    @property
    def _counts(self) -> Counts:
        return self._journal.noted.counts

    def begin(self) -> Problem | None:
        """
        Begin the drafts, or go on with those that are there.
        """
        if self._journal.noted.stage != COPYING:
            return None
        if self._journal.is_new:
            for part in self._parts.values():
                for path in (part.path, part.draft):
                    if os.path.lexists(path):
                        return of_file("write", path, FileExistsError())
        return self._each(self._begin)

    def _begin(self, name: str, part: Part) -> None:
        length = self._journal.noted.lengths.get(name, 0)
        if name != "side" or length:  # where nothing is refused there is none
            part.begin(length)

    def copy(self, progress: Progress, stop: Stop) -> Problem | None:
        """
        Part the rows that are not done yet.
        """
        if self._journal.noted.stage != COPYING:
            return None
        table, counts = self._table, self._counts
        while True:
            before = table.count
            with stop.heard():
                rows = table.rows()
            if isinstance(rows, Problem):
                return rows
            if not rows:
                return self._reconciled()
            done = max(0, counts.position - before)  # by an earlier run
            if done < len(rows):
                problem = self._add(rows[done:], before + done)
                if problem is not None:
                    return problem
            if progress.is_due:
                progress.show(table.count - 1, table.position)  # the header is no row

    def _add(self, rows: list[list[str]], before: int) -> Problem | None:
        noted = self._journal.noted
        parted = self._rows.part(rows, before, noted.counts, self._journal)

        def add(name: str, part: Part) -> None:
            part.add(getattr(parted, name))
            noted.lengths[name] = part.length()

        problem = self._each(add)
        if problem is not None:
            return problem
        noted.counts.position = self._table.count
        return self._journal.note()

    def _reconciled(self) -> Problem | None:
        counts = self._counts
        expected = {
            "side": counts.refused,
            "customer": counts.written - counts.repeated,
            "host": counts.written + counts.empty,
        }
        found = {}
        problem = self._each(lambda name, part: found.update({name: part.count()}))
        if problem is not None:
            return problem
        total = counts.written + counts.empty + counts.refused
        if counts.read == total and found == {name: expected[name] for name in found}:
            return None
        return Problem("the totals of the files do not add up, which is a bug: please report it.")

    def publish(self) -> Problem | None:
        """
        Let the files appear.
        """
        steps: list[tuple[str, Callable[[str, Part], object], str]] = [
            (COPYING, lambda _, part: part.finish(), PUBLISHING),
            (PUBLISHING, self._appear, PUBLISHED),
        ]
        noted = self._journal.noted
        for stage, step, following in steps:
            if self._parts and noted.stage == stage:
                problem = self._each(step)
                if problem is not None:
                    return problem
                noted.stage = following
                problem = self._journal.note()
                if problem is not None:
                    return problem
        for part in self._parts.values():
            part.discard()
        return None

    def _appear(self, name: str, part: Part) -> None:
        was_begun = self._journal.noted.lengths.get(name, 0) > 0
        if was_begun and not part.draft.exists() and not os.path.lexists(part.path):
            raise OSError(0, "its draft has gone since the run before was interrupted")
        part.appear()

    def undo(self) -> None:
        """
        Take away what is there of ours.
        """
        for part in self._parts.values():
            part.disappear()
            part.discard()

    def _each(self, step: Callable[[str, Part], object]) -> Problem | None:
        for name, part in self._parts.items():
            try:
                step(name, part)
            except OSError as error:
                return of_file("write", part.path, error)
        return None


def _summary(order: MigrateOrder, prepared: Prepared, journal: Journal) -> Done:
    counts = journal.noted.counts
    lines = [
        (
            f"{counts.read:,} row{'s' * (counts.read != 1)} read = {counts.written:,} written + "
            f"{counts.empty:,} empty + {counts.refused:,} refused."
        )
    ]
    if counts.codes:
        most_first = sorted(counts.codes.items(), key=lambda item: (-item[1], item[0]))
        lines.append(f"refused: {', '.join(f'{count:,} {code}' for code, count in most_first)}.")
    if order.dry_run:
        lines.append("a dry run: nothing was written.")
    else:
        if not journal.is_new:
            lines.append("an earlier run was interrupted, and this one went on from there.")
        host, customer = counts.written + counts.empty, counts.written - counts.repeated
        lines.append(
            f"{host:,} in {shown(order.host)}, which is yours, and {customer:,} in "
            f"{shown(order.customer)}, which is your customer's."
        )
        if counts.refused:
            lines.append(f"{counts.refused:,} listed in {shown(order.side)}.")
    if counts.repeated:
        lines.append(
            f"{counts.repeated:,} had the reference id of an earlier row, and are in the "
            "customer's table once."
        )
    if prepared.key:
        tenant = f"tenant {shown(order.tenant)}" if order.tenant else "no tenant"
        lines.append(f"made with {prepared.key}, with {tenant}.")
    return Done(not counts.refused, lines)
