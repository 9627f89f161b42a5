"""
A table of people in Parquet, its keys, and what the core makes of it.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from careof.pseudonyms import HmacPseudonymizer, SivPseudonymizer
from tests.recipes.searching import REGION, RING, TENANT

COUNT = 4000
WRITTEN = [  # ways to write a number, and what is none
    "+442079460{:03}",
    "+44 20 7946 0{:03}",
    "020 7946 0{:03}",
    "0044 20-7946-0{:03}",
    "+442079460{:03}",
    None,
    "ask Kim about 207946 0{:03}",
    "+442079460{:03} ext. 4",
    "",
]
SCHEMES = {"hmac": HmacPseudonymizer, "siv": SivPseudonymizer}


def phones():
    """
    The column of the table.
    """
    for at in range(COUNT):
        written = WRITTEN[at % len(WRITTEN)]
        yield None if written is None else written.format(at % 1000)


@pytest.fixture(scope="session")
def places(tmp_path_factory):
    """
    A folder with ``people.parquet`` and ``keyring.json``.
    """
    folder = tmp_path_factory.mktemp("places")
    table = pa.table(
        {
            "id": range(COUNT),
            "phone": pa.array(phones(), pa.string()),
            "town": ["Leeds"] * COUNT,
        }
    )
    pq.write_table(table, folder / "people.parquet", row_group_size=500)
    (folder / "keyring.json").write_text(RING.reveal(), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def expected():
    """
    For each scheme what the core makes of the table: id to pseudonym and reason.
    """
    return {name: dict(_rows(scheme)) for name, scheme in SCHEMES.items()}


def _rows(scheme):
    numbers = {at: phone for at, phone in enumerate(phones()) if phone is not None}
    ids, reasons = list(numbers), {}
    made = scheme(RING, TENANT, region=REGION).pseudonymize_many(
        numbers.values(), on_error=lambda at, error: reasons.update({ids[at]: str(error)})
    )
    pseudonyms = dict(zip(ids, made, strict=True))
    return ((at, (pseudonyms.get(at), reasons.get(at))) for at in range(COUNT))
