"""
Objects that say, under the status 200, that something went wrong.
"""

from __future__ import annotations

from careof._reading.strict_json import JsonTree

# Each of these, with a value, is the whole of the message.
_ERRORS = frozenset({"error", "errors"})
_VERDICTS = frozenset({"success", "ok"})
# The spellings in use, so that a good answer costs one look at its names.
_PLAIN = frozenset(
    spelling
    for name in (*_ERRORS, *_VERDICTS)
    for spelling in (name, name.capitalize(), name.upper())
)

# These stand in good answers too, so they speak only where nothing was found.
_WORDS = frozenset({"message", "detail", "reason", "fault", "exception", "errormessage"})
_STATES = frozenset({"status", "statuscode", "result"})
_BAD_STATES = frozenset({"error", "fail", "failed", "failure", "not found", "not_found"})


def is_complaint(tree: JsonTree) -> bool:
    """
    Whether *tree* says that it is an error, whatever else it holds.
    """
    if not isinstance(tree, dict) or _PLAIN.isdisjoint(tree):
        return False
    return any(
        bool(value) if name.lower() in _ERRORS else value in (False, "false")
        for name, value in tree.items()
        if name in _PLAIN
    )


def may_be_complaint(tree: JsonTree) -> bool:
    """
    Whether *tree*, in which nothing was found, looks like an error.
    """
    return isinstance(tree, dict) and any(_complains(name, tree[name]) for name in tree)


def _complains(name: str, value: object) -> bool:
    plain = name.lower().replace("_", "")
    if plain in _WORDS:
        return isinstance(value, str) and bool(value)
    if plain in _STATES:
        if isinstance(value, str):
            return value.lower() in _BAD_STATES
        return isinstance(value, int) and 400 <= value < 600
    return False
