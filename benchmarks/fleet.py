"""
A fleet of 1,000 workers on a clock that nobody waits for, and what a day of sends costs.

``python benchmarks/fleet.py`` takes ten minutes; ``--quick`` only shows that it
works, ``--plot FILE`` only draws.  Circuit, tries, deadlines and rates are the library's own
code; the endpoint, the workers and their queue are made up here.  No figure depends on
the machine.
"""

from __future__ import annotations

import argparse
import pathlib

from fleets import costs, plot, tables, worlds
from lookups.machine import described

COSTS = """
## A day

What was measured is in docs/performance.md, what is assumed in benchmarks/fleets/costs.py.
"""
AWAY = """
## An endpoint that is away

50 surveys arrive in a second; the endpoint can answer 200, each in 0.1 seconds.
"""
OTHERS = """
## The same with other defaults
"""
SQUEEZED = """
## An endpoint that answers 429

5,000 surveys are handed in at once, and 100 of another one half a minute later.
"""
HAZY = """
## An endpoint that is unwell

For four minutes half of the requests get 503, or no answer in time.
"""
PLOTTED = {
    "before: pauses in step": tables.IN_STEP,
    "now: pauses that differ": {},
    "32 threads with one circuit": {"threads": tables.THREADS},
}
TITLE = "Ten minutes without an answer, 1,000 workers"
DESCRIPTION = (
    "Requests a second at an endpoint that is away for ten minutes, in three panels."
    " Pauses in step: bursts while it is away, and after its return more than it can answer,"
    " for minutes. Pauses of different lengths: no bursts, and after its return just about"
    " what it can answer. One circuit for 32 threads: hardly a request while it is away."
)


def draw(file: pathlib.Path, pace: tables.Pace) -> None:
    """
    Write an outage into *file*, as SVG.
    """
    panels = []
    for name, changes in PLOTTED.items():
        scene = pace.scene(changes)
        seen = worlds.outage(scene, pace.seeds[0])
        panels.append((name, seen.asked[int(worlds.BEFORE) - 60 :]))
    picture = plot.drawn(
        panels,
        dark=(60.0, 60.0 + 60.0 * scene.minutes),
        capacity=scene.mood.capacity,
        title=TITLE,
        description=DESCRIPTION,
    )
    file.write_text(picture, encoding="utf-8")


def main() -> None:
    """
    Simulate and print, or draw.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0].strip())
    parser.add_argument("--quick", action="store_true", help="only show that it works")
    parser.add_argument("--plot", type=pathlib.Path, metavar="FILE", help="draw an outage as SVG")
    arguments = parser.parse_args()
    pace = tables.Pace()
    if arguments.quick:
        pace = tables.Pace(seeds=(1,), part=0.02, minutes=2.0)
    if arguments.plot:
        draw(arguments.plot, pace)
        return
    print(described())
    print(COSTS)
    costs.show()
    for title, show in (
        (AWAY, tables.show_away),
        (OTHERS, tables.show_others),
        (SQUEEZED, tables.show_squeezed),
        (HAZY, tables.show_hazy),
    ):
        print(title, flush=True)
        show(pace)


if __name__ == "__main__":
    main()
