"""
Which token a strategy wants: its key, made anew only when the strategy has changed.

Theory of operation: by default everything that is stored on a strategy shapes
its token.  To hash that for each request would cost more than all the rest, so
the key is remembered, together with what was stored.  Values that cannot be
changed in place need only be the very same objects; whatever else there is, or
an ``identity`` of the host's, is asked and compared each time.  Secrets from a
source are read each time, because they may be others by now.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
import os
from collections.abc import Iterator, Mapping
from operator import is_
from typing import Any, ClassVar, Protocol

from careof._network.identity_numbers import number_of
from careof._values.bounded import Bounded
from careof.auth._fingerprint import Fingerprint, is_lasting, name_elsewhere, shared_key
from careof.auth._hooks import let_go
from careof.errors import ConfigurationError

# They say how a token is used, not which token it is.
_NOT_IDENTITY = frozenset(
    {"cache", "clock", "leeway", "rejected_statuses", "rejected_body", "_rejected_body"}
    | {"header", "prefix", "__weakref__"}
)
# What careof notes on a strategy, by name: a host may have some that begin alike.
_OURS = frozenset({"careof_fingerprint", "careof_origins", "careof_on_rotate"})
_FINGERPRINT = "careof_fingerprint"

_epochs: Bounded[str, str] = Bounded(65_536)


class Identified(Protocol):
    """
    What is asked of a strategy here.
    """

    careof_fingerprint: Remembered | None
    careof_identity: ClassVar[Any]

    def identity(self) -> tuple[object, ...]: ...


class Remembered:
    """
    The key of one strategy, and what the strategy was when it was made.

    Attributes:
        key: Secrets went into it revealed, and cannot be got out.
        carried: The last credential that was made of a token for it: the token,
            the header, the prefix, and the credential.
    """

    __slots__ = (
        "_fingerprint",
        "_has_sources",
        "_last",
        "_names",
        "_stored",
        "_trail",
        "carried",
        "key",
    )

    def __init__(self, strategy: Identified, before: Remembered | None = None) -> None:
        # All of it at once, and the key is made of just that: another thread may
        # change the strategy meanwhile.
        stored = {**vars(strategy)}
        self._names = [*stored]
        # In their order, this object in its place among them.
        self._stored: list[object] | None = None
        identity: tuple[object, ...] | None = None
        if _is_lasting(strategy, stored):
            self._stored = [self if name == _FINGERPRINT else it for name, it in stored.items()]
            identity = tuple([pair for pair in sorted(stored.items()) if _counts(pair[0])])
        self._fingerprint = Fingerprint(_whole(strategy, identity))
        self._has_sources = self._fingerprint.has_sources
        self.key: str = self._fingerprint.key
        # The same for all who see the same change at once.
        trail: str = "" if before is None else before._trail
        self._trail: str = hashlib.sha256(f"{trail} {self.key}".encode()).hexdigest()
        self._last = ("", "", "")
        self.carried: tuple[object, str, str, Any] = (None, "", "", None)

    def is_of(self, strategy: Identified) -> bool:
        """
        Whether *strategy* is what it was, and its secrets as well.
        """
        if self._stored is None:
            return self._fingerprint.is_of(_whole(strategy))
        stored = vars(strategy)
        if [*stored] != self._names or not all(map(is_, stored.values(), self._stored)):
            return False
        return not self._has_sources or self._fingerprint.is_current()

    def is_unchanged_since(self, before: Remembered) -> bool:
        """
        Whether the strategy was, as far as anybody saw, nothing else since *before*.

        What was changed and changed back was another one meanwhile.  Of what has
        to be compared as a whole, that is not seen.
        """
        if self._stored is None:
            return self.key == before.key
        return self._trail == before._trail

    def key_at(self, place: str) -> str:
        """
        The key for use at *place*; the last one is remembered.
        """
        epoch = _epochs.get(self.key) or ""
        at, since, key = self._last
        if at is not place or since is not epoch:
            key = key_at(self.key, place)
            self._last = (place, epoch, key)
        return key


def _is_lasting(strategy: Identified, stored: Mapping[str, object]) -> bool:
    # Whether it says all about the token, and cannot be changed in place.
    kind: Any = type(strategy)
    return (
        kind.identity is kind.careof_identity
        and not slots_of(kind)
        # A function does not: not even one in the place of our identity().
        and all(is_lasting(value) for name, value in stored.items() if _counts(name))
    )


def remembered(strategy: Identified) -> Remembered:
    """
    What is known of *strategy* as it is now.
    """
    known = strategy.careof_fingerprint
    if known is None or not known.is_of(strategy):
        if _FINGERPRINT not in vars(strategy):
            # First its place, or the snapshot would be one too short.  Past a
            # __setattr__ of its own, as that of a frozen dataclass.
            object.__setattr__(strategy, _FINGERPRINT, None)
        known = Remembered(strategy, known)
        object.__setattr__(strategy, _FINGERPRINT, known)
    return known


def key_of(strategy: Identified) -> str:
    """
    The key of the token that *strategy* wants now, in this process.
    """
    return remembered(strategy).key


def key_of_identity(strategy: Identified, identity: tuple[object, ...]) -> str:
    """
    The key that *strategy* will have when *identity* is what it returns.
    """
    return Fingerprint(_whole(strategy, identity)).key


def shared_key_of(strategy: Identified, place: str, secret: bytes) -> str:
    """
    The key of the token that *strategy* wants, the same in every process of a fleet.

    Args:
        place: What else tells it apart.
        secret: What only the fleet knows.

    Raises:
        ConfigurationError: Its class has no name that would be the same elsewhere.
    """
    name = name_elsewhere(type(strategy))
    epoch = _epochs.get(key_of(strategy))
    return shared_key((name, _judged(strategy, strategy.identity()), place, epoch), secret)


def epoch_of(key: str) -> str:
    """
    What ``begin_epoch`` has set for *key*; empty if it was never called.
    """
    return _epochs.get(key) or ""


def key_at(key: str, place: str) -> str:
    """
    The *key* for use at *place*, which no token from before ``begin_epoch`` has.
    """
    return f"{key} {epoch_of(key)} {place}"


def begin_epoch(key: str) -> None:
    """
    Let no token under *key* be found again, nor one whose request is under way.
    """
    # No counter: another process that shares a cache must not count to the same.
    _epochs.set(key, os.urandom(16).hex())


def stored_identity(strategy: object) -> tuple[object, ...]:
    """
    All that is stored on *strategy* and shapes its token.
    """
    return tuple([pair for pair in _stored(strategy) if _counts(pair[0])])


def _whole(strategy: Identified, identity: tuple[object, ...] | None = None) -> tuple[object, ...]:
    # The class itself, not its name: a class made in a function has the name of
    # its sisters and may ask elsewhere.
    # As it is returned: in a variable, a traceback with locals would show it.
    return number_of(type(strategy)), _judged(
        strategy, strategy.identity() if identity is None else identity
    )


def _judged(strategy: Identified, identity: object) -> tuple[object, ...]:
    # None, from a method that forgot to return it, would be the same for all.
    if isinstance(identity, tuple) and (identity or not _is_told_apart(strategy)):
        return identity
    let_go(identity)
    found = "an empty one" if identity == () else f"a {type(identity).__name__}"
    del identity  # a traceback with locals would show it
    raise ConfigurationError(
        f"{type(strategy).__name__}.identity: expected a tuple of all that shapes the token, got "
        f"{found}: return texts, numbers, tuples of them, and Secret.",
        detail="strategy",
    )


def _is_told_apart(strategy: Identified) -> bool:
    # By something that its __init__ has stored, beside the options of every scheme.
    return any(_counts(name) and name != "lifetime" for name, _ in _stored(strategy))


def _counts(name: str) -> bool:
    return not (name in _NOT_IDENTITY or name in _OURS)


def _stored(strategy: object) -> Iterator[tuple[str, object]]:
    yield from sorted(vars(strategy).items())
    kind: Any = type(strategy)
    for name, member in slots_of(kind):
        with contextlib.suppress(AttributeError):  # not set
            yield name, member.__get__(strategy)


@functools.lru_cache(maxsize=64)
def slots_of(kind: type) -> list[tuple[str, Any]]:
    """
    What instances of *kind* keep in slots, where ``vars()`` sees nothing.
    """
    # attrs.define does so with what it defines.
    return [
        (name, member)
        for base in kind.__mro__
        for name, member in (vars(base).items() if "__slots__" in vars(base) else ())
        if inspect.ismemberdescriptor(member)
    ]
