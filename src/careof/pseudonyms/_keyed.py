"""
What the two schemes have in common: whose numbers, under which keys, one or many.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Protocol, overload

from careof._keys.key_ring import KeyRing
from careof._values.numbering import are_plain_e164
from careof._values.phone_numbers import PhoneNumber, read_e164, refuse_region
from careof._values.sealed import Fixed, is_whole
from careof._values.unwrap import Unseen, unwrap
from careof.errors import ConfigurationError, PhoneNumberError
from careof.pseudonyms import _packing
from careof.pseudonyms._batches import OnError, Results, in_chunks
from careof.pseudonyms._letters import split

_USE = "careof phone pseudonym"
# Of the id of a key: phonenumbers finds a number in two of them, if it is told to be lenient.
_MOST_DIGITS = 1


class Key(Protocol):
    """
    One key at work.
    """

    def __init__(self, front: str, key: bytes) -> None: ...

    def pseudonym(self, e164: str) -> str: ...

    def pseudonyms(self, e164s: list[str]) -> list[str]: ...


class KeyedPseudonymizer(Fixed):
    """
    Phone numbers to pseudonyms, under the keys of one ring for one tenant and purpose.
    """

    __slots__ = ("__weakref__", "_keys", "_primary", "_region")
    _instead = "Build it there, with the same key ring, tenant and purpose."
    _scheme: ClassVar[str]
    _length: ClassVar[int]  # letters
    _key_length: ClassVar[int]  # bytes
    _key_type: ClassVar[type[Key]]

    def __init__(
        self,
        keyring: KeyRing,
        tenant: str,
        *,
        purpose: str = "",
        region: str | None = None,
    ) -> None:
        with Unseen():
            keys = self._problem(keyring, tenant, purpose, region) or self._keys_of(
                keyring, tenant, purpose
            )
        del keyring  # it may be a secret in the wrong place, which a traceback would show
        if isinstance(keys, ConfigurationError):
            del self  # half built, it cannot even be printed
            raise keys
        self._keys = keys
        self._primary = next(iter(keys.values()))
        self._region = region

    def _problem(
        self, keyring: object, tenant: object, purpose: object, region: object
    ) -> ConfigurationError | None:
        name = type(self).__name__
        if not isinstance(keyring, KeyRing):
            return ConfigurationError(f"{name}: keyring: expected a KeyRing.")
        for parameter, value in (("tenant", tenant), ("purpose", purpose)):
            if not (isinstance(value, str) and is_whole(value)):
                return ConfigurationError(
                    f"{name}: {parameter}: expected a text (str) without lone surrogates."
                )
        for key_id in keyring.ids:
            if sum(map(str.isdigit, key_id)) > _MOST_DIGITS:
                return ConfigurationError(
                    f"{name}: keyring: a pseudonym begins with the id of its key, and the digits "
                    f"of {key_id} could be read as a phone number: expected one digit at most."
                )
        return refuse_region(region, f"{name}: region")

    def _keys_of(
        self, keyring: KeyRing, tenant: str, purpose: str
    ) -> dict[str, Key] | ConfigurationError:
        from cryptography.exceptions import UnsupportedAlgorithm

        keys = {}
        for key_id in dict.fromkeys((keyring.primary, *keyring.ids)):
            key = keyring._derived(
                key_id, _USE, self._scheme, tenant, purpose, length=self._key_length
            )
            if isinstance(key, ConfigurationError):
                return key
            try:
                keys[key_id] = self._key_type(f"{self._scheme}{key_id}_", key)
            except UnsupportedAlgorithm:
                return ConfigurationError(
                    f"{type(self).__name__}: the cryptography package here has no AES-SIV: "
                    "it needs one with OpenSSL 3.0 or newer."
                )
        return keys

    def pseudonymize(self, phone: str | PhoneNumber) -> str:
        """
        The pseudonym of *phone*, under the primary key.

        Raises:
            PhoneNumberError: It is no phone number.  The message does not repeat it.
        """
        with Unseen():
            outcome = self._made(phone)
        del phone  # a traceback with locals would show it
        return unwrap(outcome)

    @overload
    def pseudonymize_many(
        self, phones: Iterable[str | PhoneNumber], *, on_error: None = None
    ) -> list[str]: ...

    @overload
    def pseudonymize_many(
        self, phones: Iterable[str | PhoneNumber], *, on_error: OnError[PhoneNumberError] | None
    ) -> list[str | None]: ...

    def pseudonymize_many(
        self,
        phones: Iterable[str | PhoneNumber],
        *,
        on_error: OnError[PhoneNumberError] | None = None,
    ) -> list[Any]:
        """
        The pseudonyms of *phones*, in their order, under the primary key.

        Args:
            on_error: Called with the position (from 0) and the error of each
                that is no phone number; then None stands in its place.

        Raises:
            PhoneNumberError: One is no phone number, and there is no *on_error*.
                The message says which one, by its position, and does not repeat it.
            ConfigurationError: *phones* is one text, or *on_error* cannot be called.
        """
        pseudonyms = in_chunks(phones, self._made_of, on_error, "phones")
        del phones  # a traceback with locals would show them
        return list(unwrap(pseudonyms))

    @overload
    def pseudonymize_iter(
        self, phones: Iterable[str | PhoneNumber], *, on_error: None = None
    ) -> Iterator[str]: ...

    @overload
    def pseudonymize_iter(
        self, phones: Iterable[str | PhoneNumber], *, on_error: OnError[PhoneNumberError] | None
    ) -> Iterator[str | None]: ...

    def pseudonymize_iter(
        self,
        phones: Iterable[str | PhoneNumber],
        *,
        on_error: OnError[PhoneNumberError] | None = None,
    ) -> Iterator[Any]:
        """
        As ``pseudonymize_many``, for any number of *phones* in bounded memory.

        It reads up to 4,096 of them before it gives the first pseudonym.
        """
        pseudonyms = in_chunks(phones, self._made_of, on_error, "phones")
        del phones  # a traceback with locals would show them
        return unwrap(pseudonyms)

    def candidates(self, phone: str | PhoneNumber) -> list[str]:
        """
        The pseudonyms of *phone* under each key, that of the primary one first.

        While keys are rotated, one of them is what the host has stored.

        Raises:
            PhoneNumberError: It is no phone number.  The message does not repeat it.
        """
        with Unseen():
            outcome = self._all(phone)
        del phone  # a traceback with locals would show it
        return unwrap(outcome)

    def matches(self, phone: str | PhoneNumber, pseudonym: str) -> bool:
        """
        Whether *pseudonym* stands for *phone*; their letters are compared in constant time.

        What these keys cannot have made stands for no number.

        Raises:
            PhoneNumberError: *phone* is no phone number.  The message does not
                repeat it.
        """
        with Unseen():
            outcome = self._stands_for(pseudonym, phone)
        del phone  # a traceback with locals would show it
        return unwrap(outcome)

    def _made(self, phone: object) -> str | PhoneNumberError:
        e164 = read_e164(phone, self._region)
        if isinstance(e164, PhoneNumberError):
            return e164
        return self._primary.pseudonym(e164)

    def _made_of(self, phones: list[object]) -> Results[str, PhoneNumberError]:
        return self._read(phones).then(self._primary.pseudonyms)

    def _read(self, phones: list[Any]) -> Results[str, PhoneNumberError]:
        np = _packing.array_module(len(phones))
        if are_plain_e164(phones) if np is None else _packing.are_plain_e164(np, phones):
            return Results(phones, {})
        known: dict[str, str | PhoneNumberError] = {}
        return Results.of((self._once(phone, known) for phone in phones), PhoneNumberError)

    def _once(
        self, phone: object, known: dict[str, str | PhoneNumberError]
    ) -> str | PhoneNumberError:
        # What stands in a chunk twice is read once: reading is what takes long.
        if type(phone) is not str:
            return read_e164(phone, self._region)
        outcome = known.get(phone)
        if outcome is None:
            outcome = known[phone] = read_e164(phone, self._region)
        return outcome

    def _all(self, phone: object) -> list[str] | PhoneNumberError:
        e164 = read_e164(phone, self._region)
        if isinstance(e164, PhoneNumberError):
            return e164
        return [key.pseudonym(e164) for key in self._keys.values()]

    def _stands_for(self, pseudonym: object, phone: object) -> bool | PhoneNumberError:
        e164 = read_e164(phone, self._region)
        if isinstance(e164, PhoneNumberError):
            return e164
        found = self._found(pseudonym)
        if found is None:
            return False
        key, letters = found
        return hmac.compare_digest(key.pseudonym(e164)[-len(letters) :], letters)

    def _found(self, pseudonym: object) -> tuple[Any, str] | None:
        """
        The key that *pseudonym* names, and its letters; None if it can be none of ours.
        """
        parts = split(pseudonym, self._scheme, self._length)
        if parts is None or parts[0] not in self._keys:
            return None
        return self._keys[parts[0]], parts[1]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(keys: {', '.join(self._keys)})"
