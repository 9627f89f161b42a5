"""
What is left in memory: which objects still hold something of somebody, and who holds them.

Theory of operation: the collector knows every container.  Those that refer to a text
with something of a canary in it are asked for, thousands at a time, because one by one
would take seconds.  The way from a module to one of them is then walked backwards,
from whoever refers to it to whoever refers to that.

No object is asked for its class, which a proxy or a mock answers with code of its own,
thousands of times in a large suite: what it is, its type says.
"""

from __future__ import annotations

import functools
import gc
import io
import re
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from itertools import compress, repeat
from operator import not_
from time import monotonic
from time import sleep as pause
from typing import Any, AnyStr, TypeVar

from careof.testing._canaries import CanaryPerson, Needles
from careof.testing._leaks import stored
from careof.testing._traces import Search, step_to

Thing = TypeVar("Thing")

_AT_ONCE = 4096  # objects that are looked into together
_DEEPEST = 4  # plain containers inside each other, which the collector need not know
_STEPS = 10  # back towards a module
_WIDEST = 200  # objects to which one step may lead
_SHOWN = 5  # of those that are found
_PATIENCE = 2.0  # seconds
_MOST = 100_000  # objects of the test's own
_LONG = 10_000  # characters of a text that is looked into alone
_PLAIN = (dict, tuple)
_LOOKED_AT = (str, bytes, bytearray, *_PLAIN)
_BUFFERS = (io.StringIO, io.BytesIO)
_NAMED = re.compile(r"\A\['(\w+)'\]")
_RUNS = (types.CoroutineType, types.GeneratorType, types.AsyncGeneratorType)
_NOBODYS = (types.ModuleType, type, types.CodeType)


def holders(needles: Needles, besides: Iterable[object] = ()) -> list[object]:
    """
    The objects that hold something of somebody, except those reached from *besides*.
    """
    own = _reached([needles, *besides]) | _running()
    # Modules apart, whose dictionaries are things as well: walking the state of some ends 3.12.1.
    things = _not_of_type(gc.get_objects(), types.ModuleType)
    found = []
    # No generator: its cell is among the things, and they would hold each other.
    for at in range(0, len(things), _AT_ONCE):
        some = things[at : at + _AT_ONCE]
        if _hold(needles, some):
            found += [it for it in some if id(it) not in own and _holds(needles, it)]
    for buffer in [thing for thing in things if type(thing) in _BUFFERS]:
        if not buffer.closed:
            value = buffer.getvalue()
            if _any_in(needles.marks if isinstance(value, str) else needles.raw_marks, value):
                found.append(buffer)
    return found


def lasting(look: Callable[[], list[Thing]]) -> list[Thing]:
    """
    What *look* finds, and goes on finding.

    A thread that has ended may hold what it sent for a moment.
    """
    until = None
    while True:
        gc.collect()
        found = look()
        # From the first look on, which may itself take as long as that.
        until = until or monotonic() + _PATIENCE
        if not found or monotonic() >= until:
            return found
        del found
        pause(0.01)


def look_into_memory(search: Search, needles: Needles, besides: Iterable[object]) -> None:
    """
    Whatever holds something of somebody, and goes on doing so.

    Args:
        besides: Not what can be reached from these.
    """
    found = lasting(functools.partial(holders, needles, [*besides, search]))
    del found[_SHOWN:]
    for holder in found:
        where = f"{_way_to(holder, found, _step_to_text(needles, holder))}"
        for text in _texts_of(needles, holder):
            search.text("memory", where, text)


def _holds(needles: Needles, thing: object) -> bool:
    if _is_a(thing, CanaryPerson):
        return False
    if _is_a(thing, *_RUNS) and (
        getattr(thing, "cr_running", False) or getattr(thing, "gi_running", False)
    ):
        return False  # the test itself
    return _hold(needles, [thing])


def _hold(needles: Needles, things: list[Any], depth: int = _DEEPEST) -> bool:
    items = _each_once(_of_type(gc.get_referents(*things), _LOOKED_AT))
    if any(_any_in(needles.marks, text) for text in _joined("\0", _of_type(items, str))):
        return True
    raw = [*_of_type(items, bytes), *_of_type(items, bytearray)]
    if any(_any_in(needles.raw_marks, data) for data in _joined(b"\0", raw)):
        return True
    inside = [it for it in _of_type(items, _PLAIN) if not gc.is_tracked(it)]
    return bool(inside) and depth > 1 and _hold(needles, inside, depth - 1)


# The loops of these four are the interpreter's, so that a tracer does not slow them down.


def _each_once(items: list[Any]) -> list[Any]:
    # A long text may stand in thousands of places.
    return list(dict(zip(map(id, items), items, strict=True)).values())


