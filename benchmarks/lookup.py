"""
What one lookup costs, whole, beside bare requests of others, in one run.

``python benchmarks/lookup.py`` measures throughput and CPU, in three to five
minutes; ``--quick`` only shows that it works; ``--where`` says where the
microseconds of one lookup go.  All clients have one core, the server has
another.  Every cell is measured in several rounds, side by side, so that what
disturbs the machine disturbs all of them alike.
"""

from __future__ import annotations

import argparse
import functools
import tempfile
from pathlib import Path

from lookups import clients
from lookups.load import Stretch, in_asyncio, in_threads, in_trio
from lookups.machine import (
    CLIENT_CORE,
    age_the_heap,
    described,
    is_installed,
    pin,
    raise_file_limit,
)
from lookups.server import running
from lookups.table import Measure, Pace, Table

WHOLE = Pace(
    rounds=5,
    stretch=Stretch(seconds=0.4, patience=4.0),
    slow=Stretch(seconds=8.0, patience=0.0),
    largest=1000,
)
QUICK = Pace(
    rounds=1,
    stretch=Stretch(seconds=0.05, patience=2.0),
    slow=Stretch(seconds=0.05, patience=0.0),
    largest=16,
)
# What a column is named after, and needs.
OPTIONAL = ("aiohttp", "trio", "uvloop")


def tasks(client: clients.AsyncClient, loop: str = "asyncio") -> Measure:
    """
    How to measure *client* in tasks of asyncio.
    """
    return functools.partial(in_asyncio, loop, client)


TABLES = (
    Table(
        title="Tasks",
        sizes=(1, 16, 64, 256, 1000),
        columns={
            "careof": tasks(clients.careof_async),
            "httpx": tasks(clients.httpx_async),
            "aiohttp": tasks(clients.aiohttp_async),
            "raw asyncio": tasks(clients.raw_async),
            "careof, uvloop": tasks(clients.careof_async, "uvloop"),
            "aiohttp, uvloop": tasks(clients.aiohttp_async, "uvloop"),
            "careof, Trio": functools.partial(in_trio, clients.careof_async),
        },
        ratios=(
            ("careof", "aiohttp"),
            ("careof, uvloop", "aiohttp, uvloop"),
            ("careof, uvloop", "aiohttp"),
            ("careof", "httpx"),
            ("careof", "raw asyncio"),
        ),
        slow={"httpx": 256},
    ),
    Table(
        title="Threads",
        sizes=(1, 16, 64),
        columns={
            "careof": functools.partial(in_threads, clients.careof_sync),
            "httpx": functools.partial(in_threads, clients.httpx_sync),
        },
        ratios=(("careof", "httpx"),),
    ),
    Table(
        title="Tasks, over TLS",
        sizes=(64,),
        columns={
            "careof": tasks(clients.careof_async),
            "httpx": tasks(clients.httpx_async),
            "aiohttp": tasks(clients.aiohttp_async),
        },
        ratios=(("careof", "aiohttp"), ("careof", "httpx")),
        is_secure=True,
    ),
    Table(
        title="Tasks, without an echo path: a connection each",
        sizes=(16, 64),
        columns={
            "careof": tasks(clients.careof_fresh),
            "httpx": tasks(clients.httpx_fresh),
            "aiohttp": tasks(clients.aiohttp_fresh),
        },
        ratios=(("careof", "aiohttp"), ("careof", "httpx")),
    ),
)


def main() -> None:
    """
    Measure and print.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0].strip())
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--quick", action="store_true", help="only show that it works")
    kinds.add_argument("--where", action="store_true", help="the stages of one lookup")
    options = parser.parse_args()
    missing = [module for module in OPTIONAL if not is_installed(module)]
    pin(CLIENT_CORE)
    raise_file_limit()
    age_the_heap()
    print(described())
    if missing:
        print(f"Not installed, so left out: {', '.join(missing)}.")
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as served:
        if options.where:
            from lookups.stages import show

            show(served)
            return
        for table in TABLES:
            table.without(missing).show(served, QUICK if options.quick else WHOLE)


if __name__ == "__main__":
    main()
