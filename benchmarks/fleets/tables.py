"""
Which scenes are looked at, and how they are printed.
"""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any

import attrs
from fleets import worlds
from fleets.worlds import Scene
from lookups.table import print_lines

from careof import RetryPolicy

THREADS = 32  # workers that are threads of one process
IN_STEP = {"JITTER": 0.0}

# What is changed, by the names that Plan, Mood, Scene and the circuit have for it.
AWAY: dict[str, dict[str, Any]] = {
    "1 minute, silent": {"minutes": 1.0},
    "1 minute, refusing": {"minutes": 1.0, "is_refusing": True},
    "10 minutes, silent": {},
    "10 minutes, refusing": {"is_refusing": True},
    "60 minutes, silent": {"minutes": 60.0},
    "60 minutes, silent, 6 tries": {"minutes": 60.0, "tries": 6},
    "60 minutes, silent, a rate of 150": {"minutes": 60.0, "rate": 150.0},
}
OTHERS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "pauses in step": IN_STEP,
    "open after 2": {"THRESHOLD": 2},
    "open after 10": {"THRESHOLD": 10},
    "first pause 30 s": {"FIRST_PAUSE": 30.0},
    "longest pause 15 s": {"LONGEST_PAUSE": 15.0},
    "longest pause 300 s": {"LONGEST_PAUSE": 300.0},
    "one try": {"retry": RetryPolicy.never()},
    "jitter in the queue": {"jitter": 0.5},
    "a rate of 100, one bucket": {"rate": 100.0},
    "a circuit for 32 threads": {"threads": THREADS},
    "a circuit for the fleet": {"threads": 0},
}
SQUEEZED: dict[str, dict[str, Any]] = {
    "Retry-After: 1": {"retry_after": 1.0},
    "Retry-After: 1, jitter in the queue": {"retry_after": 1.0, "jitter": 0.5},
    "no Retry-After": {},
    "no Retry-After, jitter in the queue": {"jitter": 0.5},
    "a rate of 95, one bucket": {"retry_after": 1.0, "rate": 95.0},
    "a rate of 95, divided": {"retry_after": 1.0, "rate": 95.0, "is_divided": True},
}
HAZY: dict[str, dict[str, Any]] = {
    f"{kind}, {name}": {**unwell, **changes}
    for kind, unwell in (
        ("503", {"failing": 0.5, "minutes": 4.0}),
        ("late", {"hanging": 0.5, "minutes": 4.0}),
    )
    for name, changes in (
        ("as it is", {}),
        ("open after 2", {"THRESHOLD": 2}),
        ("one try", {"retry": RetryPolicy.never()}),
        ("five tries", {"retry": RetryPolicy(attempts=5)}),
        ("a circuit for 32 threads", {"threads": THREADS}),
        ("the same, open after 2", {"threads": THREADS, "THRESHOLD": 2}),
    )
}

COURSE = {
    "dark": "requests while away",
    "peak": "most in a second",
    "busy": "workers at most",
    "held": "seconds of workers",
    "herd": "most in a second after",
    "wasted": "wasted after",
    "back": "well after, s",
    "late": "delayed",
    "median": "median delay, s",
    "longest": "longest, s",
    "left": "left",
    "lost": "lost",
}
SQUEEZE = {
    "goodput": "sent in a second",
    "wasted": "wasted for each",
    "held": "seconds of a worker for each",
    "small": "the small one, s",
    "large": "the large one, s",
    "lost": "lost",
}
HAZE = {
    "asked": "requests for each",
    "held": "workers on average",
    "late": "delayed",
    "slowest": "99 in 100, s",
    "refused": "refused by a circuit, for each",
    "lost": "lost",
}


@attrs.frozen(kw_only=True)
class Pace:
    """
    How thoroughly to look.

    Attributes:
        seeds: Where circuits are compared, each scene is run with all of them, and a
            figure is the median; the other scenes are run with the first.
        part: Of the workers, the surveys and the capacity.
        minutes: How long an endpoint is away at most.
    """

    seeds: Sequence[int] = (1, 2, 3)
    part: float = 1.0
    minutes: float = 60.0

    def scene(self, changes: dict[str, Any]) -> Scene:
        """
        The scene with these *changes*, in the size of this pace.
        """
        changes = {"threads": 1, "is_divided": False, "minutes": 10.0} | changes
        scene = Scene()
        workers = round(scene.plan.workers * self.part)
        threads = changes.pop("threads") or workers
        changes |= {
            "workers": workers,
            "circuits": -(-workers // threads),
            "rates": workers if changes.pop("is_divided") else 1,
            "arrivals": scene.arrivals * self.part,
            "capacity": scene.mood.capacity * self.part,
            "minutes": min(changes["minutes"], self.minutes),
        }
        for name in ("rate", "allowed"):
            if name in changes:
                changes[name] *= self.part
        return scene.changed(**changes)


def show_away(pace: Pace) -> None:
    """
    Print what happens while an endpoint is away, and when it is back.
    """
    once = attrs.evolve(pace, seeds=pace.seeds[:1])
    show("the endpoint is away", AWAY, worlds.outage, COURSE, once)


def show_others(pace: Pace) -> None:
    """
    Print the same of other circuits, retries, queues and rates.
    """
    show("10 minutes, silent", OTHERS, worlds.outage, COURSE, pace)


def show_squeezed(pace: Pace) -> None:
    """
    Print what becomes of surveys at an endpoint that answers 429.
    """
    sized = functools.partial(
        worlds.squeeze, large=round(5_000 * pace.part), small=round(100 * pace.part)
    )
    scenes = {name: {"allowed": 100.0, **changes} for name, changes in SQUEEZED.items()}
    once = attrs.evolve(pace, seeds=pace.seeds[:1])
    show("100 a second, or 429", scenes, sized, SQUEEZE, once)


def show_hazy(pace: Pace) -> None:
    """
    Print what becomes of them where half of the requests fail.
    """
    once = attrs.evolve(pace, seeds=pace.seeds[:1])
    show("half of it fails", HAZY, worlds.haze, HAZE, once)


def show(
    corner: str,
    scenes: dict[str, dict[str, Any]],
    world: Callable[[Scene, int], Any],
    columns: dict[str, str],
    pace: Pace,
) -> None:
    """
    Print a table: a row for each of the *scenes*, a column for what was seen.
    """
    lines = [[corner, *columns.values()]]
    for name, changes in scenes.items():
        seen = [world(pace.scene(changes), seed) for seed in pace.seeds]
        middles = (statistics.median(getattr(one, figure) for one in seen) for figure in columns)
        lines.append([name, *map(_figure, middles)])
    print_lines(lines)


def _figure(value: float) -> str:
    if math.isinf(value):  # it was not looked at for longer
        return f"over {worlds.AFTER:.0f}"
    return f"{value:,.0f}" if value == 0 or abs(value) >= 10 else f"{value:.2g}"
