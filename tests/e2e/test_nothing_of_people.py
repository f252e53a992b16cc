"""What people are called, and how they are reached, leaves an export for people and quarantine and for nowhere else.

Names, addresses, numbers are planted wherever an export may hold them. Then every byte of the home is read, inside
databases, Parquet and archives too, after a run that publishes, one that fails, one that is killed, and an alert.
"""

import datetime as dt
import gzip
import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import polars as pl
import pytest
from homes import WARSAW, Home, order_rows

from pipeline.failures import explain
from pipeline.schedules import send_alert
from pipeline.settings import load

DAY = "2026-02-28"
MAIL, PHONE, NAME, CARD = "zuzanna.planted@example.org", "+48555014277", "Zuzanna Plantowska", "4111111111111234"
PLANTED = {what.encode() for what in (MAIL, PHONE, NAME, CARD, "Plantowska", "planted@", "555014277", "411111111111")}
MAY_HOLD_THEM = ("data/quarantine", "data/audiences", "data/people", "people")
HEADER = "order_id,customer_id,ordered_at,amount,quantity,Buyer,Contact,Card"


def orders(bad: list[str], good: int = 120) -> str:
    rows = order_rows(dt.date(2026, 1, 1), dt.date(2026, 3, 31), 1)[:good]
    return "\n".join([HEADER, *(",".join((*row, "1", NAME, MAIL, CARD)) for row in rows), *bad]) + "\n"


IN_WRONG_CELLS = [
    f"b1,c1,2026-02-01,{MAIL},1,,,", f"b2,c1,{NAME} {PHONE},5,1,,,", f"b3,c1,2026-02-01,5,{CARD},,,",
    f"b4,c1,2026-02-01,{CARD},1,,,", f"{NAME},{MAIL}", f'b5,"{MAIL},2026-02-01,5,1,{NAME},,',
    f"b6,c1,2026-02-01,5,1,{NAME},{MAIL},{CARD},{PHONE}",
]  # fmt: skip


def plant(folder: Path) -> dict[str, list[Path]]:
    """Exports of a night that publishes: source -> files."""
    folder.mkdir()
    (folder / "orders.csv").write_text(orders(IN_WRONG_CELLS))
    people = [f"c{n:03d},2026-01-01,{NAME},{MAIL},{PHONE}" for n in range(20)]
    people += [f"c030,{MAIL},{NAME},,", f"{NAME};{MAIL}", f",2026-01-01,{NAME},{MAIL},{PHONE}"]
    with gzip.open(folder / "people.csv.gz", "wt", encoding="cp1250") as file:
        file.write("\n".join(["customer_id,registered_at,name,e-mail,phone", *people]) + "\n")
    lines = [{"order_id": f"j{n}", "customer_id": "c001", "ordered_at": "2026-02-03", "amount": 5} for n in range(20)]
    broken = [
        f'"{MAIL}"',
        f'{{"order_id": "j9", "{MAIL}": ',
        json.dumps({"order_id": NAME, MAIL: PHONE, "amount": CARD}),
    ]
    (folder / "lines.jsonl").write_text("\n".join([*map(json.dumps, lines), *broken]) + "\n")
    plan = [f"revenue,2026-{month:02d},100" for month in range(1, 13)]
    plan += [f"orders,2026-01,{CARD[:4]}x{MAIL}", f"{NAME},{MAIL},1"]
    (folder / "plan.csv").write_text("\n".join(["kpi,period,value", *plan]) + "\n")
    shopify = (
        "Name,Email,Financial Status,Currency,Subtotal,Total,Created at,Lineitem quantity,Lineitem name,"
        "Lineitem price,Billing Name,Phone"
    )
    goods, buyer = "1,Tea,10.00", f"{NAME},{PHONE}"
    sold = [f"#{n},{MAIL},paid,EUR,10.00,10.00,2026-02-0{n} 10:00:00 +0100,{goods},{buyer}" for n in range(1, 9)]
    sold.append(f"#9,{MAIL},paid,EUR,{PHONE},10.00,{NAME},1,Tea,{CARD}0000,{buyer}")
    (folder / "shopify.csv").write_text("\n".join([shopify, *sold]) + "\n")
    own = "own.planted@example.org"  # of one customer, whom a service knows by it alone
    (folder / "own.csv").write_text(f"customer_id,registered_at,email,first_name\nc777,2026-01-01,{own},{NAME}\n")
    sent = {"id": 1, "camp_id": 7, "campaign name": NAME, "event": "delivered", "ts_event": 1_769_900_000, "email": own}
    (folder / "sent.jsonl").write_text(json.dumps(sent) + "\n")
    ours = [folder / name for name in ("orders.csv", "people.csv.gz", "own.csv", "lines.jsonl", "plan.csv")]
    return {"perennial": ours, "shopify_orders": [folder / "shopify.csv"], "brevo": [folder / "sent.jsonl"]}


def plant_what_fails(folder: Path) -> dict[str, list[Path]]:
    """Too much that does not fit; rows without a header line; names told twice; dates and numbers in doubt."""
    (folder / "bad.csv").write_text(orders(IN_WRONG_CELLS * 30, good=20))
    (folder / "headless.csv").write_text(f"{NAME},{MAIL},{PHONE},{CARD}\n{NAME},{MAIL},{PHONE},{CARD}\n")
    (folder / "twice.csv").write_text(f"{MAIL},{NAME},{MAIL}\n1,2,3\n")
    (folder / "doubt.csv").write_text(f"order_id,customer_id,ordered_at,amount,Buyer\no1,c1,04/11/2026,5,{NAME}\n")
    return {"perennial": [folder / name for name in ("bad.csv", "headless.csv", "twice.csv", "doubt.csv")]}


