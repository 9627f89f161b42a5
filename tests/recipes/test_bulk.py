"""
The benchmark of bulk pseudonyms: that it runs, and measures every engine.
"""

from __future__ import annotations

import pathlib
import subprocess
import sys

PROGRAM = pathlib.Path(__file__).parents[2] / "benchmarks" / "bulk.py"


def test_the_benchmark_measures_each_engine_beside_the_core():
    command = [sys.executable, str(PROGRAM), "--quick"]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=240, check=False)
    lines = [line.strip("| ").split("|") for line in run.stdout.splitlines() if line[:1] == "|"]
    table = {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in lines[2:]}

    assert run.returncode == 0, run.stderr
    assert [name.partition(",")[0] for name in table] == ["the core", "Polars", "Dask", "Spark"]
    assert all(float(cells[-2]) > 0 for cells in table.values())
