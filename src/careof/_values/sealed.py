"""
Values that nobody reads by accident.

A sealed value is a plain class with slots, on purpose: a ``str`` subclass
would print itself wherever a string is printed, and rich, ``attrs.asdict`` and
cattrs read the fields of an attrs class past any ``repr``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NoReturn, Self


class Sealed:
    """
    The base of every sealed value: masked wherever it could be printed.

    ``reveal()`` is the only way to read one, so that the places where a program
    sees an address can be found with grep.  Copies are the value itself, and
    pickling is refused.  Masking is no encryption: whoever runs code in this
    process can read its memory.
    """

    __slots__ = ("__weakref__", "_value")

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """
        The value itself.
        """
        return self._value

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._value == self._value

    def __hash__(self) -> int:
        return hash((type(self), self._value))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return repr(self)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(unpicklable(self))


class SealedText(Sealed):
    """
    A sealed text about a person, such as a first name or a rendered message.
    """

    __slots__ = ()


class SealedMapping(Mapping[str, SealedText]):
    """
    Names to sealed texts; prints its names and nothing else.
    """

    __slots__ = ("_items",)

    def __init__(self, values: Mapping[str, str | SealedText]) -> None:
        self._items = {
            name: value if isinstance(value, SealedText) else SealedText(value)
            for name, value in values.items()
        }

    def __getitem__(self, name: str) -> SealedText:
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return f"{{{', '.join(f'{name}: ***' for name in self._items)}}}"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(unpicklable(self))


def unpicklable(value: object) -> str:
    """
    Why *value* refuses to be pickled, and what to do instead.
    """
    return (
        f"{type(value).__name__} refuses to be pickled, or an address would end up in a queue, "
        "a cache or a file. Pass the reference id and resolve it where it is needed."
    )
