"""
What a key ring may be made of.

Nothing here repeats what it refuses: an id that is none may be a secret in the
wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from careof._keys.derivation import SHORTEST_SECRET, check_value
from careof._reading.strict_json import read_json
from careof._values.sealed import is_whole
from careof._values.secret import Secret, as_secret
from careof.errors import ConfigurationError

ID_FORM = "an id of a small letter, then at most seven small letters and digits"
_ID = re.compile(r"[a-z][a-z0-9]{0,7}")
_CHECK = re.compile(r"[0-9a-f]{8}")
Parts: TypeAlias = tuple[dict[str, Secret], str, dict[str, str]]
_TEXT = "KeyRing.parse: expected the text that KeyRing.reveal() gives"


def checked_parts(keys: Any, primary: Any, checks: Any) -> Parts | ConfigurationError:
    """
    Keys, the primary one and check values, or the error that says what of them cannot be.
    """
    if not isinstance(keys, Mapping) or not keys:
        return ConfigurationError(
            "KeyRing: keys: expected a mapping of ids to Secret or str, with one key or more."
        )
    if not (
        isinstance(checks, Mapping)
        and all(key_id in keys and _is_check(value) for key_id, value in checks.items())
    ):
        return ConfigurationError(
            "KeyRing: checks: expected a mapping of ids in keys to check values of eight "
            "hexadecimal digits."
        )
    ring = {}
    for number, (key_id, value) in enumerate(keys.items(), 1):
        place = f"KeyRing: keys: key {number} of {len(keys)}"
        if not is_id(key_id):
            return ConfigurationError(f"{place}: expected {ID_FORM}.")
        secret = as_secret(value, place)
        if isinstance(secret, ConfigurationError):
            return secret
        if secret._is_fixed:
            problem = refuse_secret(secret.reveal(), checks.get(key_id), place)
            if problem is not None:
                return problem
        # As plain texts: an enumeration would write its own name into what it makes.
        ring[str.__str__(key_id)] = secret
    if not (isinstance(primary, str) and primary in ring):
        return ConfigurationError("KeyRing: primary: expected one of the ids in keys.")
    return ring, str.__str__(primary), {str.__str__(each): checks[each] for each in checks}


def parsed_parts(text: Any) -> Parts | ConfigurationError:
    """
    As ``checked_parts``, of the text of a ring.
    """
    if isinstance(text, Secret):
        text = text._reread()
        if isinstance(text, ConfigurationError):
            return text
    if not (isinstance(text, str) and is_whole(text)):
        return ConfigurationError(f"{_TEXT}, as a Secret or a str.")
    tree = read_json(text.encode(), max_depth=2)
    if not isinstance(tree, dict):
        # One sentence for all of it: what is wrong with a secret is nobody's business.
        return ConfigurationError(f"{_TEXT}: one JSON object in which no key stands twice.")
    # A ring that was written by hand may have no check values.
    tree.setdefault("checks", {})
    if tree.keys() != {"primary", "keys", "checks"}:
        return ConfigurationError(f"{_TEXT}: with primary, keys and checks, and nothing else.")
    return checked_parts(tree["keys"], tree["primary"], tree["checks"])


def refuse_secret(secret: str, check: str | None, place: str) -> ConfigurationError | None:
    """
    The reason why *secret* cannot be used, or None.

    Args:
        check: The check value that it must have, where one is known.
        place: What the message calls it.
    """
    if len(secret.encode()) < SHORTEST_SECRET:
        return ConfigurationError(
            f"{place} is too short: expected {SHORTEST_SECRET} bytes or more of random text, "
            "as KeyRing.generate makes them.",
            detail="secret",
        )
    if check is not None and check != check_value(secret):
        return ConfigurationError(
            f"{place} is another secret than the one that its check value was made of: find that "
            "one, or give a new secret an id of its own.",
            detail="secret",
        )
    return None


def is_id(key_id: object) -> bool:
    """
    Whether *key_id* can be the id of a key.
    """
    return isinstance(key_id, str) and _ID.fullmatch(key_id) is not None


def _is_check(value: object) -> bool:
    return isinstance(value, str) and _CHECK.fullmatch(value) is not None
