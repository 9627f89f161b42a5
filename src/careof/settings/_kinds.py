"""
What may stand at one place of settings: read, and said as JSON Schema.

Theory of operation: each kind knows its shape twice, as a check and as a
schema, side by side, so that a form that was drawn from the schema and the
loader agree.  Shape is what a schema can say; whether a path is a JSONPath, or
a port is open, only constructors know, and they are asked later.  Words say
what was expected, never what was found.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Any, Final

import attrs

from careof.settings._problems import Problems, ended, told
from careof.settings._secrets import SENSITIVE_QUERY, Secrets

Schema = dict[str, Any]


class Refused:
    """
    What is read where something is wrong.
    """


REFUSED: Final = Refused()


@attrs.frozen
class Place:
    """
    Where the reader is.
    """

    path: str
    problems: Problems
    secrets: Secrets

    def under(self, name: object) -> Place:
        """
        The place of what is called *name* in here.
        """
        path = f"{self.path}.{told(name)}" if self.path else told(name)
        return Place(path, self.problems, self.secrets)

    def refuse(self, text: str) -> Refused:
        """
        Put down that the shape is wrong.
        """
        self.problems.add(self.path, text)
        return REFUSED

    def doubt(self, text: str) -> Refused:
        """
        Put down that it cannot work, although its shape is right.
        """
        self.problems.add(self.path, text, is_shape=False)
        return REFUSED

    def secret(self, text: str) -> Any:
        """
        The secret that a reference names.
        """
        found = self.secrets.secret(text)
        return self.doubt(found) if isinstance(found, str) else found


@attrs.frozen
class Kind(ABC):
    """
    The base of all kinds.

    Attributes:
        words: What the documentation calls it.
    """

    words: str = ""

    def read(self, value: object, at: Place) -> Any:
        """
        What a constructor takes for *value*, or ``REFUSED``.
        """
        return self._read(value, at)

    def schema(self) -> Schema:
        """
        The same as JSON Schema.
        """
        return self._schema()

    @abstractmethod
    def _read(self, value: object, at: Place) -> Any: ...

    @abstractmethod
    def _schema(self) -> Schema: ...


@attrs.frozen(kw_only=True)
class Text(Kind):
    """
    A text.

    Attributes:
        pattern: What has to be found in it.
        without: What must not be.
        expected: The words where it does not fit.
        takes_secrets: Whether it may be a reference to a secret.
    """

    words: str = "text"
    least: int = 1
    pattern: str | None = None
    without: str | None = None
    expected: str = "expected a text."
    takes_secrets: bool = False

    def _read(self, value: object, at: Place) -> Any:
        if not isinstance(value, str) or len(value) < self.least:
            return at.refuse(self.expected)
        if self.pattern is not None and not re.search(self.pattern, value):
            return at.refuse(self.expected)
        if self.without is not None and re.search(self.without, value):
            return at.refuse(self.expected)
        if self.takes_secrets and at.secrets.is_reference(value):
            return at.secret(value)
        return value

    def _schema(self) -> Schema:
        return {
            "type": "string",
            **({"minLength": self.least} if self.least else {}),
            **({} if self.pattern is None else {"pattern": self.pattern}),
            **({} if self.without is None else {"not": {"pattern": self.without}}),
        }


def url() -> Text:
    """
    A URL, without a key in its query.
    """
    return Text(
        words="URL",
        without=SENSITIVE_QUERY,
        expected='expected a URL without a key in it; that is scheme = "api_key" of auth.',
    )


@attrs.frozen(kw_only=True)
class JsonPath(Kind):
    """
    A path into an answer.

    Attributes:
        may_be_nowhere: Whether ``""`` says that there is none.
    """

    words: str = "path"
    may_be_nowhere: bool = False

    def _read(self, value: object, at: Place) -> Any:
        if self.may_be_nowhere and value == "":
            return None
        if isinstance(value, str) and value.startswith(("$", "/")):
            return value
        return at.refuse("expected a JSONPath ($.a.b) or a JSON Pointer (/a/b).")

    def _schema(self) -> Schema:
        path = {"type": "string", "pattern": "^[$/]"}
        return {"anyOf": [{"const": ""}, path]} if self.may_be_nowhere else path


@attrs.frozen(kw_only=True)
class OneOf(Kind):
    """
    One word of a list.
    """

    words: str = "word"
    choices: tuple[str, ...]

    def _read(self, value: object, at: Place) -> Any:
        if isinstance(value, str) and value in self.choices:
            return value
        return at.refuse(f"expected {listed(self.choices)}{ended(value, self.choices)}")

    def _schema(self) -> Schema:
        return {"enum": list(self.choices)}


@attrs.frozen(kw_only=True)
class YesNo(Kind):
    """
    True or false.
    """

    words: str = "true or false"

    def _read(self, value: object, at: Place) -> Any:
        return value if isinstance(value, bool) else at.refuse("expected true or false.")

    def _schema(self) -> Schema:
        return {"type": "boolean"}


@attrs.frozen(kw_only=True)
class Seconds(Kind):
    """
    A duration in seconds.
    """

    words: str = "seconds"
    may_be_zero: bool = False

    def _read(self, value: object, at: Place) -> Any:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and (value > 0 or (self.may_be_zero and value == 0)):  # type: ignore[operator]
            return value
        return at.refuse(f"expected seconds, {'0 or more' if self.may_be_zero else 'above 0'}.")

    def _schema(self) -> Schema:
        return {"type": "number", "minimum" if self.may_be_zero else "exclusiveMinimum": 0}


@attrs.frozen(kw_only=True)
class Whole(Kind):
    """
    A whole number.
    """

    words: str = "whole number"
    least: int = 1
    most: int | None = None

    def _read(self, value: object, at: Place) -> Any:
        number = whole(value)
        if number is not None and self.least <= number <= (self.most or number):
            return number
        end = "" if self.most is None else f" to {self.most}"
        return at.refuse(f"expected a whole number from {self.least}{end}.")

    def _schema(self) -> Schema:
        most = {} if self.most is None else {"maximum": self.most}
        return {"type": "integer", "minimum": self.least, **most}


@attrs.frozen(kw_only=True)
class Scalar(Kind):
    """
    What an answer says: a text, a whole number, true or false.
    """

    words: str = "text, whole number, true or false"

    def _read(self, value: object, at: Place) -> Any:
        if isinstance(value, str | bool):
            return value
        number = whole(value)
        return at.refuse(f"expected a {self.words}.") if number is None else number

    def _schema(self) -> Schema:
        return {"type": ["string", "integer", "boolean"]}


def whole(value: object) -> int | None:
    """
    The whole number that *value* is, to JSON Schema: 1.0 is one.
    """
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def listed(words: tuple[str, ...]) -> str:
    """
    The *words*, in quotes, as prose has them.
    """
    quoted = [f'"{word}"' for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
