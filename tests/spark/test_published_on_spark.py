"""Spark, too, reads all that is published: a table's folder, a glob, one file."""

from pathlib import Path

import pytest
from homes import DAYS, Home
from readers_of_tables import FILE, FOLDER, GLOB, wrong

from pipeline.tables.catalog import ours

pytestmark = pytest.mark.timeout(600)  # Java machines start slowly where much else runs


@pytest.fixture(scope="module")
def two_nights(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home.made(tmp_path_factory.mktemp("readers") / "home")
    home.drop("orders.csv")
    assert all(home.run(day).success for day in DAYS[:2])
    return home


@pytest.mark.parametrize("way", [FOLDER, GLOB, FILE])
def test_spark_reads_every_published_table(two_nights: Home, spark, way: str) -> None:
    def read(path: str) -> list[object]:
        return [row[0] for row in spark.read.parquet(path).select("snapshot_date").collect()]

    folder: Path = two_nights.folder
    tried = [wrong(folder, table.name, DAYS[:2], "Spark", read, way) for table in ours().published]
    assert len(tried) > 40
    assert [problem for problem in tried if problem] == []
