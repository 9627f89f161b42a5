"""
Kinds that hold others: names to values, and lists.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs

from careof.settings._bodies import read_sensitive
from careof.settings._kinds import (
    REFUSED,
    JsonPath,
    Kind,
    Place,
    Scalar,
    Schema,
    Text,
    Whole,
)
from careof.settings._secrets import PLACEHOLDER, SENSITIVE, is_sensitive


@attrs.frozen(kw_only=True)
class Named(Kind):
    """
    Names to values of one kind.

    Attributes:
        pattern: What has to be found in a name.
        names: The words for the names.
        of_statuses: Whether the names are whole numbers.
    """

    value: Kind
    names: str = "names"
    pattern: str | None = None
    of_statuses: bool = False

    def _read(self, value: object, at: Place) -> Any:
        if not isinstance(value, Mapping):
            return at.refuse(f"expected {self.names} to values.")
        found: dict[Any, Any] = {}
        for name, each in value.items():
            if not isinstance(name, str) or (self.pattern and not re.search(self.pattern, name)):
                at.refuse(f"expected {self.names}.")
                found[name] = REFUSED
            else:
                key = int(name) if self.of_statuses else name
                found[key] = self._read_value(name, each, at.under(name))
        return REFUSED if REFUSED in found.values() else found

    def _read_value(self, _name: str, value: object, at: Place) -> Any:
        return self.value.read(value, at)

    def _schema(self) -> Schema:
        names = {"propertyNames": {"pattern": self.pattern}} if self.pattern else {}
        return {"type": "object", **names, "additionalProperties": self.value.schema()}


@attrs.frozen(kw_only=True)
class Texts(Named):
    """
    Names of headers or fields to texts, which may be references to secrets.
    """

    words: str = "names to texts"
    value: Kind = attrs.field(factory=lambda: Text(least=0, takes_secrets=True))

    def _read_value(self, name: str, value: object, at: Place) -> Any:
        if is_sensitive(name):
            return read_sensitive(value, at)
        return self.value.read(value, at)

    def _schema(self) -> Schema:
        placeholder = {"type": "string", "pattern": f"^{PLACEHOLDER}"}
        sensitive = {"anyOf": [{"$ref": "#/$defs/secret"}, placeholder]}
        return {**super()._schema(), "patternProperties": {SENSITIVE: sensitive}}


@attrs.frozen(kw_only=True)
class Listing(Kind):
    """
    A list of values of one kind, as a set or a tuple.
    """

    value: Kind
    made: type = tuple
    may_be_one: bool = False

    def _read(self, value: object, at: Place) -> Any:
        if self.may_be_one and isinstance(value, str):
            return self.value.read(value, at)
        if not isinstance(value, list | tuple):
            return at.refuse("expected a list.")
        items = [self.value.read(each, at.under(f"${n}")) for n, each in enumerate(value)]
        return REFUSED if REFUSED in items else self.made(items)

    def _schema(self) -> Schema:
        many = {"type": "array", "items": self.value.schema()}
        return {"anyOf": [self.value.schema(), many]} if self.may_be_one else many


@attrs.frozen(kw_only=True)
class PathAndValue(Kind):
    """
    A path into an answer, and what stands there.
    """

    words: str = "list of a path and a value"

    def _read(self, value: object, at: Place) -> Any:
        if not (isinstance(value, list | tuple) and len(value) == 2):
            return at.refuse('expected a path and a value, such as ["$.error", "token_expired"].')
        pair = JsonPath().read(value[0], at.under("$0")), Scalar().read(value[1], at.under("$1"))
        return REFUSED if REFUSED in pair else pair

    def _schema(self) -> Schema:
        parts = [JsonPath().schema(), Scalar().schema()]
        return {"type": "array", "prefixItems": parts, "minItems": 2, "maxItems": 2}


def statuses() -> Listing:
    """
    A set of HTTP statuses.
    """
    return Listing(words="list of statuses", value=Whole(least=100, most=599), made=frozenset)
