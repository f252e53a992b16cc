"""What a user is told when Spark cannot be had. No Java is started here."""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
import time
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

from pipeline.engines.spark import session
from pipeline.engines.spark.session import SparkUnavailable, open_session
from pipeline.sections.spark import Spark
from pipeline.settings import Settings


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with pyspark 4 (as far as its version is asked) and no Java."""
    pyspark = ModuleType("pyspark")
    pyspark.__spec__ = ModuleSpec("pyspark", None)
    pyspark.__version__ = "4.0.1"
    monkeypatch.setitem(sys.modules, "pyspark", pyspark)
    installed(monkeypatch, "pyspark", "py4j")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return tmp_path


def installed(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: ModuleSpec(name, None) if name in names else None)


def install_java(folder: Path, version: str) -> None:
    folder.mkdir(parents=True)
    java = folder / "java"
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-04-15' >&2\n")
    java.chmod(0o755)


def refusal(home: Path, **spark: object) -> str:
    with pytest.raises(SparkUnavailable) as caught:
        open_session(Settings(home=home, spark=Spark(**spark)))
    return str(caught.value)


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def test_pyspark_is_not_installed(home, monkeypatch):
    installed(monkeypatch)
    assert "make setup-spark" in refusal(home)


def test_the_thin_client_starts_no_spark(home, monkeypatch):
    installed(monkeypatch, "pyspark")
    message = refusal(home)
    assert "thin client" in message and "spark.remote" in message


def test_java_is_missing(home):
    message = refusal(home)
    assert "no java is on the PATH" in message and "Install Java 17" in message


def test_java_home_points_nowhere(home, monkeypatch):
    install_java(home / "bin", "17.0.15")  # Spark's launcher does not look here when JAVA_HOME is set
    monkeypatch.setenv("JAVA_HOME", str(home / "no-jdk"))
    assert f"JAVA_HOME is {home / 'no-jdk'}" in refusal(home)


@pytest.mark.parametrize(("spark", "java", "told"), [("4.0.1", "11.0.2", "Java 17"), ("4.3.0", "1.8.0_402", "is 8")])
def test_java_is_too_old(home, monkeypatch, spark, java, told):
    sys.modules["pyspark"].__version__ = spark
    install_java(home / "bin", java)
    message = refusal(home)
    assert told in message and f"Spark {spark}" in message


@pytest.mark.parametrize(("spark", "java"), [("4.0.1", "17.0.15"), ("4.0.1", "21"), ("3.5.6", "1.8.0_402")])
def test_java_is_new_enough(home, spark, java):
    sys.modules["pyspark"].__version__ = spark
    install_java(home / "bin", java)
    session._require_java()


def test_what_is_called_java_is_none(home):
    (home / "bin").mkdir()
    (home / "bin" / "java").write_text("#!/bin/sh\nexit 1\n")
    (home / "bin" / "java").chmod(0o755)
    assert "does not tell its version" in refusal(home)


def test_nobody_listens_at_the_master(home, closed_port):
    install_java(home / "bin", "17.0.15")
    started = time.monotonic()
    message = refusal(home, master=f"spark://127.0.0.1:{closed_port}")
    assert f"port {closed_port}: Connection refused" in message and '"spark.master"' in message
    assert time.monotonic() - started < 10


def test_one_of_several_masters_is_enough(closed_port):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        session._require_any_reachable([("127.0.0.1", closed_port), listening.getsockname()], "spark://…")


def test_nobody_listens_at_the_remote(home, closed_port, monkeypatch):
    monkeypatch.setattr(session, "_require_connect_client", lambda: None)
    message = refusal(home, remote=f"sc://127.0.0.1:{closed_port}/;token=secret")
    assert f"port {closed_port}: Connection refused" in message and '"spark.remote"' in message


def test_a_token_is_not_told(home, closed_port, monkeypatch):
    monkeypatch.setattr(session, "_require_connect_client", lambda: None)
    assert "secret" not in refusal(home, remote=f"sc://127.0.0.1:{closed_port}/;token=secret")


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("spark.example.org", ("spark.example.org", 15002)),
        ("spark.example.org:443/;token=a:1;use_ssl=true", ("spark.example.org", 443)),
        ("[::1]:15002", ("[::1]", 15002)),
    ],
)
def test_the_address_of_a_remote(place, expected):
    assert session._host_and_port(place, 15002) == expected


def test_the_client_of_connect_is_missing(home, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark.sql.connect.session", None)  # a test before this one may have imported it
    assert "pip install -e '.[connect]'" in refusal(home, remote="sc://127.0.0.1")


@pytest.mark.parametrize(
    ("before", "wanted", "inside"),
    [
        (None, True, "127.0.0.1"),
        ("10.0.0.7", True, "127.0.0.1"),
        ("127.0.0.1", False, None),
        ("10.0.0.7", False, "10.0.0.7"),
        (None, False, None),
    ],
)
def test_loopback_is_for_what_stays_in_this_machine(monkeypatch, before, wanted, inside):
    if before is None:
        monkeypatch.delenv("SPARK_LOCAL_IP", raising=False)
    else:
        monkeypatch.setenv("SPARK_LOCAL_IP", before)
    with session._loopback_only(wanted):
        assert os.environ.get("SPARK_LOCAL_IP") == inside
    assert os.environ.get("SPARK_LOCAL_IP") == before


def test_a_local_path_says_so_and_is_not_encoded(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert session.spark_path(Path("/mnt/a lake")) == "file:///mnt/a lake"
    assert session.spark_path(Path("lake")) == f"file://{tmp_path}/lake"


@pytest.mark.parametrize(("master", "level"), [("local[*]", "ERROR"), ("spark://a:7077", "WARN"), ("yarn", "WARN")])
def test_a_cluster_without_a_free_worker_leaves_a_warning(tmp_path, master, level):
    options = session._driver_options(Settings(home=tmp_path, spark={"master": master}), tmp_path)
    assert options["spark.log.level"] == level


def test_only_java_is_made_quiet(tmp_path, capfd):
    log = tmp_path / "spark.log"
    with session._standard_error_in(log):
        os.write(2, b"WARN what Java says\n")
    os.write(2, b"ours\n")
    assert log.read_text() == "WARN what Java says\n"
    assert capfd.readouterr().err == "ours\n"
