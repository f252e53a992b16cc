"""Opening and closing a Spark session: in this machine, on a cluster, or on a Spark Connect server.

What belongs here: how the session is set up, and one clear message for each way in which it cannot be had. What does
not: tables and queries (`spark.py`). pyspark is an extra, so it is imported only inside; nothing here or elsewhere uses
a SparkContext or RDDs, which a Connect server does not have.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import PerennialError
from pipeline.settings import Settings
from pipeline.shipped import to_install

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_LOOPBACK = "127.0.0.1"
_LANGUAGE = "-Duser.language=en -Duser.country=US"
_CONNECT_PORT = 15002
_REACH_SECONDS = 5.0

_SQL_OPTIONS = {
    # One meaning of SQL on both engines (`spark_sql.py` counts on these).
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.caseSensitive": "false",
    # A product keeps its digits behind the point, or fails; by default Spark rounds it in silence.
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    # The same where two DECIMALs come together in one column: since Spark 4 the digits before the point come first.
    "spark.sql.legacy.decimal.retainFractionDigitsOnTruncate": "true",
    # Parquet that DuckDB and everybody else reads alike: real days, microseconds, no INT96.
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    # It makes an invalid plan where both sides of a UNION read one CTE (replenishment_due), and saves next to nothing.
    "spark.sql.optimizer.excludedRules": "org.apache.spark.sql.catalyst.optimizer.RemoveRedundantAliases",
}
"""Options that any session takes, a remote one too."""


class SparkUnavailable(PerennialError):
    """Spark cannot be had as the settings ask for it; the message says why and what to do."""


def open_session(settings: Settings) -> SparkSession:
    """The Spark session that `settings.spark` describes; `settings.spark.config` wins over what is set here.

    A session that is already open in this process is taken over, with the SQL options of this one. What a Java machine
    of ours writes to standard error goes to `data/warehouse/.spill/spark.log` in the home. Raises SparkUnavailable.
    """
    require_available(settings)
    if settings.spark.remote:
        return _open_remote(settings.spark.remote, settings)
    return _open_master(settings.spark.master, settings)


def require_available(settings: Settings) -> None:
    """Look for all that can be looked for without starting Spark, in a second. Raises SparkUnavailable."""
    if settings.spark.remote:
        _require_connect_client()
        _require_server(settings.spark.remote)
        return
    _require_pyspark()
    _require_java()
    if hosts := _master_hosts(settings.spark.master):
        _require_any_reachable(hosts, settings.spark.master)


def spark_path(place: Path) -> str:
    """A local path for Spark: one without a scheme is looked for where a cluster keeps its files (fs.defaultFS).

    Hadoop takes it as it stands, so it is not percent-encoded as a URI would be.
    """
    return f"file://{place.absolute().as_posix()}"


def close_session(session: SparkSession) -> None:
    """Stop the session, and with it the cluster's executors; a remote server goes on without us."""
    session.stop()
    # pyspark notes there that it spoke to a server; a process with the note cannot start Spark on a master any more.
    os.environ.pop("SPARK_CONNECT_MODE_ENABLED", None)


# ---------------------------------------------------------------------------------------------------------------------
# A remote server
# ---------------------------------------------------------------------------------------------------------------------


def _open_remote(remote: str, settings: Settings) -> SparkSession:
    address = shown_address(remote)
    from pyspark.sql import SparkSession

    try:
        builder = SparkSession.builder.remote(remote)
        for name, value in {**_SQL_OPTIONS, **settings.spark.config}.items():
            builder = builder.config(name, value)
        return builder.getOrCreate()
    except Exception as error:
        raise SparkUnavailable(
            f"the Spark Connect server {address} answers on its port, but gives no session: {_first_line(error)}. "
            f"Check that it is Spark Connect, its token and its version."
        ) from error


def _require_server(remote: str) -> None:
    host, port = _host_and_port(remote.removeprefix("sc://"), _CONNECT_PORT)
    _require_reachable(host, port, f"Spark Connect server {shown_address(remote)}", 'a wrong "spark.remote"')


def shown_address(remote: str) -> str:
    """Behind the semicolon may stand a token: it is not repeated in a message."""
    return remote.partition(";")[0].rstrip("/")


