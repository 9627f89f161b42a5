"""
What a contact endpoint knows about one person, and whom to ask for.
"""

from __future__ import annotations

from collections.abc import Mapping

from careof._values.addresses import EmailAddress
from careof._values.phone_numbers import PhoneNumber
from careof._values.reference import refuse_reference
from careof._values.sealed import Fixed, SealedMapping, SealedText
from careof.errors import ConfigurationError


class Contact(Fixed):
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
        outcome = _sealed(email, phone, attributes or {})
        if isinstance(outcome, ConfigurationError):
            del self, email, phone, attributes  # a traceback with locals would show them
            raise outcome
        self.reference_id: str = reference_id
        self.email: EmailAddress | None = email
        self.phone: PhoneNumber | None = phone
        self.attributes: SealedMapping = outcome

    def __repr__(self) -> str:
        known = [name for name in ("email", "phone") if getattr(self, name) is not None]
        return f"Contact(***, knows: {', '.join([*known, *self.attributes]) or 'nothing'})"


class Recipient(Fixed):
    """
    A reference id, and variables for its message that the host knows by itself.
    """

    __slots__ = ("reference_id", "variables")

    def __init__(
        self, reference_id: str, *, variables: Mapping[str, str | SealedText] | None = None
    ) -> None:
        outcome = SealedMapping.of(variables or {}, "Recipient: variables")
        if isinstance(outcome, ConfigurationError):
            del self, variables  # a traceback with locals would show them
            raise outcome
        self.reference_id: str = reference_id
        self.variables: SealedMapping = outcome

    def __repr__(self) -> str:
        # A reference that is refused may be an address, which is why it is.
        is_refused = refuse_reference(self.reference_id) is not None
        shown = "***" if is_refused else repr(self.reference_id)
        return f"Recipient({shown}, variables={self.variables!r})"


def _sealed(
    email: object, phone: object, attributes: Mapping[str, str | SealedText]
) -> SealedMapping | ConfigurationError:
    if not isinstance(email, EmailAddress | None):
        return ConfigurationError("Contact: email takes EmailAddress.parse(text), or None.")
    if not isinstance(phone, PhoneNumber | None):
        return ConfigurationError("Contact: phone takes PhoneNumber.parse(text), or None.")
    return SealedMapping.of(attributes, "Contact: attributes")
