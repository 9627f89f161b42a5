"""
One step into a JSON tree: from an object to a member, from an array to an item.

Theory of operation: JSON compares names byte by byte, and so does a path.  But
readers that ignore case are common, some of them beyond ASCII (Go's takes the
Kelvin sign for a ``k``), and to others (Swift's) the two ways to write an ``é``
are one text.  Where such names stand side by side, who the person is depends on
the reader.  So a name that a path selects must have no neighbour that folds to
the same text, and has to be written as the path has it: a member that is there
in another spelling only is not absent, and not what was told either.
"""

from __future__ import annotations

import re
from typing import Any, Final
from unicodedata import normalize

MISSING: Final = object()  # the parent is there, the value is not
ASTRAY: Final = object()  # no parent, or several nodes: not the shape we were told
SIMILAR: Final = object()  # a name on the way stands there in another spelling

Step = str | int

# RFC 6901 §4: "0", or digits without a leading zero.
_POINTER_INDEX = re.compile(r"0|[1-9][0-9]*", re.ASCII)

# A name folds to no less than a quarter of its length, because no character
# decomposes canonically into more than four.  Longer names are not folded:
# normalising a run of combining marks takes time that grows with its square.
_SHORTENING = 4


class PointerStep(str):
    """
    A step of a JSON Pointer: a name in an object, an index in an array.
    """

    __slots__ = ()


def fold(name: str) -> str:
    """
    What *name* has in common with every name that could be taken for it.
    """
    if name.isascii():
        return name.lower()
    return normalize("NFKC", normalize("NFKC", name).casefold())


def child(node: object, step: Step, folded: str) -> object:
    """
    The value one *step* below *node*, ``MISSING``, ``ASTRAY`` or ``SIMILAR``.

    Args:
        folded: What a step that is a name folds to.
    """
    # What is no object and no array has no children, MISSING itself included.
    if isinstance(node, dict) and isinstance(step, str):
        return SIMILAR if is_spelt_otherwise(step, folded, node) else node.get(step, MISSING)
    if isinstance(node, list):
        if isinstance(step, PointerStep):
            is_index = _POINTER_INDEX.fullmatch(step) and len(step) < 10
            step = int(step) if is_index else len(node)
        if isinstance(step, int):
            return node[step] if -len(node) <= step < len(node) else MISSING
    return SIMILAR if node is SIMILAR else ASTRAY


def is_spelt_otherwise(name: str, folded: str, node: dict[str, Any]) -> bool:
    """
    Whether *node* has a name, other than *name* itself, that folds to *folded*.
    """
    exact = name in node
    names = "\n".join(node)
    # Quick, and nearly always the end of it: a second name that folds to the
    # same text would be one occurrence more.
    if names.isascii() and names.lower().count(folded) <= exact:
        return False
    longest = _SHORTENING * len(folded)
    return sum(len(other) <= longest and fold(other) == folded for other in node) > exact
