"""
What a batch costs beside its lookups, how much memory it takes, and how fast mail goes.

``python benchmarks/dispatch.py`` takes half an hour, most of it for the batches of a
million; ``--quick`` only shows that it works.  What sends has one core, the endpoint
and the mail server have another.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import attrs
from dispatches import costs, mailing, sizes
from lookups.machine import CLIENT_CORE, age_the_heap, described, pin, raise_file_limit
from lookups.server import running

COSTS = """
## A receipt

µs of CPU for each, 32 under way; `send` and `resolve` are called in a loop, over the
endpoint in 32 of them at once.  The sender accepts at once.
"""
PARTS = """
## What is seen to

All in memory, and nobody is on the list.
"""
SIZES = """
## Any number

Each in a process of its own; more is what the last column of its kind has over the first.
"""
KEPT = """
## What has to be kept
"""
MAILS = """
## Mail

To a server on this machine that throws away what it accepts.  smtplib and aiosmtplib
are given an `EmailMessage` for each, SmtpSender a message that is filled, and
`send_many` looks up and fills it too.
"""


@attrs.frozen(kw_only=True)
class Pace:
    """
    How thoroughly to measure.
    """

    costs: costs.Pace
    sizes: tuple[int, ...]
    mails: mailing.Pace


WHOLE = Pace(
    costs=costs.Pace(rounds=5, count=10_000),
    sizes=(10_000, 100_000, 1_000_000),
    mails=mailing.Pace(rounds=3, messages=2_000, distant=12, largest=16),
)
QUICK = Pace(
    costs=costs.Pace(rounds=1, count=200),
    sizes=(100,),
    mails=mailing.Pace(rounds=1, messages=40, distant=2, largest=1),
)


def main() -> None:
    """
    Measure and print.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0].strip())
    parser.add_argument("--quick", action="store_true", help="only show that it works")
    pace = QUICK if parser.parse_args().quick else WHOLE
    pin(CLIENT_CORE)
    raise_file_limit()
    age_the_heap()
    print(described())
    if missing := mailing.missing():
        print(f"Not installed, so left out: {', '.join(missing)}.")
    print(MAILS)
    mailing.show(pace.mails)
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as served:
        print(COSTS)
        costs.show_works(served.http, pace.costs)
        print(PARTS)
        costs.show_parts(pace.costs)
        print(SIZES)
        sizes.show_sizes(served.http, pace.sizes)
        print(KEPT)
        sizes.show_kept((pace.sizes[0], pace.sizes[-1]))


if __name__ == "__main__":
    main()
