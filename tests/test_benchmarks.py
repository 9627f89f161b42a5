"""
The benchmarks that need other processes: that they run, and measure what they say.
"""

from __future__ import annotations

import importlib
import pathlib
import re
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest

FOLDER = pathlib.Path(__file__).parents[1] / "benchmarks"


def quick_run_of(program):
    """
    What a short run of *program* prints.
    """
    command = [sys.executable, str(FOLDER / program), "--quick"]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.fixture(scope="module")
def printed():
    """
    What a short run of the benchmark of lookups prints.
    """
    return quick_run_of("lookup.py")


def tables_of(printed):
    """
    The tables of what a benchmark *printed*, by their corners.
    """
    blocks = [block.strip() for block in printed.split("\n\n")]
    tables = [block.splitlines() for block in blocks if block.startswith("|")]
    rows = [[cells_of(line) for line in table] for table in tables]
    return {
        heads[0]: {row[0]: dict(zip(heads[1:], row[1:], strict=True)) for row in rest}
        for heads, _, *rest in rows
    }


@pytest.fixture(scope="module")
def tokens():
    """
    The tables that a short run of the benchmark of tokens prints.
    """
    return tables_of(quick_run_of("auth.py"))


@pytest.fixture(scope="module")
def dispatch():
    """
    The tables that a short run of the benchmark of the dispatcher prints.
    """
    return tables_of(quick_run_of("dispatch.py"))


@pytest.fixture(scope="module")
def pseudonyms():
    """
    What a short run of the benchmark of pseudonyms prints.
    """
    return quick_run_of("pseudonyms.py")


@pytest.fixture(scope="module")
def preflights():
    """
    What a short run of the benchmark of preflights prints.
    """
    return quick_run_of("preflight.py")


@pytest.fixture(scope="module")
def fleet():
    """
    The tables that a short run of the simulated fleet prints.
    """
    return tables_of(quick_run_of("fleet.py"))


