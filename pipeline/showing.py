"""What commands show at a terminal: the summary of a run, an inspection, an audience, cases and objections."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table as Grid
from rich.text import Text

from pipeline.notation import writing_in
from pipeline.reporting import words
from pipeline.settings import SETTINGS_FILE, Settings
from pipeline.shapes import counted, one_line, shape, shown_name
from pipeline.terminal import err, out

if TYPE_CHECKING:
    from pipeline.activation.preview import Previewed
    from pipeline.ingest.inspection import Inspection
    from pipeline.runs import Finished


def show_summary(settings: Settings, finished: Finished) -> None:
    with writing_in(settings.locale):
        _told(settings, finished)


def _told(settings: Settings, finished: Finished) -> None:
    from pipeline.doctor import read_summary
    from pipeline.home.locks import HomeBusy

    day = finished.snapshot_date
    try:
        summary = read_summary(settings, day)
    except HomeBusy as busy:
        out.print(f"{day} is published; its summary cannot be read now. {busy}", soft_wrap=True)
        return
    out.print()
    files = Grid(box=None, pad_edge=False)
    files.add_column("export", overflow="fold")
    headings = ("read", "accepted", "quarantined", "superseded", "duplicates")
    told = [place for place, name in enumerate(headings, start=1)  # in 80 columns file names have no room for zeros
            if place <= 3 or any(row[place] for row in summary.files)]  # fmt: skip
    for place in told:
        files.add_column(headings[place - 1], justify="right", no_wrap=True)
    for row in summary.files:
        files.add_row(one_line(row[0]).removeprefix("data/exports/"), *(words.count(int(row[place])) for place in told))
    out.print(files)
    for item in summary.worth_a_look:
        mark, style = ("! ", "yellow") if item.is_warning else ("", "dim")
        out.print(Text(f"{mark}{one_line(item.about)}: {item.sentence}", style=style), soft_wrap=True)
    if finished.remark:
        out.print(Text(f"! {finished.remark}", style="yellow"), soft_wrap=True)
    if summary.switched_off:
        out.print(f"switched off: {', '.join(summary.switched_off)}", style="dim", soft_wrap=True)
    out.print()
    segments = Grid("segment", "customers", "share", box=None, pad_edge=False)
    total = sum(customers for _, customers in summary.segments)
    for label, customers in summary.segments:
        segments.add_row(label, words.count(customers), words.percent(customers / total) if total else "–")
    out.print(segments)
    out.print()
    for answer in summary.answers:
        out.print(f"{answer.question} ", style="bold", end="")
        out.print(answer.text, soft_wrap=True)
    out.print()
    report = settings.home / "reports" / "out" / str(day) / "index.html"
    for title, path in (
        ("tables", settings.home / "data" / "marts"),
        ("audiences", settings.home / "data" / "audiences" / str(day)),
        ("quarantine", settings.home / "data" / "quarantine"),
    ):
        if path.exists() and any(path.iterdir()):  # nothing is quarantined
            out.print(f"{title:<11}{path}", soft_wrap=True)
    out.print(f"{'report':<11}{report.as_uri()}", style="bold", soft_wrap=True)


@contextmanager
def quarantined_rows_shown(settings: Settings) -> Iterator[None]:
    """Afterwards, also if the run fails: the first rows it quarantined, to a person at a terminal and nobody else."""
    folder = settings.home / "data" / "quarantine"
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*.parquet")}
    try:
        yield
    finally:
        new = [path for path in sorted(folder.glob("*.parquet")) if before.get(path) != path.stat().st_mtime_ns]
        if not out.is_terminal:
            err.print("--show-values shows rows at a terminal only.", markup=False)
        for path in new if out.is_terminal else ():
            import polars as pl

            out.print(Text(path.name, style="bold"))
            for number, reasons, raw in (
                pl.read_parquet(path, glob=False).select("row_number", "reasons", "raw").head(5).rows()
            ):
                out.print(Text(f"  row {number:,}: {reasons}\n    {one_line(raw[:500])}"), soft_wrap=True)


def show_inspection(found: Inspection) -> None:
    def say(title: str, text: str, style: str = "") -> None:
        out.print(f"{title:<12}", end="", style="bold")
        out.print(text, style=style, soft_wrap=True)

    say("file", f"{found.file} ({found.format})")
    if found.columns:
        shown = shape if any("@" in name for name in found.columns) else shown_name  # keyed by people: all are data
        say("columns", ", ".join(map(shown, found.columns)))
        say("written", _written(found))
    for candidate in [one for one in found.candidates if one.matched][:3]:
        fit = f"lacks {candidate.lacks.removeprefix('lacks ')}" if candidate.lacks else "has all it needs"
        say("candidate", f"{candidate.source.label}: {counted(candidate.matched, 'column')} known, {fit}")
    for canonical, column in found.guessed.items():
        say("guess", f"{canonical} is {shown_name(column)}")
    if found.written:
        say("new source", str(found.written))
    if found.source:
        say("source", found.source.label)
    if found.note:
        say("note", found.note, "yellow")
    if found.loaded:
        _show_loaded(found, say)
    for remark in found.loaded.remarks if found.loaded else ():
        say("remark", remark.message, "yellow")
    if found.warning:
        say("warning", found.warning, "yellow")
    if found.figures:
        figures = found.figures
        customers, orders = counted(figures.customers, "customer"), counted(figures.orders, "order")
        say("figures", f"{customers}, {orders}, revenue {words.decimals(figures.revenue, 2)}")
    say("verdict", found.problem or "usable", "red" if found.problem else "green")


def show_next(found: Inspection, settings: Settings, file: Path, home: Path | None) -> None:
    """What to do with a source that was written, in the order in which it is done."""
    assert found.written is not None
    folder = found.written.resolve().parent.parent
    steps = [f"check {found.written}"]
    is_known = folder in [known.resolve() for known in settings.sources_folders]
    if not is_known and home is None and folder.parts[-2:] == ("sql", "sources"):
        home = folder.parent.parent  # a home finds its own sources without a setting
    elif not is_known:
        inside = folder.is_relative_to(settings.home.resolve())
        named = folder.relative_to(settings.home.resolve()) if inside else folder
        steps.append(f'write sources_folder = "{named}" into {SETTINGS_FILE}')
    again = f"run --source {shlex.quote(f'{found.written.parent.name}={file}')}"
    if not found.is_usable:
        again = f"inspect {shlex.quote(str(file))} --source {found.written.parent.name}"
    out.print(f"{'next':<12}", end="", style="bold")
    out.print(f"{', '.join(steps)}, then: perennial {again}{of_home(home)}", markup=False, soft_wrap=True)


def of_home(home: Path | None) -> str:
    """The option of a command to come, as it was given."""
    return "" if home is None else f" --home {shlex.quote(str(home))}"


def show_audience(one: Previewed, currency: str) -> None:
    worth = "" if one.value is None else f", worth {words.money(one.value, currency)}"
    held = "" if one.delivered == one.members else f", of whom {words.count(one.delivered)} in the files"
    out.print(f"{one.name}: {words.counted(one.members, 'customer')}{held}{worth}", markup=False, soft_wrap=True)
    for waterfall in one.waterfalls:
        left = [f"{words.count(count)} {step.replace('_', ' ')}" for step, count in waterfall.left_out.items()]
        told = f"{words.count(waterfall.delivered)} are handed over{'; left out: ' if left else ''}{', '.join(left)}"
        out.print(f"  {waterfall.platform or 'files of ids'}: {told}", markup=False, soft_wrap=True)
    if one.sample:
        out.print(f"  such as {', '.join(one.sample)}", markup=False, style="dim", soft_wrap=True)


def list_objections(settings: Settings) -> None:
    from pipeline.erasure.objections import find_objections
    from pipeline.reporting.words import shown_id

    found, today = find_objections(settings), settings.today()
    for one in found:
        told = [f"{shown_id(one.customer_id)}: since {one.since}"]
        told += [f"kept off {', '.join(one.stops)}"] if one.stops else []
        told += [f"still on {', '.join(one.still_on)}"] if one.still_on else []
        told += [] if one.is_known else ["no customer has this id, so that nobody is kept off for it"]
        told += [] if one.is_done else [f"due on {one.due_on}"]
        is_late = one.is_overdue(today)
        out.print(f"{'; '.join(told)}{', overdue' if is_late else ''}.", style="yellow" if is_late else None)
    if not found:
        out.print("Nobody has objected, as far as the exports tell.")
    if any(one.still_on for one in found):
        out.print("They are taken off lists elsewhere by: perennial deliver", style="dim")


def list_cases(settings: Settings) -> None:
    from pipeline.erasure.cases import deadlines

    waiting, today = deadlines(settings), settings.today()
    for one in waiting:
        begun = "begun, not finished" if one.state == "open" else "not begun"
        told = f"Case {one.case}: asked for on {one.requested_on}, due on {one.due_on}, {begun}"
        is_late = one.is_overdue(today)
        out.print(f"{told}{', overdue' if is_late else ''}.", markup=False, style="yellow" if is_late else None)
    if waiting:
        out.print("All of them: perennial forget --open", markup=False, style="dim")
    else:
        out.print("No case is open. Name who is to be forgotten by --id, --email or --phone.", markup=False)


def _written(found: Inspection) -> str:
    """How a file is written: the format, and what is out of the ordinary; of CSV, what is ordinary if nothing is."""
    if found.format.startswith("csv") and not (found.source and found.source.header.reads == "lines"):
        return found.dialect or "UTF-8, fields divided by commas, decimal points, ISO dates"
    formats = {"parquet": "typed columns", "xlsx": "cells of a workbook", "jsonl": "JSON, one object per line"}
    format = formats.get(found.format.split(",")[0], "lines of aligned text")
    return f"{format}, {found.dialect}" if found.dialect else format


def _show_loaded(found: Inspection, say: Callable[..., None]) -> None:
    loaded = found.loaded
    assert loaded is not None
    if found.span:
        say("dates", f"from {found.span[0]} to {found.span[1]}")
    share = loaded.quarantined / loaded.rows_read if loaded.rows_read else 0
    say(
        "rows",
        f"{words.count(loaded.rows_read)} read, {words.count(loaded.accepted)} accepted, "
        f"{words.count(loaded.quarantined)} quarantined ({words.percent(share)})",
    )
    for reason in found.reasons:
        say("reason", f"{words.count(reason.rows)} × {reason.text} (first in row {words.count(reason.first_row)})")
    if found.other_reasons:
        say("reason", f"and {words.counted(found.other_reasons, 'other')}, of no more rows each")
    if found.sample:
        out.print(_sample(found.sample, out.width))


def _sample(rows: Sequence[Mapping[str, Any]], width: int) -> Grid:
    """The rows below each other, or where they are wider than the terminal, beside each other: as many as have room."""
    names = list(dict.fromkeys(name for row in rows for name in row if name not in ("file_id", "ordered_on")))
    cells = [[_cut(str(row.get(name, ""))) for name in names] for row in rows]
    if _width_of([names, *cells]) > width:
        turned = [list(line) for line in zip(names, *cells, strict=True)]
        while len(turned[0]) > 2 and _width_of(turned) > width:
            turned = [line[:-1] for line in turned]
        cells, names = turned, []
    grid = Grid(box=None, pad_edge=False, show_header=bool(names))
    for name in names or cells[0]:
        grid.add_column(name, overflow="fold")
    for line in cells:
        grid.add_row(*map(Text, line))
    return grid


def _cut(cell: str) -> str:
    return cell if len(cell) <= 24 else f"{cell[:23]}…"


def _width_of(lines: Sequence[Sequence[str]]) -> int:
    return sum(2 + max(map(len, column)) for column in zip(*lines, strict=True))
