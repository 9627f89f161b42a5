"""
What a child begins anew after ``fork()``.

A lock that another thread held at that moment is never freed in the child.
"""

from __future__ import annotations

import functools
import os
import weakref
from typing import Protocol


class Forked(Protocol):
    """
    Something with a state that belongs to one process.
    """

    def _begin_anew(self) -> None: ...


# What is registered at fork() stays for ever, so it must not hold a cache: that
# would keep the tokens of every cache that ever was.  By id, because a host's
# subclass may not be hashable.
_things: weakref.WeakValueDictionary[int, Forked] = weakref.WeakValueDictionary()


def begin_anew_after_fork(thing: Forked) -> None:
    """
    Let *thing* begin anew in each child of this process.
    """
    _watch()
    _things[id(thing)] = thing


@functools.cache
def _watch() -> None:
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_all_begin_anew)


def _all_begin_anew() -> None:
    for thing in list(_things.values()):
        thing._begin_anew()
