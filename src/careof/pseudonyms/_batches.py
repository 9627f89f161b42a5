"""
Many things in, one result for each, in bounded memory.

Theory of operation: a batch is worked off in chunks, of which only one is in
memory.  What fails is not raised on the way: of a chunk come back the values,
and the errors beside them.  So the frames that an error passes through hold
results and no phone number, and all results before it are handed out first.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import chain, islice
from typing import Any, Generic, TypeAlias, TypeVar

import attrs

from careof._values.unwrap import Unseen, unwrap
from careof.errors import CareofError, ConfigurationError

T = TypeVar("T")
U = TypeVar("U")
E = TypeVar("E", bound=CareofError)

CHUNK = 4096  # things; with more of them nothing gets faster

OnError: TypeAlias = Callable[[int, E], object]


@attrs.frozen
class Results(Generic[T, E]):
    """
    What became of one chunk: values, in order, and errors, by their place among them.
    """

    values: list[T]
    errors: dict[int, E]

    @classmethod
    def of(cls, outcomes: Iterable[T | E], kind: type[E]) -> Results[T, E]:
        """
        Of *outcomes*, those of *kind* are errors.
        """
        results: Results[T, E] = cls([], {})
        for position, outcome in enumerate(outcomes):
            if isinstance(outcome, kind):
                results.errors[position] = outcome
            else:
                results.values.append(outcome)  # type: ignore[arg-type]
        return results

    def then(self, make: Callable[[list[T]], list[U]]) -> Results[U, E]:
        """
        With what *make* makes of the values.
        """
        return Results(make(self.values), self.errors)

    def with_gaps(self) -> list[Any]:
        """
        The values, with None where there is an error.
        """
        if not self.errors:
            return self.values
        values = iter(self.values)
        return [None if at in self.errors else next(values) for at in range(len(self))]

    def __len__(self) -> int:
        return len(self.values) + len(self.errors)


def in_chunks(
    things: Iterable[Any],
    make: Callable[[list[Any]], Results[T, E]],
    on_error: OnError[E] | None,
    parameter: str,
) -> Iterator[Any] | ConfigurationError:
    """
    What *make* makes of *things*, or the error that says why there is nothing to be made.

    Args:
        on_error: Called with the position of each that fails, and its error;
            then None stands in its place.  Without it the first one is raised,
            after the results before it.
        parameter: What the caller calls the things.
    """
    if isinstance(things, str | bytes) or not isinstance(things, Iterable):
        return ConfigurationError(
            f"{parameter}: expected several, such as a list or a column, got "
            f"{type(things).__name__}."
        )
    if not (on_error is None or callable(on_error)):
        return ConfigurationError("on_error: expected a callable, or None.")
    # An iterator that asks for the host's own one later, and shows nothing of it.
    chunks = _made(chain.from_iterable((things,)), make)
    return chain.from_iterable(_told(chunks, on_error, parameter))


def _made(
    things: Iterator[Any], make: Callable[[list[Any]], Results[T, E]]
) -> Generator[Results[T, E]]:
    while True:
        # As an iterator, of which a traceback shows nothing.
        chunk = iter(list(islice(things, CHUNK)))
        with Unseen():
            results = make(list(chunk))
        if not len(results):
            return
        yield results


def _told(
    chunks: Generator[Results[T, E]], on_error: OnError[E] | None, parameter: str
) -> Iterator[list[Any]]:
    begin = 0
    for results in chunks:
        for position, error in results.errors.items():
            if on_error is None:
                yield results.values[:position]
                chunks.close()  # or the error would hold what has not been read
                unwrap(_at(begin + position, error, parameter))
            else:
                on_error(begin + position, error)
        yield results.with_gaps()
        begin += len(results)


def _at(position: int, error: E, parameter: str) -> E:
    return type(error)(f"{parameter}[{position}]: {error}", detail=error.detail)
