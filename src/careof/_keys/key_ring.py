"""
The host's keys: some secrets under short ids, one of which makes what is new.

Theory of operation: everything that is made with a key carries the key's id,
so keys can come and go one at a time.  A new one is added and spread, then
promoted, and the old one is retired when nothing is left of it.  What must not
happen is another secret under an id that is known, because nothing would tell
the new from the old; so a ring carries a check value of each.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping

from careof._keys.derivation import LONGEST_KEY, SHORTEST_SECRET, check_value, derived
from careof._keys.parts import ID_FORM, checked_parts, is_id, parsed_parts, refuse_secret
from careof._values.sealed import Fixed, is_whole
from careof._values.secret import Secret
from careof._values.unwrap import Unseen, unwrap
from careof.errors import ConfigurationError


class KeyRing(Fixed):
    """
    Secrets of the host under short ids; new things are made with the primary one.

    A secret with a source (``Secret.from_env`` ...) is read there each time a key
    is derived.  To rotate, add one under an id of its own and make it the
    primary: another secret under an old id makes everything unreadable that was
    made with the old one.

    It prints its ids and nothing else, and refuses to be pickled.  Two rings
    are equal only if they are one.

    Args:
        keys: Ids (a small letter, then at most seven small letters and digits)
            to secrets of 32 bytes or more in UTF-8.  Length is all that can be
            checked here: they have to be random, as ``generate`` makes them.
        primary: The id of the secret that new things are made with.
        checks: Ids to check values, as ``checks`` of a ring gives them.  A
            secret that has another one is never used.
    """

    __slots__ = ("__weakref__", "_checks", "_keys", "_primary")
    _instead = "Keep the text of reveal() where secrets are kept, and build it with KeyRing.parse."

    def __init__(
        self,
        keys: Mapping[str, Secret | str],
        *,
        primary: str,
        checks: Mapping[str, str] | None = None,
    ) -> None:
        with Unseen():
            checked = checked_parts(keys, primary, {} if checks is None else checks)
        del keys, primary, checks  # a traceback with locals would show them
        if isinstance(checked, ConfigurationError):
            del self  # half built, it cannot even be printed
            raise checked
        self._keys, self._primary, self._checks = checked

    @classmethod
    def generate(cls) -> KeyRing:
        """
        A ring of one random key of 256 bits, with the id ``k1``.
        """
        return cls({"k1": secrets.token_urlsafe(SHORTEST_SECRET)}, primary="k1")

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
        with Unseen():
            outcome = parsed_parts(text)
        del text
        keys, primary, checks = unwrap(outcome)
        return cls(keys, primary=primary, checks=checks)

    def add(self, key_id: str) -> KeyRing:
        """
        This ring with one random key more, under *key_id*; the primary one stays.

        Args:
            key_id: An id that never stood for another key, not even a retired one,
                with one digit at most: pseudonyms begin with it.

        Raises:
            ConfigurationError: It is no id, or stands for a key already.
        """
        with Unseen():
            outcome = self._with(key_id)
        return unwrap(outcome)

    def promote(self, key_id: str) -> KeyRing:
        """
        This ring with the key under *key_id* as the primary one.

        Raises:
            ConfigurationError: There is no key with that id.
        """
        with Unseen():
            outcome = self._with_primary(key_id)
        return unwrap(outcome)

    def retire(self, key_id: str) -> KeyRing:
        """
        This ring without the key under *key_id*: what was made with it cannot be read.

        Raises:
            ConfigurationError: There is no key with that id, or it is the primary one.
        """
        with Unseen():
            outcome = self._without(key_id)
        return unwrap(outcome)

    def reveal(self) -> str:
        """
        The ring with its secrets and their check values as one line of text, for ``parse``.

        Whoever has it has every key: it belongs where secrets are kept.
        """
        with Unseen():
            outcome = self._as_text()
        return unwrap(outcome)

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

    @property
    def checks(self) -> dict[str, str]:
        """
        The check value of each key, eight hexadecimal digits, which are no secret.

        Raises:
            ConfigurationError: A secret cannot be read now, or is another one.
        """
        with Unseen():
            outcome = self._all_checks()
        return unwrap(outcome)

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
        with Unseen():
            outcome = self._derived(key_id, *labels, length=length)
        return unwrap(outcome)

    def _derived(self, key_id: str, *labels: str, length: int = 32) -> bytes | ConfigurationError:
        if key_id not in self:
            return _no_key("derive")
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
        return derived(secret, labels, length)

    def _read(self, key_id: str) -> str | ConfigurationError:
        source = self._keys[key_id]
        secret = source._reread()
        if isinstance(secret, ConfigurationError):
            return secret
        place = f"KeyRing: the key {key_id}, {source!r},"
        return refuse_secret(secret, self._checks.get(key_id), place) or secret

    def _read_all(self) -> dict[str, str] | ConfigurationError:
        keys = {}
        for key_id in self._keys:
            secret = self._read(key_id)
            if isinstance(secret, ConfigurationError):
                return secret
            keys[key_id] = secret
        return keys

    def _all_checks(self) -> dict[str, str] | ConfigurationError:
        keys = self._read_all()
        return keys if isinstance(keys, ConfigurationError) else _checks_of(keys)

    def _with(self, key_id: str) -> KeyRing | ConfigurationError:
        if key_id in self:
            return ConfigurationError(
                "KeyRing.add: key_id: there is a key with that id; a new key needs a new one."
            )
        if not is_id(key_id):
            return ConfigurationError(f"KeyRing.add: key_id: expected {ID_FORM}.")
        secret = secrets.token_urlsafe(SHORTEST_SECRET)
        return KeyRing({**self._keys, key_id: secret}, primary=self._primary, checks=self._checks)

    def _with_primary(self, key_id: str) -> KeyRing | ConfigurationError:
        if key_id not in self:
            return _no_key("promote")
        return KeyRing(self._keys, primary=key_id, checks=self._checks)

    def _without(self, key_id: str) -> KeyRing | ConfigurationError:
        if key_id not in self:
            return _no_key("retire")
        if key_id == self._primary:
            return ConfigurationError(
                "KeyRing.retire: key_id: new things are made with this key; promote another one "
                "first."
            )
        keys = {other: secret for other, secret in self._keys.items() if other != key_id}
        checks = {other: check for other, check in self._checks.items() if other != key_id}
        return KeyRing(keys, primary=self._primary, checks=checks)

    def _as_text(self) -> str | ConfigurationError:
        keys = self._read_all()
        if isinstance(keys, ConfigurationError):
            return keys
        tree = {"primary": self._primary, "keys": keys, "checks": _checks_of(keys)}
        return json.dumps(tree, separators=(",", ":"))

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self._keys)}; primary: {self._primary})"


def _checks_of(keys: dict[str, str]) -> dict[str, str]:
    return {key_id: check_value(secret) for key_id, secret in keys.items()}


def _no_key(method: str) -> ConfigurationError:
    return ConfigurationError(f"KeyRing.{method}: key_id: this ring has no key with that id.")
