"""The command line: thin, over the same definitions that Dagster loads. Heavy imports happen inside the commands."""

from __future__ import annotations

import datetime as dt
import gc
from collections import defaultdict
from contextlib import contextmanager
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
import typer.core
from rich.table import Table as Grid
from rich.text import Text

from pipeline import __version__
from pipeline.home.modes import for_owner_only
from pipeline.notation import writing_in
from pipeline.places import published_days
from pipeline.settings import SETTINGS_FILE, Settings, SettingsError, export_home, load
from pipeline.shapes import counted
from pipeline.shipped import to_install
from pipeline.showing import (
    list_cases,
    list_objections,
    of_home,
    quarantined_rows_shown,
    show_audience,
    show_inspection,
    show_next,
    show_summary,
)
from pipeline.snapshots import Every
from pipeline.terminal import err, out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pipeline.runs import Finished

Done = TypeVar("Done")


class New(StrEnum):
    """What a home may add."""

    TABLE = "table"
    AUDIENCE = "audience"
    SOURCE = "source"
    CHART = "chart"


class Commands(typer.core.TyperGroup):
    """Says what is wrong with a value in the words of whoever refused it, without those of the library between."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix("Value error, ")
            raise


app = typer.Typer(
    name="perennial",
    cls=Commands,
    help="Customers who come back: from a shop's transaction exports to segments, audiences and reports.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_NOT_PUBLISHED, _NOT_WRITTEN = "Not published.", "Nothing was written."
_NOT_DELIVERED = "Not delivered."
_NOT_REMOVED, _NOT_CHANGED, _NOT_READ = "Nothing was removed.", "Nothing was changed.", "Not inspected."

Home = Annotated[
    Path | None,
    typer.Option(help="Folder of the shop: data/, reports/, perennial.toml. (default: PERENNIAL_HOME or this folder)"),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Tell every step, with its rows and seconds.")]
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
    snapshot: Annotated[
        str | None, typer.Option(help="Day to publish, YYYY-MM-DD or latest, the last complete one. (default: latest)")
    ] = None,
    every: Annotated[
        Every | None,
        typer.Option(help="Publish many days: all from --from to --to that end a day, week or month, and --to itself."),
    ] = None,
    first: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="With --every: first day of that range. Without: first day of the period whose orders "
            "period_segments scores. (default: the last 365 days)",
        ),
    ] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last day of that range, or of that period.")] = None,
    compare: Annotated[
        str | None,
        typer.Option(
            help="Two periods, A_FROM:A_TO,B_FROM:B_TO. (default: the last half of the history and the first)"
        ),
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="Where the SQL runs: duckdb, or spark (docs/scaling.md). (default: the setting)")
    ] = None,
    show_values: Annotated[
        bool,
        typer.Option(
            "--show-values", help="Show the first quarantined rows as they stand in the export; terminal only."
        ),
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Use nothing that earlier nights left to save time: compute it anew.")
    ] = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Load exports, compute everything as of a day or of many, and publish tables, audiences and report."""
    named, between = _parse_sources(source or []), _parse_between(first, last)
    if show_values:
        with quarantined_rows_shown(_settings(home, may_be_new=bool(named))):
            run(home, source, snapshot, every, first, last, compare, engine, full=full, verbose=verbose, debug=debug)
        return
    may_be_new = bool(named)
    if every is None:
        day = _parse_snapshot("latest" if snapshot is None else snapshot)
        settings = _settings(
            home, may_be_new=may_be_new, engine=engine, compare=compare, period=between and "{}:{}".format(*between)
        )
        _require_exports(settings, named)
        show_summary(settings, _run(settings, named, day, verbose, debug, full))
        return
    if snapshot is not None or between is None:
        raise _fail(
            f"--every {every} publishes the days between two: give --from and --to, and no --snapshot, such as "
            f"--from 2025-12-31 --to 2026-11-30 --every {every}."
        )
    settings = _settings(home, may_be_new=may_be_new, engine=engine, compare=compare)
    _require_exports(settings, named)
    finished = _run_range(settings, named, between, every, verbose, debug, full)
    show_summary(settings, finished[-1])
    out.print(f"{'days':<11}{len(finished)}, from {finished[0].snapshot_date} to {finished[-1].snapshot_date}")


