"""
What of the answer is the contact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from careof._reading.complaints import is_complaint, may_be_complaint
from careof._reading.paths import Path
from careof._reading.steps import ASTRAY, MISSING, SIMILAR
from careof._reading.strict_json import JsonTree
from careof._values.addresses import read_email_address
from careof._values.contact import Contact
from careof._values.phone_numbers import read_phone_number
from careof._values.placeholders import NAME
from careof.errors import (
    CareofError,
    ConfigurationError,
    ReferenceGoneError,
    UnexpectedAnswerError,
)

Address = TypeVar("Address")

_KINDS = {bool: "true or false", str: "a text", int: "a whole number"}


class ContactSelector:
    """
    Where in the answer the email address, the phone number and the rest stand.

    Each is a JSONPath (RFC 9535, such as ``$.data.email``) or a JSON Pointer
    (RFC 6901, ``/data/email``) that names one text.  Nothing else is read.

    Args:
        phone_region: The country of numbers without ``+`` (ISO 3166-1 alpha-2).
        reference_id: The echo path: where the endpoint repeats the reference.
            An answer that names another one is refused.
        attributes: Names for placeholders to paths; an absent one is left out.
        gone: Paths to the value that means that the person no longer exists,
            such as ``{"$.erased": True}``.  Absent, null and false mean nothing,
            unless they are that value; a value of another type is refused.
    """

    __slots__ = ("_attributes", "_echo", "_email", "_gone", "_phone", "_phone_region")

    def __init__(
        self,
        *,
        email: str | None = None,
        phone: str | None = None,
        phone_region: str | None = None,
        reference_id: str | None = None,
        attributes: Mapping[str, str] | None = None,
        gone: Mapping[str, bool | str | int] | None = None,
    ) -> None:
        if email is None and phone is None:
            raise ConfigurationError("ContactSelector: email, phone: expected at least one path.")
        if phone_region is not None and not _is_region(phone_region):
            raise ConfigurationError(
                "ContactSelector: phone_region: expected a country as ISO 3166-1 alpha-2 has it, "
                'such as "GB" (not "UK").'
            )
        self._email = _path(email, "email")
        self._phone = _path(phone, "phone")
        self._phone_region = phone_region
        self._echo = _path(reference_id, "reference_id")
        self._attributes: dict[str, Path] = {}
        if not isinstance(attributes, Mapping | None):
            raise ConfigurationError("ContactSelector: attributes: expected names to paths.")
        for name, text in (attributes or {}).items():
            if not (isinstance(name, str) and NAME.fullmatch(name)):
                raise ConfigurationError(
                    "ContactSelector: attributes: names are lower-case letters, digits and _."
                )
            self._attributes[name] = Path(text, parameter=f"ContactSelector: attributes[{name!r}]")
        if not isinstance(gone, Mapping | None):
            raise ConfigurationError("ContactSelector: gone: expected paths to values.")
        self._gone: list[tuple[Path, bool | str | int]] = []
        for text, value in (gone or {}).items():
            if not isinstance(value, bool | str | int):
                raise ConfigurationError(
                    f"ContactSelector: gone[{text!r}]: expected True, False, a text or a whole "
                    "number."
                )
            self._gone.append((Path(text, parameter="ContactSelector: gone"), value))

    @property
    def _has_echo(self) -> bool:
        return self._echo is not None

    def _select(self, tree: JsonTree, reference_id: str) -> Contact | CareofError:
        """
        The contact in *tree*, or the error that says why there is none.
        """
        stranger = self._stranger(tree, reference_id)
        # First, as the host named it: {"error": "erased"} may be the way to say it.
        gone = self._read_gone(tree) if stranger is None else None
        if gone is not None:
            return gone
        if is_complaint(tree):
            return _complaint()
        outcome = stranger or self._found(tree, reference_id)
        if _lacks_address(outcome) and self._finds_nothing(tree) and may_be_complaint(tree):
            return _complaint()
        return outcome

    def _stranger(self, tree: JsonTree, reference_id: str) -> CareofError | None:
        # An erased answer about somebody else must not drop this reference.
        if self._echo is None:
            return None
        found = self._echo.find(tree)
        if found is SIMILAR:
            return _similar(self._echo)
        if as_reference(found) != reference_id:
            return _other_reference(self._echo, found, tree)
        return None

    def _read_gone(self, tree: JsonTree) -> CareofError | None:
        for path, wanted in self._gone:
            value = path.find(tree)
            if value is SIMILAR:
                return _similar(path)
            if type(value) is type(wanted):  # in Python, True == 1
                if value == wanted:
                    return _gone()
            elif value not in (MISSING, ASTRAY, None) and value is not False:
                # Nobody knows whether "true" was meant: neither gone, nor written to.
                return _unusable(
                    path, f"expected {_KINDS[type(wanted)]}.", "gone_type", "selection"
                )
        return None

    def _found(self, tree: JsonTree, reference_id: str) -> Contact | CareofError:
        email = _read(self._email, tree, read_email_address)
        if isinstance(email, CareofError):
            return email
        phone = _read(self._phone, tree, lambda text: read_phone_number(text, self._phone_region))
        if isinstance(phone, CareofError):
            return phone
        attributes = self._read_attributes(tree)
        if isinstance(attributes, CareofError):
            return attributes
        return Contact(reference_id, email=email, phone=phone, attributes=attributes)

    def _read_attributes(self, tree: JsonTree) -> dict[str, str] | CareofError:
        attributes: dict[str, str] = {}
        for name, path in self._attributes.items():
            value = path.find(tree)
            if isinstance(value, int) and not isinstance(value, bool):
                value = str(value)
            if isinstance(value, str):
                attributes[name] = value
            elif value is SIMILAR:
                return _similar(path)
            elif value not in (MISSING, ASTRAY, None):
                return _unusable(path, "expected a text.", "attribute_type", "selection")
        return attributes

    def _finds_nothing(self, tree: JsonTree) -> bool:
        # Then nothing says that the answer is about a person at all.
        paths = (self._echo, self._email, self._phone, *self._attributes.values())
        return all(path is None or path.find(tree) in (MISSING, ASTRAY) for path in paths)

    def _missing_in(self, contact: Contact) -> dict[str, str]:
        """
        What was not found for *contact*: names to the paths that selected nothing.
        """
        addresses = {"email": (self._email, contact.email), "phone": (self._phone, contact.phone)}
        return {
            **{
                name: path.text
                for name, (path, value) in addresses.items()
                if path is not None and value is None
            },
            **{
                name: path.text
                for name, path in self._attributes.items()
                if name not in contact.attributes
            },
        }

    def __repr__(self) -> str:
        # Half built, in the traceback of its own constructor, it lacks some.
        paths = {"email": "_email", "phone": "_phone", "reference_id": "_echo"}
        known = {name: getattr(self, slot, None) for name, slot in paths.items()}
        shown = [f"{name}={path.text!r}" for name, path in known.items() if path is not None]
        return f"ContactSelector({', '.join(shown)})"


def _is_region(text: object) -> bool:
    from phonenumbers import SUPPORTED_REGIONS

    return isinstance(text, str) and text in SUPPORTED_REGIONS


def _path(text: str | None, parameter: str) -> Path | None:
    return None if text is None else Path(text, parameter=f"ContactSelector: {parameter}")


def _lacks_address(outcome: Contact | CareofError) -> bool:
    return isinstance(outcome, CareofError) or (outcome.email is None and outcome.phone is None)


def as_reference(value: object) -> str | None:
    """
    The reference that *value*, from an answer, is; None if it is none.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)  # a number in JSON is the same id as its decimal text
    return value if isinstance(value, str) else None


