"""Spark as others run it, on loopback: a standalone master with two workers, and a Spark Connect server.

What belongs here: starting and stopping these processes. What does not: what is tested on them.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

PATIENCE_SECONDS = 60.0
_LOOPBACK = re.compile(r"^(0100007F|0{16}FFFF00000100007F|0{24}01000000):")  # 127.0.0.1, the same as IPv6, ::1


@dataclass(frozen=True)
class Standalone:
    """A running cluster: its address, and the processes of its workers."""

    master: str
    workers: tuple[int, ...]

    def executors(self) -> list[int]:
        """Process ids of the executors that the workers have started."""
        return [pid for worker in self.workers for pid in _children(worker) if _is_executor(pid)]


@contextmanager
def standalone(folder: Path, workers: int = 2) -> Iterator[Standalone]:
    """A master and its workers, each with one core and 1 GiB; they end with the block."""
    port = _free_port()
    master = f"spark://127.0.0.1:{port}"
    with ExitStack() as running:
        run = ["org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", "0"]
        running.enter_context(_java(run, folder / "master.log"))
        _wait_for(port)
        pids = []
        for number in range(workers):
            run = ["org.apache.spark.deploy.worker.Worker", master, "--host", "127.0.0.1", "--webui-port", "0"]
            run += ["--cores", "1", "--memory", "1g", "--work-dir", str(folder / f"worker-{number}")]
            pids.append(running.enter_context(_java(run, folder / f"worker-{number}.log")))
        yield Standalone(master, tuple(pids))


@contextmanager
def connect_server(folder: Path) -> Iterator[str]:
    """A Spark Connect server in a process of its own; gives its address."""
    port = _free_port()
    options = {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
    }
    run = ["org.apache.spark.deploy.SparkSubmit", "--master", "local[2]", "--driver-memory", "1g"]
    run += [word for name, value in options.items() for word in ("--conf", f"{name}={value}")]
    run += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "spark-internal"]
    with _java(run, folder / "connect.log"):
        _wait_for(port)
        yield f"sc://127.0.0.1:{port}"


@contextmanager
def _java(arguments: Sequence[str], log: Path) -> Iterator[int]:
    """A class of Spark in a Java machine; gives the process id. Its words go to `log`."""
    import pyspark

    home = Path(pyspark.__file__).parent
    environment = {**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_NO_DAEMONIZE": "1"}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(home / "bin" / "spark-class"), *arguments], stdout=out, stderr=out, env=environment, cwd=log.parent
        )
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _children(pid: int) -> list[int]:
    """A child belongs to the thread that started it."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for thread in threads for child in thread.read_text().split()]


def _is_executor(pid: int) -> bool:
    """Java starts programs by a helper, which is a child of the worker for a moment, too."""
    try:
        return b"CoarseGrainedExecutorBackend" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def listening_elsewhere(pid: int) -> list[str]:
    """Sockets of the process and all it has started that listen on anything but loopback, as the kernel writes them."""
    family, sockets = [pid], set[str]()
    for member in family:
        family += _children(member)
        for descriptor in Path(f"/proc/{member}/fd").glob("*"):
            with suppress(OSError):
                sockets.add(str(descriptor.readlink()))
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    listening = {row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets}
    return sorted(place for place in listening if not _LOOPBACK.search(place))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
