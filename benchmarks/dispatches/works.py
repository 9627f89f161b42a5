"""
The same references in three ways: looked up only, sent one by one, dispatched.

From memory nothing waits, so one asks after the other.  An endpoint is asked by
as many at once as the dispatcher has under way, each of them again and again.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
from dispatches.hosts import INVITATION, Scene
from lookups.machine import cpu_seconds

# Does something for each reference, and nothing more.
Work = Callable[[Scene, int], None]


@attrs.frozen(kw_only=True)
class Cost:
    """
    What each of many references took.
    """

    rate: float  # a second
    cpu: float  # microseconds


def cost(work: Work, scene: Scene, count: int) -> Cost:
    """
    What *work* costs for each of *count* references.
    """
    gc.collect()
    begun, before = time.perf_counter(), cpu_seconds()
    work(scene, count)
    cpu, seconds = cpu_seconds() - before, time.perf_counter() - begun
    return Cost(rate=count / seconds, cpu=cpu / count * 1e6)


def resolved(scene: Scene, count: int) -> None:
    """
    Look up all, by ``resolve`` alone.
    """
    _all(scene, count, lambda resolver: resolver.resolve)


def sent(scene: Scene, count: int) -> None:
    """
    Send to all, by a ``send`` for each.
    """

    def send(resolver: Any) -> Callable[[str], Any]:
        dispatcher = scene.dispatcher(resolver)
        return lambda reference: dispatcher.send(reference, INVITATION)

    _all(scene, count, send)


def dispatched(scene: Scene, count: int) -> None:
    """
    Send to all, by one ``send_many``.
    """
    if scene.is_async:
        asyncio.run(_dispatched(scene, count))
        return
    resolver = scene.resolver()
    dispatcher, ids = scene.dispatcher(resolver), scene.ids(count)
    for receipt in dispatcher.send_many(ids, INVITATION, concurrency=scene.concurrency):
        receipt.raise_for_outcome()
    if scene.url:
        resolver.close()


async def _dispatched(scene: Scene, count: int) -> None:
    resolver = scene.resolver()
    dispatcher, ids = scene.dispatcher(resolver), scene.ids(count)
    async for receipt in dispatcher.send_many(ids, INVITATION, concurrency=scene.concurrency):
        receipt.raise_for_outcome()
    if scene.url:
        await resolver.aclose()


def _all(scene: Scene, count: int, ask_by: Callable[[Any], Callable[[str], Any]]) -> None:
    workers = scene.concurrency if scene.url else 1
    if scene.is_async:
        asyncio.run(_all_async(scene, count, ask_by, workers))
        return
    resolver = scene.resolver()
    ask, ids = ask_by(resolver), scene.ids(count)
    if workers == 1:
        _each(ask, ids)
    else:
        with ThreadPoolExecutor(workers) as threads:
            for asking in [threads.submit(_each, ask, ids) for _ in range(workers)]:
                asking.result()
        resolver.close()


async def _all_async(
    scene: Scene, count: int, ask_by: Callable[[Any], Callable[[str], Any]], workers: int
) -> None:
    resolver = scene.resolver()
    ask, ids = ask_by(resolver), scene.ids(count)

    async def each() -> None:
        for reference in ids:
            await ask(reference)

    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(each())
    if scene.url:
        await resolver.aclose()


def _each(ask: Callable[[str], Any], ids: Iterator[str]) -> None:
    for reference in ids:
        ask(reference)
