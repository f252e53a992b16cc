"""A Spark session in this machine, for the tests that compare it with DuckDB. They skip where there is no Spark."""

import importlib.util

import pytest
from nasty import QUICK

from pipeline.engines.spark.session import SparkUnavailable, open_session, require_available
from pipeline.sections.spark import Spark
from pipeline.settings import Settings


@pytest.fixture(scope="session")
def needs_spark(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skip where pyspark or Java is missing; `.ci/run` installs both."""
    if importlib.util.find_spec("pyspark") is None:
        pytest.skip("pyspark is not installed: make setup-spark")
    try:
        require_available(Settings(home=tmp_path_factory.mktemp("nothing")))
    except SparkUnavailable as error:
        if "Java" not in str(error):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory, needs_spark: None) -> object:
    """The session on this machine, which stays open for the next module that asks for it; the process ends it.

    Who needs another master closes it first (`nasty.on_spark`): a session that is open would be taken over.
    """
    # The tables have a dozen rows: one partition, and no time for Java to optimise what runs once.
    config = {**QUICK, "spark.driver.memory": "1g", "spark.sql.shuffle.partitions": "1"}
    return open_session(Settings(home=tmp_path_factory.mktemp("spark"), spark=Spark(master="local[2]", config=config)))
