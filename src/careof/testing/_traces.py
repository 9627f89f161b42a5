"""
Where something of somebody is found, and how it is looked for in what a host names.

Theory of operation: whatever a host names is taken apart until there are only texts
and bytes, and each of them is asked for the canaries.  What is packed is unpacked,
what has attributes or items is followed along them, and the way that led there is
what is reported.  The value never is: the report of a leak would be one.
"""

from __future__ import annotations

import collections
import contextlib
import gc
import io
import operator
import pickle
import re
import types
import weakref
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from careof.testing._canaries import CanaryPerson, Needles
from careof.testing._leaks import stored, views_of_error

_MOST = 100_000  # objects that are looked at
_UNPACKED = 64 * 1024 * 1024  # bytes that one packed piece is unpacked to
_PIECES = 1000  # that stand one behind the other, as in a log that is packed bit by bit
_LAYERS = 3  # of packing
_LONGEST_NUMBER = 6  # digits of a key that is told
_NAME = re.compile(r"(?!(?:[^0-9]*[0-9]){7})\w[\w.-]{0,39}", re.ASCII)
_SHALLOW = 2  # steps, within which everything is printed as well
_SEQUENCES = (list, tuple, set, frozenset, collections.deque)
_LEADS_NOWHERE = (
    *(type(None), bool, float, complex, type, types.ModuleType, types.CodeType),
    *(types.FrameType, types.BuiltinFunctionType, weakref.ReferenceType),
    CanaryPerson,  # the canaries themselves
)


class Trace(NamedTuple):
    """
    A place where something was found.

    Args:
        source: What kind of place it is, such as ``"log"``.
        where: The place, in words for whoever has to mend it.
        kind: What was found there, in words that do not repeat it.
    """

    source: str
    where: str
    kind: str


class Search:
    """
    A look through whatever it is given, for *needles*.

    Attributes:
        traces: What was found, each once.
    """

    def __init__(self, needles: Needles) -> None:
        self._needles = needles
        self._found: dict[Trace, None] = {}

    @property
    def traces(self) -> list[Trace]:
        """
        What was found, each once.
        """
        return list(self._found)

    def text(self, source: str, where: str, text: str) -> None:
        """
        Look into a *text*.
        """
        for kind in self._needles.kinds_in(text):
            self._found[Trace(source, self._needles.masked(where), kind)] = None

    def raw(self, source: str, where: str, data: bytes, *, layers: int = _LAYERS) -> None:
        """
        Look into *data*, and into what is packed in it.
        """
        self.text(source, where, data.decode("latin-1"))
        if layers:
            for name, inner in _unpacked(data):
                self.text(source, f"{where}{name}", name)
                self.raw(source, f"{where}{name}", inner, layers=layers - 1)

    def error(self, source: str, where: str, error: BaseException) -> None:
        """
        Look into all that a report of *error* could show.
        """
        for name, text in views_of_error(error).items():
            self.text(source, f"{where}, {name}", text)
        if isinstance(error, BaseExceptionGroup):
            for inner in error.exceptions:
                self.error(source, f"{where}, in its group", inner)

    def thing(self, source: str, where: str, thing: object) -> None:
        """
        Look into *thing* and all that can be reached from it.
        """
        known: set[int] = set()
        ahead: collections.deque[tuple[str, Any, int]] = collections.deque([(where, thing, 0)])
        alive = []  # or the id of one that is gone would be that of another
        while ahead and len(known) < _MOST:
            path, item, steps = ahead.popleft()
            if isinstance(item, str):
                self.text(source, path, item)
            elif isinstance(item, bytes | bytearray | memoryview):
                self.raw(source, path, bytes(item))
            elif isinstance(item, int) and not isinstance(item, bool):
                self.text(source, path, str(item))
            elif not isinstance(item, _LEADS_NOWHERE) and id(item) not in known:
                known.add(id(item))
                alive.append(item)
                if isinstance(item, BaseException):
                    self.error(source, path, item)
                if steps < _SHALLOW:
                    self._printed(source, path, item)
                ahead += [
                    (self._needles.masked(f"{path}{name}"), value, steps + 1)
                    for name, value in _inside(item)
                ]

    def _printed(self, source: str, path: str, item: object) -> None:
        views: dict[str, Callable[[Any], Any]] = {
            "repr()": repr,
            "str()": str,
            "format()": format,
            "its HTML": operator.methodcaller("_repr_html_"),
            "its pickle": pickle.dumps,
        }
        for name, view in views.items():
            with contextlib.suppress(Exception):  # it has none
                seen = view(item)
                look = self.raw if isinstance(seen, bytes) else self.text
                look(source, f"{path}, {name}", seen)


def _inside(item: Any) -> Iterator[tuple[str, object]]:
    """
    What *item* leads to, with the step that leads there.
    """
    if isinstance(item, io.StringIO | io.BytesIO):
        if not item.closed:
            yield ".getvalue()", item.getvalue()
    elif isinstance(item, Mapping):
        with contextlib.suppress(Exception):  # a connection behind it is closed
            for key, value in list(item.items()):
                yield ", a key", key
                yield step_to(key), value
    elif isinstance(item, _SEQUENCES):
        for at, value in enumerate(list(item)):
            yield f"[{at}]", value
    elif isinstance(item, types.FunctionType):
        # Not its module, from which everything can be reached.
        yield ", its closure", item.__closure__
        yield ", its defaults", (item.__defaults__, item.__kwdefaults__, vars(item))
    else:
        named = list(stored(item))
        yield from ((f".{name}", value) for name, value in named)
        known = {id(value) for _, value in named} | {id(getattr(item, "__dict__", None))}
        for value in gc.get_referents(item):
            if id(value) not in known:
                yield f", inside a {type(item).__name__}", value


def step_to(key: object) -> str:
    """
    The step to what stands under *key*, which is told only if it can be nobody's address.
    """
    is_number = isinstance(key, int) and len(str(key)) <= _LONGEST_NUMBER
    is_name = isinstance(key, str) and _NAME.fullmatch(key) is not None
    return f"[{key!r}]" if is_number or is_name else "[...]"


def _unpacked(data: bytes) -> Iterator[tuple[str, bytes]]:
    """
    What is packed in *data*, with words for how.
    """
    # Late, and some Pythons are built without one of them.
    with contextlib.suppress(Exception):  # it only looked packed
        if data[:2] == b"\x1f\x8b":
            yield " (gzip)", _pieces(lambda: zlib.decompressobj(zlib.MAX_WBITS | 16), data)
        elif data[:1] == b"\x78":
            yield " (zlib)", _pieces(zlib.decompressobj, data)
        elif data[:3] == b"BZh":
            import bz2

            yield " (bz2)", _pieces(bz2.BZ2Decompressor, data)
        elif data[:6] == b"\xfd7zXZ\0":
            import lzma

            yield " (xz)", _pieces(lzma.LZMADecompressor, data)
        elif data[:4] == b"PK\x03\x04":
            import zipfile

            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                for name in archive.namelist():
                    with archive.open(name) as member:
                        yield f" (zip: {name})", member.read(_UNPACKED)


def _pieces(make: Callable[[], Any], data: bytes) -> bytes:
    out = b""
    for _ in range(_PIECES):
        unpacker = make()
        try:
            out += unpacker.decompress(data, _UNPACKED - len(out))
        except Exception:  # it only looked packed
            break
        data = unpacker.unused_data
        if not data or len(out) >= _UNPACKED:
            break
    return out
