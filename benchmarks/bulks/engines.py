"""
One engine at work: ``engines.py ENGINE FOLDER``; for each line that it reads it makes a table.

``engines.py table FOLDER ROWS`` makes what they read: numbers in E.164 form out of those that are
kept for fiction, and in each hundredth row none.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import sys
import time
from collections.abc import Callable, Iterator

EXAMPLES = pathlib.Path(__file__).parents[2] / "docs" / "examples"
GROUP = 65_536  # rows, for Parquet and for the core

Work = Callable[[pathlib.Path, pathlib.Path], object]


def make_table(folder: pathlib.Path, rows: int) -> None:
    """
    Write the table and the key ring that all engines read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from careof.pseudonyms import KeyRing

    phones = [
        None if at % 100 == 0 else f"+1{200 + at // 100 % 800}55501{at % 100:02}"
        for at in range(rows)
    ]
    table = pa.table({"id": range(rows), "phone": pa.array(phones, pa.string())})
    pq.write_table(table, folder / "people.parquet", row_group_size=GROUP)
    (folder / "keyring.json").write_text(KeyRing.generate().reveal(), encoding="utf-8")


@contextlib.contextmanager
def core() -> Iterator[Work]:
    """
    A loop over batches, without an engine.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from careof import Secret
    from careof.pseudonyms import HmacPseudonymizer, KeyRing

    keyring = KeyRing.parse(Secret.from_file(os.environ["CAREOF_KEYRING"]))
    pseudonymizer = HmacPseudonymizer(keyring, "tenant-12", region="GB")
    schema = pa.schema([("id", pa.int64()), ("pseudonym", pa.string()), ("reason", pa.string())])

    def columns_of(batch: pa.RecordBatch) -> list[pa.Array]:
        phones, reasons = batch["phone"], {}
        made = pseudonymizer.pseudonymize_many(
            phones.drop_null().to_pylist(),
            on_error=lambda at, error: reasons.update({at: str(error)}),
        )
        told = [reasons.get(at) for at in range(len(made))]
        is_there = pc.is_valid(phones)
        empty = pa.nulls(len(phones), pa.string())
        spread = [
            pc.replace_with_mask(empty, is_there, pa.array(values, pa.string()))
            for values in (made, told)
        ]
        return [batch["id"], *spread]

    def work(source: pathlib.Path, target: pathlib.Path) -> None:
        with pq.ParquetWriter(target, schema) as writer:
            for batch in pq.ParquetFile(source).iter_batches(GROUP):
                writer.write_batch(pa.record_batch(columns_of(batch), schema=schema))

    yield work


@contextlib.contextmanager
def polars() -> Iterator[Work]:
    """
    The recipe for Polars, from file to file.
    """
    os.environ["POLARS_MAX_THREADS"] = "2"
    import phones
    import polars as pl

    yield lambda source, target: phones.without_numbers(pl.scan_parquet(source)).sink_parquet(
        target
    )


@contextlib.contextmanager
def dask() -> Iterator[Work]:
    """
    The recipe for Dask, on two processes.
    """
    import dask.dataframe as dd
    import phones
    from distributed import Client, LocalCluster

    def work(source: pathlib.Path, target: pathlib.Path) -> None:
        people = dd.read_parquet(source, split_row_groups=4)
        phones.without_numbers(people).to_parquet(target, write_index=False)

    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    )
    with cluster, Client(cluster) as client:
        client.upload_file(phones.__file__)
        yield work


@contextlib.contextmanager
def spark() -> Iterator[Work]:
    """
    The recipe for Spark, on two threads of its executor.
    """
    os.environ |= {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    import phones
    from pyspark.sql import SparkSession
    from pyspark.sql.functions import pandas_udf

    session = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    running = session.config("spark.ui.showConsoleProgress", "false").getOrCreate()
    running.sparkContext.addPyFile(phones.__file__)
    made = pandas_udf(phones.pseudonymized, phones.COLUMNS)

    def work(source: pathlib.Path, target: pathlib.Path) -> None:
        people = running.read.parquet(str(source)).withColumn("made", made("phone"))
        people.select("id", "made.*").write.parquet(str(target))

    yield work
    running.stop()


ENGINES = {"core": core, "polars": polars, "dask": dask, "spark": spark}


def main(name: str, folder: pathlib.Path, rows: str = "") -> None:
    """
    Make a table of *rows* for all, or let one engine work whenever it is told to.
    """
    if name == "table":
        make_table(folder, int(rows))
        return
    sys.path.insert(0, str(EXAMPLES / name))
    os.environ["CAREOF_KEYRING"] = str(folder / "keyring.json")
    os.chdir(folder)  # where they may leave what they like
    with ENGINES[name]() as work:
        print("ready", flush=True)
        for turn, _ in enumerate(sys.stdin):
            begun = time.perf_counter()
            work(folder / "people.parquet", folder / f"{name}-{turn}")
            print(time.perf_counter() - begun, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]), *sys.argv[3:])
