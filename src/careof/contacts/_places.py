"""
Where in a record something stands, in words that name nobody.

Theory of operation: a path is made of the names of fields, and a name can be a
person: ``{"kim@people.example": true}`` is a mapping that many hosts have.  So a
name becomes a part of a path only if it looks like one that a programmer gave,
and if nothing is found in it; everything else is ``*``.  Positions in lists
are ``[]``, and a mapping with hundreds of names is taken for a table of
people.  So there are few paths, however many records there are.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_NAME = re.compile(r"(?!.*[0-9]{5})(?!(?:[^0-9]*[0-9]){9})[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)
_WORD = re.compile(r"[A-Z]*[a-z0-9]+|[A-Z]+", re.ASCII)
LONGEST_NAME = 40  # characters
RECORD = "(record)"  # the path of a record that has no fields
MOST_NAMES = 200  # of one mapping; those that come later are "*"
MOST_COLUMNS = 1000  # names of a record itself
MOST_PLACES = 2000  # in all; what comes later is counted at the place around it

_PHONE = re.compile(
    r"phones?|\w*phones?|phone\w*|tel|telefon\w*|telef\w*|mobiles?|mobil|mobilnummer|cell|cellular"
    r"|handy\w*|msisdns?|whatsapp|fax|gsm|movil|celular|e164"
)
_NAMING = re.compile(
    r"((first|last|full|given|family|middle|maiden|display|contact|customer|recipient|person)"
    r"_?names?)|names?|surname|forename|nickname|vorname|nachname|nom|prenom|nombre|apellidos?"
    r"|street\w*|birth_?(day|date)|date_of_birth|dob"
)
_REFERENCE = re.compile(r"(\w+_)?(refs?|references?|reference_?ids?)")
_MESSAGE_ID = re.compile(r"(\w+_)?(message_?ids?|in_?reply_?to)")


class Place:
    """
    A field, a place inside of it, or a form in which something stands there.

    Attributes:
        path: As a report shows it.
        is_phone: Whether the name of it, or of a place around it, promises phone numbers.
        is_reference: Whether reference ids are expected there.
        is_masked: Whether its name is not told, as it may be somebody's.
        is_name: Whether its name promises somebody's name.
        has_message_ids: Whether ids of mails are expected there, which look like addresses.
    """

    __slots__ = (
        "_children",
        "_is_personal",
        "_left",
        "_most_names",
        "_prefix",
        "has_message_ids",
        "is_masked",
        "is_name",
        "is_phone",
        "is_reference",
        "path",
    )

    def __init__(
        self,
        path: str,
        left: list[int],
        is_personal: Callable[[str], bool],
        around: Place | None = None,
    ) -> None:
        self.path = path
        self._prefix = f"{path}." if around is not None else ""
        self.is_phone: bool = around is not None and around.is_phone
        self.is_reference: bool = around is not None and around.is_reference
        self.has_message_ids: bool = around is not None and around.has_message_ids
        self.is_name = self.is_masked = False
        self._left = left
        self._most_names = MOST_COLUMNS if around is None else MOST_NAMES
        self._is_personal = is_personal
        self._children: dict[str, Place] = {}

    @classmethod
    def root(cls, is_personal: Callable[[str], bool], path: str = RECORD) -> Place:
        """
        The record itself.

        Args:
            is_personal: Whether there is a person in the name of a field.
        """
        return cls(path, [MOST_PLACES], is_personal)

    def named(self, name: str, *, position: int | None = None) -> Place:
        """
        The place of that *name* in this one; it is known by its *position* if it cannot be told.
        """
        place = self._children.get(name)
        if place is not None:
            return place
        can_be_told = (
            len(name) <= LONGEST_NAME
            and _NAME.fullmatch(name) is not None
            and len(self._children) < self._most_names
            and not self._is_personal(name)
        )
        if can_be_told:
            return self._added(name, name)
        if position is not None and position <= MOST_COLUMNS:
            # The name itself is not kept: it may be somebody's.
            shown = f"column {position}"
            masked = self._children.get(shown) or self._added(shown, shown, words=name)
        else:
            masked = self._children.get("*") or self._added("*", "*")
        masked.is_masked = masked is not self
        return masked

    def items(self) -> Place:
        """
        The place of what stands in a list.
        """
        return self._children.get("[]") or self._form("[]")

    def keys(self) -> Place:
        """
        The place of the names themselves, if this is a mapping.
        """
        return self._children.get(":key") or self._form(":key")

    def form(self, name: str) -> Place:
        """
        The place of what is written here in another form, such as ``base64``.
        """
        return self._children.get(f":{name}") or self._form(f":{name}")

    def _added(self, key: str, shown: str, words: str | None = None) -> Place:
        place = self._below(key, f"{self._prefix}{shown}")
        if place is not self:
            place._understand(words if words is not None else key)
        return place

    def _form(self, suffix: str) -> Place:
        return self._below(suffix, self.path + suffix)

    def _below(self, key: str, path: str) -> Place:
        if self._left[0] <= 0:
            return self
        self._left[0] -= 1
        place = Place(path, self._left, self._is_personal, self)
        self._children[key] = place
        return place

    def _understand(self, name: str) -> None:
        words = [word.lower() for word in _WORD.findall(name[:200])]
        joined = "_".join(words)
        self.is_phone = self.is_phone or any(map(_PHONE.fullmatch, words))
        self.is_reference = self.is_reference or _REFERENCE.fullmatch(joined) is not None
        self.has_message_ids = self.has_message_ids or _MESSAGE_ID.fullmatch(joined) is not None
        self.is_name = _NAMING.fullmatch(joined) is not None
