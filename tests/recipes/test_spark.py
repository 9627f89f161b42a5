"""
The recipe for Spark, as `spark-submit` runs it: what comes out, and what is seen of it elsewhere.
"""

from __future__ import annotations

import pathlib
import sys

import pyarrow.parquet as pq
import pytest

from tests.recipes.running import EXAMPLES, Run
from tests.recipes.searching import KEYS, NUMBERS, RING, files_below, found_in

DRIVER = pathlib.Path(__file__).with_name("spark_driver.py")
SUBMIT = pathlib.Path(sys.executable).with_name("spark-submit")


def submitted(run, *arguments, **settings):
    """
    *run* after `spark-submit`, with two executor threads and an open book of events.
    """
    options = {
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",  # sooner
        "spark.eventLog.enabled": "true",
        "spark.eventLog.compress": "false",
        "spark.eventLog.dir": run.folder / "events",
        "spark.ui.enabled": "false",
        **settings,
    }
    given = [part for name, value in options.items() for part in ("--conf", f"{name}={value}")]
    return run.start(
        *[SUBMIT, "--master", "local[2]", *given, *arguments],
        **run.environment,
        PYSPARK_PYTHON=sys.executable,
        SPARK_LOCAL_IP="127.0.0.1",
    )


@pytest.fixture(scope="module")
def job(places, tmp_path_factory):
    """
    A run of the recipe as it stands.
    """
    run = Run("spark", places, tmp_path_factory.mktemp("job"))
    job = EXAMPLES / "spark" / "job.py"
    return submitted(run, "--py-files", "phones.py", job, "people.parquet", "made")


@pytest.fixture(scope="module")
def looked(places, tmp_path_factory):
    """
    A run that looks at it closely, with all that Spark can log.
    """
    steps = ["explain", "reversible", "count", "lost_key", "broken_key", "raising"]
    run = Run("spark", places, tmp_path_factory.mktemp("looked"))
    return submitted(run, DRIVER, run.folder, "DEBUG", *steps)


@pytest.fixture(scope="module")
def careless(places, tmp_path_factory):
    """
    A run in which all is done that the page says not to do.
    """
    run = Run("spark", places, tmp_path_factory.mktemp("careless"))
    settings = {
        "spark.executorEnv.CAREOF_KEYS": RING.reveal(),
        "spark.python.worker.reuse": "false",
    }
    steps = ["explain_a_number", "cast", "closure", "count_once"]
    return submitted(run, DRIVER, run.folder, "INFO", *steps, **settings)


def test_each_number_has_the_pseudonym_of_the_core_and_every_other_row_says_why(job, expected):
    assert job.rows("made") == expected["hmac"]


def test_the_other_columns_are_kept_and_the_numbers_are_not(job):
    table = pq.read_table(job.folder / "made")

    assert table.column_names == ["id", "town", "pseudonym", "reason"]
    assert set(table["town"].to_pylist()) == {"Leeds"}
    assert found_in({"table": repr(table.to_pylist()).encode()}, NUMBERS) == []


def test_with_the_other_class_they_are_reversible(looked, expected):
    assert looked.rows("made") == expected["siv"]


def test_the_work_is_planned_once_for_both_columns(looked):
    physical = looked.text("plans").partition("== Parsed")[0]

    assert physical.count("pseudonymized(phone") == 1


def test_each_python_process_of_an_executor_loads_its_key_once(looked):
    notes = looked.notes()

    assert set(notes["load"].values()) == {1}
    assert notes["load"].keys() == notes["work"].keys()
    assert len(notes["load"]) <= 3
    assert notes["work"].total() == 24


def test_without_reuse_of_processes_it_is_once_for_each_task(careless):
    notes = careless.notes()

    assert notes["load"] == notes["work"]
    assert notes["load"].total() == 4


def test_what_is_pickled_for_the_executors_is_the_name_of_a_function(looked):
    pickles = files_below(looked.folder / "pickles").values()
    [command] = {data for data in pickles if b"phones_siv" in data}

    assert b"\nphones_siv\x94\x8c\rpseudonymized\x94\x93" in command
    assert b"careof" not in command


@pytest.mark.parametrize("place", ["pickles", "events", "said"])
def test_no_key_is_seen(job, looked, place):
    contents = files_below(job.folder / place, looked.folder / place)

    assert found_in(contents, [b"pseudonymized"]) != []
    assert found_in(contents, KEYS) == []


@pytest.mark.parametrize("place", ["pickles", "events", "said"])
def test_no_number_is_seen(job, looked, place):
    contents = files_below(job.folder / place, looked.folder / place)

    assert found_in(contents, [b"pseudonymized"]) != []
    assert found_in(contents, NUMBERS) == []


def test_no_plan_has_a_key_or_a_number(looked):
    plans = looked.text("plans").encode()

    assert b"pseudonymized" in plans
    assert found_in({"plans": plans}, KEYS + NUMBERS) == []


@pytest.mark.parametrize(
    "module, error",
    [
        ("phones_lost", "careof.errors.ConfigurationError: The secret"),
        ("phones_broken", "careof.errors.ConfigurationError: KeyRing"),
        ("phones_raising", "careof.errors.PhoneNumberError: phones["),
    ],
)
def test_an_error_of_an_executor_is_in_the_log_of_the_driver(looked, module, error):
    """
    The tests above have found nothing of a key or a number in that log.
    """
    log = looked.text("said/err")

    assert " DEBUG " in log
    assert error in log
    assert f"{module}.py" in log


def test_the_search_finds_a_key_in_a_closure(careless):
    assert found_in(files_below(careless.folder / "pickles"), KEYS) != []


def test_the_search_finds_a_key_among_the_settings_of_a_run(careless):
    assert found_in(files_below(careless.folder / "events"), KEYS) != []


def test_the_search_finds_a_number_in_a_plan_and_in_the_log_of_events(careless):
    assert found_in({"plans": careless.text("plans").encode()}, NUMBERS) == ["plans"]
    assert found_in(files_below(careless.folder / "events"), NUMBERS) != []


def test_the_search_finds_a_number_in_the_error_of_a_cast(careless):
    assert found_in({"log": careless.text("said/err").encode()}, NUMBERS) == ["log"]
