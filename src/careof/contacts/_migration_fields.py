"""
Which field of a record is what.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from careof.contacts._remains import shown
from careof.errors import ConfigurationError


@attrs.frozen(kw_only=True)
class Fields:
    """
    The names of fields that do not stay as they are.

    Attributes:
        reference: That of the reference id.
    """

    email: str | None
    phone: str | None
    attributes: tuple[str, ...]
    drop: tuple[str, ...]
    reference: str
    _taken: frozenset[str | None] = attrs.field(init=False)

    @_taken.default
    def _all(self) -> frozenset[str | None]:
        return frozenset((self.email, self.phone, self.reference, *self.attributes, *self.drop))

    @classmethod
    def of(
        cls, email: Any, phone: Any, attributes: Any, drop: Any, reference: Any
    ) -> Fields | ConfigurationError:
        """
        These names, or the error that says which of them cannot be.
        """
        several = {"attributes": attributes, "drop": drop}
        for parameter, names in several.items():
            if isinstance(names, str) or not isinstance(names, Iterable):
                return _unfit(parameter, "the names of fields, such as a list of them")
        several = {parameter: tuple(names) for parameter, names in several.items()}
        found = [name for name in (email, phone) if name is not None]
        if not found:
            return _unfit("email", "the field of the email address, or that of the phone number")
        every = [*found, *several["attributes"], *several["drop"], reference]
        if not all(isinstance(name, str) and name for name in every):
            return _unfit("email, phone, attributes, drop, reference_field", "names (str)")
        if len(set(every)) != len(every):
            return _unfit("email, phone, attributes, drop, reference_field", "each name once")
        return cls(email=email, phone=phone, reference=reference, **several)

    @property
    def place(self) -> str | None:
        """
        The field before which the reference id stands.
        """
        return self.phone if self.email is None else self.email

    def takes(self, name: str) -> bool:
        """
        Whether the field *name* does not stay.
        """
        return name in self._taken

    def refuse(self, values: Mapping[str, Any]) -> ConfigurationError | None:
        """
        The reason why *values* are no record with these fields, or None.
        """
        # A misspelt name would leave the address where it is.
        for name in (self.email, self.phone, *self.attributes, *self.drop):
            if name is not None and name not in values:
                return ConfigurationError(
                    f"This record is without {shown(name)}: expected it, with None where there is "
                    "nothing.",
                    detail="record",
                )
        if values.get(self.reference) not in (None, ""):
            return ConfigurationError(
                f"{shown(self.reference)} of this record is not empty: has it been migrated "
                "already? If not, have another one made.",
                detail="record",
            )
        return None


def _unfit(parameter: str, expected: str) -> ConfigurationError:
    return ConfigurationError(f"pseudonymize_records: {parameter}: expected {expected}.")
