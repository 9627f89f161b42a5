"""
The recipe for Dask, on workers of their own: what comes out, and what is seen of it elsewhere.
"""

from __future__ import annotations

import json
import pathlib
import sys

import pyarrow.parquet as pq
import pytest

from tests.recipes.running import Run
from tests.recipes.searching import KEYS, NUMBERS, files_below, found_in

DRIVER = pathlib.Path(__file__).with_name("dask_driver.py")


@pytest.fixture(scope="module")
def run(places, tmp_path_factory):
    run = Run("dask", places, tmp_path_factory.mktemp("dask"))
    return run.start(
        *[sys.executable, DRIVER, run.folder],
        OF_WORKERS=json.dumps(run.environment),
        DASK_LOGGING__DISTRIBUTED="debug",
    )


@pytest.mark.parametrize("scheme", ["hmac", "siv"])
def test_each_number_has_the_pseudonym_of_the_core_and_every_other_row_says_why(
    run, expected, scheme
):
    assert run.rows(scheme) == expected[scheme]


def test_the_other_columns_are_kept_and_the_numbers_are_not(run):
    table = pq.read_table(run.folder / "hmac")

    assert table.column_names == ["id", "town", "pseudonym", "reason"]
    assert set(table["town"].to_pylist()) == {"Leeds"}
    assert found_in({"table": repr(table.to_pylist()).encode()}, NUMBERS) == []


def test_rows_that_share_a_label_of_the_index_are_not_mixed_up(run, expected):
    rows = pq.read_table(run.folder / "one label").to_pylist()

    assert [(row["pseudonym"], row["reason"]) for row in rows] == list(expected["hmac"].values())


def test_each_worker_loads_its_key_once_for_all_its_threads(run):
    notes = run.notes()

    assert set(notes["load"].values()) == {1}
    assert notes["load"].keys() == notes["work"].keys()
    assert len(notes["load"]) == 2
    assert notes["work"].total() >= 12


def test_the_graph_has_the_name_of_a_function(run):
    graph = (run.folder / "pickles" / "graph of phones_siv").read_bytes()

    assert b"\nphones_siv\x94\x8c\rpseudonymized\x94\x93" in graph
    assert b"careof" not in graph


@pytest.mark.parametrize("place", ["pickles", "said"])
def test_no_key_and_no_number_is_seen(run, place):
    contents = files_below(run.folder / place)

    assert len(found_in(contents, [b"pseudonymized"])) > 1
    assert found_in(contents, KEYS + NUMBERS) == []


@pytest.mark.parametrize(
    "module, error",
    [
        ("phones_lost", "careof.errors.ConfigurationError: The secret"),
        ("phones_broken", "careof.errors.ConfigurationError: KeyRing"),
        ("phones_raising", "careof.errors.PhoneNumberError: phones["),
    ],
)
def test_an_error_of_a_worker_is_in_the_log_of_the_client(run, module, error):
    """
    The test above has found nothing of a key or a number in that log.
    """
    log = run.text("said/err")

    assert " - DEBUG - " in log
    assert error in log
    assert f"{module}.py" in log


def test_the_search_finds_a_key_in_a_closure_and_numbers_in_a_graph(run):
    key, numbers = (files_below(run.folder / "careless" / name) for name in ["key", "numbers"])

    assert len(found_in(key, KEYS)) == 1
    assert len(found_in(numbers, NUMBERS)) == 1
    assert found_in(key, NUMBERS) == []


def test_without_meta_the_client_needs_a_key(run):
    assert "ConfigurationError: The secret" in run.text("careless/without meta")
