"""
One resolver in threads, in forked and in new processes, and in several event loops.

``python ways.py`` tries each against an endpoint on this machine, and says what came of it.
"""

from __future__ import annotations

import asyncio
import functools
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import TypeVar

import trio
from endpoint import Endpoint

from careof import (
    AsyncHttpResolver,
    ContactSelector,
    Dispatcher,
    HttpResolver,
    Invitation,
    NetworkPolicy,
    Receipt,
    RequestTemplate,
)
from careof.auth import OAuth2ClientCredentials
from careof.testing import RecordingSender

REFERENCES = [f"p-{number}" for number in range(24)]
INVITATION = Invitation(survey_id="s-7", channel="email", subject="?", text="How was it?")

AnyResolver = TypeVar("AnyResolver", HttpResolver, AsyncHttpResolver)


def build(kind: Callable[..., AnyResolver], origin: str) -> AnyResolver:
    """
    A resolver for the endpoint at *origin*.
    """
    return kind(
        RequestTemplate(f"{origin}/people/{{reference_id}}"),
        ContactSelector(email="$.email", reference_id="$.id"),
        auth=OAuth2ClientCredentials(f"{origin}/token", "surveys", "not-a-secret"),
        network=NetworkPolicy.for_loopback(),
    )


def in_threads(origin: str) -> list[str]:
    """
    One resolver, which eight threads use at once.
    """
    resolver = build(HttpResolver, origin)
    with ThreadPoolExecutor(8) as threads:
        return [contact.reference_id for contact in threads.map(resolver.resolve, REFERENCES)]


def after_a_fork(origin: str) -> list[str]:
    """
    One resolver, built and used in the parent, then used by four children.
    """
    kept_resolver(origin).resolve("p-0")
    forked = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(4, mp_context=forked) as children:
        return list(children.map(functools.partial(resolve, origin), REFERENCES))


def resolve(origin: str, reference_id: str) -> str:
    """
    What a child does, with the resolver that it was born with.
    """
    return kept_resolver(origin).resolve(reference_id).reference_id


@functools.cache
def kept_resolver(origin: str) -> HttpResolver:
    """
    Built once; a child that is forked has that of its parent.
    """
    return build(HttpResolver, origin)


def in_new_processes(origin: str) -> list[Receipt]:
    """
    References go to processes that have nothing of the parent's; receipts come back.
    """
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawned) as workers:
        return list(workers.map(functools.partial(send, origin), REFERENCES))


def send(origin: str, reference_id: str) -> Receipt:
    """
    What a new process does: it builds its own, once.
    """
    return own_dispatcher(origin).send(reference_id, INVITATION)


@functools.cache
def own_dispatcher(origin: str) -> Dispatcher:
    """
    The dispatcher of this process.
    """
    return Dispatcher(build(HttpResolver, origin), RecordingSender())


def in_event_loops(origin: str) -> list[str]:
    """
    One resolver in two event loops of asyncio, one after the other, and one of Trio.
    """
    resolver = build(AsyncHttpResolver, origin)

    async def resolve(reference_id: str) -> str:
        return (await resolver.resolve(reference_id)).reference_id

    async def resolve_at_once(reference_ids: list[str]) -> list[str]:
        return await asyncio.gather(*map(resolve, reference_ids))

    return [
        *asyncio.run(resolve_at_once(REFERENCES[:12])),
        *asyncio.run(resolve_at_once(REFERENCES[12:23])),
        trio.run(resolve, REFERENCES[23]),
    ]


def main() -> None:
    """
    Try each way.
    """
    for way in (after_a_fork, in_threads, in_event_loops, in_new_processes):
        with Endpoint() as endpoint:
            found = way(endpoint.origin)
        right = sum(
            getattr(each, "reference_id", each) == reference_id
            for each, reference_id in zip(found, REFERENCES, strict=True)
        )
        print(
            f"{way.__name__:<17} {right} of {len(REFERENCES)} right, "
            f"{endpoint.lookups} lookups, {endpoint.tokens} token requests"
        )


if __name__ == "__main__":
    main()
