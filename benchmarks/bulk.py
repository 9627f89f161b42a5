"""
What a million pseudonyms cost on Spark, Polars and Dask, beside one process of the core.

``python3 noxfile.py -s recipes -- --bench`` runs it where all of them are installed, in some
minutes; ``--quick`` only shows that it works.  Each engine reads a table from Parquet and writes
one without phone numbers, with the files that the documentation shows.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import attrs
from lookups.machine import described, is_installed
from lookups.table import print_lines

ENGINES = pathlib.Path(__file__).parent / "bulks" / "engines.py"
CORE = "the core, one process"
NEEDED = {
    CORE: ("core", ["pyarrow"]),
    "Polars, two threads": ("polars", ["polars"]),
    "Dask, two workers": ("dask", ["distributed", "pyarrow"]),
    "Spark, local[2]": ("spark", ["pyspark", "pyarrow"]),
}


@attrs.frozen(kw_only=True)
class Pace:
    """
    How thoroughly to measure.
    """

    rows: int = 1_000_000
    rounds: int = 8


def cpu_seconds_of(session: int) -> float:
    """
    CPU that the processes of a *session* have used, as far as the system says so.
    """
    ticks = 0
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == session:
                ticks += sum(map(int, fields[11:15]))  # its own, and that of children that ended
    return ticks / os.sysconf("SC_CLK_TCK")


class Engine:
    """
    One engine in a process of its own, which makes the table each time it is asked.
    """

    def __init__(self, engine: str, folder: pathlib.Path) -> None:
        begun = time.perf_counter()
        self._process = subprocess.Popen(  # noqa: S603 - our own file
            [sys.executable, str(ENGINES), engine, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._answer()
        self.start = time.perf_counter() - begun
        self.times: list[float] = []
        self.cpu: list[float] = []

    def work(self) -> None:
        """
        Let it make one more table.
        """
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        before = cpu_seconds_of(self._process.pid)
        print("go", file=self._process.stdin, flush=True)
        self.times.append(float(self._answer()))
        self.cpu.append(cpu_seconds_of(self._process.pid) - before)

    def _answer(self) -> str:
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        answer = self._process.stdout.readline()
        if not answer:
            sys.exit("An engine ended; what it said stands above.")
        return answer

    def close(self) -> None:
        """
        Let it end.
        """
        self._process.communicate()


def measured(folder: pathlib.Path, names: list[str], rounds: int) -> dict[str, Engine]:
    """
    The engines with their times, taken in turns.
    """
    with contextlib.ExitStack() as stack:
        engines = {}
        for name in names:
            engines[name] = Engine(NEEDED[name][0], folder)
            stack.callback(engines[name].close)
        for _ in range(rounds):
            for engine in engines.values():
                engine.work()
    return engines


def show(engines: dict[str, Engine], rows: int) -> None:
    """
    Print what they took.
    """
    lines = [["seconds", "to start", "first table", "best", "CPU", "times the core", "by CPU"]]
    core = engines[CORE]
    for name, engine in engines.items():
        best, cpu = min(engine.times), min(engine.cpu)
        seconds = (engine.start, engine.times[0], best, cpu)
        ratios = (min(core.times) / best, min(core.cpu) / max(cpu, 0.01))
        lines.append(
            [name, *(f"{figure:.1f}" for figure in seconds), *map("{:.2f}".format, ratios)]
        )
    print(f"\n## {rows:,} rows, from Parquet to Parquet\n")
    print_lines(lines)


def main() -> None:
    """
    Measure and print.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0].strip())
    parser.add_argument("--quick", action="store_true", help="only show that it works")
    pace = Pace(rows=2_000, rounds=1) if parser.parse_args().quick else Pace()
    print(described())
    missing = [name for name, (_, needs) in NEEDED.items() if not all(map(is_installed, needs))]
    if missing:
        print(f"Not installed, so left out: {'; '.join(missing)}.")
    if not is_installed("pyarrow"):
        return
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        command = [sys.executable, str(ENGINES), "table", name, f"{pace.rows}"]
        subprocess.run(command, check=True)  # noqa: S603 - our own file
        names = [name for name in NEEDED if name not in missing]
        engines = measured(folder, names, pace.rounds)
    show(engines, pace.rows)


if __name__ == "__main__":
    main()
