"""
What a receipt costs over a lookup, side by side: measured in turns, in one process.
"""

from __future__ import annotations

import statistics

import attrs
from dispatches.hosts import Scene
from dispatches.works import Cost, cost, dispatched, resolved, sent
from lookups.table import print_lines

WORKS = {"resolve": resolved, "send": sent, "send_many": dispatched}
PARTS: dict[str, tuple[str, ...]] = {
    "nothing": (),
    "ledger": ("ledger",),
    "suppression": ("suppression",),
    "once_per_address": ("once_per_address",),
    "all three": ("ledger", "suppression", "once_per_address"),
}


@attrs.frozen(kw_only=True)
class Pace:
    """
    How thoroughly to measure.

    Attributes:
        rounds: How often each cell is measured.
        count: References of a round from memory; an endpoint is asked for half of them.
    """

    rounds: int
    count: int


def show_works(url: str, pace: Pace) -> None:
    """
    Print what looking up, sending and dispatching cost.
    """
    lines = [["receipts, µs of CPU", *WORKS, "send_many adds", "receipts a second"]]
    for place, at, count in (("memory", "", pace.count), ("endpoint", url, pace.count // 2)):
        for is_async in (False, True):
            scene = Scene(is_async=is_async, url=at)
            costs = _in_turns(dict.fromkeys(WORKS, scene), count, pace.rounds)
            lines.append(
                [
                    f"{place}, {'async' if is_async else 'sync'}",
                    *(_median([each.cpu for each in costs[name]]) for name in WORKS),
                    _more(costs["send_many"], costs["resolve"]),
                    _median([each.rate for each in costs["send_many"]], ",.0f"),
                ]
            )
    print_lines(lines)


def show_parts(pace: Pace) -> None:
    """
    Print what each thing that a dispatcher can be asked to see to costs.
    """
    lines = [["from memory, µs of CPU", "sync", "sync adds", "async", "async adds"]]
    costs = {}
    for is_async in (False, True):
        scenes = {name: Scene(is_async=is_async, parts=parts) for name, parts in PARTS.items()}
        costs[is_async] = _in_turns(scenes, pace.count, pace.rounds)
    for name, parts in PARTS.items():
        cells = [name]
        for of_shell in costs.values():
            cells.append(_median([each.cpu for each in of_shell[name]]))
            cells.append(_more(of_shell[name], of_shell["nothing"]) if parts else "")
        lines.append(cells)
    print_lines(lines)


def _in_turns(scenes: dict[str, Scene], count: int, rounds: int) -> dict[str, list[Cost]]:
    costs: dict[str, list[Cost]] = {name: [] for name in scenes}
    for _ in range(rounds):
        for name, scene in scenes.items():
            costs[name].append(cost(WORKS.get(name, dispatched), scene, count))
    return costs


def _median(figures: list[float], form: str = ".1f") -> str:
    return format(statistics.median(figures), form)


def _more(ours: list[Cost], theirs: list[Cost]) -> str:
    # Those of one round stand side by side; of two medians they need not.
    pairs = zip(ours, theirs, strict=True)
    return _median([our.cpu - their.cpu for our, their in pairs])
