"""
What a contact endpoint knows about one person, and whom to ask for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from careof._values.addresses import EmailAddress, PhoneNumber
from careof._values.sealed import SealedMapping, SealedText, unpicklable
from careof.errors import ConfigurationError


class Contact:
    """
    The answer to one lookup: an address or two, and a few attributes, all sealed.

    It lives as long as the caller holds it; careof keeps none.
    """

    __slots__ = ("attributes", "email", "phone", "reference_id")

    def __init__(
        self,
        reference_id: str,
        *,
        email: EmailAddress | None = None,
        phone: PhoneNumber | None = None,
        attributes: Mapping[str, str | SealedText] | None = None,
    ) -> None:
        if not isinstance(email, EmailAddress | None):
            raise ConfigurationError("Contact: email takes EmailAddress.parse(text), or None.")
        if not isinstance(phone, PhoneNumber | None):
            raise ConfigurationError("Contact: phone takes PhoneNumber.parse(text), or None.")
        self.reference_id = reference_id
        self.email = email
        self.phone = phone
        self.attributes = SealedMapping(attributes or {})

    def __repr__(self) -> str:
        known = [name for name in ("email", "phone") if getattr(self, name) is not None]
        return f"Contact(***, knows: {', '.join([*known, *self.attributes]) or 'nothing'})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(unpicklable(self))


class Recipient:
    """
    A reference id, and variables for its message that the host knows by itself.
    """

    __slots__ = ("reference_id", "variables")

    def __init__(
        self, reference_id: str, *, variables: Mapping[str, str | SealedText] | None = None
    ) -> None:
        self.reference_id = reference_id
        self.variables = SealedMapping(variables or {})

    def __repr__(self) -> str:
        return f"Recipient({self.reference_id!r}, variables={self.variables!r})"
