"""The program `perennial` as somebody at a terminal meets it: a process of its own, its output, its exit code."""

import datetime as dt
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
from homes import WARSAW, Home, write_orders
from program import become_the_program

from pipeline import __version__

DAY = "2026-02-28"


@dataclass(frozen=True)
class Answer:
    """What the program said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def failure(self) -> str:
        """The one message of a failure; there must be exactly one, and no trace."""
        assert "Traceback" not in self.out + self.err
        (message,) = re.findall(r"^Not published\. (.*)$", self.err, re.MULTILINE)
        return str(message)


def surroundings(**environment: str) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PERENNIAL_", "DAGSTER_"))}
    return {**own, "COLUMNS": "160", **environment}


def started(*arguments: object, cwd: Path) -> Answer:
    """The program as a terminal starts it, imports and all."""
    command = [sys.executable, "-m", "pipeline.cli", *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, env=surroundings(), capture_output=True, text=True, timeout=600)
    return Answer(done.returncode, done.stdout, done.stderr)


Program = Callable[..., Answer]


@pytest.fixture
def perennial(forks: Any, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The same as a fork that has the imports behind it."""

    def answer(*arguments: object, cwd: Path, **environment: str) -> Answer:
        said = tmp_path_factory.mktemp("said")
        outputs = [said / "out", said / "err"]
        given = (list(map(str, arguments)), cwd, surroundings(**environment), outputs)
        process = forks.Process(target=become_the_program, args=given)
        process.start()
        process.join(600)
        ended = process.exitcode is not None
        process.kill()
        assert ended, "It does not come to an end."
        return Answer(process.exitcode, *(output.read_text() for output in outputs))

    return answer


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The folder of a shop with settings, and an export beside it."""
    folder = tmp_path / "my shop"
    folder.mkdir()
    (folder / "perennial.toml").write_text(WARSAW)
    write_orders(tmp_path / "orders 2026.csv", unreadable=2)
    return folder


# ── it works ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_run_tells_its_steps_and_what_came_out(shop: Path) -> None:
    export = shop.parent / "orders 2026.csv"
    answer = started("run", "-v", "--home", shop, "--source", f"perennial={export}", "--snapshot", DAY, cwd=shop.parent)
    assert answer.code == 0, answer.err
    rows = len(pl.read_csv(export))
    assert re.search(rf"^orders 2026\.csv +{rows} +{rows - 2} +2$", plain(answer.out), re.MULTILINE), answer.out
    for line in ("tables", "audiences", "quarantine"):
        assert re.search(rf"^{line} +{re.escape(str(shop))}/data/", answer.out, re.MULTILINE), answer.out
    (report,) = re.findall(r"^report +file://(\S+)$", answer.out, re.MULTILINE)
    assert Path(report.replace("%20", " ")).is_file()
    assert re.search(r"^Who to act on first\? .+\.$", answer.out, re.MULTILINE), answer.out
    customers = customers_told(answer)
    segments = pl.read_parquet(shop / "data" / "marts" / "rfm_segments" / f"day={DAY}" / "*.parquet")
    assert customers == segments.filter(catalogue="grid").height > 20
    for step in ("ingest", "staging.orders", "marts.rfm_segments", "publication"):
        assert re.search(rf"✓ {re.escape(step)} +.*\d\.\d s$", answer.err, re.MULTILINE), answer.err
    assert "Traceback" not in answer.err
    assert not re.search(r"DEBUG|ERROR", answer.err), "Dagster's own log is for its web pages"
    assert runs_seen_by_dagster(shop) == [("nightly", DAY, dg.DagsterRunStatus.SUCCESS)]


def plain(text: str) -> str:
    """Lines without the blanks at their ends."""
    return "\n".join(line.rstrip() for line in text.splitlines())


def customers_told(answer: Answer) -> int:
    """The sum over the segments of the summary."""
    found = re.findall(r"^\S.*? +([\d,]+) +<?[\d.]+%$", plain(answer.out), re.MULTILINE)
    return sum(int(count.replace(",", "")) for count in found)


def runs_seen_by_dagster(home: Path) -> list[tuple[str, str | None, dg.DagsterRunStatus]]:
    """What the web UI of the same home lists."""
    with Home(home).instance() as instance:
        return [(run.job_name, run.tags.get("dagster/partition"), run.status) for run in instance.get_runs()]


def test_latest_is_the_default_and_the_last_day_with_an_order(perennial: Program, shop: Path) -> None:
    write_orders(shop / "data" / "exports" / "perennial" / "a.csv", last=dt.date(2026, 2, 10), seed=3)
    write_orders(shop / "data" / "exports" / "perennial" / "b.csv", last=dt.date(2026, 2, 10), seed=4)
    answer = perennial("run", cwd=shop)  # the home is the current folder, the exports those of its drop folder
    assert answer.code == 0, answer.err
    published = {path.name for path in (shop / "data" / "audiences").iterdir()}
    orders = [pl.read_csv(path) for path in (shop / "data" / "exports" / "perennial").iterdir()]
    assert published == {max(frame["ordered_at"].max()[:10] for frame in orders)}
    assert "a.csv" in answer.out
    assert "b.csv" in answer.out


def test_sources_may_be_repeated_and_globs(perennial: Program, shop: Path) -> None:
    for n, name in enumerate(("x-1.csv", "x-2.csv", "y.csv")):
        write_orders(shop.parent / name, last=dt.date(2026, 2, 1), seed=10 + n)
    sources = [f"--source=perennial={shop.parent}/x-*.csv", f"--source=perennial={shop.parent}/y.csv"]
    answer = perennial("run", "--snapshot", "2026-02-01", *sources, cwd=shop.parent, PERENNIAL_HOME=str(shop))
    assert answer.code == 0, answer.err
    assert re.findall(r"^(\S+\.csv) ", answer.out, re.MULTILINE) == ["x-1.csv", "x-2.csv", "y.csv"]


def test_a_range_of_month_ends_is_one_command(perennial: Program, shop: Path) -> None:
    command = ["run", "-v", "--home", shop, "--source", f"perennial={shop.parent}/orders 2026.csv", "--every", "month"]
    answer = perennial(*command, "--from", "2026-02-01", "--to", "2026-03-10", cwd=shop.parent)
    assert answer.code == 0, answer.err
    told = re.findall(r"^my shop as of (.*)$", answer.err, re.MULTILINE)
    assert told == ["2026-02-28 (1 of 2)", "2026-03-10 (2 of 2)"]
    assert len(re.findall(r"✓ ingest ", answer.err)) == 1
    assert plain(answer.out).endswith("days       2, from 2026-02-28 to 2026-03-10")
    assert re.search(r"^report +file://.*/2026-03-10/index\.html$", answer.out, re.MULTILINE), answer.out
    done = dg.DagsterRunStatus.SUCCESS
    assert runs_seen_by_dagster(shop) == [("nightly", "2026-03-10", done), ("nightly", "2026-02-28", done)]


def test_the_version() -> None:
    answer = started("--version", cwd=Path("/"))
    assert (answer.code, answer.out, answer.err) == (0, f"perennial {__version__}\n", "")


@pytest.mark.parametrize(
    "arguments", [("--help",), ("run", "--help"), ("demo", "--help"), ("doctor", "--help"), ("simulate", "--help")]
)
def test_help_is_there(perennial: Program, arguments: tuple[str, ...], tmp_path: Path) -> None:
    answer = perennial(*arguments, cwd=tmp_path)
    assert answer.code == 0
    assert "Usage" in answer.out
    assert list(tmp_path.iterdir()) == []


# ── it does not, and says why ─────────────────────────────────────────────────────────────────────────────────────────

WRONG = [
    # arguments, what the one message must tell
    ("--snapshot 31.12.2026", ["'31.12.2026' is no day", "YYYY-MM-DD"]),
    ("--snapshot 2026-02-30", ["'2026-02-30' is no day"]),
    ("--snapshot 2999-01-01", ["2999-01-01 is not over", "Europe/Warsaw", "the last closed day is"]),
    ("--snapshot 2025-12-31", ["before the first snapshot, 2026-01-01", "perennial.toml"]),
    ("--source perenial={export} --snapshot 2026-02-28", ["no source 'perenial'", "Did you mean perennial?"]),
    ("--source perennial --snapshot 2026-02-28", ["'perennial' must be NAME=PATH_OR_GLOB"]),
    ("--source perennial=/nowhere/*.csv --snapshot 2026-02-28", ["No file matches '/nowhere/*.csv'"]),
    ("--snapshot 2026-02-28", ["There is nothing to work on", "data/exports", "--source"]),
    ("", ["There is nothing to work on"]),
]


@pytest.mark.parametrize(("arguments", "told"), WRONG, ids=[arguments or "no export" for arguments, _ in WRONG])
def test_a_mistake_gives_one_clear_message(perennial: Program, shop: Path, arguments: str, told: list[str]) -> None:
    export = shop.parent / "orders 2026.csv"
    words = [word.format(export=export) for word in arguments.split()]
    answer = perennial("run", "--home", shop, *words, cwd=shop.parent)
    assert answer.code == 1
    for words_told in told:
        assert words_told in answer.failure
    assert not (shop / "data" / "marts").exists()


@pytest.mark.parametrize("arguments", [["run", "--sorce", "x"], ["runn"], ["run", "--home"]])
def test_what_the_program_does_not_know_is_a_usage_error(
    perennial: Program, tmp_path: Path, arguments: list[str]
) -> None:
    answer = perennial(*arguments, cwd=tmp_path)
    assert answer.code == 2
    assert "Error" in answer.err
    assert "Traceback" not in answer.err
    assert list(tmp_path.iterdir()) == []


SETTINGS = [
    ('currency = "PLN"\ntimezone = Europe/Warsaw', ["perennial.toml is not readable TOML", "line 2"]),
    ('timezone = "Europe/Warszawa"', ['setting "timezone"', "'Europe/Warszawa' is not a time zone"]),
    ('time_zone = "Europe/Warsaw"', ['setting "time_zone"', "there is no such setting; did you mean timezone"]),
    ("quarantine_limit = 5", ['setting "quarantine_limit"', "given: 5"]),
    ("[tiers]\nrecency_days = [90, 30]", ['setting "tiers', "ascending"]),
]


@pytest.mark.parametrize(("toml", "told"), SETTINGS, ids=[toml for toml, _ in SETTINGS])
@pytest.mark.parametrize("command", ["run", "doctor"])
def test_settings_that_cannot_be_used_are_named(
    perennial: Program, tmp_path: Path, command: str, toml: str, told: list[str]
) -> None:
    (tmp_path / "perennial.toml").write_text(toml)
    answer = perennial(command, cwd=tmp_path)
    assert answer.code == 1
    message = answer.failure if command == "run" else answer.out
    assert "Traceback" not in answer.err
    for words_told in told:
        assert words_told in message


def test_a_setting_of_the_environment_is_named_too(perennial: Program, shop: Path) -> None:
    answer = perennial("run", "--home", shop, cwd=shop, PERENNIAL_SCHEDULE_HOUR="25")
    assert answer.code == 1
    assert 'setting "schedule_hour"' in answer.failure
    assert "PERENNIAL_*" in answer.failure


def test_a_home_that_is_not_there_says_so(perennial: Program, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    answer = perennial("run", "--home", tmp_path / "file", cwd=tmp_path)
    assert answer.code == 1
    assert "--home" in answer.failure


def test_an_export_that_is_not_there_makes_no_home(perennial: Program, tmp_path: Path) -> None:
    answer = perennial("run", "--source", "perennial=nowhere.csv", "--home", tmp_path / "new", cwd=tmp_path)
    assert answer.code == 1 and "No file matches 'nowhere.csv'" in answer.failure
    assert not (tmp_path / "new").exists()


def test_a_bad_file_is_named_with_row_and_column(perennial: Program, shop: Path) -> None:
    export = write_orders(shop.parent / "bad.csv", unreadable=40)
    command = ["run", "--home", shop, "--source", f"perennial={export}", "--snapshot", DAY]
    answer = perennial(*command, cwd=shop.parent)
    assert answer.code == 1
    assert answer.failure.startswith('bad.csv, row 1, column "amount": "99,9X" is not a number (letter O?).')
    assert "setting quarantine_limit" in answer.failure
    assert answer.err.count('"99,9X" is not a number') == 1, "said once, not twice"
    assert runs_seen_by_dagster(shop) == [("nightly", DAY, dg.DagsterRunStatus.FAILURE)]


def test_debug_shows_the_trace(perennial: Program, shop: Path) -> None:
    answer = perennial("run", "--home", shop, "--snapshot", DAY, "--debug", cwd=shop.parent)
    assert answer.code == 1
    assert "Stack Trace" in answer.err
    assert "assets/ingest.py" in answer.err
    assert len(re.findall(r"^Not published\. There is nothing to work on", answer.err, re.MULTILINE)) == 1


# ── doctor ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_doctor_finds_a_fresh_home_well(perennial: Program, shop: Path) -> None:
    answer = perennial("doctor", "--home", shop, cwd=shop.parent)
    assert answer.code == 0, answer.out
    for subject in ("settings", "versions", "disk", "lock", "sources", "exports", "warehouse"):
        assert re.search(rf"^[✓!] {subject}: ", answer.out, re.MULTILINE), answer.out
    assert "✗" not in answer.out
    assert not (shop / "data" / "warehouse").exists()


def test_doctor_names_what_is_wrong(perennial: Program, shop: Path) -> None:
    write_orders(shop / "data" / "exports" / "perenial" / "orders.csv")
    answer = perennial("doctor", "--home", shop, cwd=shop.parent)
    assert answer.code == 1
    (wrong,) = re.findall(r"^✗ (.*)$", answer.out, re.MULTILINE)
    assert wrong.startswith("exports: There is no source 'perenial'. Did you mean perennial?")


# ── the simulator ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_made_up_shop_can_be_dropped_into_a_home(perennial: Program, tmp_path: Path) -> None:
    answer = perennial("simulate", "--customers", "600", "--years", "2", "--out", tmp_path / "shop", cwd=tmp_path)
    assert answer.code == 0, answer.err
    told = dict(re.findall(r"^(\S+\.csv) +([\d,]+) ", plain(answer.out), re.MULTILINE))
    lines = pl.read_csv(tmp_path / "shop" / "exports" / "perennial" / "order_lines.csv")
    assert told["exports/perennial/order_lines.csv"] == f"{lines.height:,}"
    home = tmp_path / "home"
    shutil.copytree(tmp_path / "shop" / "exports", home / "data" / "exports")
    answer = perennial("run", "--home", home, cwd=tmp_path)
    assert answer.code == 0, answer.err
    assert 590 <= customers_told(answer) <= 600, "but for customers who sent everything back"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--customers", "0"), "A shop needs at least 1 customer, not 0."),
        (("--customers", "9", "--years", "99"), "A history has 1 to 20 years, not 99."),
        (("--customers", "9", "--format", "xlsx"), "--format 'xlsx' is none of csv, parquet."),
        (("--customers", "9", "--nights", "40"), "Exports of 0 to 31 later days can be made, not of 40."),
        (("--customers", "9", "--until", "soon"), "--until 'soon' is no day; write YYYY-MM-DD, such as 2026-10-31."),
        (("--customers", "9", "--out", "."), "is not empty. Name another folder, or write into it with --force."),
    ],
)
def test_a_shop_that_cannot_be_made_up_costs_one_line(
    perennial: Program, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    answer = perennial("simulate", "--out", tmp_path / "shop", *arguments, cwd=tmp_path)
    assert answer.code == 1
    assert answer.err.startswith("Nothing was written. ")
    assert answer.err.rstrip().endswith(said)
    assert answer.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


# ── the demo ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_demo_publishes_cdnow(perennial: Program, tmp_path: Path) -> None:
    """What `make run` does, in another home."""
    home = tmp_path / "demo"
    answer = perennial("demo", "--home", home, cwd=tmp_path)
    assert answer.code == 0, answer.err
    assert re.search(r"^CDNOW_master\.txt +69,659 +69,659 +0 *$", plain(answer.out), re.MULTILINE), answer.out
    customers = customers_told(answer)
    assert customers == 23_570
    for day in ("1998-05-31", "1998-06-30"):
        assert (home / "reports" / "out" / day / "index.html").is_file()
    changes = pl.read_parquet(home / "data" / "marts" / "segment_changes" / "day=1998-06-30" / "*.parquet")
    assert changes["previous_snapshot_date"].drop_nulls().unique().to_list() == [dt.date(1998, 5, 31)]
    assert [day for _, day, _ in runs_seen_by_dagster(home)] == ["1998-06-30", "1998-05-31", None], "exports come first"
