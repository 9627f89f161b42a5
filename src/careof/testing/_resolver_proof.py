"""
What a proof of a resolver is made of: a directory of people who do not exist, and ways to ask.

Failures are raised here, in words that name nobody.  They are no ``assert``
statements, which are nothing under ``python -O``, and print what they compare.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from careof._resolving.protocols import AsyncResolver, Resolver
from careof._values.contact import Contact
from careof._values.receipt import Outcome
from careof.testing._canaries import CanaryPerson, Needles, new_people
from careof.testing._worlds import at_once, begin

AnyResolver: TypeAlias = Resolver | AsyncResolver
Made: TypeAlias = AnyResolver | Awaitable[AnyResolver]
Failing: TypeAlias = tuple[Made, Outcome | str]

CALLERS = 8
_FAILURES = (
    *("not_found", "gone", "bad_response", "auth_failed"),
    *("refused", "unavailable", "rate_limited"),
)
_HANGS = "a lookup has not ended. Give your client a time-out, and hold no lock while it waits"
_TO_LOOK = 60.0  # seconds


class ResolverProof:
    """
    What ``ResolverConformance`` asks of its host, and does.
    """

    patience: float = 10.0
    backend: str = "asyncio"

    def make_resolver(self, people: Sequence[CanaryPerson]) -> Made:
        """
        The resolver to prove, over a directory of the test's own: *people*, and nobody else.

        A new one each time.  May be ``async def``, for one that has to be built in its
        event loop.
        """
        raise NotImplementedError(
            f"{type(self).__name__}: override make_resolver(people), and return a new resolver "
            "each time."
        )

    def resolvers_that_fail(self, person: CanaryPerson) -> Iterable[Failing]:
        """
        Resolvers whose directory fails about *person*, each with the outcome it has to lead to.

        That is ``"not_found"``, ``"gone"``, ``"bad_response"``, ``"auth_failed"``,
        ``"refused"``, ``"unavailable"`` or ``"rate_limited"``.  One is used up before
        the next is asked for, so that a generator may keep a server for each of them.
        """
        del person
        return ()

    def close_resolver(self, resolver: Any) -> object:
        """
        Called with each resolver that was made, when its test is done with it; may be ``async``.
        """

    def people(self, number: int) -> list[CanaryPerson]:
        """
        So many who do not exist; new ones each time.
        """
        return new_people(number)

    def _found(
        self,
        people: Sequence[CanaryPerson],
        references: Sequence[str],
        kept: list[Any] | None = None,
    ) -> list[object]:
        """
        What a resolver over *people* returns or raises for each of *references*, all at once.

        Args:
            kept: Where the resolver is left, for whoever looks at it afterwards.
        """
        return self._asked(functools.partial(self.make_resolver, people), references, kept)

    def _asked(
        self, make: Callable[[], Made], references: Sequence[str], kept: list[Any] | None = None
    ) -> list[object]:
        work = functools.partial(self._ask, make, references, kept)
        # Whoever looks at the memory of a large suite takes seconds, which are not the resolver's.
        patience = self.patience if kept is None else self.patience + _TO_LOOK
        return at_once([work], patience, _HANGS)[0]

    def _ask(
        self, make: Callable[[], Made], references: Sequence[str], kept: list[Any] | None
    ) -> list[object]:
        made: Any = make()
        resolve: Any = getattr(made, "resolve", None)
        is_async = inspect.isawaitable(made) or inspect.iscoroutinefunction(resolve)
        self._require(
            is_async or callable(resolve),
            "make_resolver() returns no resolver: it has no resolve()",
        )
        if is_async:
            return self._ask_in_a_loop(made, references, kept)
        if kept is not None:
            kept.append(made)
        try:
            flights = [begin(functools.partial(resolve, each)) for each in references]
            found: list[object] = [flight.exception() or flight.result() for flight in flights]
        finally:
            self.close_resolver(made)
        for outcome in filter(inspect.iscoroutine, found):
            outcome.close()  # or Python warns that nobody waited for it
        return found

    def _ask_in_a_loop(
        self, made: Any, references: Sequence[str], kept: list[Any] | None
    ) -> list[object]:
        # Late, so that importing careof.testing imports no anyio.
        import anyio

        found: dict[int, object] = {}

        async def one(resolver: AsyncResolver, at: int) -> None:
            try:
                found[at] = await resolver.resolve(references[at])
            except Exception as error:
                found[at] = error

        async def main() -> None:
            resolver = await made if inspect.isawaitable(made) else made
            if kept is not None:
                kept.append(resolver)
            try:
                async with anyio.create_task_group() as group:
                    for at in range(len(references)):
                        group.start_soon(one, resolver, at)
            finally:
                closed: Any = self.close_resolver(resolver)
                if inspect.isawaitable(closed):
                    await closed

        anyio.run(main, backend=self.backend)
        return [found[at] for at in range(len(references))]

    def _failing(
        self, person: CanaryPerson
    ) -> Iterator[tuple[str, Callable[[], list[object]], Outcome | str]]:
        """
        In words how its directory fails, how to ask it, and the outcome that has to come of it.
        """
        for resolver, outcome in self.resolvers_that_fail(person):
            self._require(
                outcome in _FAILURES,
                f"resolvers_that_fail(): expected one of {', '.join(_FAILURES)} beside each "
                "resolver",
            )
            make = functools.partial(_itself, resolver)
            ask = functools.partial(self._asked, make, [person.reference_id])
            yield f'its directory fails ("{outcome}")', ask, outcome

    def _all_ways(self) -> Iterator[tuple[str, Callable[[], list[object]], CanaryPerson]]:
        """
        In words what is asked, how to ask it, and who must not be seen.
        """
        person, other = self.people(2)
        ask = functools.partial(self._found, [person, other])
        yield "somebody is found", functools.partial(ask, [person.reference_id]), person
        yield "nobody is found", functools.partial(ask, [f"no-{person.reference_id}"]), person
        for words, fail, _ in self._failing(person):
            yield words, fail, person

    def _is(self, person: CanaryPerson, found: object, what: str) -> None:
        """
        Require that *found* is the contact of *person*, and of nobody else.
        """
        self._require(
            not inspect.isawaitable(found),
            f"{what}, and resolve() returns something to wait for. Define it with `async def`",
        )
        self._require(
            not isinstance(found, BaseException),
            f"{what}, and resolve() fails with {type(found).__name__}. Does make_resolver(people) "
            "build one whose directory has them?",
        )
        self._require(
            isinstance(found, Contact),
            f"{what}, and resolve() returns {type(found).__name__}. Return a careof.Contact, or "
            "raise an error of careof's",
        )
        contact: Any = found
        self._require(
            contact.email is not None or contact.phone is not None,
            f"{what}, and their contact has neither an address nor a number. Read what "
            "make_resolver(people) has put into its directory",
        )
        self._require(
            contact.reference_id == person.reference_id
            and (contact.email is None or _same(contact.email.reveal(), person.email))
            and (contact.phone is None or contact.phone.reveal() == person.phone),
            f"{what}, and the contact is somebody else's. Compare the reference of the answer "
            "with the one that was asked for, as it is written; and keep nothing on the resolver "
            "that belongs to one lookup",
        )

    def _hidden(self, views: Mapping[str, str], person: CanaryPerson, words: str) -> None:
        # By name what can be seen; the words say {where} it is.
        needles = Needles([person])
        for where, text in views.items():
            self._require(
                not any(needles.kinds_in(text)), words.format(where=needles.masked(where))
            )

    def _require(self, condition: bool, words: str) -> None:  # noqa: FBT001
        __tracebackhide__ = True
        if not condition:
            end = "" if words.endswith("?") else "."
            raise AssertionError(f"{type(self).__name__}: {words}{end}")


def _itself(resolver: Made) -> Made:
    return resolver


def _same(address: str, other: str) -> bool:
    return address.casefold() == other.casefold()
