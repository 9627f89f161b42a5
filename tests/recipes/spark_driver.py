"""
What a driver does with the recipe, in one session; the tests look at what is left behind.

``spark_driver.py FOLDER LEVEL STEP...`` with the modules that it ships in FOLDER.
"""

from __future__ import annotations

import contextlib
import importlib
import pathlib
import sys
import traceback

import pandas as pd
from pyspark.serializers import CloudPickleSerializer
from pyspark.sql import SparkSession
from pyspark.sql.functions import pandas_udf

FOLDER = pathlib.Path(sys.argv[1])
MODES = ["simple", "extended", "codegen", "cost", "formatted"]
STEPS = {}


def step(function):
    STEPS[function.__name__] = function
    return function


def record_pickles():
    """
    Keep what the driver pickles for its executors, one file each.
    """
    usual, count = CloudPickleSerializer.dumps, iter(range(10_000))

    def dumps(self, thing):
        data = usual(self, thing)
        (FOLDER / "pickles" / f"{next(count)}").write_bytes(data)
        return data

    CloudPickleSerializer.dumps = dumps


def people(spark):
    return spark.read.parquet(str(FOLDER / "people.parquet"))


def made_by(spark, module, table=None):
    """
    As `job.py` does it, with another module.
    """
    spark.sparkContext.addPyFile(str(FOLDER / f"{module}.py"))
    work = importlib.import_module(module).pseudonymized
    table = table or people(spark)
    made = table.withColumn("made", pandas_udf(work, "pseudonym string, reason string")("phone"))
    return made.select(*table.drop("phone").columns, "made.*")


def run(table):
    table.write.format("noop").mode("overwrite").save()


@step
def explain(spark):
    table = made_by(spark, "phones")
    with (FOLDER / "plans").open("w") as file, contextlib.redirect_stdout(file):
        for mode in MODES:
            table.explain(mode=mode)


@step
def explain_a_number(spark):
    table = people(spark).where("phone = '+442079460018'")
    with (FOLDER / "plans").open("w") as file, contextlib.redirect_stdout(file):
        table.explain(mode="simple")
    run(table)


@step
def reversible(spark):
    made_by(spark, "phones_siv").write.parquet(str(FOLDER / "made"))


@step
def count(spark):
    for _ in range(3):
        count_once(spark, tasks=8)


@step
def count_once(spark, tasks=4):
    spark.sparkContext.addPyFile(str(FOLDER / "phones.py"))
    run(made_by(spark, "phones_counted", people(spark).repartition(tasks)))


def failing(table):
    try:
        run(table)
    except Exception:
        traceback.print_exc()
        return
    sys.exit("it did not fail")


@step
def lost_key(spark):
    failing(made_by(spark, "phones_lost"))


@step
def broken_key(spark):
    failing(made_by(spark, "phones_broken"))


@step
def raising(spark):
    failing(made_by(spark, "phones_raising"))


@step
def cast(spark):
    failing(people(spark).selectExpr("cast(phone as bigint)"))


@step
def closure(spark):
    """
    What nobody should write: a key that the function closes over.
    """
    key = (FOLDER / "keyring.json").read_text()

    def work(phones: pd.Series) -> pd.Series:
        return phones.notna() * len(key)

    table = people(spark)
    run(table.select(pandas_udf(work, "long")("phone")))


def main():
    spark = SparkSession.builder.getOrCreate()
    spark.sparkContext.setLogLevel(sys.argv[2])
    record_pickles()
    for name in sys.argv[3:]:
        STEPS[name](spark)
    spark.stop()


main()
