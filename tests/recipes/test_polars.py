"""
The recipe for Polars: what comes out, and what is seen of it elsewhere.
"""

from __future__ import annotations

import importlib
import sys
import threading
import traceback

import polars as pl
import pytest

from careof.errors import ConfigurationError, PhoneNumberError
from tests.recipes.running import EXAMPLES, variants_of
from tests.recipes.searching import KEYS, NUMBERS, RING, found_in

RECIPE = (EXAMPLES / "polars" / "phones.py").read_text(encoding="utf-8")
ENGINES = ["in-memory", "streaming"]
CLASSES = {"hmac": "phones", "siv": "phones_siv"}


@pytest.fixture
def recipe(places, tmp_path, monkeypatch):
    """
    Imports the variant of the recipe with a name.
    """
    monkeypatch.setenv("CAREOF_KEYRING", str(places / "keyring.json"))
    monkeypatch.setenv("CAREOF_BROKEN", str(tmp_path / "broken.json"))
    (tmp_path / "broken.json").write_text(RING.reveal()[:-1], encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    def imported(name):
        (tmp_path / f"{name}.py").write_text(variants_of(RECIPE)[name], encoding="utf-8")
        monkeypatch.delitem(sys.modules, name, raising=False)
        return importlib.import_module(name)

    return imported


@pytest.fixture
def people(places):
    return pl.scan_parquet(places / "people.parquet")


def rows_of(frame):
    return {row["id"]: (row["pseudonym"], row["reason"]) for row in frame.to_dicts()}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("scheme", list(CLASSES))
def test_each_number_has_the_pseudonym_of_the_core_and_every_other_row_says_why(
    recipe, people, expected, engine, scheme
):
    frame = recipe(CLASSES[scheme]).without_numbers(people).collect(engine=engine)

    assert rows_of(frame) == expected[scheme]


def test_a_table_goes_from_file_to_file_without_being_in_memory(
    recipe, people, expected, tmp_path
):
    recipe("phones").without_numbers(people).sink_parquet(tmp_path / "made.parquet")
    frame = pl.read_parquet(tmp_path / "made.parquet")

    assert rows_of(frame) == expected["hmac"]
    assert frame.columns == ["id", "town", "pseudonym", "reason"]


@pytest.mark.parametrize("phones", [[], [None, None]], ids=["none", "nulls"])
def test_a_column_without_numbers_keeps_its_length(recipe, phones):
    people = pl.LazyFrame(
        {"id": range(len(phones)), "phone": phones}, schema_overrides={"phone": pl.String}
    )
    frame = recipe("phones").without_numbers(people).collect()

    assert rows_of(frame) == dict.fromkeys(range(len(phones)), (None, None))


def test_the_threads_of_polars_load_the_key_once(recipe, people, monkeypatch):
    phones = recipe("phones")
    usual, loads = phones.KeyRing, []
    slow = threading.Event()

    class Counted:
        @staticmethod
        def parse(secret):
            loads.append(threading.get_ident())
            slow.wait(0.2)  # the others come meanwhile
            return usual.parse(secret)

    monkeypatch.setattr(phones, "KeyRing", Counted)
    phones.without_numbers(people).collect(engine="streaming")
    phones.without_numbers(people).collect(engine="streaming")

    assert len(loads) == 1


def test_no_plan_has_a_key_or_a_number(recipe, people):
    table = recipe("phones").without_numbers(people)
    seen = {engine: table.explain(engine=engine).encode() for engine in ENGINES}
    seen["pickle"] = table.serialize()

    assert b"\x06phones\x94\x8c\rpseudonymized\x94\x93" in seen["pickle"]
    assert found_in(seen, KEYS + NUMBERS) == []


@pytest.mark.parametrize(
    "variant, error",
    [
        ("phones_lost", ConfigurationError),
        ("phones_broken", ConfigurationError),
        ("phones_raising", PhoneNumberError),
    ],
)
def test_an_error_has_no_key_and_no_number(recipe, people, variant, error, capfd):
    with pytest.raises(error) as caught:
        recipe(variant).without_numbers(people).collect()
    said = "".join([*traceback.format_exception(caught.value), *capfd.readouterr()])

    assert variant in said
    assert found_in({"said": said.encode()}, KEYS + NUMBERS) == []


def test_the_search_finds_a_key_in_a_closure(people):
    key = RING.reveal()
    table = people.select(
        pl.col("phone").map_batches(lambda phones: phones == key, return_dtype=pl.Boolean)
    )

    assert found_in({"pickle": table.serialize()}, KEYS) == ["pickle"]


def test_the_search_finds_a_number_in_a_plan(people):
    plan = people.filter(pl.col("phone") == "+442079460018").explain()

    assert found_in({"plan": plan.encode()}, NUMBERS) == ["plan"]
