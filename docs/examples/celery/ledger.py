"""
The ledger over SQL, as the documentation of careof has it.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable

from careof import LedgerKey, Outcome

TABLE = """
CREATE TABLE IF NOT EXISTS sent_once (
    survey_id TEXT NOT NULL,
    wave TEXT NOT NULL,
    reference_id TEXT NOT NULL,
    channel TEXT NOT NULL,
    outcome TEXT NOT NULL,
    run TEXT NOT NULL,
    since TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (survey_id, wave, reference_id, channel)
)
"""
ADD = """
INSERT INTO sent_once (survey_id, wave, reference_id, channel, outcome, run)
VALUES (?, ?, ?, ?, ?, ?)
"""
HERE = "WHERE survey_id = ? AND wave = ? AND reference_id = ? AND channel = ?"
COUNTS = """
SELECT outcome, count(*) FROM sent_once
WHERE survey_id = ? AND wave = ? AND channel = ? GROUP BY outcome
"""


class SqlLedger:
    """
    Who was sent what: one statement decides, and is committed when it returns.
    """

    def __init__(
        self, connect: Callable[[], contextlib.closing[sqlite3.Connection]], run: str
    ) -> None:
        self._connect = connect  # a connection for one thread, in autocommit
        self._run = run

    def claim(self, key: LedgerKey) -> str | None:
        """
        None if *key* is ours now; otherwise what is known of it.
        """
        with self._connect() as connection:
            added = connection.execute(f"{ADD} ON CONFLICT DO NOTHING", (*key, "open", self._run))
            if added.rowcount == 1:
                return None
            look = f"SELECT outcome FROM sent_once {HERE}"
            row = connection.execute(look, key).fetchone()
        return row[0] if row else "open"  # released this moment: the next run gets it

    def settle(self, key: LedgerKey, outcome: Outcome) -> None:
        """
        Keep *outcome* if it is final, and give the claim back otherwise.
        """
        with self._connect() as connection:
            if outcome.is_final:  # true, whoever has the claim by now
                connection.execute(
                    f"{ADD} ON CONFLICT (survey_id, wave, reference_id, channel)"
                    " DO UPDATE SET outcome = excluded.outcome",
                    (*key, outcome.value, self._run),
                )
            else:  # only a claim of one's own can be given back
                connection.execute(
                    f"DELETE FROM sent_once {HERE} AND outcome = 'open' AND run = ?",
                    (*key, self._run),
                )

    def counts(self, survey_id: str, wave: str, channel: str) -> dict[str, int]:
        """
        How many references of a survey have which word.
        """
        with self._connect() as connection:
            return dict(connection.execute(COUNTS, (survey_id, wave, channel)).fetchall())