def _require_connect_client() -> None:
    try:
        import pyspark.sql.connect.session  # noqa: F401
    except ImportError as error:
        raise SparkUnavailable(
            f'"spark.remote" needs the client of Spark Connect, which is not whole here ({_first_line(error)}). '
            f"Install it: {to_install('connect')}."
        ) from error


# ---------------------------------------------------------------------------------------------------------------------
# A master: Java in this machine, the work here or on a cluster
# ---------------------------------------------------------------------------------------------------------------------


def _open_master(master: str, settings: Settings) -> SparkSession:
    hosts = _master_hosts(master)
    on_loopback = all(host == "localhost" or host.startswith("127.") for host, _ in hosts) and (
        bool(hosts) or master.startswith("local")
    )
    scratch = settings.home / "data" / "warehouse" / ".spill"
    scratch.mkdir(parents=True, exist_ok=True)
    options = {
        **_SQL_OPTIONS,
        **_driver_options(settings, scratch),
        **(_local_options(scratch) if master.startswith("local") else {}),
        **(_LOOPBACK_OPTIONS if on_loopback else {}),
        **settings.spark.config,
    }
    log = scratch / "spark.log"
    with _loopback_only(on_loopback), _standard_error_in(log):
        return _create(master, options, log)


def _master_hosts(master: str) -> list[tuple[str, int]]:
    """Where the masters of a standalone cluster are; none for other kinds of masters."""
    cluster = re.match(r"spark://(.+)$", master)
    return [_host_and_port(place, 7077) for place in cluster[1].split(",")] if cluster else []


def _create(master: str, options: Mapping[str, str], log: Path) -> SparkSession:
    from pyspark.sql import SparkSession

    seen = log.stat().st_size
    try:
        builder = SparkSession.builder.master(master)
        for name, value in options.items():
            builder = builder.config(name, value)
        return builder.getOrCreate()
    except Exception as error:
        raise SparkUnavailable(
            f'Spark does not start with "spark.master" = {master!r}: {_complaint(log, seen) or _first_line(error)}. '
            f'Check the master and "spark.config"; Java\'s own words are in {log}.'
        ) from error


def _complaint(log: Path, seen: int) -> str:
    """What Java said last, in what the log has gained: Python only knows that it went away."""
    said = log.read_bytes()[seen:].decode(errors="replace")
    complaints = [line for line in said.splitlines() if re.match(r"(Exception|Error|Caused by|Unrecognized)\b", line)]
    return complaints[-1].strip().rstrip(".") if complaints else ""


def _driver_options(settings: Settings, scratch: Path) -> dict[str, str]:
    return {
        "spark.app.name": "perennial",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # Kept though nobody looks: a night has thousands of stages, and plans of wide tables take the driver's memory.
        "spark.ui.retainedJobs": "50",
        "spark.ui.retainedStages": "50",
        "spark.ui.retainedTasks": "1000",
        "spark.sql.ui.retainedExecutions": "10",
        # A cluster without a free worker says so as a warning only, and is waited for.
        "spark.log.level": "ERROR" if settings.spark.master.startswith("local") else "WARN",
        "spark.driver.memory": f"{settings.memory_bytes // 2**20}m",
        # lower() must not depend on the language of the machine: I is no ı. Hundreds of queries make classes of their
        # own, and Java would collect all its memory each time when they have filled a bit more.
        "spark.driver.defaultJavaOptions": f"{_LANGUAGE} -XX:MetaspaceSize=1g",
        "spark.executor.defaultJavaOptions": _LANGUAGE,
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.warehouse.dir": spark_path(scratch / "spark-warehouse"),
    }


def _local_options(scratch: Path) -> dict[str, str]:
    """Only where the executors are here too: a folder of this home is no folder of a cluster's machines."""
    return {
        "spark.local.dir": str(scratch / "spark"),
        # 200 are made for a cluster. Adaptive execution joins small ones, it cannot split large ones as well.
        "spark.sql.shuffle.partitions": str(4 * (os.cpu_count() or 2)),
    }


_LOOPBACK_OPTIONS = {"spark.driver.host": _LOOPBACK, "spark.driver.bindAddress": _LOOPBACK}


