"""
What a preflight costs, what it takes for a phone number and is none, and which it finds.

``python benchmarks/preflight.py`` takes some minutes; ``--quick`` only shows that
it works.  Costs are of CPU time on one core, the best of some rounds.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

import attrs
from lookups.machine import CLIENT_CORE, cpu_seconds, described, mebibytes, pin
from lookups.table import print_lines
from preflights.corpus import FORMS, Maker

from careof.contacts import preflight

REGIONS = (None, "GB", "US", "DE")
COUNTRIES = ("GB", "US", "DE", "FR", "BR", "IN", "JP")
COST = """
## Clean rows

Eight columns, in which nobody is left.
"""
DIRTY = """
## Rows with an address
"""
MEMORY = """
## Memory

How far a run raises the peak of the process.
"""
FALSE = """
## Taken for a phone number

Texts with no number in them, by what is: the share of findings that are blocking (phone), and
after the stroke of those to look at (digits).
"""
FOUND = """
## Phone numbers found

In a field that is not named after phones, with the region of the number.
"""


@attrs.frozen(kw_only=True)
class Pace:
    """
    How thoroughly to measure.
    """

    rows: int = 50_000
    streamed: int = 1_000_000
    rounds: int = 3
    texts: int = 1_000


def show_costs(pace: Pace) -> None:
    """
    Print what rows cost.
    """
    clean = list(Maker().rows(pace.rows))
    dirty = [{**row, "email": f"kim{n}@people.example"} for n, row in enumerate(clean)]
    for title, rows in ((COST, clean), (DIRTY, dirty)):
        print(title)
        lines = [["region", "µs a row", "seconds a million"]]
        for region in REGIONS[:2]:
            cost = _cost(lambda rows=rows, region=region: preflight(rows, region=region), pace)
            cost /= pace.rows
            lines.append([f"{region}", f"{cost * 1e6:.1f}", f"{cost * 1e6:.0f}"])
        print_lines(lines)


def _cost(work: Callable[[], object], pace: Pace) -> float:
    best = math.inf
    for _ in range(pace.rounds):
        begun = cpu_seconds()
        work()
        best = min(best, cpu_seconds() - begun)
    return best


def show_memory(pace: Pace) -> None:
    """
    Print what a long run adds to the memory of the process.
    """
    preflight(Maker().rows(1000))
    before = mebibytes("VmHWM")
    begun = cpu_seconds()
    preflight(Maker().rows(pace.streamed))
    seconds = cpu_seconds() - begun
    print(MEMORY)
    print_lines(
        [
            ["rows", "MiB more", "seconds, with making the rows"],
            [f"{pace.streamed:,}", f"{mebibytes('VmHWM') - before:.1f}", f"{seconds:.0f}"],
        ]
    )


def show_false(pace: Pace) -> None:
    """
    Print what is taken for a phone number.
    """
    print(FALSE)
    lines = [["", *(f"{region}" for region in REGIONS)]]
    maker = Maker()
    for name, make in maker.others().items():
        texts = [maker.sentence(make()) for _ in range(pace.texts)]
        shares = (_share(texts, region) for region in REGIONS)
        lines.append([name, *(f"{phone:.1%} / {digits:.1%}" for phone, digits in shares)])
    print_lines(lines)


def show_found(pace: Pace) -> None:
    """
    Print which phone numbers are found.
    """
    print(FOUND)
    lines = [["", *FORMS]]
    maker = Maker()
    for region in COUNTRIES:
        shares = (
            _share([maker.call(region, form) for _ in range(pace.texts // 4)], region)
            for form in FORMS
        )
        lines.append([region, *(f"{phone:.1%} / {digits:.1%}" for phone, digits in shares)])
    print_lines(lines)


def _share(texts: list[str], region: str | None) -> tuple[float, float]:
    counts = {"phone": 0, "digits": 0}
    for finding in preflight(({"note": text} for text in texts), region=region).findings:
        counts[finding.kind] = finding.count
    return counts["phone"] / len(texts), counts["digits"] / len(texts)


def main() -> None:
    """
    Measure and print.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0].strip())
    parser.add_argument("--quick", action="store_true", help="only show that it works")
    pace = Pace()
    if parser.parse_args().quick:
        pace = Pace(rows=200, streamed=2_000, rounds=1, texts=20)
    print(described())
    pin(CLIENT_CORE)
    show_memory(pace)
    show_costs(pace)
    show_false(pace)
    show_found(pace)


if __name__ == "__main__":
    main()
