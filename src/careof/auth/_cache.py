"""
Where tokens wait for the next call, and the fingerprint under which they do.

Theory of operation: two strategies share a token when everything that shapes
it is equal, its secret included, and never otherwise.  The key is an HMAC
under a key that lives as long as the process, so it separates like the values
and reveals none of them.  Every value goes in with its type and its length:
``("ab", "c")`` and ``("a", "bc")`` are different identities.  Only values can
stand in an identity: an object that is changed in place is still the same
object, and would find the token of what it was.
"""

from __future__ import annotations

import datetime as dt
import enum
import hmac
import itertools
import os
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import PurePath
from typing import Any, Protocol

import httpx

from careof._network.identity_numbers import number_of
from careof._reading.paths import Path
from careof._values.forks import begin_anew_after_fork
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
        if not isinstance(max_tokens, int) or isinstance(max_tokens, bool) or max_tokens < 1:
            raise ConfigurationError("MemoryTokenCache: max_tokens: expected an int, 1 or more.")
        self._max_tokens = max_tokens
        self._tokens: OrderedDict[str, AccessToken] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> AccessToken | None:
        """
        The token under *key*, or None.  Takes no lock: one read of a dictionary.
        """
        return self._tokens.get(key)

    def set(self, key: str, token: AccessToken) -> None:
        """
        Keep *token* under *key*.
        """
        begin_anew_after_fork(self)
        with self._lock:
            self._tokens[key] = token
            self._tokens.move_to_end(key)
            while len(self._tokens) > self._max_tokens:
                self._tokens.popitem(last=False)

    def delete_if(self, key: str, token: AccessToken) -> None:
        """
        Drop what is under *key*, but only if it is *token*.
        """
        begin_anew_after_fork(self)
        with self._lock:
            if self._tokens.get(key) is token:
                del self._tokens[key]

    def _begin_anew(self) -> None:
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"MemoryTokenCache({len(self._tokens)} tokens)"


# Strategies share it unless they are given one: so a strategy that is rebuilt
# from a database row for every request still finds its token.
PROCESS_CACHE = MemoryTokenCache()
_PROCESS_KEY = os.urandom(32)


def fingerprint(*identity: object) -> str:
    """
    A key for everything in *identity*; secrets go in revealed and cannot be got out.
    """
    flat = bytearray()
    for part in _flat(identity):
        flat += len(part).to_bytes(8, "big")
        flat += part
    return hmac.digest(_PROCESS_KEY, flat, "sha256").hex()


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
    if isinstance(value, enum.Enum):
        # By its class: one made in a function has the name of its sisters.  A
        # flag that is put together has no name.
        own = value.value if isinstance(value, enum.Flag) else value.name
        return [b"enum", b"%d" % number_of(type(value)), *_leaf(own)]
    for kind, in_bytes in _VALUES:
        if isinstance(value, kind):
            return [kind.__name__.encode(), in_bytes(value)]
    raise ConfigurationError(
        f"identity(): a {type(value).__name__} cannot be told apart from others, or from what it "
        "was before a change: override identity(), and return texts, numbers, tuples of them, "
        "and Secret."
    )


def _in_utf8(text: str) -> bytes:
    return str.encode(text, "utf-8", "surrogatepass")


# By the methods of the class that is named here: those of a subclass may mask
# the value, and then all would be equal.  A class stands before its base.
_VALUES: tuple[tuple[type, Callable[[Any], bytes]], ...] = (
    (str, _in_utf8),
    (Secret, lambda value: value.reveal().encode()),
    (type(None), lambda _: b""),
    (bool, lambda value: b"%d" % value),
    (int, lambda value: b"%x" % value),
    (float, lambda value: float.hex(value).encode()),
    (bytes, bytes),
    (httpx.URL, lambda value: str(value).encode()),
    (Path, lambda value: _in_utf8(value.text)),
    (PurePath, lambda value: _in_utf8(str(value))),
    (uuid.UUID, lambda value: b"%x" % value.int),
    (dt.datetime, lambda value: dt.datetime.isoformat(value).encode()),
    (dt.date, lambda value: dt.date.isoformat(value).encode()),
    (dt.timedelta, lambda value: dt.timedelta.__repr__(value).encode()),
    (Decimal, lambda value: Decimal.__str__(value).encode()),
)
