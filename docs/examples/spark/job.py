"""
A table without phone numbers: ``spark-submit --py-files phones.py job.py SOURCE TARGET``.
"""

from __future__ import annotations

import sys

from phones import COLUMNS, pseudonymized
from pyspark.sql import SparkSession
from pyspark.sql.functions import pandas_udf


def main(source: str, target: str) -> None:
    """
    Copy a table of Parquet, with pseudonyms and reasons in place of its phone numbers.
    """
    spark = SparkSession.builder.appName("pseudonyms").getOrCreate()
    people = spark.read.parquet(source)
    made = people.withColumn("made", pandas_udf(pseudonymized, COLUMNS)("phone"))
    made.select(*people.drop("phone").columns, "made.*").write.parquet(target)
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