def _read(
    path: Path | None, tree: JsonTree, parse: Callable[[str], Address | CareofError]
) -> Address | CareofError | None:
    if path is None:
        return None
    value = path.find(tree)
    if value in (MISSING, None, ""):
        return None
    if value is ASTRAY:
        reason = f"it selects nothing, or several values, in {_kind(tree)}; expected one text."
        return _unusable(path, reason, "shape", "selection")
    if value is SIMILAR:
        return _similar(path)
    if not isinstance(value, str):
        return _unusable(path, "expected a text.", "address_type", "selection")
    address = parse(value)
    if isinstance(address, CareofError):
        return _unusable(path, str(address), address.detail, "address")
    return address


def _kind(tree: JsonTree) -> str:
    return f"the {'object' if isinstance(tree, dict) else 'array'} that came"


def _other_reference(path: Path, found: object, tree: JsonTree) -> UnexpectedAnswerError:
    said = f"nothing in {_kind(tree)}" if found in (MISSING, ASTRAY, None) else "another reference"
    return UnexpectedAnswerError(
        f"{path.text} selects {said}; expected the reference that was asked for.",
        detail="other_reference",
        step="selection",
    )


def _similar(path: Path) -> UnexpectedAnswerError:
    return _unusable(
        path,
        "a key on its way stands in the answer in another spelling (such as Email for email), "
        "instead of the one in the path or beside it.",
        "similar_keys",
        "selection",
    )


def _gone() -> ReferenceGoneError:
    return ReferenceGoneError(
        "The answer says that the person no longer exists: drop the reference.",
        detail="erased",
        step="selection",
    )


def _complaint() -> UnexpectedAnswerError:
    return UnexpectedAnswerError(
        "The answer is an error under the status 200: it has a key such as error, message or "
        "success that says so. Look into the endpoint's own log.",
        detail="error_answer",
        step="body",
    )


def _unusable(path: Path, reason: str, detail: str, step: str) -> UnexpectedAnswerError:
    return UnexpectedAnswerError(
        f"What {path.text} selects cannot be used: {reason}",
        detail=detail,
        step=step,
    )
