"""
A dictionary that stays small: when it is full, what was set first goes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from careof._values.forks import begin_anew_after_fork

K = TypeVar("K")
V = TypeVar("V")


class Bounded(Generic[K, V]):
    """
    Keys to values, at most *limit* of them, for any number of threads.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: OrderedDict[K, V] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """
        What stands under *key*, or None.  Takes no lock: one read of a dictionary.
        """
        return self._items.get(key)

    def set(self, key: K, value: V) -> None:
        """
        Let *value* stand under *key*.
        """
        begin_anew_after_fork(self)
        with self._lock:
            self._items[key] = value
            self._items.move_to_end(key)
            while len(self._items) > self._limit:
                self._items.popitem(last=False)

    def delete_when(self, key: K, condition: Callable[[V], bool]) -> None:
        """
        Drop what stands under *key*, if *condition* holds for it.
        """
        begin_anew_after_fork(self)
        with self._lock:
            if key in self._items and condition(self._items[key]):
                del self._items[key]

    def __len__(self) -> int:
        return len(self._items)

    def _begin_anew(self) -> None:
        self._lock = threading.Lock()
