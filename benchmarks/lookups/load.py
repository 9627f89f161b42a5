"""
Many who ask at once, and what a stretch of that costs.

Each asks again as soon as it has its answer, so the number under way is the
same all the time.  Nothing is counted before everybody has had an answer: the
connections stand by then, and the token is there.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import attrs
from lookups.clients import Ask, AsyncClient, Client
from lookups.machine import cpu_seconds, event_loop
from lookups.server import REFERENCES, Served


@attrs.frozen(kw_only=True)
class Stretch:
    """
    How long to look.

    Attributes:
        seconds: How long it counts, at least; those who ask go in waves, so it
            goes on until there are two answers for each.
        patience: Seconds after which it begins, or ends, without them.
    """

    seconds: float
    patience: float


@attrs.frozen(kw_only=True)
class Place:
    """
    Whom to ask, where, and for how long.
    """

    served: Served
    url: str
    stretch: Stretch


@attrs.frozen(kw_only=True)
class Sample:
    """
    What was seen in one stretch.

    Attributes:
        rate: Answers a second.
        cpu: Microseconds of this process for each of them.
        server: The share of its core that the server used.
    """

    rate: float
    cpu: float
    server: float


PATIENCE_AFTER = 1.0  # seconds for those who are still waiting when it is over


class Crowd:
    """
    Those who ask: a count for each, and a word to stop.
    """

    def __init__(self, size: int, served: Served) -> None:
        self.counts = [0] * size
        self.stopped = False
        self._served = served

    def references(self, place: int) -> Iterator[str]:
        """
        Whom the one at *place* asks about, without an end.
        """
        return itertools.islice(itertools.cycle(REFERENCES), place, None)

    async def ask(self, place: int, ask: Ask) -> None:
        """
        Ask until it is enough.
        """
        for reference in self.references(place):
            if self.stopped:
                return
            await ask(reference)
            self.counts[place] += 1

    def ask_blocking(self, place: int, ask: Callable[[str], object]) -> None:
        """
        As ``ask``, in a thread.
        """
        for reference in self.references(place):
            if self.stopped:
                return
            ask(reference)
            self.counts[place] += 1

    async def watch(self, stretch: Stretch, sleep: Callable[[float], Awaitable[None]]) -> Sample:
        """
        The sample of one stretch, after which everybody stops.
        """
        for seconds in self._pauses(stretch):
            await sleep(seconds)
        return self._sample()

    def watch_blocking(self, stretch: Stretch) -> Sample:
        """
        As ``watch``, for threads.
        """
        for seconds in self._pauses(stretch):
            time.sleep(seconds)
        return self._sample()

    def _pauses(self, stretch: Stretch) -> Iterator[float]:
        given_up = time.perf_counter() + stretch.patience
        while not all(self.counts) and time.perf_counter() < given_up:
            yield 0.01
        self._before = self._reading()
        enough = sum(self.counts) + 2 * len(self.counts)
        given_up = time.perf_counter() + stretch.patience
        yield stretch.seconds
        while sum(self.counts) < enough and time.perf_counter() < given_up:
            yield 0.01

    def _sample(self) -> Sample:
        count, seconds, cpu, server = (
            now - then for now, then in zip(self._reading(), self._before, strict=True)
        )
        self.stopped = True
        return Sample(
            rate=count / seconds,
            cpu=cpu / max(count, 1) * 1e6,
            server=server / seconds,
        )

    def _reading(self) -> tuple[int, float, float, float]:
        return sum(self.counts), time.perf_counter(), cpu_seconds(), self._served.cpu()


def in_asyncio(loop: str, client: AsyncClient, size: int, place: Place) -> Sample:
    """
    The sample of *size* tasks in an event loop of the kind *loop*.
    """

    async def main() -> Sample:
        crowd = Crowd(size, place.served)
        async with client(place.url, place.served.context) as ask, asyncio.TaskGroup() as group:
            tasks = [group.create_task(crowd.ask(number, ask)) for number in range(size)]
            sample = await crowd.watch(place.stretch, asyncio.sleep)
            _, slow = await asyncio.wait(tasks, timeout=PATIENCE_AFTER)
            for task in slow:
                task.cancel()
        return sample

    gc.collect()
    with asyncio.Runner(loop_factory=event_loop(loop)) as runner:
        return runner.run(main())


def in_trio(client: AsyncClient, size: int, place: Place) -> Sample:
    """
    The sample of *size* tasks of Trio.
    """
    import trio

    async def main() -> Sample:
        crowd = Crowd(size, place.served)
        async with client(place.url, place.served.context) as ask, trio.open_nursery() as nursery:
            for number in range(size):
                nursery.start_soon(crowd.ask, number, ask)
            sample = await crowd.watch(place.stretch, trio.sleep)
            nursery.cancel_scope.deadline = trio.current_time() + PATIENCE_AFTER
        return sample

    gc.collect()
    sample: Sample = trio.run(main)
    return sample


def in_threads(client: Client, size: int, place: Place) -> Sample:
    """
    The sample of *size* threads.
    """
    crowd = Crowd(size, place.served)
    gc.collect()
    with client(place.url, place.served.context) as ask, ThreadPoolExecutor(size) as threads:
        asking = [threads.submit(crowd.ask_blocking, number, ask) for number in range(size)]
        sample = crowd.watch_blocking(place.stretch)
        for each in asking:
            each.result()
    return sample
