"""
The key under which a token is kept: what tells it apart from every other.

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
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import PurePath
from typing import Any

import httpx

from careof._network.identity_numbers import number_of
from careof._reading.paths import Path
from careof._values.secret import Secret
from careof.errors import ConfigurationError

_PROCESS_KEY = os.urandom(32)


class FixedTexts(Mapping[str, str | Secret]):
    """
    Names to texts and secrets, which nobody can change in place.
    """

    __slots__ = ("_texts",)

    def __init__(self, texts: Mapping[str, str | Secret]) -> None:
        self._texts = dict(texts)

    def __getitem__(self, name: str) -> str | Secret:
        return self._texts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


class Fingerprint:
    """
    The key of one identity, and whether another has the same one.

    To compare is quicker than to hash again.  Of secrets that may have changed
    at their source only a digest is kept.

    Attributes:
        key: Secrets went into it revealed, and cannot be got out.
    """

    __slots__ = ("_digest", "_identity", "_sources", "_types", "key")

    def __init__(self, identity: tuple[object, ...]) -> None:
        flat = bytearray()
        secrets: list[Secret] = []
        _put(flat, secrets, identity)
        # Each is read once, for the key and for the comparison.
        values = [secret.reveal() for secret in secrets]
        self.key: str = hmac.digest(_PROCESS_KEY, flat + _digest(values), "sha256").hex()
        pairs = [pair for pair in zip(secrets, values, strict=True) if not pair[0]._is_fixed]
        self._sources = [secret for secret, _ in pairs]
        self._digest = _digest([value for _, value in pairs])
        # Without one it equals nothing: a part of it could change in silence.
        self._identity = identity if is_lasting(identity) else None
        self._types = _types(identity)

    def is_of(self, identity: tuple[object, ...]) -> bool:
        """
        Whether *identity* is what it was, and its secrets as well.
        """
        # 1, 1.0 and True are equal, as a URL is to its text, and have keys of their own.
        if _types(identity) != self._types or identity != self._identity:
            return False
        return self.is_current()

    @property
    def has_sources(self) -> bool:
        """
        Whether one of its secrets can be another one by now.
        """
        return bool(self._sources)

    def is_current(self) -> bool:
        """
        Whether its secrets are what they were; only those with a source are read.
        """
        return not self._sources or self._digest == _digest([s.reveal() for s in self._sources])


def shared_key(identity: tuple[object, ...], secret: bytes) -> str:
    """
    A key that is the same in every process that knows *secret*.

    Raises:
        ConfigurationError: A class in *identity* can be told apart in this
            process only.
    """
    flat = bytearray()
    secrets: list[Secret] = []
    _put(flat, secrets, identity, name_elsewhere)
    return hmac.digest(
        secret, flat + _digest([each.reveal() for each in secrets], secret), "sha256"
    ).hex()


def is_lasting(value: object) -> bool:
    """
    Whether *value* cannot be changed in place.
    """
    if isinstance(value, tuple) and type(value) is tuple:  # and no namedtuple
        return all(map(is_lasting, value))
    return type(value) in _LASTING


def _number_here(kind: type) -> bytes:
    return b"%d" % number_of(kind)


def name_elsewhere(kind: type) -> bytes:
    """
    The name of *kind* in every process.

    Raises:
        ConfigurationError: It has none.
    """
    name = f"{kind.__module__}.{kind.__qualname__}"
    if kind.__module__ == "__main__" or "<" in name:
        raise ConfigurationError(
            f"{kind.__name__}: a class of a script or of a function cannot be told apart from "
            "others of its name in another process. To share its tokens, put it into a module."
        )
    return name.encode()


def _types(value: tuple[object, ...]) -> list[type]:
    types: list[type] = []
    for item in value:
        if type(item) is tuple:
            types += _types(item)
        else:
            types.append(type(item))
    return types


def _digest(values: list[str], secret: bytes = _PROCESS_KEY) -> bytes:
    flat = bytearray()
    for value in values:
        _add(flat, b"", value.encode())
    return hmac.digest(secret, flat, "sha256")


def _add(flat: bytearray, name: bytes, part: bytes) -> None:
    flat += name
    flat += len(part).to_bytes(8, "big")
    flat += part


def _put(
    flat: bytearray,
    secrets: list[Secret],
    value: object,
    name_of: Callable[[type], bytes] = _number_here,
) -> None:
    # Most are of one of these very classes, and are found at once.
    known = _EXACT.get(type(value))
    if known is not None:
        name, in_bytes = known
        _add(flat, name, in_bytes(value))
    elif isinstance(value, Secret):
        # Here only its place; what it is goes into the digest.
        flat += b"secret"
        secrets.append(value)
    elif isinstance(value, tuple | list):
        flat += b"sequence %d:" % len(value)
        for item in value:
            _put(flat, secrets, item, name_of)
    elif isinstance(value, Mapping):
        flat += b"mapping %d:" % len(value)
        for pair in sorted(value.items(), key=lambda pair: str(pair[0])):
            _put(flat, secrets, pair, name_of)
    elif isinstance(value, frozenset | set):
        flat += b"set %d:" % len(value)
        for item in sorted(_flat(each, name_of) for each in value):
            flat += item
    else:
        _put_leaf(flat, value, name_of)


def _flat(value: object, name_of: Callable[[type], bytes]) -> bytes:
    flat = bytearray()
    _put(flat, [], value, name_of)  # no secrets: they cannot be in a set
    return bytes(flat)


def _put_leaf(flat: bytearray, value: object, name_of: Callable[[type], bytes]) -> None:
    if isinstance(value, enum.Enum):
        # By its class: one made in a function has the name of its sisters.  A
        # flag that is put together has no name.
        _add(flat, b"enum", name_of(type(value)))
        _put_leaf(flat, value.value if isinstance(value, enum.Flag) else value.name, name_of)
        return
    for kind, in_bytes in _VALUES:
        if isinstance(value, kind):
            _add(flat, kind.__name__.encode(), in_bytes(value))
            return
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
_EXACT = {kind: (kind.__name__.encode(), in_bytes) for kind, in_bytes in _VALUES}
# What cannot be changed in place, and is equal only to what has the same key.
_LASTING = frozenset({str, type(None), bool, int, float, bytes, Path, Secret, FixedTexts})
