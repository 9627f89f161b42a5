"""
What pseudonyms of phone numbers cost, beside other libraries and beside what nobody gets below.

``python benchmarks/pseudonyms.py`` takes two to five minutes; ``--quick`` only
shows that it works.  Costs are of CPU time on one core, and each is the best of many
rounds, taken in turns with all the others; threads are timed by the clock.
"""

from __future__ import annotations

import argparse
import gc
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import attrs
from lookups.machine import CLIENT_CORE, cpu_seconds, described, mebibytes, pin
from lookups.table import print_lines
from makers import ours, peers

ONE_WAY = """
## One-way, from E.164 to a pseudonym

The limit is two blocks of SHA-256 for each number, out of one large buffer; hashlib, called
from Python for each number twice, is a row of its own.
Presidio's hash, with a salt instead of a key, hashes once; a hash without either is
no protection at all, as whoever counts up the numbers finds it.
"""
REVERSIBLE = """
## Reversible, from E.164 to a pseudonym

The limit is two blocks of AES-256 for each number.  What the format-preserving ciphers
make are digits, which a phone would dial; what Presidio encrypts is another text each time.
"""
OTHER = """
## Other calls
"""
MEMORY = """
## Memory

How far `pseudonymize_iter` raises the peak of the process.
"""
THREADS = """
## Threads

`pseudonymize_many`, its numbers dealt out to as many threads; seconds by the clock.
"""


@attrs.frozen(kw_only=True)
class Pace:
    """
    How thoroughly to measure.
    """

    rounds: int = 40
    batch: int = 4096
    streamed: int = 5_000_000
    shared: int = 131_072
    turns: int = 8


def best(works: dict[str, tuple[Callable[[], object], int]], rounds: int) -> dict[str, float]:
    """
    Seconds of CPU for each thing of each work: the best of *rounds*, taken in turns.
    """
    costs = dict.fromkeys(works, math.inf)
    for _ in range(rounds):
        for name, (work, count) in works.items():
            begun = cpu_seconds()
            work()
            costs[name] = min(costs[name], (cpu_seconds() - begun) / count)
    return costs


def show_makers(costs: dict[str, float]) -> None:
    """
    Print what makes one-way pseudonyms, and what makes reversible ones.
    """
    one_way = [name for name in costs if name in peers.ONE_WAY]
    reversible = [name for name in costs if name in peers.REVERSIBLE or name in peers.DIGITS]
    mine = [name for name in costs if name.startswith("careof")]
    print(ONE_WAY)
    rows = [name for name in mine if "HMAC" in name]
    rows += [*one_way, "hashlib.sha256, no protection", peers.HASHED_TWICE, peers.HASHES]
    _show(costs, rows, one_way, "hmac.digest", peers.HASHES)
    print(REVERSIBLE)
    rows = [name for name in mine if "SIV" in name]
    _show(
        costs, [*rows, *reversible, peers.BLOCKS], reversible, "cryptography, AESSIV", peers.BLOCKS
    )


def _show(
    costs: dict[str, float], rows: list[str], kind: list[str], usual: str, limit: str
) -> None:
    beside = dict.fromkeys((min(kind, key=costs.__getitem__), usual))
    print_lines(
        [
            ["", "a second", "µs each", *(f"times {peer}" for peer in beside), "of the limit"],
            *(
                [
                    row,
                    f"{1 / costs[row]:,.0f}",
                    f"{costs[row] * 1e6:.2f}",
                    *(f"{costs[peer] / costs[row]:.2f}" for peer in beside),
                    f"{costs[limit] / costs[row]:.1%}",
                ]
                for row in rows
            ),
        ]
    )


def show_calls(calls: dict[str, ours.Call], count: int, rounds: int) -> None:
    """
    Measure the other calls, each beside something plain, and print.
    """
    print(OTHER)
    works = {(name, False): (call.ours, count) for name, call in calls.items()}
    works |= {(call.beside, True): (call.theirs, count) for call in calls.values()}
    costs = best(works, rounds)
    lines = [["", "a second", "µs each", "times as fast as"]]
    for name, call in calls.items():
        cost = costs[name, False]
        times = f"{costs[call.beside, True] / cost:.2f} {call.beside}"
        lines.append([name, f"{1 / cost:,.0f}", f"{cost * 1e6:.2f}", times])
    print_lines(lines)


def show_memory(count: int) -> None:
    """
    Send *count* numbers through, and print how much memory that took.
    """
    print(MEMORY)
    lines = [["", "numbers", "MiB more"]]
    for name, scheme in ours.SCHEMES.items():
        for way, place in ours.ways().items():
            with place():
                for phones in (10_000, count):  # the first time, to have the tables
                    before = mebibytes("VmRSS")
                    for _ in scheme.pseudonymize_iter(ours.generated(phones)):
                        pass
            lines.append([name + way, f"{count:,}", f"{mebibytes('VmHWM') - before:.1f}"])
    print_lines(lines)


def show_threads(count: int, turns: int) -> None:
    """
    Let one, two and four threads share a pseudonymizer, and print how much faster that is.
    """
    print(THREADS)
    numbers = list(ours.generated(count))
    lines = [["", "1 thread", "2 threads", "4 threads", "the same results"]]
    for name, scheme in ours.SCHEMES.items():
        for way, place in ours.ways().items():
            times, results = dict.fromkeys((1, 2, 4), math.inf), []
            with place():
                for _ in range(turns):
                    for threads in times:
                        seconds, result = _dealt_out(scheme.pseudonymize_many, numbers, threads)
                        times[threads] = min(times[threads], seconds)
                        results.append(result)
            is_same = "yes" if all(result == results[0] for result in results) else "NO"
            cells = [f"{times[1] / seconds:.2f}" for seconds in times.values()]
            lines.append([name + way, *cells, is_same])
    print_lines(lines)


def _dealt_out(
    make: Callable[[list[str]], list[str]], numbers: list[str], threads: int
) -> tuple[float, list[str]]:
    share = -(-len(numbers) // threads)
    parts = [numbers[begin : begin + share] for begin in range(0, len(numbers), share)]
    with ThreadPoolExecutor(threads) as pool:
        begun = time.perf_counter()
        made = list(pool.map(make, parts))
        seconds = time.perf_counter() - begun
    return seconds, [pseudonym for part in made for pseudonym in part]


def main() -> None:
    """
    Measure and print.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0].strip())
    parser.add_argument("--quick", action="store_true", help="only show that it works")
    pace = Pace()
    if parser.parse_args().quick:
        pace = Pace(rounds=1, batch=64, streamed=20_000, shared=1_024, turns=1)
    print(described())
    if not ours.has_numpy():
        print("numpy is not installed, so nothing is measured with it.")
    if missing := peers.missing():
        print(f"Not installed, so left out: {'; '.join(missing)}.")
    show_memory(pace.streamed)
    show_threads(pace.shared, pace.turns)
    pin(CLIENT_CORE)
    numbers = list(ours.generated(pace.batch))
    gc.freeze()
    show_makers(
        best(ours.works(numbers) | peers.works(numbers) | peers.limits(numbers), pace.rounds)
    )
    show_calls(ours.calls(numbers), pace.batch, pace.rounds)


if __name__ == "__main__":
    main()