def cells_of(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


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


@pytest.mark.parametrize("callers", ["8 tasks", "4 threads"])
def test_the_benchmark_of_tokens_sees_one_request_for_all_callers_of_careof(tokens, callers):
    requests = {
        scene: row[f"careof, {callers}"] for scene, row in tokens["token requests"].items()
    }

    assert len(requests) == 5
    assert set(requests.values()) == {"1"}


@pytest.mark.parametrize("callers", ["8 tasks", "4 threads"])
def test_the_benchmark_of_tokens_sees_calls_fail_only_where_no_token_is_to_be_had(tokens, callers):
    failures = {
        scene: row[f"careof, {callers}"] for scene, row in tokens["calls that fail"].items()
    }

    assert failures.pop("expired, and the endpoint answers 503") == callers.partition(" ")[0]
    assert set(failures.values()) == {"0"}


@pytest.mark.parametrize(
    "place, row",
    [
        ("in an httpx client", "careof"),
        ("in a resolver of careof", "OAuth2ClientCredentials"),
    ],
)
@pytest.mark.parametrize("figure", ["µs of CPU", "µs of CPU, async"])
def test_the_benchmark_of_tokens_measures_what_one_costs_a_request(tokens, place, row, figure):
    assert float(tokens[place][row][figure]) > 0


@pytest.mark.parametrize(
    "title, rows",
    [
        ("One-way", ["careof, HMAC, numpy", "careof, HMAC, no numpy", "hmac.digest"]),
        ("Reversible", ["careof, SIV, numpy", "careof, SIV, no numpy", "cryptography, AESSIV"]),
        ("Other calls", ["HMAC: matches", "SIV: rewrap_many, numpy"]),
    ],
)
def test_the_benchmark_of_pseudonyms_measures_careof_beside_others(pseudonyms, title, rows):
    table = pseudonyms.partition(f"## {title}")[2].partition("##")[0]
    rates = {cells_of(line)[0]: cells_of(line)[1] for line in table.splitlines() if "|" in line}

    assert all(re.fullmatch(r"[1-9][0-9,]*", rates[row]) for row in rows)


def test_the_benchmark_of_pseudonyms_sees_threads_make_the_same_ones(pseudonyms):
    table = pseudonyms.partition("## Threads")[2].partition("##")[0]
    rows = [cells_of(line) for line in table.splitlines() if line.startswith("| ")][2:]

    assert [row[-1] for row in rows] == ["yes"] * 4


@pytest.mark.parametrize("title", ["Clean rows", "Rows with an address"])
def test_the_benchmark_of_preflights_measures_what_a_row_costs(preflights, title):
    [table] = tables_of(preflights.partition(f"## {title}\n")[2].partition("##")[0]).values()

    assert all(float(table[region]["µs a row"]) > 0 for region in ("None", "GB"))


def test_the_benchmark_of_preflights_sees_each_number_that_says_its_country(preflights):
    table = preflights.partition("## Phone numbers found\n")[2]
    rows = [cells_of(line) for line in table.splitlines() if line.startswith("| ")][2:]

    assert len(rows) == 7
    assert {row[1] for row in rows} == {"100.0% / 0.0%"}


@pytest.mark.parametrize("place", ["memory", "endpoint"])
@pytest.mark.parametrize("shell", ["sync", "async"])
def test_the_benchmark_of_the_dispatcher_measures_what_it_adds_to_a_lookup(dispatch, place, shell):
    row = dispatch["receipts, µs of CPU"][f"{place}, {shell}"]

    assert float(row["resolve"]) > 0
    assert float(row["send_many"]) > 0


@pytest.mark.parametrize("place", ["memory", "endpoint"])
@pytest.mark.parametrize("shell", ["sync", "async"])
def test_the_benchmark_of_the_dispatcher_measures_its_peak_in_a_process(dispatch, place, shell):
    assert float(dispatch["receipts"][f"{place}, {shell}"]["peak MiB, 100"]) > 10


@pytest.mark.parametrize("part", ["ledger", "suppression", "once_per_address", "all three"])
def test_the_benchmark_of_the_dispatcher_measures_what_it_can_be_asked_for(dispatch, part):
    assert float(dispatch["from memory, µs of CPU"][part]["sync"]) > 0


def test_the_benchmark_of_the_dispatcher_sends_mail_beside_smtplib(dispatch):
    row = dispatch["messages a second"]["1"]
    others = {name: row[name] for name in row if name != "aiosmtplib"}  # which need not be there

    assert len(others) == 4
    assert all(re.fullmatch(r"[1-9][0-9,]*", rate) for rate in others.values())


def figure(cell):
    return float(cell.replace(",", ""))


@pytest.mark.parametrize(
    "table",
    [
        "the endpoint is away",
        "10 minutes, silent",
        "100 a second, or 429",
        "half of it fails",
    ],
)
def test_the_simulated_fleet_loses_nobody(fleet, table):
    assert {row["lost"] for row in fleet[table].values()} == {"0"}


def test_the_simulated_fleet_runs_the_circuit_of_the_library(fleet):
    """
    When its own constants are others, another number of requests comes.
    """
    rows = fleet["10 minutes, silent"]
    soon, usual, late = (
        figure(rows[name]["requests while away"])
        for name in ("open after 2", "as it is", "open after 10")
    )

    assert soon < usual < late


def test_the_simulated_fleet_runs_the_tries_of_the_library(fleet):
    rows = fleet["half of it fails"]
    one, three, five = (
        figure(rows[name]["delayed"])
        for name in ("503, one try", "503, as it is", "503, five tries")
    )

    assert five < three < one


def test_the_simulated_fleet_runs_the_rates_of_the_library(fleet):
    rows = fleet["100 a second, or 429"]

    assert figure(rows["a rate of 95, one bucket"]["wasted for each"]) == 0
    assert figure(rows["Retry-After: 1"]["wasted for each"]) > 1


def test_the_simulated_fleet_costs_in_proportion(fleet):
    rows = fleet["a day"]
    rates = [figure(cell) for cell in rows["ledger statements a second"].values()]

    assert rates == [93, 9_259, 92_593]  # two a send, four times the mean of a day


def test_the_page_on_planning_has_the_table_that_the_simulated_fleet_prints(fleet):
    page = (FOLDER.parent / "docs" / "explanation" / "scale.md").read_text(encoding="utf-8")

    assert tables_of(page)["a day"] == fleet["a day"]


def test_the_picture_of_an_outage_is_the_same_each_time_and_names_no_place(tmp_path):
    files = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for file in files:
        command = [sys.executable, str(FOLDER / "fleet.py"), "--quick", "--plot", str(file)]
        subprocess.run(command, check=True, timeout=60)
    one, two = (file.read_text(encoding="utf-8") for file in files)

    assert one == two
    assert ET.fromstring(one).get("role") == "img"
    assert str(tmp_path) not in one
    assert str(FOLDER.parent) not in one


def test_every_stage_of_a_lookup_is_where_the_benchmark_looks(stages):
    places = [place for stage in stages.STAGES for place in stage.functions]

    found = [stages.found(place) for place in places]

    assert all(callable(vars(owner)[name]) for owner, name in found)