def _of_type(items: list[Any], kinds: type | tuple[type, ...]) -> list[Any]:
    return list(compress(items, map(issubclass, map(type, items), repeat(kinds))))


def _not_of_type(items: list[Any], kind: type) -> list[Any]:
    return list(compress(items, map(not_, map(issubclass, map(type, items), repeat(kind)))))


def _joined(between: AnyStr, texts: list[AnyStr]) -> Iterator[AnyStr]:
    """
    Fewer and longer ones with the same in them.
    """
    is_long = list(map(_LONG.__lt__, map(len, texts)))
    yield from compress(texts, is_long)
    yield between.join(compress(texts, map(not_, is_long)))


def _any_in(marks: Iterable[Any], text: Any) -> bool:
    return any(mark in text for mark in marks)


def _is_a(thing: object, *kinds: type) -> bool:
    return issubclass(type(thing), kinds)


def _texts_of(needles: Needles, holder: Any, depth: int = _DEEPEST) -> Iterator[str]:
    if type(holder) in _BUFFERS:
        holder = [holder.getvalue()]
    for item in gc.get_referents(holder):
        if _is_a(item, str):
            yield item
        elif _is_a(item, bytes, bytearray):
            yield item.decode("latin-1")
        elif type(item) in _PLAIN and depth > 1:
            yield from _texts_of(needles, item, depth - 1)


def _reached(roots: Iterable[object]) -> set[int]:
    """
    The ids of *roots* and of all that is reached from them, modules and classes apart.
    """
    ahead, known = list(roots), {id(roots)}
    while ahead and len(known) < _MOST:
        item = ahead.pop()
        if id(item) in known or _is_a(item, *_NOBODYS):
            continue
        known.add(id(item))
        if type(item) is types.FunctionType:
            ahead += [item.__closure__, item.__defaults__, item.__kwdefaults__]
        else:
            ahead += gc.get_referents(item)
    return known


def _running() -> set[int]:
    """
    The ids of the frames that have called this one.
    """
    found = set()
    frame: types.FrameType | None = sys._getframe()
    while frame is not None:
        found.add(id(frame))
        frame = frame.f_back
    return found


def _step_to_text(needles: Needles, holder: Any) -> str:
    """
    Where in *holder* it stands.
    """
    inside = f", inside a {type(holder).__name__}"
    steps = (step for step, value in _named(holder) if _hold(needles, [[value]]))
    return next(steps, inside)


def _way_to(holder: object, found: list[object], last: str) -> str:
    """
    How *holder* is reached from a module, or by whom it is held.
    """
    ways: dict[int, str] = {id(holder): last}
    level: list[Any] = [holder]
    own = {id(found), id(ways)} | _running()
    for _ in range(_STEPS):
        for item in level:
            name = _module_of(item)
            if name is not None:
                return "memory: " + name + _NAMED.sub(r".\1", ways[id(item)])
        below = {id(item): item for item in level}
        own |= {id(level), id(below)}
        asked = (*level,)  # which is found as well from 3.13 on
        own.add(id(asked))
        above = [
            item
            for item in gc.get_referrers(*asked)
            if id(item) not in ways and id(item) not in own and type(item) is not types.FrameType
        ]
        # A module is where the way ends, however many others there are.
        above.sort(key=_is_no_module)
        del above[_WIDEST:]
        if not above:
            break
        for item in above:
            child, step = _step(item, below)
            way = ways[id(child)]
            ways[id(item)] = f"{step}{way}" if step else _NAMED.sub(r".\1", way)
        level = above
    return f"memory: a {type(level[0]).__name__}{ways[id(level[0])]}"


def _module_of(thing: object) -> str | None:
    name = thing.get("__name__") if type(thing) is dict else None
    return name if type(name) is str and vars(sys.modules.get(name, sys)) is thing else None


def _is_no_module(thing: object) -> bool:
    return _module_of(thing) is None


def _named(thing: Any) -> Iterator[tuple[str, object]]:
    """
    What *thing* holds, with the step that leads there.
    """
    if _is_a(thing, dict):
        yield from ((step_to(key), value) for key, value in thing.items())
    elif _is_a(thing, list, tuple):
        yield from ((f"[{at}]", value) for at, value in enumerate(thing))
    else:
        yield from ((f".{name}", value) for name, value in stored(thing))


def _step(item: Any, below: dict[int, object]) -> tuple[object, str]:
    """
    Which of those *below* it is that *item* refers to, and how.
    """
    for step, value in _named(item):
        if id(value) in below:
            return value, step
    child = next(it for it in gc.get_referents(item) if id(it) in below)
    is_its_own = child is getattr(item, "__dict__", None) or _is_a(item, type)
    return child, "" if is_its_own else f", inside a {type(item).__name__}"
