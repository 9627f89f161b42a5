"""
How far a migration is, on the disk, so that one that was killed can go on.

Theory of operation: a reference id that was drawn must not be drawn again, and
what knows it is the drafts themselves.  So after every few thousand rows they
are brought to the disk, and then the journal notes how many rows those are and
how long each draft was: what a killed run has written behind that was seen by
nobody, and is cut off.  It is a small database, of which every change happens
as a whole or not at all, and which lets in one process at a time.

It holds no address: counts, lengths, reference ids that a key has made, and for
each of those a keyed digest of the contact, by which another row of the same
person is told from a copy of it.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import attrs

from careof._commands.problems import Problem, of_file, shown

COPYING, PUBLISHING, PUBLISHED = "copying", "publishing", "published"
_TABLES = """
    CREATE TABLE IF NOT EXISTS state (run TEXT NOT NULL, noted TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY, digest BLOB NOT NULL) WITHOUT ROWID;
"""


@attrs.define(kw_only=True)
class Counts:
    """
    What became of the rows.

    Attributes:
        position: The rows of the table that are done, with the header and blank lines.
        read: Those that are rows.
        written: Rows in the host's file with a reference id.
        empty: Rows in the host's file without one.
        refused: Rows in neither file.
        repeated: Of those written, the ones whose contact the customer's file had already.
        codes: How many were refused with each code.
    """

    position: int = 0
    read: int = 0
    written: int = 0
    empty: int = 0
    refused: int = 0
    repeated: int = 0
    codes: dict[str, int] = attrs.Factory(dict)

    def refuse(self, code: str) -> None:
        """
        Count a row that is in neither file.
        """
        self.refused += 1
        self.codes[code] = self.codes.get(code, 0) + 1


@attrs.define
class Noted:
    """
    What the journal has noted.

    Attributes:
        lengths: Of each draft, by the name of its part.
    """

    stage: str = COPYING
    counts: Counts = attrs.Factory(Counts)
    lengths: dict[str, int] = attrs.Factory(dict)

    @classmethod
    def read(cls, text: str) -> Noted:
        """
        What ``text`` gave.
        """
        tree = json.loads(text)
        return cls(tree["stage"], Counts(**tree["counts"]), tree["lengths"])

    @property
    def text(self) -> str:
        """
        It in JSON.
        """
        return json.dumps(attrs.asdict(self))


class Journal:
    """
    The database, held by this process until it is closed.

    Attributes:
        is_new: Whether there was none before.
        noted: What it has noted.
    """

    def __init__(self, path: Path | None, database: sqlite3.Connection) -> None:
        self._path = path
        self._database = database
        self.is_new = True
        self.noted = Noted()

    @classmethod
    def open(cls, path: Path | None, run: str) -> Journal | Problem:
        """
        The journal in *path*; one that leaves nothing behind if that is None.

        Args:
            run: What tells this run from others: its input and its options.
        """
        try:
            if path is not None:
                # As the others are, for its owner only.
                flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
                os.close(os.open(path, flags, 0o600))
            database = sqlite3.connect(path or "", timeout=0, isolation_level=None)
        except OSError as error:
            return of_file("write", path or Path(), error)
        journal = cls(path, database)
        problem = _tried(path, functools.partial(journal._begin, run))
        if problem is not None:
            journal.close()
        return problem or journal

    def _begin(self, run: str) -> Problem | None:
        self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._database.execute("BEGIN EXCLUSIVE")
        for statement in filter(str.strip, _TABLES.split(";")):
            self._database.execute(statement)
        found = self._database.execute("SELECT run, noted FROM state").fetchone()
        if found is None:
            self._database.execute("INSERT INTO state VALUES (?, ?)", (run, self.noted.text))
        elif found[0] != run:
            return Problem(
                f"{shown(self._path or '')} is of a run that was interrupted, with another IN or "
                "other options: repeat that one, or delete what begins with that name and the "
                "files that end in .part."
            )
        else:
            self.is_new = False
            self.noted = Noted.read(found[1])
        self._database.execute("COMMIT")
        self._database.execute("BEGIN")
        return None

    def meet(self, reference_id: str, digest: bytes) -> bytes | None:
        """
        Note a contact, or give the digest of the one that was noted under this id.
        """
        found = self._database.execute(
            "SELECT digest FROM seen WHERE id = ?", (reference_id,)
        ).fetchone()
        if found is not None:
            return bytes(found[0])
        self._database.execute("INSERT INTO seen VALUES (?, ?)", (reference_id, digest))
        return None

    def note(self) -> Problem | None:
        """
        Bring ``noted``, and whom it met, to the disk.
        """
        return _tried(self._path, self._note)

    def _note(self) -> None:
        self._database.execute("UPDATE state SET noted = ?", (self.noted.text,))
        self._database.execute("COMMIT")
        self._database.execute("BEGIN")

    def close(self) -> None:
        """
        Let go of it; it stays on the disk.
        """
        with contextlib.suppress(sqlite3.Error):
            self._database.close()

    def discard(self) -> None:
        """
        Let go of it for good.
        """
        self.close()
        if self._path is not None:
            for path in (self._path, Path(f"{self._path}-journal")):
                with contextlib.suppress(OSError):
                    path.unlink()


def _tried(path: Path | None, step: Callable[[], Problem | None]) -> Problem | None:
    try:
        return step()
    except sqlite3.Error as error:
        # Those of the module itself have no code.
        code = getattr(error, "sqlite_errorname", type(error).__name__)
    if code.startswith("SQLITE_BUSY"):
        return Problem(f"another run is at work on {shown(path or '')}.")
    return Problem(f"cannot write {shown(path or '')}: {code}.")
