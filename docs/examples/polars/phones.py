"""
Pseudonyms for a column of phone numbers, in a lazy query of Polars.
"""

from __future__ import annotations

import functools
import os
import threading

import polars as pl

from careof import Secret
from careof.pseudonyms import HmacPseudonymizer, KeyRing

MADE = pl.Struct({"pseudonym": pl.String, "reason": pl.String})
LOADING = threading.Lock()


def pseudonymizer() -> HmacPseudonymizer:
    """
    One for all threads of Polars.
    """
    with LOADING:  # a cache alone lets the first of them load it side by side
        return load()


@functools.cache
def load() -> HmacPseudonymizer:
    """
    Built once, when the query runs, from a file that this machine can read.
    """
    path = os.environ.get("CAREOF_KEYRING", "/etc/careof/keyring.json")
    keyring = KeyRing.parse(Secret.from_file(path))
    return HmacPseudonymizer(keyring, "tenant-12", region="GB")


def pseudonymized(phones: pl.Series) -> pl.Series:
    """
    The pseudonym of each number, or the reason why it has none; nulls for a null.
    """
    places = phones.is_not_null().arg_true()
    reasons: list[str | None] = [None] * len(places)

    def explain(position: int, error: Exception) -> None:
        reasons[position] = str(error)  # which never repeats the number

    def spread(values: list[str | None]) -> pl.Series:
        return pl.Series([None] * len(phones), dtype=pl.String).scatter(places, values)

    pseudonyms = pseudonymizer().pseudonymize_many(phones.drop_nulls().to_list(), on_error=explain)
    columns = {"pseudonym": spread(pseudonyms), "reason": spread(reasons)}
    return pl.DataFrame(columns).to_struct(phones.name)


def without_numbers(people: pl.LazyFrame) -> pl.LazyFrame:
    """
    *people* with pseudonyms and reasons in place of their phone numbers.
    """
    made = pl.col("phone").map_batches(pseudonymized, return_dtype=MADE, is_elementwise=True)
    return people.with_columns(made=made).drop("phone").unnest("made")
