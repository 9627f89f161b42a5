"""
The leak check: canaries go through the host's own code, and then all is searched.

Theory of operation: the host is given an endpoint that knows people who exist nowhere
else, and a sender that keeps none of them.  While its code works, ears are open; when
it has worked, what it returned, raised, wrote and kept is searched.  A check that
cannot fail is worth nothing, so it also fails where a canary never came as far as the
sender: then there was nothing that could have leaked.  The report names places and
kinds, and never repeats what was found there.
"""

from __future__ import annotations

import contextlib
import inspect
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias, TypedDict, Unpack

from careof.errors import ConfigurationError
from careof.testing._canaries import NAME, CanaryPerson, Needles, new_people
from careof.testing._canary_ends import Canaries
from careof.testing._ears import listening
from careof.testing._endpoint import FakeContactEndpoint
from careof.testing._remains import look_into_memory
from careof.testing._stores import look_into_database, look_into_directory
from careof.testing._traces import Search
from careof.testing._work import finished, let_go, outcomes_of

Directory: TypeAlias = str | os.PathLike[str]

_PATH = (str, os.PathLike)
_SHOWN = 20  # places
_ADVICE = {
    "log": "Log references, outcomes and receipts.",
    "error": "Let go of a contact before an error is raised (`del`), and quote nothing in it.",
    "warning": "Warn of references.",
    "console": "Print references, outcomes and receipts.",
    "result": "Return receipts; resolve a reference again where its contact is needed.",
    "file": "Write references, and resolve them where a contact is needed.",
    "database": "Store references, and resolve them where a contact is needed.",
    "also": "Hand on references, and resolve them where a contact is needed.",
    "memory": "Keep no contact beyond one message: look at caches, queues and mocks.",
}


class Places(TypedDict, total=False):
    """
    What is searched beside what is said, as ``watch_for_leaks`` explains it.
    """

    people: Iterable[CanaryPerson] | None
    answer: Callable[[CanaryPerson], Mapping[str, Any]]
    endpoint: Callable[[dict[str, Mapping[str, Any]]], Any]
    directory: Directory | Iterable[Directory]
    connection: Any
    also: Any
    delivered: Any
    besides: Iterable[object]
    memory: bool


def assert_no_leak(
    work: Callable[[Canaries], object],
    *,
    backend: str = "asyncio",
    reraise: bool = True,
    **places: Unpack[Places],
) -> None:
    """
    Let *work* send to canaries, and fail if it leaves an address, a number or a name anywhere.

    *work* is the host's own code, given ``Canaries``; it may be ``async def``, and what it
    returns is searched: receipts, a response, anything.  An iterator is read to its end.
    What it raises is searched as well, with the locals of its frames, its causes and its
    notes.  So are all logs at every level, warnings and the console.

    Args:
        work: What sends a survey to ``canaries.references``.
        backend: ``"asyncio"`` or ``"trio"``, if it is async.
        reraise: Raise what *work* raised, if nothing of it leaks, for then the rest of *work*
            did not run.  Memory is not searched then: the error holds the locals of all its
            frames.  With False an error is expected, searched and dropped.
        places: What else is searched, as ``watch_for_leaks`` has it: ``directory=``,
            ``connection=``, ``also=`` and so on.

    Raises:
        AssertionError: Something is left, or a canary never reached the sender.
    """
    __tracebackhide__ = True
    check = _Check("assert_no_leak", **places)
    with listening(check.search):
        result, error = finished(work, check.canaries, backend)
    check.look_into_outcome(result, error)
    failed = "" if error is None else f" ({type(error).__name__} was raised)"
    if not reraise:
        let_go(error)
        error = None
    del result
    check.look_around(is_passing=error is not None)
    check.require(failed, error)
    if error is not None:
        raise error


@contextlib.contextmanager
def watch_for_leaks(**places: Unpack[Places]) -> Iterator[Canaries]:
    """
    As ``assert_no_leak``, around code that cannot be called: a ``with`` block.

    What is raised in the block is searched, and raised again if nothing leaks; memory is
    not searched then.

    Args:
        places: As follows, for ``assert_no_leak`` too.

            ``people=``: the canaries; by default two that are new.

            ``answer=``: what the endpoint says of one; by default ``id``, ``email``,
            ``phone`` and ``name`` in one object.

            ``endpoint=``: makes the endpoint out of these answers, by reference; by
            default ``FakeContactEndpoint``.

            ``directory=``: a directory whose files are searched, or several.

            ``connection=``: a connection to a database whose tables are searched, or
            several: of DB-API 2.0, Django or SQLAlchemy.

            ``also=``: any text, bytes or object that is searched, a function that
            returns one, or several of these in a list.

            ``delivered=``: what a sender of the host's own has delivered, or a function
            that returns it.  Whoever is in there has reached it.

            ``besides=``: what the test itself keeps; it is not looked for in memory.

            ``memory=``: whether the memory of the process is searched.
    """
    __tracebackhide__ = True
    check = _Check("watch_for_leaks", **places)
    error: Exception | None = None
    with listening(check.search):
        try:
            yield check.canaries
        except Exception as raised:
            error = raised
    check.look_into_outcome(None, error)
    check.look_around(is_passing=error is not None)
    check.require("" if error is None else f" ({type(error).__name__} was raised)", error)
    if error is not None:
        raise error


