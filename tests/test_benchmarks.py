"""
The benchmarks that need other processes: that they run, and measure what they say.
"""

from __future__ import annotations

import importlib
import pathlib
import re
import subprocess
import sys

import pytest

FOLDER = pathlib.Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def printed():
    """
    What a short run prints.
    """
    command = [sys.executable, str(FOLDER / "lookup.py"), "--quick"]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.fixture
def stages(monkeypatch):
    """
    The module that knows where a lookup spends its time.
    """
    monkeypatch.syspath_prepend(FOLDER)
    yield importlib.import_module("lookups.stages")
    for name in [name for name in sys.modules if name.partition(".")[0] == "lookups"]:
        del sys.modules[name]


@pytest.mark.parametrize("title", ["Tasks", "Threads", "Tasks, over TLS"])
def test_the_benchmark_of_lookups_measures_careof_beside_httpx(printed, title):
    table = printed.partition(f"## {title}\n")[2].partition("##")[0]
    heads, _, row = [line.split("|") for line in table.splitlines() if line.startswith("|")][:3]
    rates = dict(zip(map(str.strip, heads), map(str.strip, row), strict=True))

    assert re.fullmatch(r"[1-9][0-9,]*", rates["careof"])
    assert re.fullmatch(r"[1-9][0-9,]*", rates["httpx"])


def test_every_stage_of_a_lookup_is_where_the_benchmark_looks(stages):
    places = [place for stage in stages.STAGES for place in stage.functions]

    found = [stages.found(place) for place in places]

    assert all(callable(vars(owner)[name]) for owner, name in found)
