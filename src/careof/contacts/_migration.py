"""
Records that hold people become records that hold references, and contacts apart.

Theory of operation: one record goes in, and two things come out that have
nothing in common but a reference id: what the host keeps, and a contact, sealed,
that the customer has to load into its own endpoint.  Every field goes to one of
the two or is dropped by name, so nothing is lost by accident; and a record whose
address stands in a second field is refused, so nothing stays by accident either.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias, overload

from careof._values.addresses import EmailAddress, ascii_address, read_email_address
from careof._values.contact import Contact
from careof._values.phone_numbers import PhoneNumber, read_phone_number, refuse_region
from careof._values.sealed import Fixed
from careof._values.unwrap import Unseen, unwrap
from careof.contacts._derivation import Derivation
from careof.contacts._migration_fields import Fields
from careof.contacts._reference_ids import new_reference_id
from careof.contacts._remains import refuse_remains, shown
from careof.errors import CareofError, ConfigurationError
from careof.pseudonyms._batches import Results, in_chunks
from careof.pseudonyms._protocols import Pseudonymizer

OnError: TypeAlias = Callable[[int, CareofError], object]


class Migrated(Fixed):
    """
    One record after its migration, in two parts that go to two places.

    Attributes:
        record: What the host keeps: the record without the person, with a
            reference id.  It is None where there is nobody to refer to.
        contact: What the customer has to load into its own endpoint, sealed;
            None where the record held neither an address nor an attribute.
    """

    __slots__ = ("contact", "record")
    _instead = "Write each part to its own place."

    def __init__(self, record: dict[str, Any], contact: Contact | None) -> None:
        self.record: dict[str, Any] = record
        self.contact: Contact | None = contact

    @property
    def reference_id(self) -> str | None:
        """
        What the two parts have in common.
        """
        return None if self.contact is None else self.contact.reference_id

    def __repr__(self) -> str:
        return f"Migrated({self.reference_id or 'nobody'})"


@overload
def pseudonymize_records(
    records: Iterable[Any],
    *,
    email: str | None = "email",
    phone: str | None = "phone",
    attributes: Iterable[str] = (),
    drop: Iterable[str] = (),
    reference_field: str = "reference_id",
    derive: Derivation | None = None,
    region: str | None = None,
    pseudonymizer: Pseudonymizer | None = None,
    on_error: None = None,
) -> Iterator[Migrated]: ...


@overload
def pseudonymize_records(
    records: Iterable[Any],
    *,
    email: str | None = "email",
    phone: str | None = "phone",
    attributes: Iterable[str] = (),
    drop: Iterable[str] = (),
    reference_field: str = "reference_id",
    derive: Derivation | None = None,
    region: str | None = None,
    pseudonymizer: Pseudonymizer | None = None,
    on_error: OnError | None,
) -> Iterator[Migrated | None]: ...


def pseudonymize_records(
    records: Iterable[Any],
    *,
    email: str | None = "email",
    phone: str | None = "phone",
    attributes: Iterable[str] = (),
    drop: Iterable[str] = (),
    reference_field: str = "reference_id",
    derive: Derivation | None = None,
    region: str | None = None,
    pseudonymizer: Pseudonymizer | None = None,
    on_error: OnError | None = None,
) -> Iterator[Any]:
    """
    For each of *records* what the host keeps and what the customer loads, as ``Migrated``.

    They are read a few thousand at a time and never changed: what comes out is
    made anew.

    Args:
        records: Mappings, or rows with ``keys()`` such as those of sqlite3.
        email: The field with the email address; None if there is none.
        phone: The field with the phone number; None if there is none.
        attributes: Fields that the customer gets too, such as the first name,
            and the host no longer has.
        drop: Fields that nobody gets.
        reference_field: The field for the reference id.  It is new, or empty.
        derive: Makes the reference ids, so that one address has one; without it
            they are random, and each record has its own.
        region: The country (ISO 3166-1 alpha-2, such as ``"GB"``) of numbers
            that are written without ``+``.  Without it they are refused.
        pseudonymizer: Leaves a pseudonym in the field of the number.  Without
            it that field goes.
        on_error: Called with the position (from 0) and the error of each record
            that is refused; then None stands in its place.

    Raises:
        EmailAddressError: What stands in a record is no email address, or the
            address stands in another field as well, and there is no *on_error*.
            The message says which record, by its position, and repeats nothing
            of it.
        PhoneNumberError: The same of a phone number.
        ConfigurationError: What is given is no such record, likewise, or an
            argument cannot work.
    """
    with Unseen():
        outcome = _begun(
            records,
            Fields.of(email, phone, attributes, drop, reference_field),
            derive=derive,
            region=region,
            pseudonymizer=pseudonymizer,
            on_error=on_error,
        )
    del records  # a traceback with locals would show them
    return unwrap(outcome)


def _begun(
    records: Iterable[Any],
    fields: Fields | ConfigurationError,
    *,
    derive: Any,
    region: str | None,
    pseudonymizer: Any,
    on_error: OnError | None,
) -> Iterator[Any] | ConfigurationError:
    if isinstance(fields, ConfigurationError):
        return fields
    if not isinstance(derive, Derivation | None):
        return ConfigurationError(
            "pseudonymize_records: derive: expected a Derivation(keyring, tenant), or None."
        )
    if not (pseudonymizer is None or callable(getattr(pseudonymizer, "pseudonymize", None))):
        return ConfigurationError(
            "pseudonymize_records: pseudonymizer: expected one, such as HmacPseudonymizer."
        )
    problem = refuse_region(region, "pseudonymize_records: region")
    if problem is not None:
        return problem
    splitter = Splitter(fields, derive, region, pseudonymizer)
    return in_chunks(records, splitter.split_all, on_error, "records")


class Splitter:
    """
    What is done with each record.
    """

    def __init__(
        self,
        fields: Fields,
        derive: Derivation | None,
        region: str | None,
        pseudonymizer: Pseudonymizer | None,
    ) -> None:
        self.fields = fields
        self._derive = derive
        self._region = region
        self._pseudonymizer = pseudonymizer

    def split_all(self, records: list[Any]) -> Results[Migrated, CareofError]:
        """
        What becomes of some *records*.
        """
        return Results.of(map(self.split, records), CareofError)

    def split(self, record: Any) -> Migrated | CareofError:
        """
        The two parts of *record*, or the error that says why it is refused.
        """
        values = _values_of(record)
        if isinstance(values, ConfigurationError):
            return values
        problem = self.fields.refuse(values)
        if problem is not None:
            return problem
        email = self._email(values)
        if isinstance(email, CareofError):
            return email
        phone = self._phone(values)
        if isinstance(phone, CareofError):
            return phone
        attributes = self._attributes(values)
        if isinstance(attributes, CareofError):
            return attributes
        contact = None
        if email or phone or attributes:
            reference_id = self._reference_id(email, phone)
            contact = Contact(reference_id, email=email, phone=phone, attributes=attributes)
        kept = self._kept(values, contact)
        texts = []
        if email:
            texts = [email.reveal(), ascii_address(email.reveal()), *self._written(values)]
        return refuse_remains(kept, texts, phone) or Migrated(kept, contact)

    def _email(self, values: Mapping[str, Any]) -> EmailAddress | CareofError | None:
        value: Any = None if self.fields.email is None else values[self.fields.email]
        if _is_empty(value):
            return None
        if isinstance(value, EmailAddress):
            return value
        return read_email_address(value.strip() if isinstance(value, str) else value)

    def _written(self, values: Mapping[str, Any]) -> list[str]:
        value = values[self.fields.email or ""]
        return [value.strip()] if isinstance(value, str) else []

    def _phone(self, values: Mapping[str, Any]) -> PhoneNumber | CareofError | None:
        value = None if self.fields.phone is None else values[self.fields.phone]
        return None if _is_empty(value) else read_phone_number(value, self._region)

    def _attributes(self, values: Mapping[str, Any]) -> dict[str, str] | CareofError:
        found = {}
        for name in self.fields.attributes:
            value = values[name]
            if _is_empty(value):
                continue
            if not isinstance(value, str):
                return ConfigurationError(
                    f"{shown(name)} of this record, an attribute, is of type "
                    f"{type(value).__name__}: expected a text (str), or None.",
                    detail="record",
                )
            found[name] = value
        return found

    def _reference_id(self, email: EmailAddress | None, phone: PhoneNumber | None) -> str:
        address = email or phone
        if self._derive is None or address is None:
            return new_reference_id()
        return self._derive._of(address)

    def _kept(self, values: Mapping[str, Any], contact: Contact | None) -> dict[str, Any]:
        fields = self.fields
        kept = {name: values.get(name) for name in self.kept_names(values)}
        kept[fields.reference] = contact and contact.reference_id
        if self._pseudonymizer is not None and fields.phone is not None:
            number = contact and contact.phone
            kept[fields.phone] = number and self._pseudonymizer.pseudonymize(number)
        return kept

    def kept_names(self, names: Iterable[str]) -> list[str]:
        """
        The names of what the host keeps: the reference id stands where the address was.
        """
        kept = []
        for name in names:
            if name == self.fields.place:
                kept.append(self.fields.reference)
            is_pseudonym = name == self.fields.phone and self._pseudonymizer is not None
            if is_pseudonym or not self.fields.takes(name):
                kept.append(name)
        return kept


def _values_of(record: Any) -> dict[str, Any] | ConfigurationError:
    if isinstance(record, Mapping):
        return dict(record)
    if hasattr(type(record), "keys") and hasattr(type(record), "__getitem__"):
        return {name: record[name] for name in record.keys()}  # noqa: SIM118
    return ConfigurationError(
        "This is no record: expected a mapping of names to values, or a row with keys().",
        detail="record",
    )


def _is_empty(value: Any) -> bool:
    if isinstance(value, str):
        return not value.strip()
    # As pandas has it for nothing.
    return value is None or (isinstance(value, float) and math.isnan(value))
