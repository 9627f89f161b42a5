"""
Where tokens wait for the next call, and the fingerprint under which they do.

Theory of operation: two strategies share a token when everything that shapes
it is equal, its secret included, and never otherwise.  The key is an HMAC
under a key that lives as long as the process, so it separates like the values
and reveals none of them.  Every value goes in with its type and its length:
``("ab", "c")`` and ``("a", "bc")`` are different identities.
"""

from __future__ import annotations

import functools
import hmac
import itertools
import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Mapping
from typing import Protocol

import httpx

from careof._network.numbers import number_of
from careof._reading.paths import Path
from careof._values.secret import Secret
from careof.auth._access_token import AccessToken
from careof.errors import ConfigurationError


class TokenCache(Protocol):
    """
    Where access tokens are kept between calls.
    """

    def get(self, key: str) -> AccessToken | None:
        """
        The token under *key*, or None.
        """
        ...

    def set(self, key: str, token: AccessToken) -> None:
        """
        Keep *token* under *key*.
        """
        ...

    def delete_if(self, key: str, token: AccessToken) -> None:
        """
        Drop what is under *key*, but only if it is *token*.
        """
        ...


class MemoryTokenCache:
    """
    Tokens in the memory of this process; when it is full, the oldest is dropped.
    """

    def __init__(self, *, max_tokens: int = 4096) -> None:
        if max_tokens < 1:
            raise ConfigurationError("MemoryTokenCache: max_tokens: expected 1 or more.")
        self._max_tokens = max_tokens
        self._tokens: OrderedDict[str, AccessToken] = OrderedDict()
        self._lock = threading.Lock()
        _watch_forks()
        _caches.add(self)

    def get(self, key: str) -> AccessToken | None:
        """
        The token under *key*, or None.  Takes no lock: one read of a dictionary.
        """
        return self._tokens.get(key)

    def set(self, key: str, token: AccessToken) -> None:
        """
        Keep *token* under *key*.
        """
        with self._lock:
            self._tokens[key] = token
            self._tokens.move_to_end(key)
            while len(self._tokens) > self._max_tokens:
                self._tokens.popitem(last=False)

    def delete_if(self, key: str, token: AccessToken) -> None:
        """
        Drop what is under *key*, but only if it is *token*.
        """
        with self._lock:
            if self._tokens.get(key) is token:
                del self._tokens[key]

    def renew_lock(self) -> None:
        """
        Begin with a free lock: one that was held at ``fork()`` never frees in the child.
        """
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"MemoryTokenCache({len(self._tokens)} tokens)"


# A function that is registered at fork() stays for ever, so it must not hold
# a cache: that would keep the tokens of every cache that ever was.
_caches: weakref.WeakSet[MemoryTokenCache] = weakref.WeakSet()


@functools.cache
def _watch_forks() -> None:
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_renew_locks)


def _renew_locks() -> None:
    for cache in _caches:
        cache.renew_lock()


_of_the_process: dict[str, MemoryTokenCache] = {}
_key_of_the_process: dict[str, bytes] = {}


def process_cache() -> MemoryTokenCache:
    """
    The cache that strategies share unless they are given one, made on first use.

    So a strategy that is rebuilt from a database row for every request still
    finds its token.
    """
    # setdefault is atomic: of fifty threads that come first, all get the same.
    # functools.cache would let each of them make one, and fetch a token for it.
    return _of_the_process.get("cache") or _of_the_process.setdefault("cache", MemoryTokenCache())


def _process_key() -> bytes:
    return _key_of_the_process.get("key") or _key_of_the_process.setdefault("key", os.urandom(32))


def fingerprint(*identity: object) -> str:
    """
    A key for everything in *identity*; secrets go in revealed and cannot be got out.
    """
    flat = bytearray()
    for part in _flat(identity):
        flat += len(part).to_bytes(8, "big")
        flat += part
    return hmac.digest(_process_key(), flat, "sha256").hex()


def _flat(value: object) -> list[bytes]:
    if isinstance(value, Mapping):
        pairs = sorted(value.items(), key=lambda pair: str(pair[0]))
        return [b"mapping %d" % len(pairs), *itertools.chain(*map(_flat, pairs))]
    if isinstance(value, tuple | list):
        return [b"sequence %d" % len(value), *itertools.chain(*map(_flat, value))]
    if isinstance(value, frozenset | set):
        return [b"set %d" % len(value), *itertools.chain(*sorted(map(_flat, value)))]
    return _leaf(value)


def _leaf(value: object) -> list[bytes]:
    if isinstance(value, str):
        # Not its repr: that of a subclass may mask it, and then all are equal.
        return [b"text", str.encode(value, "utf-8", "surrogatepass")]
    if isinstance(value, Secret):
        return [b"secret", value.reveal().encode()]
    if type(value) in (int, float, bool, type(None)):
        return [type(value).__name__.encode(), repr(value).encode()]
    if isinstance(value, bytes):
        return [b"bytes", value]
    if isinstance(value, httpx.URL):
        return [b"url", str(value).encode()]
    if isinstance(value, Path):
        return [b"path", value.text.encode("utf-8", "surrogatepass")]
    # Anything else is only equal to itself: no sharing, but never a wrong token.
    try:
        return [b"object", b"%d" % number_of(value)]
    except TypeError:
        pass
    raise ConfigurationError(
        f"identity(): a {type(value).__name__} cannot be told apart from others; return texts, "
        "numbers, tuples of them, and Secret."
    )
