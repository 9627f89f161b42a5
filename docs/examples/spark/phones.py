"""
Pseudonyms for a column of phone numbers, made where its rows are.

`job.py` ships this file to the executors; what Spark carries of it is a name.
"""

from __future__ import annotations

import functools
import os

import pandas as pd

from careof import Secret
from careof.pseudonyms import HmacPseudonymizer, KeyRing

COLUMNS = "pseudonym string, reason string"


@functools.cache
def pseudonymizer() -> HmacPseudonymizer:
    """
    Built once in each Python process, from a file that its executor can read.
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
    table = pd.DataFrame(None, phones.index, ["pseudonym", "reason"], dtype="string")
    table.loc[is_there, "pseudonym"] = pseudonyms
    table.loc[is_there, "reason"] = reasons
    return table
