"""
Where somebody who only looks could read a secret: what is printed, raised, logged, warned of.
"""

from __future__ import annotations

import base64
import contextlib
import inspect
import logging
import pathlib
import traceback
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from careof._values.secret import Secret

SHORTEST = 6  # characters; what is shorter stands in many texts by chance
_HERE = str(pathlib.Path(__file__).parent)


def secrets_of(thing: object) -> Iterator[str]:
    """
    Every ``Secret`` that is stored on *thing*, revealed.
    """
    for _, value in stored(thing):
        yield from _revealed(value)


def shows(text: str, secrets: Iterable[str]) -> bool:
    """
    Whether one of *secrets* stands in *text*, however it is written there.
    """
    return any(form in text for form in _forms(secrets))


def masked(text: str, secrets: Iterable[str]) -> str:
    """
    *text* without any of *secrets*, however they are written in it.
    """
    for form in _forms(secrets):
        text = text.replace(form, "***")
    return text


def views_of(thing: object) -> dict[str, str]:
    """
    What printers and debuggers make of *thing*, by what it is called.
    """
    views = {"repr": repr(thing), "str": str(thing), "format": format(thing)}
    for name, value in stored(thing):
        views[f"attribute {name!r}"] = f"{value!r} {getattr(value, '__dict__', '')}"
    return views


def views_of_error(error: BaseException, *, frames: bool = True) -> dict[str, str]:
    """
    What reports of *error* can show: words, attributes, causes, and locals of *frames*.
    """
    views = {
        "text": f"{error} {error!r}",
        "attributes": f"{error.args!r} {vars(error)!r}",
    }
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frames and not frame.f_code.co_filename.startswith(_HERE):
            name = f"frame of {frame.f_code.co_name}"  # which several may have
            views[name] = f"{views.get(name, '')} {_printed(frame.f_locals)}"
    for name in ("__cause__", "__context__"):
        before = getattr(error, name)
        if before is not None:
            views[name] = " ".join(views_of_error(before, frames=frames).values())
    return views


def stored(thing: object) -> Iterator[tuple[str, object]]:
    """
    The attributes of *thing*, by name.
    """
    # In slots as well, as attrs.define keeps it.
    for name, member in inspect.getmembers_static(type(thing), inspect.ismemberdescriptor):
        with contextlib.suppress(AttributeError):  # not set
            yield name, member.__get__(thing)
    own: Mapping[str, object] = {}
    with contextlib.suppress(Exception):  # there is none, or a proxy stands for nothing now
        own = vars(thing)
    yield from own.items()


def shared(thing: object) -> Iterator[tuple[str, object]]:
    """
    What *thing* has of its classes, by name.
    """
    # A list that a class statement makes belongs to all senders together.
    for kind in type(thing).__mro__[:-1]:
        yield from vars(kind).items()


@contextlib.contextmanager
def overheard() -> Iterator[list[str]]:
    """
    Every record of every logger, and every warning, as texts.
    """
    texts: list[str] = []
    ear = _Ear(texts)
    root = logging.getLogger()
    loggers = [root]
    loggers += [it for it in root.manager.loggerDict.values() if isinstance(it, logging.Logger)]
    before = [(logger, logger.level, logger.propagate) for logger in loggers]
    disabled = root.manager.disable
    logging.disable(logging.NOTSET)
    root.addHandler(ear)
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
        logger.propagate = True
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            yield texts
            texts += [str(warning.message) for warning in warned]
    finally:
        root.removeHandler(ear)
        logging.disable(disabled)
        for logger, level, propagate in before:
            logger.setLevel(level)
            logger.propagate = propagate


class _Ear(logging.Handler):
    def __init__(self, texts: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._texts = texts

    def emit(self, record: logging.LogRecord) -> None:
        self._texts.append(f"{record.getMessage()} {vars(record)!r}")
        if record.exc_info and record.exc_info[1] is not None:
            self._texts += views_of_error(record.exc_info[1]).values()


def _forms(secrets: Iterable[str]) -> Iterator[str]:
    for secret in filter(None, secrets):
        yield secret
        yield quote(secret, safe="")
        # Inside base64 it is written in three ways, by what stands before it;
        # the letters at both ends depend on its neighbours.
        for before in range(3 if len(secret) >= SHORTEST else 0):
            letters = base64.b64encode(b"\0" * before + secret.encode()).decode("ascii")
            whole = letters.rstrip("=")
            yield whole[4 if before else 0 : len(whole) - (whole != letters)]


def _revealed(value: Any) -> Iterator[str]:
    if isinstance(value, Secret):
        yield value.reveal()
    elif isinstance(value, httpx.Auth):  # of several in one
        yield from secrets_of(value)
    elif isinstance(value, Mapping):
        yield from _revealed(list(value.values()))
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _revealed(item)


def _printed(values: Mapping[str, object]) -> str:
    texts = []
    for value in values.values():
        with contextlib.suppress(Exception):  # half built
            texts.append(repr(value))
    return " ".join(texts)
