"""
People and secrets that must never be seen again, and where to look for them.
"""

from __future__ import annotations

import contextlib
import gc
import io
import logging
import pathlib
import pickle
import traceback
import types

from rich.console import Console
from rich.pretty import pretty_repr
from rich.traceback import Traceback

import careof
from tests.support.memory import untraced

EMAIL = "canary.ada@customer.example"
PHONE = "+442079460018"
NAME = "Canaryada"
SECRET = "canary-secret-0001"
OURS = str(pathlib.Path(careof.__file__).parent)
AT_ONCE = 4096  # objects that are looked into together
BINARY = (bytes, bytearray)
PLAIN = (dict, tuple)
VALUES = (EMAIL, PHONE, NAME, SECRET)

PERSON = {"id": "C-1", "email": EMAIL, "phone": PHONE, "first_name": NAME}


@contextlib.contextmanager
def all_logs():
    """
    Every record of every logger at DEBUG, formatted and raw, as a list of texts.

    The locals of a traceback are among them, as error trackers take them along.
    """
    texts = []

    class Everything(logging.Handler):
        def emit(self, record):
            texts.append(f"{record.getMessage()} {record.args!r} {vars(record)!r}")
            if record.exc_info:
                error = traceback.TracebackException(*record.exc_info, capture_locals=True)
                texts.append("".join(error.format()))

    handler = Everything(logging.DEBUG)
    root = logging.getLogger()
    known = [thing for thing in root.manager.loggerDict.values() if hasattr(thing, "level")]
    before = {logger: (logger.level, logger.propagate) for logger in [root, *known]}
    root.addHandler(handler)
    for logger in before:
        logger.setLevel(logging.DEBUG)
        logger.propagate = True
    try:
        yield texts
    finally:
        root.removeHandler(handler)
        for logger, (level, propagate) in before.items():
            logger.setLevel(level)
            logger.propagate = propagate


def every_view_of(value):
    """
    All the texts that printers, debuggers and queues make of *value*.
    """
    yield from (repr(value), str(value), f"{value}", f"{value!s:>40}", pretty_repr(value))
    with contextlib.suppress(TypeError, AttributeError):
        yield value._repr_html_()
    with contextlib.suppress(Exception):
        yield repr(pickle.dumps(value))
    console = Console(file=io.StringIO(), width=200)
    console.print(value)
    yield console.file.getvalue()


def every_view_of_error(error):
    """
    The texts of an exception: message, attributes, causes, frames with their locals.
    """
    yield from every_view_of(error)
    yield repr(error.args)
    yield repr(vars(error))
    yield "".join(traceback.format_exception(error))
    yield "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    console = Console(file=io.StringIO(), width=200)
    console.print(
        Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True)
    )
    yield console.file.getvalue()


def frames_of(error):
    """
    The functions of careof that are part of the traceback of *error*.
    """
    frames = error.__traceback__
    while frames is not None:
        code = frames.tb_frame.f_code
        if code.co_filename.startswith(OURS):
            yield code.co_name
        frames = frames.tb_next


def seen_in(texts, values=VALUES):
    """
    Which of *values* stand in *texts*.
    """
    everything = "\n".join(texts)
    return [value for value in values if value in everything]


def objects_holding(value):
    """
    The objects in memory, after a collection, that hold *value* inside a text.

    The collector does not track containers of plain values, so these are
    opened wherever a tracked object refers to them.
    """
    gc.collect()
    return untraced(names_of_those_holding, value)


def names_of_those_holding(value):
    # A module's dictionary is looked at by itself, and walking the state of
    # some C modules ends Python 3.12.1.  By their types, which no object can lie
    # about: Django's settings answer for their class by being read.
    things = [thing for thing in gc.get_objects() if not issubclass(type(thing), types.ModuleType)]
    found = []
    for some in (things[at : at + AT_ONCE] for at in range(0, len(things), AT_ONCE)):
        if hold(some, value, depth=4):
            for thing in some:  # no comprehension: its closure would hold the value
                if hold([thing], value, depth=4):
                    found.append(name_of(thing))  # noqa: PERF401
    return found


def hold(things, value, *, depth):
    items = gc.get_referents(*things)
    for item in items:
        if issubclass(type(item), str):
            if value in item:
                return True
        elif issubclass(type(item), BINARY) and value.encode() in item:
            return True
    inside = [item for item in items if type(item) in PLAIN and not gc.is_tracked(item)]
    return bool(inside) and depth > 1 and hold(inside, value, depth=depth - 1)


def name_of(thing):
    return f"{type(thing).__module__}.{type(thing).__qualname__}"
