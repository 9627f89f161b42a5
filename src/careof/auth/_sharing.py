"""
A cache that others use as well, seen from the thread of a flight.

It may be slow, wrong or gone: whatever it raises, and whatever it returns that
is no token, is as good as nothing found.  An async one is called on the loop of
the caller who began the flight; if that loop ends, there is no cache.
"""

from __future__ import annotations

import functools
import inspect
import os
import time
from collections.abc import Callable
from typing import Any

from careof._network.identity_numbers import number_of
from careof._network.loops import RunningLoop
from careof.auth._access_token import AccessToken
from careof.auth._cache import AsyncTokenCache, MemoryTokenCache, TokenCache

AnyCache = TokenCache | AsyncTokenCache

# For each call that has not ended: process and cache, and when it began.
_under_way: dict[object, tuple[tuple[int, int], float]] = {}


class Shared:
    """
    One key of a cache that is not this process's memory.

    Args:
        loop: Where an async cache is called; None for a blocking one.
        seconds: How long all calls of an async cache may take: those who need
            the token wait for them.
    """

    def __init__(
        self, cache: AnyCache, key: str, *, loop: RunningLoop | None, seconds: float
    ) -> None:
        self._cache: Any = cache
        self._key = key
        self._loop = loop
        self._seconds = seconds
        self._is_gone = False
        self._patience = seconds
        self._place = (os.getpid(), number_of_cache(cache))

    def get(self) -> AccessToken | None:
        """
        The token that is there, or None.
        """
        found = self._call(self._cache.get, self._key)
        return found if isinstance(found, AccessToken) else None

    def set(self, token: AccessToken) -> None:
        """
        Put *token* there, if that can be done.
        """
        self._call(self._cache.set, self._key, token)

    def delete_if(self, token: AccessToken) -> None:
        """
        Drop *token* there, if it is still the one and that can be done.
        """
        self._call(self._cache.delete_if, self._key, token)

    def _call(self, method: Callable[..., Any], *arguments: object) -> Any:
        if self._is_gone or self._is_stuck():
            return None
        ticket = object()
        _under_way[ticket] = (self._place, time.monotonic())
        try:
            if self._loop is None:
                return method(*arguments)
            return self._awaited(self._loop, method, arguments)
        except BaseException:
            # It is the host's, and slow networks are what it is made of: a token
            # request helps where it fails, and nothing it raised is shown.
            return None
        finally:
            del _under_way[ticket]

    def _is_stuck(self) -> bool:
        # A call that hangs has a thread of its own for ever, and each tenant has
        # only a few: the others do without the cache until that one comes back.
        since = time.monotonic() - self._patience
        return any(
            place == self._place and begun < since for place, begun in list(_under_way.values())
        )

    def _awaited(
        self, loop: RunningLoop, method: Callable[..., Any], arguments: tuple[object, ...]
    ) -> Any:
        began = time.monotonic()
        try:
            return loop.run(functools.partial(method, *arguments), self._seconds)
        except TimeoutError:
            # There is no time left, or the loop has ended, and what one asks of
            # it now may never begin.
            self._is_gone = True
            return None
        finally:
            self._seconds -= time.monotonic() - began


def is_async(cache: object) -> bool:
    """
    Whether *cache* is an ``AsyncTokenCache``.
    """
    return inspect.iscoroutinefunction(getattr(cache, "get", None))


def is_cache(cache: object) -> bool:
    """
    Whether *cache* has the methods of a ``TokenCache`` or an ``AsyncTokenCache``.
    """
    return all(callable(getattr(cache, name, None)) for name in ("get", "set", "delete_if"))


@functools.lru_cache(maxsize=1)
def _mark_of(_process: int) -> str:
    return os.urandom(16).hex()


def private_mark() -> str:
    """
    What sets this process apart in a store that others use: not so the numbers of
    things, which those that were forked from one process give out alike.
    """
    return _mark_of(os.getpid())


def fleet_secret(cache: object) -> bytes | None:
    """
    What the processes that share *cache* know; None if nothing, and it is for this one only.

    Raises:
        ConfigurationError: Its key cannot be read now.
    """
    secret = getattr(cache, "_fingerprint_key", None)
    return secret() if callable(secret) else None


def number_of_cache(cache: AnyCache | None) -> int:
    """
    A number for a cache that is not this process's memory, 0 for one that is.

    What seals for a store has the number of that store: it may be built anew for
    each lookup, with the same key ring.
    """
    if cache is None or isinstance(cache, MemoryTokenCache):
        return 0
    seals = callable(getattr(cache, "_fingerprint_key", None))
    store: object = getattr(cache, "_inner", cache) if seals else cache
    try:
        return number_of(store)
    except TypeError:  # its slots have none for a weak reference
        return id(store)
