"""
Ten thousand references, and a hundred times as many: rate and memory, each in a
process of its own.

Started as a program it dispatches once, as its arguments say, and prints what
it took as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import attrs
from dispatches.hosts import Scene
from dispatches.works import cost, dispatched
from lookups.machine import CLIENT_CORE, mebibytes, pin
from lookups.table import print_lines

MEBIBYTE = 1024 * 1024


@attrs.frozen(kw_only=True)
class Size:
    """
    What was seen of one process.

    Attributes:
        cpu: Microseconds for each receipt.
        peak: Of the process, in MiB.
        traced: Peak of what Python allocated, in MiB, or None if it was not traced.
    """

    rate: float
    cpu: float
    peak: float
    traced: float | None


def show_sizes(url: str, counts: tuple[int, ...]) -> None:
    """
    Print how rate and peak go with the number of references.
    """
    least, most = counts[0], counts[-1]
    lines = [
        ["receipts", *(f"a second, {count:,}" for count in counts)]
        + [f"peak MiB, {count:,}" for count in counts]
        + ["MiB more", "MiB more, traced"]
    ]
    for place, at in (("memory", ""), ("endpoint", url)):
        for is_async in (False, True):
            scene = Scene(is_async=is_async, url=at)
            sizes = [measured(scene, count) for count in counts]
            traced = "not measured"
            if not at:
                peaks = {
                    count: measured(scene, count, is_traced=True).traced or 0.0
                    for count in {least, most}
                }
                traced = f"{peaks[most] - peaks[least]:+.2f}"
            lines.append(
                [f"{place}, {'async' if is_async else 'sync'}"]
                + [f"{size.rate:,.0f}" for size in sizes]
                + [f"{size.peak:.1f}" for size in sizes]
                + [f"{sizes[-1].peak - sizes[0].peak:+.1f}", traced]
            )
    print_lines(lines)


def show_kept(counts: tuple[int, int]) -> None:
    """
    Print how much memory is kept for each reference where something has to be.
    """
    few, many = counts
    lines = [["asked for", f"peak MiB, {few:,}", f"peak MiB, {many:,}", "bytes for each"]]
    for part in ("ledger", "once_per_address"):
        scene = Scene(is_async=False, parts=(part,))
        peaks = {count: measured(scene, count).peak for count in sorted({few, many})}
        each = (peaks[many] - peaks[few]) * MEBIBYTE / max(many - few, 1)
        lines.append([part, f"{peaks[few]:.1f}", f"{peaks[many]:.1f}", f"{each:.0f}"])
    print_lines(lines)


def measured(scene: Scene, count: int, *, is_traced: bool = False) -> Size:
    """
    What dispatching *count* references takes in a new process.
    """
    arguments = {"count": count, "is_traced": is_traced, **attrs.asdict(scene)}
    run = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "dispatches.sizes", json.dumps(arguments)],
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Size(**json.loads(run.stdout))


def main(*, count: int, is_traced: bool, parts: list[str], **options: Any) -> None:
    """
    Dispatch, and print what it took.
    """
    pin(CLIENT_CORE)
    scene = Scene(parts=tuple(parts), **options)
    # What is imported late, and is there once, is there before.
    dispatched(scene, 10)
    if is_traced:
        tracemalloc.start()
    seen = cost(dispatched, scene, count)
    traced = tracemalloc.get_traced_memory()[1] / MEBIBYTE if is_traced else None
    size = Size(rate=seen.rate, cpu=seen.cpu, peak=mebibytes("VmHWM"), traced=traced)
    print(json.dumps(attrs.asdict(size)))


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
