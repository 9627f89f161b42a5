"""
An access token, and until when it can be used.

Theory of operation: a lifetime counts from the moment the token was asked for,
not from when it came.  Inside a process it is measured on the monotonic clock,
which no administrator can turn; but that clock stands still while a machine is
suspended, so the wall clock is asked as well, and a token is dead when either
of them says so.
"""

from __future__ import annotations

import math

from careof._values.clock import Clock
from careof._values.sealed import Unpicklable
from careof._values.secret import Secret

DEFAULT_LIFETIME = 60.0  # seconds, when nothing states one (RFC 6749 §5.1)
LONGEST_LIFETIME = 366 * 86_400.0
REFRESH_SHARE = 0.2  # of the lifetime: a short token is used for most of its life
REFRESH_PAUSE = 5.0  # seconds after a refresh that failed, while the token is still good


class AccessToken(Unpicklable):
    """
    A token that ``read_token`` returns, sealed.

    Args:
        value: The token.
        expires_at: When it ends, in seconds since 1970, if that is known.
        lifetime: How long it lives, in seconds from the moment it was asked
            for, if that is known.  The earlier end of the two counts.
    """

    __slots__ = (
        "_asked_at",
        "_dead_at",
        "_refresh_at",
        "expires_at",
        "lifetime",
        "replaces_rejected",
        "value",
    )

    def __init__(
        self,
        value: str | Secret,
        expires_at: float | None = None,
        *,
        lifetime: float | None = None,
    ) -> None:
        self.value: Secret = value if isinstance(value, Secret) else Secret(value)
        self.expires_at = expires_at
        self.lifetime = lifetime
        self.replaces_rejected: bool = False
        self._asked_at = -math.inf  # these three on the monotonic clock
        self._dead_at = self._refresh_at = math.inf

    def is_fresh(self, now: float, *, leeway: float) -> bool:
        """
        Whether the token can still be used at *now*, in seconds since 1970.

        Args:
            leeway: Seconds before its end at which we stop trusting it.
        """
        return self.expires_at is None or now < self.expires_at - leeway

    def begins(
        self, *, asked_for: tuple[float, float], configured: float | None, leeway: float
    ) -> None:
        """
        Fix the end of this token, once, from everything that is known about it.

        Args:
            asked_for: What the wall clock and the monotonic clock showed when
                the token was asked for.
            configured: The lifetime that the host set, in seconds.
            leeway: Seconds before the end at which a new token is fetched, at
                most a fifth of the lifetime.
        """
        wall, monotonic = asked_for
        stated = [end for end in (configured, self.lifetime) if end is not None]
        if self.expires_at is not None:
            stated.append(self.expires_at - wall)
        lifetime = min([*stated, LONGEST_LIFETIME]) if stated else DEFAULT_LIFETIME
        self.lifetime = lifetime
        self.expires_at = wall + lifetime
        self._asked_at = monotonic
        self._dead_at = monotonic + lifetime
        self._refresh_at = self._dead_at - min(leeway, REFRESH_SHARE * lifetime)

    def is_alive(self, clock: Clock) -> bool:
        """
        Whether the token can be used now.
        """
        return clock.monotonic() < self._dead_at and self.is_fresh(clock.time(), leeway=0)

    def wants_refresh(self, clock: Clock) -> bool:
        """
        Whether the token is near its end, so that a new one should be fetched.
        """
        return clock.monotonic() >= self._refresh_at

    def postpone_refresh(self, clock: Clock, retry_after: float | None) -> None:
        """
        Ask no more for a while: a refresh has just failed, and this token is still good.
        """
        self._refresh_at = clock.monotonic() + max(REFRESH_PAUSE, retry_after or 0.0)

    def age(self, clock: Clock) -> float:
        """
        Seconds since the token was asked for.
        """
        return clock.monotonic() - self._asked_at

    def seconds_left(self, clock: Clock) -> float:
        """
        How long the token can still be used.
        """
        return max(0.0, self._dead_at - clock.monotonic())

    def __repr__(self) -> str:
        return "AccessToken(***)"


def read_lifetime(value: object) -> float | None:
    """
    The seconds that an ``expires_in`` states, or None where it states nothing.

    A number or its decimal text (servers send both); below zero is zero, a
    token for one use.  Anything else is as good as absent.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
