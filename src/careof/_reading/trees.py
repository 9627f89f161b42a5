"""
Changing the texts inside a JSON-like structure, without ever pasting text into JSON.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from careof._values.sealed import is_whole
from careof._values.secret import Secret
from careof.errors import ConfigurationError


def map_texts(tree: Any, change: Callable[[str | Secret], str | Secret]) -> Any:
    """
    A copy of *tree* in which every text value (no key) went through *change*.
    """
    if isinstance(tree, str | Secret):
        return change(tree)
    if isinstance(tree, Mapping):
        return {name: map_texts(value, change) for name, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [map_texts(value, change) for value in tree]
    return tree


def check_tree(tree: Any, parameter: str) -> None:
    """
    Refuse what JSON (RFC 8259) cannot say, and name where it stands.
    """
    if isinstance(tree, Mapping):
        for name, value in tree.items():
            if not (isinstance(name, str) and is_whole(name)):
                raise ConfigurationError(
                    f"{parameter}: every name must be a str without lone surrogates."
                )
            check_tree(value, f"{parameter}[{name!r}]")
    elif isinstance(tree, list | tuple):
        for index, value in enumerate(tree):
            check_tree(value, f"{parameter}[{index}]")
    elif isinstance(tree, float) and not math.isfinite(tree):
        raise ConfigurationError(f"{parameter}: JSON has no {tree}.")
    elif isinstance(tree, str) and not is_whole(tree):
        raise ConfigurationError(f"{parameter}: UTF-8 has no lone surrogates.")
    elif not isinstance(tree, str | Secret | int | float | bool | None):
        raise ConfigurationError(
            f"{parameter}: expected JSON values or Secret, got {type(tree).__name__}."
        )
