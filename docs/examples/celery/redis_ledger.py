"""
The ledger over Redis, whose entries are counted as they are made.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

import redis

from careof import LedgerKey, Outcome

# One statement decides, and counts: a script runs as one piece.
CLAIM = """
local found = redis.call('GET', KEYS[1])
if not found then
  redis.call('SET', KEYS[1], ARGV[1])
  redis.call('HINCRBY', KEYS[2], 'open', 1)
end
return found
"""
SETTLE = """
local found = redis.call('GET', KEYS[1])
local function count(word, by)
  if redis.call('HINCRBY', KEYS[2], word, by) == 0 then redis.call('HDEL', KEYS[2], word) end
end
local was = found and (string.sub(found, 1, 5) == 'open ' and 'open' or found)
if ARGV[2] ~= '' then
  redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
  if was then count(was, -1) end
  count(ARGV[2], 1)
elseif found == ARGV[1] then
  redis.call('DEL', KEYS[1])
  count('open', -1)
end
"""


class RedisLedger:
    """
    Who was sent what.  An open claim has no end; what is final is kept for *keep*.
    """

    def __init__(self, client: redis.Redis, run: str, keep: timedelta) -> None:
        self._client = client  # with decode_responses=True
        # Of this one alone: a message that is handed out twice is two of one run, and a
        # client says again what had no answer, when the claim is the other one's perhaps.
        self._open = f"open {run} {secrets.token_hex(8)}"
        self._keep = int(keep.total_seconds())
        self._claim = client.register_script(CLAIM)
        self._settle = client.register_script(SETTLE)

    def claim(self, key: LedgerKey) -> str | None:
        """
        None if *key* is ours now; otherwise what is known of it.
        """
        found = self._claim(keys=self._names(key), args=[self._open])
        return "open" if found and found.startswith("open ") else found

    def settle(self, key: LedgerKey, outcome: Outcome) -> None:
        """
        Keep *outcome* if it is final, and give the claim back otherwise.
        """
        word = outcome.value if outcome.is_final else ""
        self._settle(keys=self._names(key), args=[self._open, word, self._keep])

    def counts(self, survey_id: str, wave: str, channel: str) -> dict[str, int]:
        """
        How many references of a survey have which word.
        """
        *_, name = self._names(LedgerKey(survey_id, wave, "", channel))
        return {word: int(count) for word, count in self._client.hgetall(name).items()}

    @staticmethod
    def _names(key: LedgerKey) -> list[str]:
        # The braces keep both on one node of a cluster.
        survey = str(key._replace(reference_id=""))
        return [f"careof:{{{survey}}}:{key.reference_id}", f"careof:{{{survey}}}"]
