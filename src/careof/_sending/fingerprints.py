"""
Keyed fingerprints of addresses, so that a list of opt-outs names nobody.

Theory of operation: whoever opts out must stay out when the customer gives them
a new reference, so the list knows the address, by a fingerprint that only the
host's key can make.  A plain hash would not do: all addresses of a mail provider
can be tried in minutes.  One address is written in several ways, so it is
normalised first, and rather too much than too little: a fingerprint that two
people share withholds a survey, one that is missed sends it to somebody who
said no.

    email   as ``EmailAddress.parse`` has it; then the local part in Unicode NFKC
            and case-folded, the domain in ASCII (IDNA) and lower case
    phone   E.164

What stands behind a ``+`` in a local part stays, and so do its dots: what they
mean is the provider's own affair.  This is for ever: another normalisation
would make other fingerprints.
"""

from __future__ import annotations

import unicodedata

from careof._keys.key_ring import KeyRing
from careof._values.addresses import EmailAddress, ascii_address
from careof._values.phone_numbers import PhoneNumber
from careof._values.sealed import Fixed, is_whole
from careof._values.unwrap import Unseen, unwrap
from careof.errors import ConfigurationError
from careof.pseudonyms._hmac import HmacKey

Address = EmailAddress | PhoneNumber

_USE = "careof address fingerprint"
_SCHEME = "fp1"
_KEY_LENGTH = 32  # bytes


class Fingerprinter(Fixed):
    """
    Makes fingerprints of addresses for one tenant: ``fp1``, the key id, ``_``, 24 letters.

    The dispatcher and the host make the same ones.  They are one-way for those
    without the key, pseudonymised data and no more: whoever has the key can try
    addresses.  It refuses to be pickled.

    Args:
        keyring: The keys.  They are derived now, so a ring that changes at its
            source is not noticed.
        tenant: Whose addresses they are; without the keys, those of two tenants
            cannot be linked.

    Raises:
        ConfigurationError: An argument cannot work, or a key cannot be read.
    """

    __slots__ = ("__weakref__", "_keys")
    _instead = "Build it there, with the same key ring and tenant."

    def __init__(self, keyring: KeyRing, tenant: str) -> None:
        with Unseen():
            keys = _keys_of(keyring, tenant)
        del keyring  # it may be a secret in the wrong place, which a traceback would show
        if isinstance(keys, ConfigurationError):
            del self  # half built, it cannot even be printed
            raise keys
        self._keys = keys

    def fingerprint(self, address: EmailAddress | PhoneNumber) -> str:
        """
        The fingerprint of *address* under the primary key: what a list of opt-outs stores.

        Raises:
            ConfigurationError: It is no address that careof has read.
        """
        with Unseen():
            outcome = self._made(address)
        del address
        return unwrap(outcome)[0]

    def candidates(self, address: EmailAddress | PhoneNumber) -> list[str]:
        """
        The fingerprints of *address* under each key, that of the primary one first.

        While keys are rotated, one of them is what the list has.

        Raises:
            ConfigurationError: It is no address that careof has read.
        """
        with Unseen():
            outcome = self._made(address)
        del address
        return unwrap(outcome)

    def _made(self, address: object) -> list[str] | ConfigurationError:
        if not isinstance(address, EmailAddress | PhoneNumber):
            return ConfigurationError(
                "Fingerprinter: address: expected EmailAddress.parse(text) or "
                "PhoneNumber.parse(text)."
            )
        try:
            text = normalised(address)
            return [key.pseudonym(text) for key in self._keys]
        except ValueError:
            # An address that no parser of ours made.  What is raised quotes it.
            return ConfigurationError(
                "Fingerprinter: address: this one was not read by EmailAddress.parse or "
                "PhoneNumber.parse, and cannot be encoded."
            )

    def __repr__(self) -> str:
        return "Fingerprinter(***)"


def normalised(address: Address) -> str:
    """
    *address* in the one spelling that is fingerprinted, with its kind in front.
    """
    if isinstance(address, PhoneNumber):
        return f"phone:{address.reveal()}"
    local_part, _, domain = ascii_address(address.reveal()).rpartition("@")
    folded = unicodedata.normalize("NFKC", local_part).casefold()
    # Folding can take letters apart again.
    return f"email:{unicodedata.normalize('NFKC', folded)}@{domain.lower()}"


def _keys_of(keyring: object, tenant: object) -> list[HmacKey] | ConfigurationError:
    if not isinstance(keyring, KeyRing):
        return ConfigurationError("Fingerprinter: keyring: expected a KeyRing.")
    if not (isinstance(tenant, str) and is_whole(tenant)):
        return ConfigurationError(
            "Fingerprinter: tenant: expected a text (str) without lone surrogates."
        )
    keys = []
    for key_id in dict.fromkeys((keyring.primary, *keyring.ids)):
        key = keyring._derived(key_id, _USE, _SCHEME, tenant, length=_KEY_LENGTH)
        if isinstance(key, ConfigurationError):
            return key
        keys.append(HmacKey(f"{_SCHEME}{key_id}_", key))
    return keys