@contextmanager
def _loopback_only(wanted: bool) -> Iterator[None]:
    """The one switch for what has no option (the ports of local-cluster's master and workers): a variable.

    pandera sets it to loopback when it is imported, and no worker of a real cluster would reach the driver there.
    """
    before = os.environ.get("SPARK_LOCAL_IP")
    if wanted:
        os.environ["SPARK_LOCAL_IP"] = _LOOPBACK
    elif before == _LOOPBACK:
        del os.environ["SPARK_LOCAL_IP"]
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("SPARK_LOCAL_IP", None)
        else:
            os.environ["SPARK_LOCAL_IP"] = before


@contextmanager
def _standard_error_in(log: Path) -> Iterator[None]:
    """Java writes warnings of its own before any log level counts. It keeps the standard error it is started with."""
    sys.stderr.flush()
    ours = os.dup(2)
    try:
        with log.open("ab") as file:
            os.dup2(file.fileno(), 2)
        yield
    finally:
        os.dup2(ours, 2)
        os.close(ours)


# ---------------------------------------------------------------------------------------------------------------------
# What must be there first
# ---------------------------------------------------------------------------------------------------------------------


def _require_pyspark() -> None:
    if importlib.util.find_spec("pyspark") is None:
        raise SparkUnavailable(f'engine = "spark" needs pyspark, which is not here. Install it: {to_install("spark")}.')
    if importlib.util.find_spec("py4j") is None:
        raise SparkUnavailable(
            'only the thin client of Spark Connect is installed, and it cannot start Spark. Set "spark.remote" to a '
            f"server (sc://host:port), or install the whole of it: {to_install('spark')}."
        )


def _require_java() -> None:
    """Java where Spark's own launcher looks for it, and new enough for the installed Spark."""
    import pyspark

    least = 17 if int(pyspark.__version__.partition(".")[0]) >= 4 else 8
    remedy = f"Install Java {max(least, 17)} (Debian: apt install openjdk-17-jre-headless), or set JAVA_HOME to one"
    java_home = os.environ.get("JAVA_HOME")
    java = str(Path(java_home) / "bin" / "java") if java_home else shutil.which("java")
    if java is None or not os.access(java, os.X_OK):
        where = f"JAVA_HOME is {java_home}, and there is no bin/java in it" if java_home else "no java is on the PATH"
        raise SparkUnavailable(f"Spark needs Java: {where}. {remedy}.")
    version = _java_version(java)
    if version is None:
        raise SparkUnavailable(f"Spark needs Java, and {java} does not tell its version. {remedy}.")
    if version < least:
        raise SparkUnavailable(
            f"Spark {pyspark.__version__} needs Java {least} or newer, {java} is {version}. {remedy}."
        )


def _java_version(java: str) -> int | None:
    """8 for "1.8.0_402", 17 for "17.0.15"; None for what is no Java."""
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=True).stderr  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(found[1]) if found else None


def _host_and_port(place: str, default: int) -> tuple[str, int]:
    """Of "host:port/;token=…": the parameters of a Connect address do not matter here."""
    address = re.split(r"[/;]", place, maxsplit=1)[0]
    host, colon, port = address.rpartition(":")
    return (host, int(port)) if colon and port.isdigit() else (address, default)


def _require_any_reachable(hosts: list[tuple[str, int]], master: str) -> None:
    """One of several masters is enough: the others stand by."""
    for host, port in hosts[:-1]:
        try:
            return _require_reachable(host, port, "", "")
        except SparkUnavailable:
            continue
    _require_reachable(*hosts[-1], f"Spark master {master}", 'a wrong "spark.master"')


def _require_reachable(host: str, port: int, what: str, mistake: str) -> None:
    """Ask the port first: Spark itself tries again for minutes."""
    try:
        socket.create_connection((host.strip("[]"), port), timeout=_REACH_SECONDS).close()
    except OSError as error:
        raise SparkUnavailable(
            f"the {what} cannot be reached: {host}, port {port}: {error.strerror or error}. "
            f"Is it running, is a firewall between, or is this {mistake}?"
        ) from error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(".")
