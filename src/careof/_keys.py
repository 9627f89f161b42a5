"""
The host's keys, and the keys that are made of them.

Theory of operation: a secret of the host is never used as a key itself.  From
each, HKDF with SHA-256 (RFC 5869) makes as many keys as there are uses, one for
each sequence of labels, and none of them tells anything about another one or
about the secret.  So one ring serves pseudonyms, fingerprints and caches, and
what one tenant sees says nothing about the next.

The labels go in as ``info``, each behind its length: ``("ab", "c")`` and
``("a", "bc")`` are different uses.  This encoding is for ever: another one
would make other keys, and so other pseudonyms.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from typing import Any

from careof._reading.strict_json import read_json
from careof._values.sealed import Fixed, is_whole
from careof._values.secret import Secret, as_secret
from careof._values.unwrap import unwrap
from careof.errors import ConfigurationError

SHORTEST_SECRET = 32  # bytes, as long as the hash: RFC 5869 adds no entropy to what it is given
LONGEST_KEY = 255 * 32  # bytes: RFC 5869 §2.3

_ID = re.compile(r"[a-z][a-z0-9]{0,7}")
_FORM = "KeyRing.parse: expected the text that KeyRing.reveal() gives"


class KeyRing(Fixed):
    """
    Secrets of the host under short ids; new things are made with the primary one.

    A secret is read each time a key is derived, and not kept.  To rotate, add
    one under an id of its own and make it the primary: another secret under an
    old id makes everything unreadable that was made with the old one.

    It prints its ids and nothing else, and refuses to be pickled.  Two rings
    are equal only if they are one.

    Args:
        keys: Ids (a small letter, then at most seven small letters and digits)
            to secrets of 32 bytes or more in UTF-8.  Length is all that can be
            checked here: they have to be random, as ``generate`` makes them.
        primary: The id of the secret that new things are made with.
    """

    __slots__ = ("__weakref__", "_keys", "_primary")
    _instead = "Keep the text of reveal() where secrets are kept, and build it with KeyRing.parse."

    def __init__(self, keys: Mapping[str, Secret | str], *, primary: str) -> None:
        checked = _checked(keys, primary)
        del keys, primary  # a traceback with locals would show them
        if isinstance(checked, ConfigurationError):
            del self  # half built, it cannot even be printed
            raise checked
        self._keys, self._primary = checked

    @classmethod
    def generate(cls) -> KeyRing:
        """
        A ring of one random key of 256 bits, with the id ``k1``.
        """
        return cls({"k1": secrets.token_urlsafe(32)}, primary="k1")

    @classmethod
    def parse(cls, text: Secret | str) -> KeyRing:
        """
        The ring that ``reveal`` gave as *text*.

        Its secrets are read now: one that is rotated at its source is not
        noticed until the ring is parsed again.

        Raises:
            ConfigurationError: It is no such text.  The message repeats nothing
                of it.
        """
        outcome = _parsed(text)
        del text
        keys, primary = unwrap(outcome)
        return cls(keys, primary=primary)

    def reveal(self) -> str:
        """
        The ring with its secrets as one line of text, for ``parse``.

        Whoever has it has every key: it belongs where secrets are kept.
        """
        return unwrap(self._as_text())

    @property
    def primary(self) -> str:
        """
        The id of the key that new things are made with.
        """
        return self._primary

    @property
    def ids(self) -> tuple[str, ...]:
        """
        The ids of all keys.
        """
        return tuple(self._keys)

    def __contains__(self, key_id: object) -> bool:
        return isinstance(key_id, str) and key_id in self._keys

    def derive(self, key_id: str, *labels: str, length: int = 32) -> bytes:
        """
        The key for the use that *labels* name, made of the secret under *key_id*.

        Args:
            labels: What the key is for, such as a scheme, a tenant and a
                purpose.  They are used as they are written.
            length: Bytes.  A longer key begins with the shorter one: what is
                another use has other labels.

        Raises:
            ConfigurationError: There is no such id, or its secret cannot be
                read now, or is too short.  The message names the source.
        """
        return unwrap(self._derived(key_id, *labels, length=length))

    def _derived(self, key_id: str, *labels: str, length: int = 32) -> bytes | ConfigurationError:
        if key_id not in self:
            return ConfigurationError("KeyRing.derive: key_id: this ring has no key with that id.")
        if not labels or not all(isinstance(label, str) and is_whole(label) for label in labels):
            return ConfigurationError(
                "KeyRing.derive: labels: expected one text or more, without lone surrogates."
            )
        if type(length) is not int or not 1 <= length <= LONGEST_KEY:
            return ConfigurationError(
                f"KeyRing.derive: length: expected an int from 1 to {LONGEST_KEY}."
            )
        secret = self._read(key_id)
        if isinstance(secret, ConfigurationError):
            return secret
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        # No salt: RFC 5869 §3.1 has it for secrets that are not random enough,
        # and it would be one more thing to be the same on every machine.
        hkdf = HKDF(SHA256(), length=length, salt=None, info=length_prefixed(*labels))
        return hkdf.derive(secret.encode())

    def _read(self, key_id: str) -> str | ConfigurationError:
        source = self._keys[key_id]
        secret = source._reread()
        if not isinstance(secret, ConfigurationError) and _is_short(secret):
            return _too_short(f"KeyRing: the key {key_id}, {source!r},")
        return secret

    def _as_text(self) -> str | ConfigurationError:
        keys = {}
        for key_id in self._keys:
            secret = self._read(key_id)
            if isinstance(secret, ConfigurationError):
                return secret
            keys[key_id] = secret
        return json.dumps({"primary": self._primary, "keys": keys}, separators=(",", ":"))

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self._keys)}; primary: {self._primary})"


def length_prefixed(*texts: str) -> bytes:
    """
    The *texts* in UTF-8, each behind its length in four bytes: no two sequences are equal.
    """
    return b"".join(len(raw).to_bytes(4, "big") + raw for raw in map(str.encode, texts))


def _checked(keys: Any, primary: Any) -> tuple[dict[str, Secret], str] | ConfigurationError:
    # No message repeats an id that is none: it may be a secret in the wrong place.
    if not isinstance(keys, Mapping) or not keys:
        return ConfigurationError(
            "KeyRing: keys: expected a mapping of ids to Secret or str, with one key or more."
        )
    ring = {}
    for number, (key_id, value) in enumerate(keys.items(), 1):
        place = f"KeyRing: keys: key {number} of {len(keys)}"
        if not (isinstance(key_id, str) and _ID.fullmatch(key_id)):
            return ConfigurationError(
                f"{place}: expected an id of a small letter, then at most seven small letters "
                "and digits."
            )
        secret = as_secret(value, place)
        if isinstance(secret, ConfigurationError):
            return secret
        if secret._is_fixed and _is_short(secret.reveal()):
            return _too_short(place)
        ring[key_id] = secret
    if not (isinstance(primary, str) and primary in ring):
        return ConfigurationError("KeyRing: primary: expected one of the ids in keys.")
    return ring, primary


def _parsed(text: Any) -> tuple[dict[str, Secret], str] | ConfigurationError:
    if isinstance(text, Secret):
        text = text._reread()
        if isinstance(text, ConfigurationError):
            return text
    if not (isinstance(text, str) and is_whole(text)):
        return ConfigurationError(f"{_FORM}, as a Secret or a str.")
    tree = read_json(text.encode(), max_depth=2)
    if not isinstance(tree, dict):
        # One sentence for all of it: what is wrong with a secret is nobody's business.
        return ConfigurationError(f"{_FORM}: one JSON object in which no key stands twice.")
    if tree.keys() != {"primary", "keys"}:
        return ConfigurationError(f"{_FORM}: with primary and keys, and nothing else.")
    return _checked(tree["keys"], tree["primary"])


def _is_short(secret: str) -> bool:
    return len(secret.encode()) < SHORTEST_SECRET


def _too_short(place: str) -> ConfigurationError:
    return ConfigurationError(
        f"{place} is too short: expected {SHORTEST_SECRET} bytes or more of random text, "
        "as KeyRing.generate makes them.",
        detail="secret",
    )
