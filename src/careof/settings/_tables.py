"""
Tables of settings, and the keys that may stand in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from careof.settings._kinds import REFUSED, Kind, Place, Schema, listed
from careof.settings._problems import ended, unknown

UNKNOWN = "?"
_MOST_STRANGE = 50  # keys; each is compared with all that there are


@attrs.frozen(kw_only=True)
class Parameter:
    """
    One key.

    Attributes:
        kind: What may stand there.
        about: One line of words.
        default: What holds without it; None where that needs more words.
        example: What is right, and stands in for what is not while the rest is
            looked at.
        argument: The parameter of the constructor, where that is called otherwise.
    """

    name: str
    kind: Kind
    about: str
    is_required: bool = False
    default: Any = None
    example: Any = None
    argument: str = attrs.field(default=attrs.Factory(lambda self: self.name, takes_self=True))

    def schema(self) -> Schema:
        """
        Its kind, with title, description, default and example.
        """
        return {
            **self.kind.schema(),
            "title": self.name.replace("_", " ").capitalize(),
            "description": self.about,
            **({} if self.default is None else {"default": self.default}),
            **({} if self.example is None else {"examples": [self.example]}),
        }


@attrs.frozen(kw_only=True)
class Table(Kind):
    """
    Keys to values, each key with a kind of its own.

    Attributes:
        builds: The classes that are built of it.
        needs_one: Keys of which one has to be there.
        elsewhere: What is no key here, and where it is said.
    """

    words: str = "table"
    keys: tuple[Parameter, ...]
    builds: tuple[type, ...] = ()
    needs_one: tuple[str, ...] = ()
    elsewhere: Mapping[str, str] = attrs.field(factory=dict)

    def key(self, name: str) -> Parameter:
        """
        The key of that *name*.
        """
        return next(key for key in self.keys if key.name == name)

    def _read(self, value: object, at: Place) -> Any:
        if not isinstance(value, Mapping):
            return at.refuse("expected a table: keys to values.")
        known = {key.name: key for key in self.keys}
        found: dict[str, Any] = {}
        strange = [name for name in value if name not in known]
        if strange:
            # What they were meant to be is not known, so nothing is built of the rest.
            found[UNKNOWN] = REFUSED
        for name in strange[:_MOST_STRANGE]:
            at.under(name).refuse(self.elsewhere.get(name) or unknown(name, known))
        for name, each in value.items():
            if name in known:
                found[name] = known[name].kind.read(each, at.under(name))
        for key in self.keys:
            if key.is_required and key.name not in value:
                found[key.name] = at.under(key.name).refuse(f"is missing. {key.about}")
        if self.needs_one and not any(name in value for name in self.needs_one):
            at.refuse(f"expected a table {listed(self.needs_one)}.")
        return found

    def _schema(self) -> Schema:
        required = [key.name for key in self.keys if key.is_required]
        one = [{"required": [name]} for name in self.needs_one]
        return {
            "type": "object",
            "properties": {key.name: key.schema() for key in self.keys},
            "additionalProperties": False,
            **({"required": required} if required else {}),
            **({"anyOf": one} if one else {}),
        }


@attrs.frozen
class Chosen:
    """
    What was read of a table that is one of several.
    """

    choice: str | bool
    table: Table
    values: dict[str, Any]


@attrs.frozen(kw_only=True)
class Choice(Kind):
    """
    One of several tables; a key of it says which.

    Attributes:
        key: That key.
        default: Which one it is without the key; None if that is refused.
    """

    words: str = "table"
    key: str
    tables: Mapping[str | bool, Table]
    default: bool | None = None

    def _read(self, value: object, at: Place) -> Any:
        if not isinstance(value, Mapping):
            return at.refuse("expected a table: keys to values.")
        choice = value.get(self.key, self.default)
        # Two of one hash: 1 is no true here, as in JSON Schema.
        if not isinstance(choice, str | bool) or choice not in self.tables:
            text = f"expected {self._expected()}{ended(choice, map(str, self.tables))}"
            return at.under(self.key).refuse(text)
        table = self.tables[choice]
        rest = {name: each for name, each in value.items() if name != self.key}
        values = table.read(rest, at)
        return Chosen(choice, table, values)

    def _expected(self) -> str:
        if self.default is None:
            return listed(tuple(map(str, self.tables)))
        return "true or false"

    def _schema(self) -> Schema:
        return {"oneOf": [self._one_schema(choice=choice) for choice in self.tables]}

    def _one_schema(self, *, choice: str | bool) -> Schema:
        schema = self.tables[choice].schema()
        said = {"const": choice, "title": self.key.capitalize()}
        required = [] if choice == self.default else [self.key]
        required += schema.get("required", [])
        return {
            **schema,
            "title": str(choice) if self.default is None else f"{self.key}: {choice}".lower(),
            "description": self.tables[choice].words,
            "properties": {self.key: said, **schema["properties"]},
            **({"required": required} if required else {}),
        }
