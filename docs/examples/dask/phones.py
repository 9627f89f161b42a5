"""
Pseudonyms for a column of phone numbers, made on the workers of Dask.

What the graph carries of this file is the name of a function.
"""

from __future__ import annotations

import functools
import os
import threading

import dask.dataframe as dd
import pandas as pd

from careof import Secret
from careof.pseudonyms import HmacPseudonymizer, KeyRing

COLUMNS = {"pseudonym": "string", "reason": "string"}
LOADING = threading.Lock()


def pseudonymizer() -> HmacPseudonymizer:
    """
    One for all threads of a worker.
    """
    with LOADING:  # a cache alone lets the first of them load it side by side
        return load()


@functools.cache
def load() -> HmacPseudonymizer:
    """
    Built once in each process, from a file that its worker can read.
    """
    path = os.environ.get("CAREOF_KEYRING", "/etc/careof/keyring.json")
    keyring = KeyRing.parse(Secret.from_file(path))
    return HmacPseudonymizer(keyring, "tenant-12", region="GB")


def pseudonymized(phones: pd.Series) -> pd.DataFrame:
    """
    The pseudonym of each number, or the reason why it has none; nulls for a null.
    """
    is_there = phones.notna().to_numpy()
    reasons: list[str | None] = [None] * int(is_there.sum())

    def explain(position: int, error: Exception) -> None:
        reasons[position] = str(error)  # which never repeats the number

    pseudonyms = pseudonymizer().pseudonymize_many(phones[is_there].tolist(), on_error=explain)
    table = pd.DataFrame(None, phones.index, list(COLUMNS), dtype="string")
    table.loc[is_there, "pseudonym"] = pseudonyms
    table.loc[is_there, "reason"] = reasons
    return table


def without_numbers(people: dd.DataFrame) -> dd.DataFrame:
    """
    *people* with pseudonyms and reasons in place of their phone numbers.
    """
    # Without meta, Dask would try the function here, where no key is to be.
    made = people["phone"].map_partitions(pseudonymized, meta=COLUMNS)
    return people.drop(columns="phone").assign(**{name: made[name] for name in COLUMNS})
