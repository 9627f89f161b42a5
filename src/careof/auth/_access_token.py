"""
An access token, and until when it can be used.

Theory of operation: a lifetime counts from the moment the token was asked for,
not from when it came.  Inside a process it is measured on the monotonic clock,
which no administrator can turn; but that clock stands still while a machine is
suspended, so the wall clock is asked as well, and a token is dead when either
of them says so.
"""

from __future__ import annotations

import hmac
import math

from careof._values.clock import Clock
from careof._values.sealed import Fixed
from careof._values.secret import Secret
from careof.auth._lifetime import jwt_end
from careof.errors import ConfigurationError

DEFAULT_LIFETIME = 60.0  # seconds, when nothing states one (RFC 6749 §5.1)
LONGEST_LIFETIME = 366 * 86_400.0
_FAR = 1e18  # seconds; anything beyond is no time, but for infinity
REFRESH_SHARE = 0.2  # of the lifetime: a short token is used for most of its life


class AccessToken(Fixed):
    """
    A token that ``read_token`` returns, sealed; it cannot be changed.

    Args:
        value: The token.
        expires_at: When it ends, in seconds since 1970, if that is known.
        lifetime: How long it lives, in seconds from the moment it was asked
            for, if that is known.  The earlier end of the two counts.

    Raises:
        ConfigurationError: One of the two is no number of seconds.
    """

    __slots__ = ("expires_at", "lifetime", "value")
    is_on_trial: bool = False

    def __init__(
        self,
        value: str | Secret,
        expires_at: float | None = None,
        *,
        lifetime: float | None = None,
    ) -> None:
        problem = _problem(expires_at, lifetime)
        if problem:
            del self, value, expires_at, lifetime  # a traceback with locals would show them
            raise ConfigurationError(f"AccessToken: {problem}, or None.", detail="strategy")
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

    def is_same(self, other: AccessToken) -> bool:
        """
        Whether *other* has the same value.
        """
        return self is other or hmac.compare_digest(
            self.value.reveal().encode(), other.value.reveal().encode()
        )

    def __repr__(self) -> str:
        return "AccessToken(***)"


class HeldToken(AccessToken):
    """
    A token in the memory of this process, with its times on the monotonic clock.

    Attributes:
        is_stated: Whether anybody said how long it lives.
        is_borrowed: Whether it was fetched elsewhere, and found in a shared cache.
        is_on_trial: Whether it came in place of a rejected one, and no endpoint
            has taken it yet.
    """

    __slots__ = (
        "_dead_at",
        "_refresh_at",
        "_refresh_wall",
        "is_borrowed",
        "is_on_trial",
        "is_stated",
    )

    def __init__(
        self,
        token: AccessToken,
        *,
        dead_at: float = math.inf,
        leeway: float = 0.0,
        is_borrowed: bool = False,
        is_on_trial: bool = False,
        is_stated: bool = True,
    ) -> None:
        super().__init__(token.value, token.expires_at, lifetime=token.lifetime)
        self._dead_at = dead_at
        self._refresh_at = dead_at - leeway
        self._refresh_wall = math.inf if token.expires_at is None else token.expires_at - leeway
        self.is_borrowed: bool = is_borrowed
        self.is_on_trial: bool = is_on_trial
        self.is_stated: bool = is_stated

    def is_alive(self, clock: Clock) -> bool:
        """
        Whether the token can be used now.
        """
        return clock.monotonic() < self._dead_at and self.is_fresh(clock.time(), leeway=0)

    def is_young(self, clock: Clock) -> bool:
        """
        Whether the token can be used now, and its end is not near.
        """
        return clock.monotonic() < self._refresh_at and clock.time() < self._refresh_wall

    def put_on_trial(self, *, ends: bool = False) -> None:
        """
        Note that it was rejected, or, if the trial *ends*, that an endpoint took it.
        """
        object.__setattr__(self, "is_on_trial", not ends)

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
    whole: float | None = None,
    is_borrowed: bool = False,
    is_on_trial: bool = False,
) -> HeldToken:
    """
    The *token* with its end, which is fixed here, from everything that is known about it.

    Args:
        asked_for: What the wall clock and the monotonic clock showed when the
            token was asked for.
        configured: The lifetime that the host set, in seconds.
        leeway: Seconds before the end at which a new token is fetched, at most
            a fifth of the lifetime.
        whole: The lifetime that it began with, if it is no longer new.
        is_borrowed: Whether it was found in a shared cache.
        is_on_trial: Whether it comes in place of one that was rejected.
    """
    wall, monotonic = asked_for
    own = jwt_end(token.value.reveal())
    stated = [end for end in (configured, token.lifetime, own.lifetime) if end is not None]
    stated += [end - wall for end in (token.expires_at, own.expires_at) if end is not None]
    lifetime = min([*stated, LONGEST_LIFETIME]) if stated else DEFAULT_LIFETIME
    whole = lifetime if whole is None else whole
    return HeldToken(
        AccessToken(token.value, wall + lifetime, lifetime=whole),
        dead_at=monotonic + lifetime,
        leeway=min(leeway, REFRESH_SHARE * whole),
        is_borrowed=is_borrowed,
        is_on_trial=is_on_trial,
        is_stated=bool(stated),
    )


def _problem(expires_at: object, lifetime: object) -> str:
    if not _is_seconds(expires_at):
        return "expires_at: expected a number, seconds since 1970"
    if not _is_seconds(lifetime):
        return "lifetime: expected a number, seconds from when the token was asked for"
    return ""


def _is_seconds(value: object) -> bool:
    if value is None:
        return True
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    # By comparison, which NaN and numbers of any length come through.
    return abs(value) < _FAR or abs(value) == math.inf
