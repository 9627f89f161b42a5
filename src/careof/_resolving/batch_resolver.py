"""
The batch resolvers: as the resolvers, but many lookups are one request.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Self

import httpx

from careof._network.call import Call
from careof._network.retry import Retry
from careof._resolving.batch_configured import BatchConfigured
from careof._resolving.batch_input import AsyncIds, Ids, Result, Taken, async_each, each
from careof._resolving.batch_lookup import Outcomes
from careof._resolving.batching import Lead
from careof._resolving.resolver import AsyncHttpResolver, HttpResolver
from careof._values.contact import Contact
from careof._values.unwrap import Unseen
from careof.errors import CareofError


class BatchHttpResolver(BatchConfigured[httpx.BaseTransport], HttpResolver):
    """
    Asks a contact endpoint that answers many references at once, blocking.

    ``resolve`` is that of any resolver: threads that call it within *wait*
    seconds of each other share a request, and none of them has to know.  Whom
    an answer is about is told by the id in it, never by its place.  Each request
    has a connection of its own.

    Whoever leads a batch asks with what *auth* gives to it: a resolver whose
    secrets depend on who calls must not be shared by those.

    Args:
        request: What to ask.
        contact: Where the contact stands, seen from one element of the answer.
            ``reference_id=`` is required if the answer is an array.
        items: The path to the people in the answer: an array, or an object with
            their references as names.  By default they are the whole answer.
        wait: Seconds that a request waits for more after the first caller.
        limits: Deadline and size; by default with 4 KB of body for each reference
            that a request may hold.

    The other arguments are those of ``HttpResolver``.

    Raises:
        ConfigurationError: An argument cannot work.
        DestinationRefusedError: The policy refuses the URL, or *auth* is bound
            to other origins.
    """

    def resolve_many(self, reference_ids: Ids) -> Iterator[Result]:
        """
        Pairs of a reference id and its contact, or the error in its place.

        One for each of *reference_ids*, in their order, however many there are:
        no more than one request's worth is taken ahead.  A request goes when it
        is full, when the input has ended, or when it is *wait* seconds old and
        another reference comes.
        """
        return ResolvedMany(self, each(reference_ids))

    def _exchange(self, reference_id: str, call: Call) -> Contact | CareofError:
        refused = self._lookup.refusal(reference_id)
        if refused is not None:
            return refused
        with call, self._collector.seat(reference_id) as seat:
            seat.turn(call.deadline).block()
            word = seat.word()
            if not isinstance(word, Lead):
                return word
            seat.closing(call.deadline).block()
            return seat.deliver(self._ask(seat.close(), call))

    def _ask(self, reference_ids: Sequence[str], call: Call) -> Outcomes | CareofError:
        retry = Retry(self._retry, call, self._circuit)
        return retry.run(lambda: self._attempt_all(reference_ids, call))

    def _attempt_all(self, reference_ids: Sequence[str], call: Call) -> Outcomes | CareofError:
        request = self._lookup.question_about(reference_ids)
        if isinstance(request, CareofError):
            return request
        answer = self._network.converse(request, self._auth, call)
        outcome = self._lookup.contacts(reference_ids, answer)
        call.tried(outcome)
        return outcome


class ResolvedMany(Iterator[Result]):
    """
    The results of ``resolve_many``, one request after another.
    """

    __slots__ = ("_resolver", "_results", "_source", "_taken")

    def __init__(self, resolver: BatchHttpResolver, source: Iterator[str]) -> None:
        self._resolver = resolver
        self._source = source
        self._taken = Taken(resolver._lookup, resolver._collector)
        self._results: deque[Result] = deque()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._resolver._name!r})"

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Result:
        while not self._results:
            self._take()
            if not self._taken:
                raise StopIteration
            call = self._resolver._call()
            with Unseen():
                self._results = self._answered(call)
            # Only now: what was interrupted is asked again by whoever goes on.
            self._taken = Taken(self._resolver._lookup, self._resolver._collector)
            self._resolver._tell(call, *(outcome for _, outcome in self._results))
        return self._results.popleft()

    def _take(self) -> None:
        if not self._taken.is_due:
            for reference_id in self._source:
                self._taken.add(reference_id)
                if self._taken.is_due:
                    break

    def _answered(self, call: Call) -> deque[Result]:
        asked = self._taken.asked
        with call:
            found = self._resolver._ask(asked, call) if asked else {}
            return self._taken.results(found)


class AsyncBatchHttpResolver(BatchConfigured[httpx.AsyncBaseTransport], AsyncHttpResolver):
    """
    Asks a contact endpoint that answers many references at once, for asyncio and Trio.

    As ``BatchHttpResolver``, argument for argument and promise for promise.  A
    task that is cancelled takes none of those with it that share its request.
    """

    def resolve_many(self, reference_ids: AsyncIds) -> AsyncIterator[Result]:
        """
        Pairs of a reference id and its contact, or the error in its place.

        One for each of *reference_ids*, in their order, however many there are:
        no more than one request's worth is taken ahead.  A request goes when it
        is full, when the input has ended, or when it is *wait* seconds old and
        another reference comes.

        Args:
            reference_ids: An iterable or an async one.
        """
        return AsyncResolvedMany(self, async_each(reference_ids))

    async def _exchange(self, reference_id: str, call: Call) -> Contact | CareofError:
        refused = self._lookup.refusal(reference_id)
        if refused is not None:
            return refused
        with call, self._collector.seat(reference_id) as seat:
            await seat.turn(call.deadline).suspend()
            word = seat.word()
            if not isinstance(word, Lead):
                return word
            await seat.closing(call.deadline).suspend()
            return seat.deliver(await self._ask(seat.close(), call))

    async def _ask(self, reference_ids: Sequence[str], call: Call) -> Outcomes | CareofError:
        retry = Retry(self._retry, call, self._circuit)
        return await retry.async_run(lambda: self._attempt_all(reference_ids, call))

    async def _attempt_all(
        self, reference_ids: Sequence[str], call: Call
    ) -> Outcomes | CareofError:
        request = self._lookup.question_about(reference_ids)
        if isinstance(request, CareofError):
            return request
        answer = await self._network.converse(request, self._auth, call)
        outcome = self._lookup.contacts(reference_ids, answer)
        call.tried(outcome)
        return outcome


class AsyncResolvedMany(AsyncIterator[Result]):
    """
    The results of ``resolve_many``, one request after another.
    """

    __slots__ = ("_resolver", "_results", "_source", "_taken")

    def __init__(self, resolver: AsyncBatchHttpResolver, source: AsyncIterator[str]) -> None:
        self._resolver = resolver
        self._source = source
        self._taken = Taken(resolver._lookup, resolver._collector)
        self._results: deque[Result] = deque()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._resolver._name!r})"

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Result:
        while not self._results:
            await self._take()
            if not self._taken:
                raise StopAsyncIteration
            call = self._resolver._call()
            with Unseen():
                self._results = await self._answered(call)
            # Only now: what was interrupted is asked again by whoever goes on.
            self._taken = Taken(self._resolver._lookup, self._resolver._collector)
            self._resolver._tell(call, *(outcome for _, outcome in self._results))
        return self._results.popleft()

    async def _take(self) -> None:
        if not self._taken.is_due:
            async for reference_id in self._source:
                self._taken.add(reference_id)
                if self._taken.is_due:
                    break

    async def _answered(self, call: Call) -> deque[Result]:
        asked = self._taken.asked
        with call:
            found = await self._resolver._ask(asked, call) if asked else {}
            return self._taken.results(found)
