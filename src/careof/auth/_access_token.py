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
from careof._values.sealed import Fixed
from careof._values.secret import Secret

DEFAULT_LIFETIME = 60.0  # seconds, when nothing states one (RFC 6749 §5.1)
LONGEST_LIFETIME = 366 * 86_400.0
REFRESH_SHARE = 0.2  # of the lifetime: a short token is used for most of its life
REFRESH_PAUSE = 5.0  # seconds after a refresh that failed, while the token is still good


class AccessToken(Fixed):
    """
    A token that ``read_token`` returns, sealed; it cannot be changed.

    Args:
        value: The token.
        expires_at: When it ends, in seconds since 1970, if that is known.
        lifetime: How long it lives, in seconds from the moment it was asked
            for, if that is known.  The earlier end of the two counts.
    """

    __slots__ = ("expires_at", "lifetime", "value")

    def __init__(
        self,
        value: str | Secret,
        expires_at: float | None = None,
        *,
        lifetime: float | None = None,
    ) -> None:
        self.value: Secret = value if isinstance(value, Secret) else Secret(value)
        self.expires_at: float | None = expires_at
        self.lifetime: float | None = lifetime

    def is_fresh(self, now: float, *, leeway: float) -> bool:
        """
        Whether the token can still be used at *now*, in seconds since 1970.

        Args:
            leeway: Seconds before its end at which we stop trusting it.
        """
        return self.expires_at is None or now < self.expires_at - leeway

    def __repr__(self) -> str:
        return "AccessToken(***)"


class HeldToken(AccessToken):
    """
    A token in a cache: with its times on the monotonic clock, and how it came.

    A cache of the host's may make tokens of its own, as one that several
    machines share: such a token lives until it expires.
    """

    __slots__ = ("_asked_at", "_dead_at", "_refresh_at", "is_stated", "replaces_rejected")

    def __init__(
        self,
        token: AccessToken,
        *,
        asked_at: float = -math.inf,
        dead_at: float = math.inf,
        refresh_at: float = math.inf,
        replaces_rejected: bool = False,
        is_stated: bool = True,
    ) -> None:
        super().__init__(token.value, token.expires_at, lifetime=token.lifetime)
        self._asked_at = asked_at
        self._dead_at = dead_at
        self._refresh_at = refresh_at
        self.replaces_rejected = replaces_rejected
        self.is_stated = is_stated

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
        moment = clock.monotonic() + max(REFRESH_PAUSE, retry_after or 0.0)
        object.__setattr__(self, "_refresh_at", moment)

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


def held(token: AccessToken) -> HeldToken:
    """
    What was in a cache, with what is known about it.
    """
    return token if isinstance(token, HeldToken) else HeldToken(token)


def begin(
    token: AccessToken,
    *,
    asked_for: tuple[float, float],
    configured: float | None,
    leeway: float,
    replaces_rejected: bool = False,
) -> HeldToken:
    """
    The *token* with its end, which is fixed here, from everything that is known about it.

    Args:
        asked_for: What the wall clock and the monotonic clock showed when the
            token was asked for.
        configured: The lifetime that the host set, in seconds.
        leeway: Seconds before the end at which a new token is fetched, at most
            a fifth of the lifetime.
        replaces_rejected: Whether it comes in place of one that was rejected.
    """
    wall, monotonic = asked_for
    stated = [end for end in (configured, token.lifetime) if end is not None]
    if token.expires_at is not None:
        stated.append(token.expires_at - wall)
    lifetime = min([*stated, LONGEST_LIFETIME]) if stated else DEFAULT_LIFETIME
    dead_at = monotonic + lifetime
    return HeldToken(
        AccessToken(token.value, wall + lifetime, lifetime=lifetime),
        asked_at=monotonic,
        dead_at=dead_at,
        refresh_at=dead_at - min(leeway, REFRESH_SHARE * lifetime),
        replaces_rejected=replaces_rejected,
        is_stated=bool(stated),
    )


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
