"""
Reference ids that a key makes of an address, so that whoever stands there twice is one.

Theory of operation: capitals and the two ways to write an accent or a domain make
no difference, and everything else does: a list of opt-outs may take ``ß`` for
``ss``, but these are the addresses of two people.  HMAC-SHA-256 under a key of
this use makes the id of what is left.  It is the email address
where there is one, and the phone number only where there is none: a number is
what households and offices share, and two people under one reference would get
each other's surveys.

A derived id says more than a random one: whoever has the key can try addresses.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import unicodedata
from typing import Any

from careof._keys.key_ring import KeyRing
from careof._values.addresses import EmailAddress, ascii_address, read_email_address
from careof._values.contact import Contact
from careof._values.phone_numbers import PhoneNumber, read_phone_number, refuse_region
from careof._values.sealed import Fixed, is_whole
from careof._values.unwrap import Unseen, unwrap
from careof.contacts._reference_ids import DERIVED, bits_of, spelled
from careof.errors import CareofError, ConfigurationError

_USE = "careof reference id"
_MOST_DIGITS = 1  # of the id of a key, as for pseudonyms
_DIGEST = 16  # bytes


class Derivation(Fixed):
    """
    Makes reference ids of addresses for one tenant, under the primary key of a ring.

    It refuses to be pickled.

    Args:
        keyring: The keys.  The primary one is derived now.  Under another one
            everybody has another id: keep the key for as long as records come.
        tenant: Whose people they are; without the keys, the ids of two tenants
            cannot be linked.

    Raises:
        ConfigurationError: An argument cannot work, or the key cannot be read.
    """

    __slots__ = ("__weakref__", "_front", "_key")
    _instead = "Build it there, with the same key ring and tenant."

    def __init__(self, keyring: KeyRing, tenant: str) -> None:
        with Unseen():
            key = _key_of(keyring, tenant)
        if isinstance(key, ConfigurationError):
            del self, keyring  # one may be a secret in the wrong place, the other is half built
            raise key
        self._front = f"{DERIVED}{keyring.primary}_"
        self._key = key

    def reference_id(
        self, email: EmailAddress | None = None, phone: PhoneNumber | None = None
    ) -> str:
        """
        The reference id of *email* or, where there is none, of *phone*.

        Raises:
            ConfigurationError: Neither is there, or one is not of its type.
        """
        with Unseen():
            outcome = self._made(email, phone)
        del email, phone
        return unwrap(outcome)

    def _made(self, email: object, phone: object) -> str | ConfigurationError:
        address = phone if email is None else email
        if not (isinstance(email, EmailAddress | None) and isinstance(phone, PhoneNumber | None)):
            return ConfigurationError(
                "Derivation: expected EmailAddress.parse(text) and PhoneNumber.parse(text), "
                "or None for one of them."
            )
        if address is None:
            return ConfigurationError("Derivation: expected an email address or a phone number.")
        return self._of(address)

    def _of(self, address: Any) -> str:
        return spelled(self._front, bits_of(self._mac(_identity(address))))

    def _digest(self, contact: Contact) -> bytes:
        """
        What tells whether two contacts are the same, and nothing to those without the key.
        """
        texts = [each and _identity(each) for each in (contact.email, contact.phone)]
        named = sorted((name, text.reveal()) for name, text in contact.attributes.items())
        # A text in JSON begins with a bracket, and an identity with a letter.
        return self._mac(json.dumps([texts, named]))[:_DIGEST]

    def _mac(self, text: str) -> bytes:
        return hmac.digest(self._key, text.encode(), hashlib.sha256)

    def __repr__(self) -> str:
        return "Derivation(***)"


def derived_reference_id(
    keyring: KeyRing,
    tenant: str,
    *,
    email: str | EmailAddress | None = None,
    phone: str | PhoneNumber | None = None,
    region: str | None = None,
) -> str:
    """
    The reference id that the primary key of *keyring* makes of an address.

    It is that of *email* or, where there is none, of *phone*.  One address has
    one id in small letters or capitals.  For many, build one ``Derivation``.

    Args:
        region: The country of a number that is written without ``+``.

    Raises:
        EmailAddressError: *email* is none.  The message does not repeat it.
        PhoneNumberError: *phone* is none, likewise.
        ConfigurationError: Neither is given, or the key cannot be read.
    """
    with Unseen():
        outcome = _derived(keyring, tenant, email=email, phone=phone, region=region)
    del email, phone, keyring  # a traceback with locals would show them
    return unwrap(outcome)


def _derived(
    keyring: KeyRing, tenant: str, *, email: Any, phone: Any, region: str | None
) -> str | CareofError:
    try:
        derivation = Derivation(keyring, tenant)
    except ConfigurationError as error:
        return error
    problem = refuse_region(region, "derived_reference_id: region")
    if problem is not None:
        return problem
    if not isinstance(email, EmailAddress | None):
        email = read_email_address(email)
    if not isinstance(phone, PhoneNumber | None):
        phone = read_phone_number(phone, region)
    for outcome in (email, phone):
        if isinstance(outcome, CareofError):
            return outcome
    return derivation._made(email, phone)


def _identity(address: EmailAddress | PhoneNumber) -> str:
    """
    *address* in the one spelling that an id is made of, with its kind in front.
    """
    if isinstance(address, PhoneNumber):
        return f"phone:{address.reveal()}"
    composed = unicodedata.normalize("NFC", ascii_address(address.reveal()))
    # Small letters can come apart again.
    return f"email:{unicodedata.normalize('NFC', composed.lower())}"


def _key_of(keyring: object, tenant: object) -> bytes | ConfigurationError:
    if not isinstance(keyring, KeyRing):
        return ConfigurationError("Derivation: keyring: expected a KeyRing.")
    if not (isinstance(tenant, str) and is_whole(tenant)):
        return ConfigurationError(
            "Derivation: tenant: expected a text (str) without lone surrogates."
        )
    if sum(map(str.isdigit, keyring.primary)) > _MOST_DIGITS:
        return ConfigurationError(
            "Derivation: keyring: a reference id begins with the id of its key, and the digits of "
            f"{keyring.primary} could be read as a phone number: expected one digit at most."
        )
    return keyring._derived(keyring.primary, _USE, DERIVED, tenant)
