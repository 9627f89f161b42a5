"""
Ledgers that hosts write by mistake.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
import unicodedata

OVER = threading.Event()  # what hangs is let go


class Entries:
    """
    A ledger over a dictionary that all its handles share, with steps to get wrong.
    """

    def __init__(self, storage):
        self.storage = storage

    def claim(self, key):
        found = self.storage.setdefault(self.name(key), mine := ["open"])
        return None if found is mine else self.word(found)

    def settle(self, key, outcome):
        if outcome.is_final:
            self.storage[self.name(key)] = [outcome.value]
        elif self.storage.get(self.name(key)) == ["open"]:
            self.storage.pop(self.name(key), None)

    def name(self, key):
        return key

    def word(self, found):
        return found[0]


class ChecksThenInserts(Entries):
    def claim(self, key):
        found = self.storage.get(key)
        time.sleep(0.01)
        if found is None:
            self.storage[key] = ["open"]
            return None
        return found[0]


class KeepsItsOwn(Entries):
    def __init__(self, storage):
        super().__init__({})


class FoldsCase(Entries):
    def name(self, key):
        return str(key).casefold()


class FoldsAccents(Entries):
    def name(self, key):
        return tuple(unicodedata.normalize("NFC", part) for part in key)


class StripsSpaces(Entries):
    def name(self, key):
        return tuple(part.rstrip(" ") for part in key)


class CutsKeys(Entries):
    def name(self, key):
        return tuple(part[:255] for part in key)


class JoinsParts(Entries):
    def name(self, key):
        return ":".join(key)


class ReadsNumbers(Entries):
    def name(self, key):
        return tuple(int(part) if part.isdigit() else part for part in key)


class LeavesOutTheWave(Entries):
    def name(self, key):
        return key._replace(wave="")


class ForgetsToRelease(Entries):
    def settle(self, key, outcome):
        self.storage[key] = [outcome.value if outcome.is_final else "open"]


class KeepsEveryOutcome(Entries):
    def settle(self, key, outcome):
        self.storage[key] = [outcome.value]


class ForgetsOutcomes(Entries):
    def settle(self, key, outcome):
        self.storage.pop(key, None)


class ReleasesWhatIsDone(Entries):
    def settle(self, key, outcome):
        if outcome.is_final:
            self.storage[key] = [outcome.value]
        else:
            self.storage.pop(key, None)


class ReturnsTrue(Entries):
    def claim(self, key):
        return super().claim(key) is None


class HasWordsOfItsOwn(Entries):
    def word(self, found):
        return found[0].upper() if found[0] != "open" else "open"


class RefusesTwice(Entries):
    def settle(self, key, outcome):
        if self.storage.get(key) != ["open"]:
            raise LookupError("no such claim.")
        super().settle(key, outcome)


class SettlesTheSurvey(Entries):
    def settle(self, key, outcome):
        for each in list(self.storage):
            if (each.survey_id, each.wave) == (key.survey_id, key.wave):
                super().settle(each, outcome)


class FailsForTheSecond(Entries):
    def claim(self, key):
        if super().claim(key) is not None:
            raise sqlite3.IntegrityError("UNIQUE constraint failed")


class NeverEnds(Entries):
    def claim(self, key):
        OVER.wait(10)


class InATable:
    """
    A ledger over a table of one file.
    """

    def __init__(self, storage, **options):
        self.connection = sqlite3.connect(storage["file"], timeout=0.1, **options)
        self.connection.execute("CREATE TABLE IF NOT EXISTS entry (name PRIMARY KEY, outcome)")

    def claim(self, key):
        found = self.connection.execute(
            "INSERT INTO entry VALUES (?, 'open') ON CONFLICT DO NOTHING", (str(key),)
        ).rowcount
        rows = self.connection.execute("SELECT outcome FROM entry WHERE name = ?", (str(key),))
        return None if found else rows.fetchone()[0]

    def settle(self, key, outcome):
        self.connection.execute("UPDATE entry SET outcome = ?", (outcome.value,))

    def close(self):
        self.connection.close()


class NeverCommits(InATable):
    def __init__(self, storage):
        super().__init__(storage, check_same_thread=False)


class BelongsToOneThread(InATable):
    def __init__(self, storage):
        super().__init__(storage, isolation_level=None)


class AsyncEntries(Entries):
    async def claim(self, key):
        return Entries.claim(self, key)

    async def settle(self, key, outcome):
        Entries.settle(self, key, outcome)


class AsyncChecksThenInserts(AsyncEntries):
    async def claim(self, key):
        found = self.storage.get(key)
        await asyncio.sleep(0.01)
        if found is None:
            self.storage[key] = ["open"]
            return None
        return found[0]


class AsyncFails(AsyncEntries):
    async def settle(self, key, outcome):
        raise ConnectionError("gone")