class _Check:
    """
    One leak check: what is searched, and what is said about it.
    """

    def __init__(
        self,
        name: str,
        *,
        people: Iterable[CanaryPerson] | None = None,
        answer: Callable[[CanaryPerson], Mapping[str, Any]] = CanaryPerson.answer,
        endpoint: Callable[[dict[str, Mapping[str, Any]]], Any] = FakeContactEndpoint,
        directory: Directory | Iterable[Directory] = (),
        connection: Any = (),
        also: Any = (),
        delivered: Any = None,
        besides: Iterable[object] = (),
        memory: bool = True,
    ) -> None:
        people = new_people() if people is None else list(people)
        if not people or not all(isinstance(person, CanaryPerson) for person in people):
            raise ConfigurationError(f"{name}: people: expected one CanaryPerson or more.")
        answers = {person.reference_id: answer(person) for person in people}
        self.canaries = Canaries(people, endpoint(answers))
        self._name = name
        self._needles = Needles(people)
        self.search = Search(self._needles)
        self._directories = [directory] if isinstance(directory, _PATH) else list(directory)
        self._connections = _several(connection)
        self._also = _several(also)
        self._delivered = delivered
        self._besides = [*besides]
        self._memory = memory
        self._outcomes: list[str] = []

    def look_into_outcome(self, result: object, error: Exception | None) -> None:
        """
        Search what the host's code returned, and what it raised.
        """
        self.search.thing("result", "what is returned", result)
        self._outcomes = outcomes_of(result)
        if error is not None:
            self.search.error("error", f"{type(error).__name__}, which is raised", error)

    def look_around(self, *, is_passing: bool) -> None:
        """
        Search every place that the host named, and memory.

        Args:
            is_passing: Whether an error is about to be raised again, which holds the
                locals of all its frames.
        """
        for directory in self._directories:
            look_into_directory(self.search, directory)
        for connection in self._connections:
            look_into_database(self.search, connection)
        for at, item in enumerate(self._also):
            name = getattr(item, "__qualname__", type(item).__name__)
            thing = _given(item)
            self.search.thing("also", f"also={name} (number {at + 1})", thing)
        if self._memory and not is_passing:
            delivered = _given(self._delivered)
            own = [self, delivered, *self._besides]
            look_into_memory(self.search, self._needles, own)

    def require(self, failed: str, cause: Exception | None) -> None:
        """
        Fail if anything is left, or if nothing could have been.

        Args:
            failed: What was raised, in words.
            cause: The same, if it may be shown where it shows nobody.
        """
        __tracebackhide__ = True
        problems = [*self._left(), *self._unreached(failed)]
        if problems:
            head = f"{self._name}: the canaries were not safe."
            is_shown = not any(trace.source == "error" for trace in self.search.traces)
            raise AssertionError("\n".join([head, *problems])) from cause if is_shown else None

    def _left(self) -> Iterator[str]:
        traces = self.search.traces
        for trace in traces[:_SHOWN]:
            yield f"  {trace.where}: {trace.kind}"
        if len(traces) > _SHOWN:
            yield f"  and {len(traces) - _SHOWN} places more"
        yield from dict.fromkeys(_ADVICE[trace.source] for trace in traces)

    def _unreached(self, failed: str) -> Iterator[str]:
        arrivals = self.canaries.arrivals
        if arrivals.mistaken:
            yield (
                f"  {len(arrivals.mistaken)} of {len(self.canaries.people)} messages went to "
                "somebody else than the one behind their reference."
            )
        reached = arrivals.reached | arrivals.mistaken | set(self._reached_elsewhere())
        missing = len(self.canaries.people) - len(reached)
        if missing:
            yield (
                f"  {missing} of {len(self.canaries.people)} never reached the sender{failed}, so "
                "that nothing of them could leak."
            )
            if self._outcomes:
                yield f"  The receipts say: {', '.join(self._outcomes)}."
            yield (
                "Send to all of canaries.references, over canaries.endpoint and canaries.sender; "
                "give what a sender of your own delivers as delivered=; and let answer= be what "
                "your ContactSelector reads."
            )

    def _reached_elsewhere(self) -> Iterator[str]:
        if self._delivered is None:
            return
        for person in self.canaries.people:
            search = Search(Needles([person]))
            search.thing("delivered", "delivered", _given(self._delivered))
            if any(trace.kind != NAME for trace in search.traces):
                yield person.reference_id


def _given(thing: Any) -> Any:
    return thing() if inspect.isroutine(thing) else thing


def _several(things: Any) -> list[Any]:
    return list(things) if isinstance(things, list | tuple) else [things]