# ── looking ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def found_in(home: Path, skipped: tuple[str, ...] = MAY_HOLD_THEM) -> dict[str, set[bytes]]:
    """File -> what of people it holds."""
    files = [path for path in home.rglob("*") if path.is_file() and not path.is_symlink()]
    given = {path: path.read_bytes() for path in files}  # first: to open a database is to tidy up beside it
    names = {path: path.relative_to(home).as_posix() for path in files}
    seen = {
        name: planted_in(given[path] + what_programs_read(path, given[path]))
        for path, name in names.items()
        if not name.startswith(skipped)
    }
    return {name: held for name, held in seen.items() if held}


def planted_in(content: bytes) -> set[bytes]:
    lowered = content.lower()
    return {what for what in PLANTED if what.lower() in lowered}


def what_programs_read(path: Path, content: bytes) -> bytes:
    """What is packed or spread in the bytes of a file."""
    if path.suffix == ".parquet":
        return pl.read_parquet(path).write_ndjson().encode()
    if path.suffix == ".duckdb":
        with closing(duckdb.connect(str(path), read_only=True)) as warehouse:
            tables = warehouse.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
            return repr(
                [warehouse.execute(f'SELECT * FROM "{schema}"."{name}"').fetchall() for schema, name in tables]
            ).encode()
    if content.startswith(b"SQLite format 3"):
        with closing(sqlite3.connect(path)) as database:
            return "\n".join(database.iterdump()).encode()
    return b""


def modes(home: Path) -> set[int]:
    return {stat.S_IMODE(path.lstat().st_mode) for path in (home, *home.rglob("*"))}


# ── running ───────────────────────────────────────────────────────────────────────────────────────────────────────────


DIES = (
    "import os, signal; from pipeline.ingest import load; from pipeline.cli import main; "
    "load.name_rows = lambda *_: os.kill(os.getpid(), signal.SIGKILL); main()"
)
"""`perennial` that is killed between the commit of a file and what comes after."""


def run(
    home: Path, exports: dict[str, list[Path]], program: tuple[str, str] = ("-m", "pipeline.cli")
) -> subprocess.CompletedProcess[bytes]:
    """`perennial run --debug` as a process that was started with an open umask."""
    given = [f"--source={source}={path}" for source, paths in exports.items() for path in paths]
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PERENNIAL_", "DAGSTER_"))}
    return subprocess.run(
        [sys.executable, *program, "run", f"--home={home}", f"--snapshot={DAY}", "--debug", "--show-values", *given],
        env=own, umask=0o022, capture_output=True, timeout=600, check=False,
    )  # fmt: skip


@contextmanager
def webhook() -> Iterator[tuple[str, list[bytes]]]:
    received: list[bytes] = []

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", received
    finally:
        server.shutdown()


def alert_of_the_last_run(home: Home, address: str) -> None:
    """What the sensor of `make dev` does with a failed run."""
    with home.instance() as instance:
        failed = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]), limit=1)[0]
        events = [entry.dagster_event for entry in instance.all_logs(failed.run_id) if entry.is_dagster_event]
    told = [event for event in events if event and event.is_step_failure]
    send_alert(load(home.folder, failure_webhook=address), failed.run_id, failed.job_name, DAY, explain(told)[0])


@pytest.mark.timeout(600)
def test_nothing_of_people_is_anywhere_but_in_people_and_the_quarantine(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "perennial.toml").write_text(f"{WARSAW}quarantine_limit = 0.4\n")
    home, exports = Home(folder), plant(tmp_path / "exports")

    good = run(folder, exports)
    assert good.returncode == 0, good.stderr.decode()
    assert found_in(folder) == {}
    assert planted_in(good.stdout + good.stderr) == set()
    held = found_in(folder, skipped=())
    assert set.union(*held.values()) >= {MAIL.encode(), PHONE.encode(), NAME.encode(), CARD.encode()}, "the scan sees"
    assert all(name.startswith(("data/quarantine/", "data/people/")) for name in held)
    assert modes(folder) == {0o600, 0o700}
    with closing(duckdb.connect(str(next(folder.glob("data/warehouse/*.duckdb"))), read_only=True)) as warehouse:
        assert warehouse.execute("SELECT customer_id FROM ingest.aliases").fetchall() == [("c777",)]

    failed = run(folder, plant_what_fails(tmp_path / "exports"))
    assert failed.returncode == 1 and b"more than 40.0 %" in failed.stderr and b"headless.csv" in failed.stderr
    assert found_in(folder) == {}
    assert planted_in(failed.stdout + failed.stderr) == set()

    with webhook() as (address, received):
        alert_of_the_last_run(home, address)
    assert len(received) == 1 and b"bad.csv" in received[0] and planted_in(received[0]) == set()

    killed = tmp_path / "exports" / "killed.csv"
    killed.write_text(orders(IN_WRONG_CELLS, good=90))
    dead = run(folder, {"perennial": [killed]}, program=("-c", DIES))
    assert dead.returncode == -signal.SIGKILL and planted_in(dead.stdout + dead.stderr) == set()
    assert found_in(folder) == {}
    assert any(path.name.startswith(".") for path in (folder / "data" / "quarantine").iterdir()), "it died in between"