@app.command()
def demo(
    home: Annotated[
        Path | None,
        typer.Option(help="Folder for it. (default: data/demo of the checkout; of the package, perennial-demo here)"),
    ] = None,
    shop: Annotated[bool, typer.Option("--shop", help="A synthetic shop of three years instead.")] = False,
    grocery: Annotated[
        bool,
        typer.Option("--grocery", help="A year of groceries instead: 1.47 million lines, of a package of 35 MB."),
    ] = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Run everything on CDNOW: 69,659 real purchases of 23,570 customers."""
    from pipeline.simulator.demos import CDNOW, GROCERY, SHOP, DemoNotThere

    if shop and grocery:
        raise _fail("--shop and --grocery are two demos: choose one.")
    chosen = SHOP if shop else GROCERY if grocery else CDNOW
    home = home or chosen.folder
    try:
        exports = chosen.exports(home.absolute())
        home.mkdir(parents=True, exist_ok=True)
        if not (home / SETTINGS_FILE).exists():
            (home / SETTINGS_FILE).write_text(chosen.settings)
    except OSError as error:
        raise _fail(_no_folder(home, error, "--home")) from None
    except DemoNotThere as error:
        raise _fail(str(error)) from None
    settings = _settings(home)
    err.print(chosen.origin, style="dim")
    finished = None
    for day in chosen.snapshots:
        finished = _run(settings, exports, day, verbose, debug)
    if finished:
        show_summary(settings, finished)


@app.command()
def simulate(
    customers: Annotated[int, typer.Option(help="Customers with at least one order; guests and leads come on top.")],
    folder: Annotated[Path, typer.Option("--out", help="Folder to write into: exports/, nights/, truth/.")],
    years: Annotated[int, typer.Option(help="Length of the history.")] = 3,
    seed: Annotated[int, typer.Option(help="Another seed is another shop; the same one gives the same bytes.")] = 1,
    until: Annotated[str, typer.Option(help="Last day of the history.")] = "2026-10-31",
    form: Annotated[str, typer.Option("--format", help="csv or parquet.")] = "csv",
    nights: Annotated[int, typer.Option(help="Also the exports of so many days after the last, one by one.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Write into a folder that is not empty.")] = False,
) -> None:
    """Make up a shop whose truth is known, and write its exports (docs/simulator.md)."""
    import duckdb

    from pipeline.simulator.shop import Shop, SimulationRefused
    from pipeline.simulator.writing import FORMATS
    from pipeline.simulator.writing import simulate as make_up

    last_day = _parse_day("--until", until, what=_NOT_WRITTEN)
    try:
        if form not in FORMATS:
            raise SimulationRefused(f"--format {form!r} is none of {', '.join(FORMATS)}.")
        with err.status("Making up a shop …"):
            files = make_up(Shop(customers, years, seed, last_day), folder.absolute(), form, nights, force)
    except SimulationRefused as error:
        raise _fail(str(error), _NOT_WRITTEN) from None
    except OSError as error:
        raise _fail(_no_folder(folder, error, "--out"), _NOT_WRITTEN) from None
    except duckdb.Error as error:
        raise _fail(f"{error} ({folder})", _NOT_WRITTEN) from None
    grid = Grid("file", box=None, pad_edge=False)
    for heading in ("rows", "MB"):
        grid.add_column(heading, justify="right", no_wrap=True)
    for file in files:
        grid.add_row(file.name, "" if file.rows is None else f"{file.rows:,}", f"{file.size / 1e6:,.1f}")
    out.print(grid)
    out.print()
    out.print(f"{'exports':<11}{folder / 'exports'}", style="bold", soft_wrap=True)


@app.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="An export: CSV, TSV, XLSX, Parquet or JSON lines.")],
    source: Annotated[
        str | None, typer.Option(help="Read it as this source. (default: the one that fits best)")
    ] = None,
    write: Annotated[
        Path | None,
        typer.Option(
            help="Folder for a first source file, if no source knows the layout: the sources folder, usually "
            "<home>/sql/sources."
        ),
    ] = None,
    home: Home = None,
    debug: Debug = False,
) -> None:
    """Show how a file would be read and what would become of its rows. Changes nothing in the home."""
    from pipeline.ingest.inspection import inspect as look_at

    with _reported(_NOT_READ, debug):
        settings = load(home)
        if home is not None and not home.expanduser().is_dir():
            raise SettingsError(f"{settings.home} is no folder. Name the shop's folder with --home, or none.")
        found = look_at(file, settings, source, write)
    with writing_in(settings.locale):
        show_inspection(found)
        if found.written:
            show_next(found, settings, file, home)
    if not found.is_usable:
        raise typer.Exit(1)


@app.command()
def new(
    kind: Annotated[New, typer.Argument(help="What to begin.")],
    name: Annotated[str, typer.Argument(help="Its name: lower-case letters, digits and _.")],
    home: Home = None,
    topic: Annotated[str, typer.Option(help="Of a table: the folder, and chapter of the data dictionary.")] = "own",
    page: Annotated[str, typer.Option(help="Of a chart: the page it stands on, which is begun if need be.")] = "own",
    debug: Debug = False,
) -> None:
    """Write a commented start for a table, an audience, a source or a chart of your own into the home."""
    with _reported(_NOT_WRITTEN, debug):
        from pipeline.doctor import require_home

        settings = load(home)
        require_home(settings)
        from pipeline.scaffold import begin

        written = begin(settings, kind.value, name, page if kind is New.CHART else topic)
    out.print(f"{written}", markup=False, soft_wrap=True)
    out.print(f"Change it as you need, then: perennial lint{of_home(home)}", markup=False, style="dim", soft_wrap=True)


@app.command()
def lint(home: Home = None, debug: Debug = False) -> None:
    """Look at the home's own tables, audiences, sources and pages: what they say, and whether it can be run."""
    with _reported("Not linted.", debug):
        from pipeline.doctor import require_home

        settings = load(home)
        require_home(settings)
        from pipeline.lint import problems_of_home

        found = problems_of_home(settings)
    for problem in found:
        err.print(str(problem), markup=False, soft_wrap=True)
    if found:
        raise typer.Exit(1)
    out.print(f"All is well in {settings.home}.", markup=False, soft_wrap=True)


@app.command("dbt-sources")
def dbt_sources(
    home: Home = None,
    location: Annotated[
        str | None,
        typer.Option(
            help="The home as dbt finds it, such as \"{{ env_var('PERENNIAL_HOME') }}\". (default: where it is)"
        ),
    ] = None,
    debug: Debug = False,
) -> None:
    """Print a sources.yml of the published tables for a dbt project with dbt-duckdb (docs/bi.md)."""
    with _reported("Not printed.", debug):
        from pipeline.doctor import require_home

        settings = load(home)
        require_home(settings)
        from pipeline.dbt_sources import sources
        from pipeline.tables.catalog import catalog_of

        text = sources(catalog_of(settings.home).published, location or str(settings.home))
    if not published_days(settings.home):
        err.print("Nothing is published yet: the tables are there after the first run.", style="dim")
    typer.echo(text, nl=False)


@app.command()
def audience(
    name: Annotated[str, typer.Argument(help="An audience's file (segments), or one of its audiences (grid/loyal).")],
    snapshot: Annotated[str, typer.Option(help="Day of a snapshot, YYYY-MM-DD, or latest.")] = "latest",
    sql: Annotated[bool, typer.Option("--sql", help="Show the SQL of it instead, also of audiences.toml.")] = False,
    is_preview: Annotated[bool, typer.Option("--preview", help="Preview it, as the command does anyway.")] = True,
    home: Home = None,
    debug: Debug = False,
) -> None:
    """Preview an audience: who is in it, what they are worth, and whom its terms leave out. Nothing is written."""
    day = _parse_snapshot(snapshot)
    with _reported("Not previewed.", debug):
        settings = _settings(home, "Not previewed.")
        from pipeline.activation.preview import preview, text_of_audience

        if sql:
            out.print(text_of_audience(settings, name), markup=False, highlight=False, soft_wrap=True)
            return
        found = preview(settings, name, day)
    out.print(f"As of {found.day}", style="bold")
    with writing_in(settings.locale):
        for one in found.audiences:
            show_audience(one, settings.currency)


@app.command()
def customer(
    id: Annotated[str, typer.Argument(help="Id of a customer, as tables and audiences have it.")],
    snapshot: Annotated[str, typer.Option(help="Day of a snapshot, YYYY-MM-DD, or latest.")] = "latest",
    home: Home = None,
    debug: Debug = False,
) -> None:
    """Write the page of one customer into the report of a snapshot, and say where it is."""
    day = _parse_snapshot(snapshot)
    with _reported("Not written.", debug):
        settings = _settings(home, "Not written.")
        from pipeline.home.customer_page import write_customer_page

        path = write_customer_page(settings, id, day)
    out.print(str(path), markup=False, soft_wrap=True)


@app.command()
def deliver(
    home: Home = None,
    force: Annotated[bool, typer.Option("--force", help="Send lists that shrank by over half as well.")] = False,
    debug: Debug = False,
) -> None:
    """Send what is queued to the destinations of the home, removals first, and say what became of it."""
    with _reported(_NOT_DELIVERED, debug):
        settings = _settings(home, _NOT_DELIVERED)
        from pipeline.activation.delivering import deliver as send

        said = send(settings, force)
    for one in said:
        (err if one.failed or one.held else out).print(str(one), markup=False, soft_wrap=True)
    if not said:
        reason = (
            "no list was published yet" if settings.destinations else "no destinations are set (docs/activation.md)"
        )
        out.print(f"Nothing to send: {reason}.")
    if any(one.failed or one.held for one in said):
        raise typer.Exit(1)


@app.command()
def digest(
    home: Home = None,
    snapshot: Annotated[str, typer.Option(help="Day of a snapshot, YYYY-MM-DD, or latest.")] = "latest",
    show: Annotated[bool, typer.Option("--show", help="Print it, and send nothing.")] = False,
    debug: Debug = False,
) -> None:
    """Send what changed and who to act on, by e-mail or to a webhook, as a night does (docs/operations.md)."""
    what = "Not sent."
    day = _parse_snapshot(snapshot)
    with _reported(what, debug):
        settings = _settings(home, what)
        from pipeline.digest.sending import digest as digest_of
        from pipeline.digest.sending import send_by_hand

        if show:
            out.print(digest_of(settings, day).plain, soft_wrap=True)
            return
        for sentence in send_by_hand(settings, day):
            out.print(sentence, soft_wrap=True)


@app.command()
def prune(
    home: Home = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and leave it.")] = False,
    debug: Debug = False,
) -> None:
    """Remove what is past its time: snapshots (settings keep_daily and keep_monthly), never the latest; files with
    addresses (keep_platform_days); the text of quarantined rows (keep_quarantine_days)."""
    with _reported(_NOT_REMOVED, debug):
        settings = _settings(home, _NOT_REMOVED)
        from pipeline.home.retention import prune_home

        what = prune_home(settings, dry_run)
        if not dry_run:
            import dagster as dg

            from pipeline.history import forget_runs

            with dg.DagsterInstance.get() as instance:
                forget_runs(instance, settings, what.kept)
    verb = "Would remove" if dry_run else "Removed"
    out.print(f"{verb} {what}." if what else f"Nothing to remove: {what}.", soft_wrap=True)


@app.command()
def rekey(
    home: Home = None,
    source: Annotated[
        list[str] | None,
        typer.Option(help="NAME=PATH_OR_GLOB of exports that were loaded and lie elsewhere; else the drop folder."),
    ] = None,
    forget_missing: Annotated[
        bool, typer.Option("--forget-missing", help="Give up the rows of exports that are gone.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")] = False,
    debug: Debug = False,
) -> None:
    """Make all customer ids that come from e-mail addresses again, with the home's key (docs/operations.md)."""
    given = _parse_sources(source or [], _NOT_CHANGED)
    with _reported(_NOT_CHANGED, debug):
        settings = _settings(home, _NOT_CHANGED)
        from pipeline.ingest.identity import key_file
        from pipeline.rekey import RekeyUnfinished, rekey_home

        try:
            what = rekey_home(settings, given, forget_missing, dry_run)
        except RekeyUnfinished as error:
            raise _fail(str(error), "Not finished.") from None
    if not what.files and not what.goes_on:
        out.print("No id of this home has to be made again.", markup=False)
        return
    out.print(f"{'Would do' if dry_run else 'Done'}: {what}.", markup=False, soft_wrap=True)
    if not dry_run:
        out.print(f"Back up {key_file(settings.home)}, then run again.", markup=False, soft_wrap=True)


_OneOf = "File with one per line, or - for the standard input, so that it enters no history of a shell."


@app.command()
def forget(
    home: Home = None,
    id: Annotated[str | None, typer.Option("--id", help=f"Ids of customers. {_OneOf}")] = None,
    email: Annotated[str | None, typer.Option(help=f"E-mail addresses. {_OneOf}")] = None,
    phone: Annotated[str | None, typer.Option(help=f"Telephone numbers. {_OneOf}")] = None,
    requested: Annotated[
        str | None, typer.Option(help="Day on which the request came, YYYY-MM-DD. (default: today)")
    ] = None,
    rewrite_exports: Annotated[
        bool, typer.Option("--rewrite-exports", help="Take their records out of the files of the drop folder, too.")
    ] = False,
    all_open: Annotated[
        bool, typer.Option("--open", help="Everybody whose case is open, among them who asked by an export `erasures`.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Forget people who ask for it, everywhere in the home; their orders stay in all totals (docs/erasure.md).

    Without a name it lists the cases that are open, and when they are due.
    """
    given = [(kind, place) for kind, place in (("customer_id", id), ("email", email), ("phone", phone)) if place]
    if len(given) + all_open > 1:
        raise _fail("Name who is to be forgotten by one of --id, --email, --phone and --open.", _NOT_CHANGED)
    if not given and not all_open and (requested or rewrite_exports):
        raise _fail("Name who is to be forgotten by one of --id, --email, --phone and --open.", _NOT_CHANGED)
    if all_open and requested:
        raise _fail("--requested is for who is named; an open case knows its day.", _NOT_CHANGED)
    day, left = (_parse_day("--requested", requested, what=_NOT_CHANGED) if requested else None), False
    with _reported("Not forgotten.", debug):
        settings = _settings(home, _NOT_CHANGED)
        if not given and not all_open:
            list_cases(settings)
            return
        from pipeline.erasure.forget import CannotForget, forget_all, forget_open

        cases = (
            forget_open(settings, rewrite_exports)
            if all_open
            else forget_all(settings, *given[0], day, rewrite_exports)
        )
        for case in cases:
            if isinstance(case, CannotForget):
                left = True
                err.print(str(case), markup=False, soft_wrap=True)
                continue
            left |= not case.is_closed
            state = "closed, nothing is left" if case.is_closed else f"open, due on {case.due_on}"
            out.print(f"Case {case.case}: {state}.", markup=False, soft_wrap=True)
            for what, names in case.left.items():
                out.print(f"  {what.replace('_', ' ')}: {', '.join(names)}", markup=False, soft_wrap=True)
            if case.possible:
                told = "possible, not removed, look yourself (a word or number there may be theirs or anything)"
                out.print(f"  {told}: {', '.join(case.possible)}", markup=False, soft_wrap=True)
    if left:
        out.print("Remove what is left, then give the same command again.", markup=False, style="dim")
        raise typer.Exit(1)


@app.command()
def objections(
    home: Home = None,
    id: Annotated[str | None, typer.Option("--id", help=f"Record: ids of customers. {_OneOf}")] = None,
    email: Annotated[str | None, typer.Option(help=f"Record: e-mail addresses. {_OneOf}")] = None,
    phone: Annotated[str | None, typer.Option(help=f"Record: telephone numbers. {_OneOf}")] = None,
    since: Annotated[
        str | None, typer.Option(help="Day on which the objection came, YYYY-MM-DD. (default: today)")
    ] = None,
    debug: Debug = False,
) -> None:
    """List who objects to marketing, what that stops and where they still are; or record objections.

    Whoever objects stays in all totals; to be forgotten is another thing: perennial forget (docs/erasure.md).
    """
    given = [(kind, place) for kind, place in (("customer_id", id), ("email", email), ("phone", phone)) if place]
    if len(given) > 1:
        raise _fail("Name who objects by one of --id, --email and --phone.", _NOT_CHANGED)
    if since and not given:
        raise _fail("--since is for who is named by --id, --email or --phone.", _NOT_CHANGED)
    day = _parse_day("--since", since, what=_NOT_CHANGED) if since else None
    with _reported("Not recorded." if given else "Not listed.", debug):
        settings = _settings(home, _NOT_CHANGED)
        if not given:
            list_objections(settings)
            return
        from pipeline.erasure.forget import kind_of, named_in
        from pipeline.erasure.objections import BY_HAND, object_to

        customers = object_to(settings, kind_of(given[0][0]), named_in(given[0][1]), day)
    where = settings.exports_folder / BY_HAND
    out.print(f"Recorded: {counted(customers, 'customer')}, in {where}; keep that file.", markup=False, soft_wrap=True)
    out.print("The newest audiences are without them now; lists elsewhere, after: perennial deliver")


@app.command()
def doctor(home: Home = None, debug: Debug = False) -> None:
    """Check settings, files, versions, locks and disk, and say what to do."""
    from pipeline.doctor import examine

    marks = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}
    with _reported("The home could not be examined to the end.", debug):
        findings = examine(home)
    for finding in findings:
        out.print(Text.assemble(marks[finding.status], " ", (finding.subject, "bold"), ": "), end="")
        out.print(finding.message, soft_wrap=True)
    if any(finding.status == "fail" for finding in findings):
        raise typer.Exit(1)


@app.command()
def ui(
    home: Home = None,
    port: Annotated[int, typer.Option(help="Of this machine; nobody else's can reach it.", min=1, max=65535)] = 3000,
) -> None:
    """Open Dagster's web UI on a home: runs, tables, checks; schedules and sensors work while it is open."""
    if find_spec("dagster_webserver") is None:
        raise _fail(
            "The web UI needs the package dagster-webserver, which is not installed. Everything else works without. "
            f"Install it: {to_install('ui')}.",
            "Not opened.",
        )
    _settings(home, "Not opened.", may_be_new=True)
    from pipeline.web import serve

    serve(port)


_OBJECTS_BETWEEN = 50_000
"""New Python objects between two searches for what refers to itself and to nothing else. What a command imports and
reads, half a million, stays to its end and was looked through again and again: a twentieth of a small shop's night."""


def main() -> None:
    gc.set_threshold(_OBJECTS_BETWEEN)
    for_owner_only()
    app()


# ── helpers ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _fail(message: str, what: str = _NOT_PUBLISHED) -> typer.Exit:
    err.print(f"{what} ", style="bold red", end="")
    err.print(message, soft_wrap=True)
    return typer.Exit(1)


def _settings(
    home: Path | None, what: str = _NOT_PUBLISHED, may_be_new: bool = False, **overrides: str | None
) -> Settings:
    """The settings of a home, made the one that all works in; where there is no home, nothing is made."""
    from pipeline.doctor import NoHome, require_home

    try:
        settings = load(home, **overrides)
        require_home(settings, may_be_new)
        export_home(settings)
    except (SettingsError, NoHome) as error:
        raise _fail(str(error), what) from None
    except OSError as error:
        where = f"{error.strerror or error} ({error.filename})"
        raise _fail(f"The home cannot be written: {where}. Choose another folder with --home.", what) from None
    return settings


def _no_folder(folder: Path, error: OSError, option: str) -> str:
    return f"{folder} cannot be made or written: {error.strerror or error}. Name another folder with {option}."


@contextmanager
def _reported(what: str, debug: bool = False) -> Iterator[None]:
    """What goes wrong inside becomes one message that begins with `what`; the trace only if it was asked for."""
    try:
        yield
    except typer.Exit:
        raise
    except Exception as error:
        from pipeline.failures import explain_exception

        if debug:
            err.print_exception()
        raise _fail(explain_exception(error), what) from None


def _parse_sources(given: list[str], what: str = _NOT_PUBLISHED) -> dict[str, list[str]]:
    sources: dict[str, list[str]] = defaultdict(list)
    for text in given:
        name, equals, pattern = text.partition("=")
        if not (name and equals and pattern):
            raise _fail(f"--source {text!r} must be NAME=PATH_OR_GLOB, such as perennial=exports/orders-*.csv.", what)
        sources[name].append(pattern)
    _require_files(sources, what)
    return dict(sources)


def _require_files(given: Mapping[str, Sequence[str]], what: str) -> None:
    """Before anything is made: a home that is new because of a typing error would be one more thing to remove."""
    from pipeline.errors import ExportError
    from pipeline.ingest.exports import given_files

    try:
        given_files(given)
    except ExportError as error:
        raise _fail(str(error), what) from None


def _require_exports(settings: Settings, given: Mapping[str, Sequence[str]]) -> None:
    """Before everything is imported that a run needs. Spark looks for its files itself."""
    if settings.engine != "duckdb":
        return
    from pipeline.errors import PerennialError
    from pipeline.ingest.exports import require_exports

    try:
        require_exports(settings, given)
    except PerennialError as error:
        raise _fail(str(error)) from None


def _parse_between(first: str | None, last: str | None) -> tuple[dt.date, dt.date] | None:
    if first is None and last is None:
        return None
    if first is None or last is None:
        raise _fail("--from and --to belong together; give both, such as --from 2026-01-01 --to 2026-03-31.")
    days = _parse_day("--from", first), _parse_day("--to", last)
    if days[0] > days[1]:
        raise _fail(f"--to {last} is before --from {first}; did you mean --from {last} --to {first}?")
    return days


def _parse_snapshot(text: str) -> dt.date | None:
    return None if text == "latest" else _parse_day("--snapshot", text, ", or latest")


def _parse_day(option: str, text: str, instead: str = "", what: str = _NOT_PUBLISHED) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise _fail(f"{option} {text!r} is no day; write YYYY-MM-DD, such as 2026-10-31{instead}.", what) from None


def _run(
    settings: Settings, sources: dict[str, list[str]], day: dt.date | None, verbose: bool, debug: bool,
    full: bool = False,
) -> Finished:  # fmt: skip
    scored = f"; period_segments scores {settings.period}" if settings.period else ""
    err.print(Text.assemble((settings.home.name, "bold"), f" as of {day or 'its last complete day'}{scored}"))

    def say(text: str) -> None:
        err.print(text, style="bold", soft_wrap=True)

    def work() -> Finished:
        from pipeline.runs import run_snapshot

        return run_snapshot(settings, sources, day, say, verbose, full)

    return _or_say_why(settings, work, debug)


def _run_range(
    settings: Settings,
    sources: dict[str, list[str]],
    between: tuple[dt.date, dt.date],
    every: Every,
    verbose: bool,
    debug: bool,
    full: bool,
) -> list[Finished]:
    err.print(Text.assemble((settings.home.name, "bold"), f" by the {every} from {between[0]} to {between[1]}"))

    def say(text: str) -> None:
        err.print(text, style="bold", soft_wrap=True)

    def work() -> list[Finished]:
        from pipeline.runs import run_range

        return run_range(settings, sources, *between, every, say, verbose, full)

    return _or_say_why(settings, work, debug)


def _or_say_why(settings: Settings, work: Callable[[], Done], debug: bool) -> Done:
    """The result; what went wrong becomes one message, the trace only if it was asked for."""
    from pipeline.doctor import require_usable
    from pipeline.failures import explain_exception
    from pipeline.runs import RunFailed

    try:
        require_usable(settings)
        return work()
    except RunFailed as failure:
        if debug:
            err.print(failure.trace, soft_wrap=True)
        raise _fail(str(failure)) from None
    except Exception as error:
        if debug:
            err.print_exception()
        raise _fail(explain_exception(error)) from None


if __name__ == "__main__":
    main()
