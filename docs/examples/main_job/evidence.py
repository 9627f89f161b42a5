"""
Everything that the host keeps or shows, as text, and the search through it.

A search that finds nothing proves something only if it can find: ``planted``
puts a made-up address in each kind of place, by the way a real one would take.
"""

from __future__ import annotations

import dataclasses
import html
import logging
import pathlib
import pickle
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import quote

from careof import Outcome, Receipt

CANARY = "canary.bird@coalmine.example"


class LogKeeper(logging.Handler):
    """
    Keeps all that a log record carries: its text, its arguments, its traceback.

    Inside its ``with`` block it hears every logger at DEBUG, those of libraries too.
    """

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []

    def __enter__(self) -> Self:
        loggers = [
            logging.getLogger(),
            *map(logging.getLogger, list(logging.root.manager.loggerDict)),
        ]
        self._before = [(logger, logger.level, logger.propagate) for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.DEBUG)
            logger.propagate = True
        logging.getLogger().addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeHandler(self)
        for logger, level, propagate in self._before:
            logger.setLevel(level)
            logger.propagate = propagate

    def emit(self, record: logging.LogRecord) -> None:
        """
        Turn *record* into text at once, as a service that collects logs would.
        """
        error = record.exc_info[1] if record.exc_info else None
        parts = [record.getMessage(), repr(vars(record)), text_of(error) if error else ""]
        self.texts.append("\n".join(parts))


def text_of(error: BaseException) -> str:
    """
    All that an error shows: its text and attributes, its causes, every local variable.
    """
    whole = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "\n".join([*whole.format(), repr(error), repr(error.args), repr(vars(error))])


@dataclasses.dataclass
class Evidence:
    """
    Texts, by the kind of place that they were found in.
    """

    receipts: list[str]
    log_records: list[str]
    errors: list[str]
    pickles: list[str]
    files: list[str]

    def kinds(self) -> Iterator[tuple[str, list[str]]]:
        """
        Each kind of place, in words, with its texts.
        """
        for field in dataclasses.fields(self):
            yield field.name.replace("_", " "), getattr(self, field.name)


def gather(
    receipts: Iterable[Receipt],
    log: LogKeeper,
    errors: Iterable[BaseException],
    things: Iterable[object],
    folder: pathlib.Path,
) -> Evidence:
    """
    Every text that *receipts*, logs, errors, pickled *things* and *folder* hold.
    """
    return Evidence(
        receipts=[f"{receipt!r} {receipt.to_dict()}" for receipt in receipts],
        log_records=list(log.texts),
        errors=[text_of(error) for error in errors],
        pickles=[_readable(pickle.dumps(thing)) for thing in things],
        files=[
            f"{path.name}\n{_readable(path.read_bytes())}"
            for path in folder.rglob("*")
            if path.is_file()
        ],
    )


def needles(values: Iterable[str], phones: Iterable[str]) -> list[str]:
    """
    What to search for: each value, and the ways in which it is written elsewhere.
    """
    wanted = [*values, *phones]
    for phone in phones:
        wanted.append("".join(character for character in phone if character.isdigit()))
        wanted.append(phone.partition(" ")[2])  # without the code of its country
    spellings = (str, html.escape, lambda value: quote(value, safe=""), lambda v: ascii(v)[1:-1])
    return sorted({spell(value).casefold() for value in wanted if value for spell in spellings})


def hits(texts: Iterable[str], wanted: Iterable[str]) -> int:
    """
    How often anything *wanted* occurs in *texts*.
    """
    folded = [text.casefold() for text in texts]
    return sum(text.count(needle) for needle in wanted for text in folded)


def planted() -> Evidence:
    """
    Evidence like the real one, with a made-up address in each kind of place.
    """
    with LogKeeper() as log:
        logging.getLogger("httpcore.connection").debug("asking about %s", {"who": CANARY})
    receipt = Receipt(
        reference_id="cus-CANARY",
        survey_id="canary",
        channel="email",
        outcome=Outcome.SENT,
        message_id=f"<1.{CANARY}>",
        started_at=datetime.now(UTC),
    )
    with tempfile.TemporaryDirectory(prefix="careof-canary-") as name:
        folder = pathlib.Path(name)
        (folder / "inner").mkdir()
        (folder / "inner" / "cache.txt").write_text(CANARY, encoding="utf-8")
        return gather([receipt], log, [_raised(_leaky, CANARY)], [{"to": CANARY}], folder)


def _leaky(address: str) -> None:
    _unused = address.encode()
    raise KeyError  # its text is clean; the local variables above are not


def _raised(function: Callable[..., Any], *arguments: Any) -> BaseException:
    try:
        function(*arguments)
    except Exception as error:
        return error
    raise AssertionError


def _readable(data: bytes) -> str:
    return data.decode("utf-8", "replace")
