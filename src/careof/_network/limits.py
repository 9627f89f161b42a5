"""
How long one call may take, how much it may bring, how often it is tried.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import attrs

from careof._values.clock import Clock
from careof.errors import ConfigurationError


def seconds(value: object) -> float:
    """
    A duration in seconds, from seconds or a ``timedelta``; NaN for what is none.

    NaN passes no comparison, so a check of the range refuses it as well.
    """
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    try:
        return float(value)
    except OverflowError:  # an int of more than 308 digits
        return math.nan


def _positive(instance: object, attribute: attrs.Attribute[Any], value: float) -> None:
    if not 0 < value < math.inf:
        raise ConfigurationError(
            f"{type(instance).__name__}: {attribute.name}: expected a number above 0."
        )


def _count(instance: object, attribute: attrs.Attribute[Any], value: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigurationError(
            f"{type(instance).__name__}: {attribute.name}: expected a whole number from 1."
        )


@attrs.frozen(kw_only=True)
class Limits:
    """
    What bounds one call, whatever the other side does.

    Attributes:
        deadline: Seconds for the whole call: token, names, connection, answer.
        attempt: Seconds for one request and its answer.
        connect: Seconds to open one connection, TLS included.
        max_body: Bytes of an answer.
        max_depth: How deep the JSON of an answer may be nested.
    """

    deadline: float = attrs.field(default=10.0, converter=seconds, validator=_positive)
    attempt: float = attrs.field(default=4.0, converter=seconds, validator=_positive)
    connect: float = attrs.field(default=3.0, converter=seconds, validator=_positive)
    max_body: int = attrs.field(default=65_536, validator=_count)
    max_depth: int = attrs.field(default=32, validator=_count)


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """
    How often a lookup is tried when the endpoint may only be busy or away.

    Before a try after the first there is a pause of a random length, up to
    *base*, then twice that, and so on up to *cap* ("full jitter"), plus what
    the endpoint asks for in ``Retry-After``.  A pause that the deadline does not
    leave time for is not begun.

    Attributes:
        attempts: How many tries there are at most, the first one included.
        base: Seconds that the first pause lasts at most.
        cap: Seconds that any pause lasts at most.
    """

    attempts: int = attrs.field(default=3, validator=_count)
    base: float = attrs.field(default=0.2, converter=seconds, validator=_positive)
    cap: float = attrs.field(default=5.0, converter=seconds, validator=_positive)

    @classmethod
    def never(cls) -> RetryPolicy:
        """
        One try; what fails is reported, and the host decides.
        """
        return cls(attempts=1)


class Deadline:
    """
    A moment on a monotonic clock after which nobody waits any more.
    """

    __slots__ = ("_clock", "_end")

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._end = clock.monotonic() + seconds

    def now(self) -> float:
        """
        What its clock shows.
        """
        return self._clock.monotonic()

    def left(self) -> float:
        """
        Seconds until the deadline; 0 when it has passed.
        """
        return max(0.0, self._end - self._clock.monotonic())

    def within(self, seconds: float) -> Deadline:
        """
        The earlier of this deadline and *seconds* from now.
        """
        return Deadline(self._clock, min(seconds, self.left()))

    def share(self, candidates: int) -> Deadline:
        """
        The part of what is left that one of *candidates* may use.
        """
        return self.within(self.left() / candidates)

    def __repr__(self) -> str:
        return f"Deadline(left={self.left():.3f})"
