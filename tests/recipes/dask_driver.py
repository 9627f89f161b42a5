"""
What a client does with the recipe, on a cluster of this machine: ``dask_driver.py FOLDER``.

The client finds no key; the workers are told where theirs is by their environment.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import pathlib
import sys
import traceback

import cloudpickle
import dask.dataframe as dd
import pandas as pd
from distributed import Client, LocalCluster
from distributed.protocol import pickle

FOLDER = pathlib.Path(sys.argv[1])


def record_pickles():
    """
    Keep what the client pickles for the others, one file each.
    """
    usual, count = pickle.dumps, iter(range(10_000))

    def dumps(thing, *arguments, **options):
        data = usual(thing, *arguments, **options)
        (FOLDER / "pickles" / f"{next(count)}").write_bytes(data)
        return data

    pickle.dumps = dumps


def keep_graph(table, name):
    path = FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cloudpickle.dumps(dict(table.optimize().__dask_graph__())))


def people():
    return dd.read_parquet(FOLDER / "people.parquet", split_row_groups=1)


def module(client, name):
    client.upload_file(str(FOLDER / f"{name}.py"))
    return importlib.import_module(name)


def failing(client, name, table):
    try:
        module(client, name).without_numbers(table).compute()
    except Exception:
        traceback.print_exc()
        return
    sys.exit(f"{name} did not fail")


def work(client):
    module(client, "phones")  # which the next one imports
    counted = module(client, "phones_counted")
    for _ in range(3):
        meta = {"pseudonym": "string", "reason": "string"}
        people()["phone"].map_partitions(counted.pseudonymized, meta=meta).compute()
    for name, target in {"phones": "hmac", "phones_siv": "siv"}.items():
        table = module(client, name).without_numbers(people())
        table.pprint()
        keep_graph(table, f"pickles/graph of {name}")
        table.to_parquet(FOLDER / target, write_index=False)
    phones = importlib.import_module("phones")
    table = phones.without_numbers(people().map_partitions(lambda part: part.set_index("town")))
    table.to_parquet(FOLDER / "one label", write_index=False)
    for name in ["phones_lost", "phones_broken", "phones_raising"]:
        failing(client, name, people())


def careless(client):
    """
    What nobody should write: a key in a closure, no meta, numbers in the graph.
    """
    key = (FOLDER / "keyring.json").read_text()
    table = people()["phone"].map_partitions(lambda phones: phones.map(lambda _: key))
    keep_graph(table, "careless/key/graph")
    try:
        people()["phone"].map_partitions(importlib.import_module("phones").pseudonymized)
    except Exception:
        (FOLDER / "careless" / "without meta").write_text(traceback.format_exc())
    held = dd.from_pandas(pd.read_parquet(FOLDER / "people.parquet"), npartitions=2)
    table = module(client, "phones").without_numbers(held)
    keep_graph(table, "careless/numbers/graph")


def main():
    record_pickles()
    cluster = LocalCluster(
        n_workers=2,
        threads_per_worker=2,
        host="127.0.0.1",
        dashboard_address=None,
        local_directory=FOLDER / "scratch",
        env=json.loads(os.environ["OF_WORKERS"]),
    )
    with cluster, Client(cluster) as client:
        work(client)
        careless(client)


if __name__ == "__main__":  # workers are new processes, which import this file
    faulthandler.dump_traceback_later(140, exit=True)  # what hangs says where
    main()
