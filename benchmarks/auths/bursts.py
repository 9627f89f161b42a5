"""
Many who need a token at once, and what the token endpoint sees of it.
"""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import attrs
from auths.clients import AsyncClient, Client
from auths.server import Served
from lookups.server import REFERENCES
from lookups.table import print_lines

TICK = 0.002  # seconds between two looks at whether the event loop turns


@attrs.frozen(kw_only=True)
class Scene:
    """
    What happens before all ask at once, and while they do.

    Attributes:
        first: Seconds that the token lives which one caller fetches before;
            None if nobody does.
        waits: Whether they come when it has ended.
        is_down: Whether the token endpoint answers 503 by then.
        revokes: Whether no token is good by then.
        lifetime: Seconds that later tokens live.
        counts_first: Whether the request of that one caller counts as well.
    """

    title: str
    first: float | None = None
    waits: bool = False
    is_down: bool = False
    revokes: bool = False
    lifetime: float = 3600
    counts_first: bool = False


@attrs.frozen(kw_only=True)
class Burst:
    """
    What became of it.

    Attributes:
        requests: For a token.
        failures: Callers who got no contact.
        seconds: Until the last one knew.
        held: Seconds for which the event loop stood still at most.
    """

    requests: int
    failures: int
    seconds: float
    held: float | None = None


Measure = Callable[[Scene, Served], Burst]


class Ticker:
    """
    How long an event loop stood still at most.
    """

    def __init__(self) -> None:
        self.longest = 0.0
        self._seen = time.perf_counter()

    async def run(self) -> None:
        """
        Look again and again.
        """
        while True:
            self.look()
            await asyncio.sleep(TICK)

    def look(self) -> None:
        """
        Note how late this is.
        """
        now = time.perf_counter()
        self.longest = max(self.longest, now - self._seen - TICK)
        self._seen = now


def in_tasks(client: AsyncClient, size: int, scene: Scene, served: Served) -> Burst:
    """
    The burst of *size* tasks of asyncio.
    """

    async def main() -> Burst:
        async with client(served.url) as ask:
            before = served.behaves(lifetime=scene.first or scene.lifetime)
            if scene.first is not None:
                await ask(REFERENCES[0])
                await asyncio.sleep(_pause(scene))
            before = _begin(scene, served, before)
            ticker = Ticker()
            ticking = asyncio.create_task(ticker.run())
            begun = time.perf_counter()
            outcomes = await asyncio.gather(
                *(ask(reference) for reference in REFERENCES[:size]), return_exceptions=True
            )
            seconds = time.perf_counter() - begun
            ticker.look()
            ticking.cancel()
            return Burst(
                requests=served.behaves() - before,
                failures=sum(isinstance(outcome, Exception) for outcome in outcomes),
                seconds=seconds,
                held=ticker.longest,
            )

    return asyncio.run(main())


def in_threads(client: Client, size: int, scene: Scene, served: Served) -> Burst:
    """
    The burst of *size* threads.
    """
    together = threading.Barrier(size + 1)
    with client(served.url) as ask, ThreadPoolExecutor(size) as threads:

        def call(reference: str) -> None:
            together.wait()
            ask(reference)

        before = served.behaves(lifetime=scene.first or scene.lifetime)
        if scene.first is not None:
            ask(REFERENCES[0])
            time.sleep(_pause(scene))
        before = _begin(scene, served, before)
        calls = [threads.submit(call, reference) for reference in REFERENCES[:size]]
        together.wait()
        begun = time.perf_counter()
        failures = sum(call.exception() is not None for call in calls)
        seconds = time.perf_counter() - begun
        return Burst(requests=served.behaves() - before, failures=failures, seconds=seconds)


def _pause(scene: Scene) -> float:
    return 1.2 * (scene.first or 0.0) if scene.waits else 0.0


def _begin(scene: Scene, served: Served, before: int) -> int:
    now = served.behaves(lifetime=scene.lifetime, is_down=scene.is_down, revokes=scene.revokes)
    return before if scene.counts_first else now


def scenes(*, short: float) -> tuple[Scene, ...]:
    """
    The scenes, with *short* for the lifetime of a token that is to end.
    """
    return (
        Scene(title="cold start"),
        Scene(title="after expiry", first=short, waits=True),
        Scene(
            title="expired, and the endpoint answers 503",
            first=short,
            waits=True,
            is_down=True,
        ),
        Scene(
            title="lifetime shorter than the leeway, the first one counted too",
            first=20,
            lifetime=20,
            counts_first=True,
        ),
        Scene(title="token revoked", first=3600, revokes=True),
    )


def show(columns: dict[str, Measure], served: Served, *, short: float) -> None:
    """
    Measure, and print.
    """
    for measure in columns.values():
        measure(Scene(title="what is imported at the first call"), served)
    bursts = {
        scene.title: {name: measure(scene, served) for name, measure in columns.items()}
        for scene in scenes(short=short)
    }
    figures: dict[str, Callable[[Burst], str]] = {
        "token requests": lambda burst: f"{burst.requests}",
        "calls that fail": lambda burst: f"{burst.failures}",
        "seconds until all know": lambda burst: f"{burst.seconds:.2f}",
        "seconds that the event loop stands still": lambda burst: (
            "" if burst.held is None else f"{burst.held:.2f}"
        ),
    }
    for figure, text in figures.items():
        lines = [[title, *(map(text, row.values()))] for title, row in bursts.items()]
        print_lines([[figure, *columns], *lines])


def columns(
    clients: Mapping[str, tuple[AsyncClient, Client]], *, tasks: int, threads: int
) -> dict[str, Measure]:
    """
    The columns of the table: each client in *tasks* and in *threads*.
    """
    measures: dict[str, Measure] = {}
    for name, (in_loop, blocking) in clients.items():
        measures[f"{name}, {tasks} tasks"] = functools.partial(in_tasks, in_loop, tasks)
        measures[f"{name}, {threads} threads"] = functools.partial(in_threads, blocking, threads)
    return measures
