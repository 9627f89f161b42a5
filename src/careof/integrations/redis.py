"""
So many a second over a whole fleet: a token bucket that stands in a Redis of the host's.

Theory of operation: the bucket is one number, the moment at which it is full
again, and a script in the server moves it on.  A script is run as one piece, so no
two workers get one token, and the clock is the server's, so it does not matter how
far those of the workers are apart.  A moment that lies further ahead than an empty
bucket could is of a clock that was set back, and is taken for an empty bucket.
"""

from __future__ import annotations

import math
from typing import Any

from careof._network.limits import seconds
from careof._sending.rates import A_DAY
from careof.errors import ConfigurationError

__all__ = ["RedisRate"]

# Microseconds.  The server's numbers are floats, which hold a moment of now to a
# quarter of one; written out in full, because Lua would write fourteen digits.
# A wait of one is what rounding left of none.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, reserve = tonumber(ARGV[1]), tonumber(ARGV[2])
local full_at = tonumber(redis.call('GET', KEYS[1]) or now)
full_at = math.min(math.max(full_at, now), now + reserve)
local wait = full_at + interval - reserve - now
if wait > 1 then
  return math.ceil(wait)
end
full_at = full_at + interval
redis.call('SET', KEYS[1], string.format('%.2f', full_at),
           'PX', math.ceil((full_at - now) / 1000) + 1000)
return 0
"""


class RedisRate:
    """
    So many a second, and so many at once after a pause, for all who name the same key.

    ``RateLimit`` counts in one process; this one counts in a Redis that the
    processes of a fleet share (any version from 5, or Valkey).  The key says how
    full the bucket is, and nothing about anybody; it expires when it is full.

    Args:
        client: A blocking client, such as ``redis.Redis(...)``.
        key: Where the bucket stands, such as ``"rate:acme"``: one for each tenant.
        per_second: How many tokens come back in a second, from one a day.
        burst: How many can be taken at once, from 1.

    Raises:
        ConfigurationError: An argument cannot work.
    """

    def __init__(self, client: Any, key: str, per_second: float, *, burst: int = 1) -> None:
        if not callable(getattr(client, "register_script", None)):
            raise ConfigurationError("RedisRate: client: expected a client such as redis.Redis.")
        if not (isinstance(key, str) and key):
            raise ConfigurationError("RedisRate: key: expected the name of a key.")
        self._per_second = seconds(per_second)
        if not A_DAY <= self._per_second < math.inf:
            raise ConfigurationError(
                "RedisRate: per_second: expected a number above 0, at least one a day (1 / 86400)."
            )
        if not isinstance(burst, int) or not 1 <= seconds(burst) < math.inf:
            raise ConfigurationError("RedisRate: burst: expected a whole number from 1.")
        self._key = key
        self._burst = burst
        self._take = client.register_script(_TAKE)

    def take(self) -> float:
        """
        0 if a token was taken; otherwise seconds until there may be one, and none was taken.

        Raises:
            Exception: What the client raises where Redis does not answer: then no
                token was taken that anybody knows of, and nothing may be sent.
        """
        interval = 1_000_000 / self._per_second
        wait = self._take(keys=[self._key], args=[interval, interval * self._burst])
        return int(wait) / 1_000_000

    def __repr__(self) -> str:
        return f"RedisRate({self._key!r}, {self._per_second:g}, burst={self._burst})"
