"""
Numbers for things that have no name, so that keys can be made of them.
"""

from __future__ import annotations

import itertools
import weakref

_numbers: dict[int, tuple[weakref.ref[object], int]] = {}
_next_number = itertools.count(1)


def number_of(thing: object) -> int:
    """
    A number that belongs to *thing* for the life of the process; 0 for None.

    ``id()`` is given to the next object when this one is collected, and a
    dictionary of the things themselves would take two that are equal for one.
    """
    if thing is None:
        return 0
    key = id(thing)
    if key not in _numbers:
        # setdefault is atomic: no lock, which a fork could leave locked.
        reference = weakref.ref(thing, lambda _: _numbers.pop(key, None))
        _numbers.setdefault(key, (reference, next(_next_number)))
    return _numbers[key][1]
