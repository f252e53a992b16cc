"""The command line: thin, over the same definitions that Dagster loads. Heavy imports happen inside the commands."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table as Grid

from pipeline import __version__
from pipeline.settings import PROJECT, SETTINGS_FILE, Settings, SettingsError, export_home, load

if TYPE_CHECKING:
    from pipeline.runs import Finished

app = typer.Typer(
    name="perennial",
    help="Customers who come back: from a shop's transaction exports to segments, audiences and reports.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

DEMO_HOME = PROJECT / "data" / "demo"
DEMO_SETTINGS = '# CDNOW: a music shop, 1997-1998\nfirst_snapshot = "1997-01-01"\ncurrency = "USD"\n'
DEMO_SNAPSHOTS = (dt.date(1998, 5, 31), dt.date(1998, 6, 30))

Home = Annotated[
    Path | None,
    typer.Option(help="Folder of the shop: data/, reports/, perennial.toml. [default: PERENNIAL_HOME or this folder]"),
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the trace of an error.")]


def _version(value: bool) -> None:
    if value:
        out.print(f"perennial {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options of the program itself."""


@app.command()
def run(
    home: Home = None,
    source: Annotated[
        list[str] | None,
        typer.Option(help="NAME=PATH_OR_GLOB, may be repeated; without it: all files in data/exports/<source>/."),
    ] = None,
    snapshot: Annotated[str, typer.Option(help="Day to publish, YYYY-MM-DD, or latest.")] = "latest",
    debug: Debug = False,
) -> None:
    """Load exports, compute everything as of a day, and publish tables, audiences and report."""
    settings = _settings(home)
    sources, day = _parse_sources(source or []), _parse_day(snapshot)
    finished = _run(settings, sources, day, debug)
    _summary(settings, finished)


@app.command()
def demo(home: Home = None, debug: Debug = False) -> None:
    """Run everything on CDNOW: 69,659 real purchases of 23,570 customers."""
    home = home or DEMO_HOME
    home.mkdir(parents=True, exist_ok=True)
    if not (home / SETTINGS_FILE).exists():
        (home / SETTINGS_FILE).write_text(DEMO_SETTINGS)
    settings = _settings(home)
    finished = None
    for day in DEMO_SNAPSHOTS:  # two, so that the report can tell what changed
        finished = _run(settings, {"cdnow": [str(_cdnow_file())]}, day, debug)
    if finished:
        _summary(settings, finished)


@app.command()
def doctor(home: Home = None) -> None:
    """Check settings, files, versions, locks and disk, and say what to do."""
    from pipeline.doctor import examine

    marks = {"ok": "[green]✓[/green]", "warn": "[yellow]![/yellow]", "fail": "[red]✗[/red]"}
    findings = examine(home)
    for finding in findings:
        out.print(f"{marks[finding.status]} [bold]{finding.subject}[/bold]: ", end="")
        out.print(finding.message, markup=False, soft_wrap=True)
    if any(finding.status == "fail" for finding in findings):
        raise typer.Exit(1)


def main() -> None:
    app()


# ── helpers ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _fail(message: str) -> typer.Exit:
    err.print("[bold red]Not published.[/bold red] ", end="")
    err.print(message, markup=False, soft_wrap=True)
    return typer.Exit(1)


def _settings(home: Path | None) -> Settings:
    try:
        settings = load(home)
        export_home(settings)
    except SettingsError as error:
        raise _fail(str(error)) from None
    except OSError as error:
        raise _fail(f"The home cannot be written: {error}. Choose another folder with --home.") from None
    return settings


def _parse_sources(given: list[str]) -> dict[str, list[str]]:
    sources: dict[str, list[str]] = defaultdict(list)
    for text in given:
        name, equals, pattern = text.partition("=")
        if not (name and equals and pattern):
            raise _fail(f"--source {text!r} must be NAME=PATH_OR_GLOB, such as perennial=exports/orders-*.csv.")
        sources[name].append(pattern)
    return dict(sources)


def _parse_day(text: str) -> dt.date | None:
    if text == "latest":
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise _fail(f"--snapshot {text!r} is no day; write YYYY-MM-DD, such as 2026-10-31, or latest.") from None


def _run(settings: Settings, sources: dict[str, list[str]], day: dt.date | None, debug: bool) -> Finished:
    err.print(f"[bold]{settings.home.name}[/bold] as of {day or 'its last day with an order'}")
    from pipeline.runs import RunFailed, run_snapshot

    try:
        return run_snapshot(settings, sources, day)
    except RunFailed as failure:
        if debug:
            err.print(failure.trace, markup=False, soft_wrap=True)
        raise _fail(str(failure)) from None
    except Exception as error:
        if debug:
            raise
        raise _fail(f"Unexpected {type(error).__name__}: {error}. Run with --debug for the trace.") from None


def _summary(settings: Settings, finished: Finished) -> None:
    from pipeline.doctor import read_summary

    day = finished.snapshot_date
    summary = read_summary(settings, day)
    out.print()
    files = Grid("export", "read", "accepted", "quarantined", "superseded", "duplicates", box=None, pad_edge=False)
    for row in summary.files:
        files.add_row(row[0], *(f"{count:,}" for count in row[1:]))
    out.print(files)
    out.print()
    segments = Grid("segment", "customers", "share", box=None, pad_edge=False)
    total = sum(customers for _, customers in summary.segments)
    for label, customers in summary.segments:
        segments.add_row(label, f"{customers:,}", f"{customers / total:.1%}" if total else "–")
    out.print(segments)
    out.print()
    report = settings.home / "reports" / "out" / str(day) / "index.html"
    for title, path in (
        ("tables", settings.home / "data" / "marts"),
        ("audiences", settings.home / "data" / "audiences" / str(day)),
        ("quarantine", settings.home / "data" / "quarantine"),
    ):
        out.print(f"{title:<11}{path}", soft_wrap=True)
    out.print(f"{'report':<11}{report.as_uri()}", style="bold", soft_wrap=True)


def _cdnow_file() -> Path:
    """The file that lifetimes ships; found without importing lifetimes, whose datasets module needs pkg_resources."""
    from importlib.util import find_spec

    spec = find_spec("lifetimes")
    if spec is None or spec.origin is None:
        raise _fail("The demo reads a file of the package lifetimes, which is not installed. Run `make run`.")
    return Path(spec.origin).parent / "datasets" / "CDNOW_master.txt"


if __name__ == "__main__":
    main()
