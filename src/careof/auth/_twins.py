"""
A strategy again, as another object.

Theory of operation: a host may build one strategy and derive the next tenant's
from a copy of it.  So a copy is never the thing itself, and what careof has
noted on the first one, a credential above all, does not go along.  A deep copy
has containers of its own as well; what strategies are meant to share, a cache
or a clock, it shares.
"""

from __future__ import annotations

import copy
from contextlib import suppress
from typing import Any, TypeVar

from careof._network.asked import Origin
from careof.auth._fingerprint import is_lasting
from careof.auth._identity import slots_of

T = TypeVar("T")

# They are told things, or tell them, and a second one would be another.
_SHARED = frozenset({"cache", "clock", "_rejected_body", "careof_on_rotate", "careof_origins"})


class NamedOrigins(frozenset[Origin]):
    """
    Origins that the host has named itself, and not those of the first use.
    """

    __slots__ = ()


def twin_of(strategy: T) -> T:
    """
    Another strategy that has all that *strategy* has, and none of careof's notes.
    """
    kind: type = type(strategy)
    twin = object.__new__(type(strategy))  # its __init__ may want what nobody has kept
    for _, member in slots_of(kind):
        with suppress(AttributeError):  # not set
            member.__set__(twin, member.__get__(strategy))
    kept = vars(twin)  # past a __setattr__ of its own, as that of a frozen dataclass
    kept.update(vars(strategy))
    kept.pop("careof_fingerprint", None)  # with the credential of the other
    if not isinstance(kept.get("careof_origins"), NamedOrigins):
        kept.pop("careof_origins", None)
    return twin


def deep_twin_of(strategy: T, memo: dict[int, Any]) -> T:
    """
    As ``twin_of``, with copies of whatever can be changed in place.
    """
    twin = twin_of(strategy)
    memo[id(strategy)] = twin  # something in it may lead back to it
    kept = vars(twin)
    for name, value in list(kept.items()):
        if not (name in _SHARED or is_lasting(value)):
            kept[name] = copy.deepcopy(value, memo)
    kind: type = type(strategy)
    for name, member in slots_of(kind):
        with suppress(AttributeError):  # not set
            value = member.__get__(twin)
            if name not in _SHARED:
                member.__set__(twin, copy.deepcopy(value, memo))
    return twin
