"""
Messages a second to a mail server on this machine, beside two libraries that send mail.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Iterable, Iterator

import attrs
from dispatches.hosts import Known
from dispatches.works import Cost
from lookups.machine import cpu_seconds, is_installed
from lookups.table import print_lines
from mails import senders, sink

from careof import Contact, Dispatcher, SmtpSender

# Messages a second to the server at a port: so many, over so many connections.
Mail = Callable[[int, int, int], float]

DELAY = 0.05  # seconds before each reply
CORNERS = (
    "messages a second",
    "times smtplib",
    "µs of CPU for each",
    "times less CPU than smtplib",
)


@attrs.frozen(kw_only=True)
class Pace:
    """
    How thoroughly to measure.

    Attributes:
        messages: Of a round, over all connections.
        distant: Of each connection, to the server that takes its time.
        largest: How many connections at most.
    """

    rounds: int
    messages: int
    distant: int
    largest: int


class Named(Known):
    """
    As ``Known``, with the names that the invitation greets.
    """

    def resolve(self, reference_id: str) -> Contact:
        """
        Make the contact.
        """
        return senders.contact(int(reference_id.removeprefix("p-")))


def whole(port: int, count: int, connections: int) -> float:
    """
    ``send_many`` from a contact in memory: filled, composed and sent.
    """
    sender = SmtpSender(
        "localhost",
        port,
        from_address=senders.FROM,
        security="none",
        connections=connections,
    )
    total = count * connections
    with sender:
        receipts = Dispatcher(Named(), sender).send_many(
            map("p-{}".format, range(total)), senders.INVITATION, concurrency=connections
        )
        return _rate(receipts, connections)


def _rate(receipts: Iterator[object], connections: int) -> float:
    for _ in range(connections):  # until the connections stand
        next(receipts)
    begun = time.perf_counter()
    rest = sum(1 for _ in receipts)
    return rest / (time.perf_counter() - begun)


def aiosmtplib(port: int, count: int, connections: int) -> float:
    """
    Aiosmtplib on one kept connection a task, an ``EmailMessage`` for each message.
    """
    from aiosmtplib import SMTP

    async def run(stand: asyncio.Barrier) -> None:
        async with SMTP(hostname="127.0.0.1", port=port, start_tls=False) as server:
            await server.send_message(senders.built(0))
            await stand.wait()
            for at in range(1, count):
                await server.send_message(senders.built(at))

    async def main() -> float:
        stand = asyncio.Barrier(connections + 1)
        async with asyncio.TaskGroup() as group:
            for _ in range(connections):
                group.create_task(run(stand))
            await stand.wait()
            begun = time.perf_counter()
        return connections * (count - 1) / (time.perf_counter() - begun)

    return asyncio.run(main())


COLUMNS: dict[str, Mail] = {
    "careof, SmtpSender": senders.careof,
    "careof, send_many": whole,
    "smtplib": senders.bare,
    "smtplib, ready bytes": senders.bare_ready,
    "aiosmtplib": aiosmtplib,
}


def missing() -> list[str]:
    """
    The columns that cannot be measured here.
    """
    return [] if is_installed("aiosmtplib") else ["aiosmtplib"]


def show(pace: Pace) -> None:
    """
    Print messages a second, near and at a distance, and what each of them costs.
    """
    columns = {name: mail for name, mail in COLUMNS.items() if name not in missing()}
    scenes = [(connections, pace.messages // connections, 0.0) for connections in (1, 4)]
    scenes += [(connections, pace.distant, DELAY) for connections in (1, 4, 16)]
    cells: dict[tuple[str, str], list[str]] = {}
    with sink.running() as server:  # what is imported late is there before
        for mail in columns.values():
            mail(server.port, 2, 1)
    for connections, count, delay in scenes:
        if connections > pace.largest:
            continue
        found = _in_turns(columns, connections, count, delay, pace.rounds)
        row = f"{connections}, at {delay * 1000:.0f} ms" if delay else f"{connections}"
        beside = found["smtplib"]
        for name, costs in found.items():
            # Those of one round stand side by side; of two medians they need not.
            pairs = list(zip(costs, beside, strict=True))
            cells[row, name] = [
                _median((each.rate for each in costs), ",.0f"),
                _median((ours.rate / theirs.rate for ours, theirs in pairs), ".2f"),
                _median((each.cpu for each in costs), ",.0f"),
                _median((theirs.cpu / ours.cpu for ours, theirs in pairs), ".2f"),
            ]
    rows = list(dict.fromkeys(row for row, _ in cells))
    for number, corner in enumerate(CORNERS):
        print_lines(
            [
                [corner, *columns],
                *([row, *(cells[row, name][number] for name in columns)] for row in rows),
            ]
        )


def _in_turns(
    columns: dict[str, Mail], connections: int, count: int, delay: float, rounds: int
) -> dict[str, list[Cost]]:
    costs: dict[str, list[Cost]] = {name: [] for name in columns}
    for _ in range(rounds):
        for name, mail in columns.items():
            with sink.running(delay=delay) as server:
                before = cpu_seconds()
                rate = mail(server.port, count, connections)
                cpu = (cpu_seconds() - before) / (count * connections) * 1e6
                costs[name].append(Cost(rate=rate, cpu=cpu))
                if server.accepted() != count * connections:
                    raise RuntimeError(f"{name}: not every message arrived.")
    return costs


def _median(figures: Iterable[float], form: str) -> str:
    return format(statistics.median(figures), form)
