"""
An answer whose body says that the token is no longer good, whatever its status.
"""

from __future__ import annotations

from careof._reading.paths import Path
from careof._reading.strict_json import read_json
from careof.errors import CareofError, ConfigurationError

_MAX_DEPTH = 32


class RejectedBody:
    """
    Where in an answer a rejection stands, and as what.

    Args:
        rule: A JSONPath or JSON Pointer, and the text, number or truth value
            that it selects in a rejection and in no other answer.
        parameter: What the rule is called in an error.
    """

    __slots__ = ("_path", "_value")

    def __init__(self, rule: object, parameter: str) -> None:
        if not (
            isinstance(rule, tuple)
            and len(rule) == 2
            and isinstance(rule[0], str)
            and isinstance(rule[1], str | int | bool)
        ):
            raise ConfigurationError(
                f'{parameter}: expected a path and a value, such as ("$.error", "token_expired").'
            )
        self._path = Path(rule[0], parameter=parameter)
        self._value = rule[1]

    def is_in(self, body: bytes) -> bool:
        """
        Whether *body* is a rejection; what is no JSON is none.
        """
        tree = read_json(body, max_depth=_MAX_DEPTH)
        if isinstance(tree, CareofError):
            return False
        found = self._path.find(tree)
        return type(found) is type(self._value) and found == self._value
