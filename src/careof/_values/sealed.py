"""
Values that nobody reads by accident.

A sealed value is a plain class with slots, on purpose: a ``str`` subclass
would print itself wherever a string is printed, and rich, ``attrs.asdict`` and
cattrs read the fields of an attrs class past any ``repr``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, NoReturn, Self

from careof.errors import ConfigurationError

_SURROGATE = re.compile(r"[\ud800-\udfff]")


class Unpicklable:
    """
    What is never written anywhere: pickling is refused, and a copy is the thing itself.
    """

    __slots__ = ()
    _instead: ClassVar[str] = "Pass the reference id, and resolve it where it is needed."

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __getstate__(self) -> NoReturn:
        # The one of object reads slots.
        raise TypeError(f"{type(self).__name__} shows its state to nobody. {self._instead}")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} refuses to be pickled, or what it holds would end up in a "
            f"queue, a cache or a file. {self._instead}"
        )


class Fixed(Unpicklable):
    """
    What was said once about a person is not said otherwise later: attributes are set once.
    """

    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> None:
        if hasattr(self, name):
            raise AttributeError(
                f"{type(self).__name__}: {name} cannot be changed; build another one."
            )
        super().__setattr__(name, value)


class Sealed(Unpicklable):
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

    def __str__(self) -> str:
        return repr(self)

    def __format__(self, format_spec: str) -> str:
        return repr(self)


class SealedText(Sealed):
    """
    A sealed text about a person, such as a first name or a rendered message.
    """

    __slots__ = ()


class SealedMapping(Unpicklable, Mapping[str, SealedText]):
    """
    Names to sealed texts; prints its names and nothing else.
    """

    __slots__ = ("_items",)

    def __init__(self, values: Mapping[str, str | SealedText]) -> None:
        self._items = {
            name: value if isinstance(value, SealedText) else SealedText(value)
            for name, value in values.items()
        }

    @classmethod
    def of(
        cls, values: Mapping[str, str | SealedText], parameter: str
    ) -> SealedMapping | ConfigurationError:
        """
        *values*, sealed, or the error that says which of them is no text.
        """
        if not isinstance(values, Mapping):
            return ConfigurationError(f"{parameter}: expected a mapping of names to texts.")
        for name, value in values.items():
            if not (isinstance(name, str) and isinstance(value, str | SealedText)):
                return ConfigurationError(
                    f"{parameter}[{name!r}]: expected names and texts (str), "
                    f"got {type(value).__name__}."
                )
        return cls(values)

    def __getitem__(self, name: str) -> SealedText:
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return f"{{{', '.join(f'{name}: ***' for name in self._items)}}}"


def is_whole(text: str) -> bool:
    """
    Whether *text* can be encoded: it holds no half of a character (lone surrogate).
    """
    return text.isascii() or not _SURROGATE.search(text)
