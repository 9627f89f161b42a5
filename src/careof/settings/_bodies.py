"""
Where secrets may stand: in a key of their own, and anywhere in a body.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs

from careof.settings._kinds import REFUSED, Kind, Place, Schema
from careof.settings._secrets import EXPECTED, PLACEHOLDER, SENSITIVE, is_sensitive

_SECRET: Schema = {"$ref": "#/$defs/secret"}
_IS_PLACEHOLDER = re.compile(PLACEHOLDER)
_MAX_DEPTH = 64  # as request bodies; one that holds itself has no end


@attrs.frozen(kw_only=True)
class SecretText(Kind):
    """
    A reference to a secret, and never the secret.

    Attributes:
        may_be_empty: Whether ``""`` says that there is none.
    """

    words: str = "reference to a secret"
    may_be_empty: bool = False

    def _read(self, value: object, at: Place) -> Any:
        if self.may_be_empty and value == "":
            return value
        if isinstance(value, str) and at.secrets.is_reference(value):
            rest = value.partition(":")[2]
            if rest and not rest[0].isspace():
                return at.secret(value)
        return at.refuse(EXPECTED)

    def _schema(self) -> Schema:
        return {"anyOf": [{"const": ""}, _SECRET]} if self.may_be_empty else _SECRET


@attrs.frozen(kw_only=True)
class Json(Kind):
    """
    A JSON object or array, whose texts may be references to secrets.
    """

    words: str = "JSON object or array"

    def _read(self, value: object, at: Place) -> Any:
        if not isinstance(value, Mapping | list | tuple):
            return at.refuse("expected an object or an array.")
        return self._walk(value, at, "", _MAX_DEPTH)

    def _walk(self, value: object, at: Place, name: str, depth: int) -> Any:
        if isinstance(value, Mapping | list | tuple):
            if not depth:
                return at.doubt(f"expected at most {_MAX_DEPTH} levels.")
            return self._walk_into(value, at, depth - 1)
        if is_sensitive(name) and value is not None and not isinstance(value, bool):
            return read_sensitive(value, at)
        if isinstance(value, str):
            return at.secret(value) if at.secrets.is_reference(value) else value
        if isinstance(value, int | float | None):
            return value
        return at.refuse("expected what JSON has; a date is written as a text.")

    def _walk_into(self, value: Any, at: Place, depth: int) -> Any:
        if not isinstance(value, Mapping):
            items = [
                self._walk(each, at.under(f"${index}"), "", depth)
                for index, each in enumerate(value)
            ]
            return REFUSED if REFUSED in items else items
        if not all(isinstance(name, str) for name in value):
            return at.refuse("expected texts as names.")
        fields = {
            name: self._walk(each, at.under(name), name, depth) for name, each in value.items()
        }
        return REFUSED if REFUSED in fields.values() else fields

    def _schema(self) -> Schema:
        return {"$ref": "#/$defs/body"}


def read_sensitive(value: object, at: Place) -> Any:
    """
    What a constructor takes for a *value* whose name says that it is a secret.
    """
    if isinstance(value, str) and _IS_PLACEHOLDER.match(value):
        return value
    return SecretText().read(value, at)


def definitions(secret: str) -> Schema:
    """
    What the schemas here refer to.

    Args:
        secret: The regular expression of a reference.
    """
    scalar = {"type": ["string", "number", "boolean", "null"]}
    body = {"$ref": "#/$defs/body"}
    sensitive = {
        "anyOf": [
            body,
            {"type": ["boolean", "null"]},
            {"$ref": "#/$defs/secret"},
            {"type": "string", "pattern": f"^{PLACEHOLDER}"},
        ]
    }
    return {
        "secret": {
            "title": "Reference to a secret",
            "description": "Where it is kept, such as env:NAME or file:/path; not the secret.",
            "type": "string",
            "pattern": secret,
        },
        "body": {
            "title": "JSON",
            "anyOf": [
                {"type": "array", "items": {"anyOf": [body, scalar]}},
                {
                    "type": "object",
                    "patternProperties": {SENSITIVE: sensitive},
                    "additionalProperties": {"anyOf": [body, scalar]},
                },
            ],
        },
    }
