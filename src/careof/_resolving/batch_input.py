"""
What ``resolve_many`` takes from its input at a time.

Each reference that was taken has one result, in the order of the input: one
that is refused beside those that are asked about, one that stands there twice
as often as it does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Self

from careof._resolving.batch_lookup import BatchLookup, Outcomes
from careof._resolving.batching import Collector, own
from careof._values.contact import Contact
from careof.errors import CareofError, ConfigurationError, InvalidReferenceError

Ids = Iterable[str]
AsyncIds = Iterable[str] | AsyncIterable[str]
Result = tuple[str, Contact | CareofError]


class Taken:
    """
    The references that were taken for one request, at most as many as it holds.
    """

    __slots__ = ("_collector", "_entries", "_load", "_lookup")

    def __init__(self, lookup: BatchLookup, collector: Collector) -> None:
        self._lookup = lookup
        self._collector = collector
        self._load = collector.load()
        self._entries: list[tuple[str, InvalidReferenceError | None]] = []

    def __bool__(self) -> bool:
        return bool(self._entries)

    def add(self, reference_id: str) -> None:
        """
        Take *reference_id* as well, whatever it is.
        """
        refused = self._lookup.refusal(reference_id)
        if not self._entries:
            # Its wait begins now: whoever reads the results may take long over
            # those of the last request.
            self._load = self._collector.load()
        self._entries.append((reference_id, refused))
        if refused is None:
            self._load.add(reference_id)

    @property
    def is_due(self) -> bool:
        """
        Whether it is to be asked about now: never before there is somebody.
        """
        return bool(self._entries) and (self._load.is_due or len(self._entries) >= self._load.size)

    @property
    def asked(self) -> tuple[str, ...]:
        """
        Those to ask about, each once.
        """
        return tuple(self._load.reference_ids)

    def results(self, found: Outcomes | CareofError) -> deque[Result]:
        """
        One result for each, given what was *found* for those that were asked about.
        """
        return deque(
            (reference_id, own(found, reference_id) if refused is None else refused)
            for reference_id, refused in self._entries
        )


def each(reference_ids: Ids) -> Iterator[str]:
    """
    An iterator over *reference_ids*.
    """
    _check(reference_ids, Iterable)
    return iter(reference_ids)


def async_each(reference_ids: AsyncIds) -> AsyncIterator[str]:
    """
    As ``each``, over what is iterable in either way.
    """
    _check(reference_ids, Iterable | AsyncIterable)
    if isinstance(reference_ids, AsyncIterable):
        return aiter(reference_ids)
    return AsyncEach(iter(reference_ids))


class AsyncEach:
    """
    An iterator as an async one.  No generator: nobody has to close it.
    """

    __slots__ = ("_iterator",)

    def __init__(self, iterator: Iterator[str]) -> None:
        self._iterator = iterator

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        for reference_id in self._iterator:
            return reference_id
        raise StopAsyncIteration


def _check(reference_ids: object, kind: object) -> None:
    # A text is an iterable of its letters, each of which would be asked about.
    if isinstance(reference_ids, str | bytes) or not isinstance(reference_ids, kind):  # type: ignore[arg-type]
        raise ConfigurationError("resolve_many: expected an iterable of reference ids.")
