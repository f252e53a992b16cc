"""`make bench`: what a night takes beside the least that reading its export can take, and beside what one would do else.

For each size a made-up shop is written, and then, one after the other and each in a process of its own: DuckDB alone
reading the export into a table; a whole run on an empty home; the run of the next day on that home; the script one would
write by hand (`by_hand.py`); and, if asked for, the whole run on Spark. All read the same file. Times are compared with
each other and never with a number of another machine or hour: what else the machine does slows all of them.
`README.md` beside this file says how each figure is measured.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from processes import Cost, Failed, run

from pipeline.simulator.queries import LINE_COLUMNS
from pipeline.simulator.shop import LAST_DAY, Shop
from pipeline.simulator.writing import simulate

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
PERENNIAL = Path(sys.executable).with_name("perennial")
NEXT_DAY = LAST_DAY + dt.timedelta(days=1)
LINES_PER_CUSTOMER = 12.25  # of a shop of three years
FEW_COLUMNS = (
    "order_id", "customer_id", "ordered_at", "product_id", "category", "quantity", "amount", "sales_channel", "kind"
)  # fmt: skip
COLUMNS = {"few": FEW_COLUMNS, "all": LINE_COLUMNS}
MOST_TIMES_BARE, MOST_GIB, LEAST_SAVED, MOST_GROWTH = 8.0, 12.0, 0.8, 1.2
LEAST_TIMES_BY_HAND, WANTED_TIMES_BY_HAND = 3.0, 5.0
BARE, FULL, NEXT, BY_HAND, SPARK, SAME = (
    "bare reading", "whole run", "next day", "by hand", "whole run on Spark", "of it the tables made by hand"
)  # fmt: skip
_UNTIMED = "start and end"
# What the tables that by_hand.py makes (customer summary, RFM scores, lifetime values) are made of.
_SAME_TABLES = (
    _UNTIMED, "ingest", "staging.orders", "staging.occasions", "marts.customer_summary", "marts.rfm_thresholds",
    "marts.rfm_scores", "prediction", "marts.clv_predictions",
)  # fmt: skip
_BARE = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], config={"memory_limit": sys.argv[3]})
connection.execute("CREATE TABLE lines AS SELECT * FROM read_csv(?)", [sys.argv[2]]).fetchall()
"""


@dataclass
class Measured:
    """One size: what was read, and what each part cost. A part that failed or was left out says why instead."""

    lines: int
    orders_file: Path
    next_lines: int
    megabytes: float
    costs: dict[str, Cost] = field(default_factory=dict)
    instead: dict[str, str] = field(default_factory=dict)
    steps: dict[str, dict[str, float]] = field(default_factory=dict)
    by_hand: dict[str, Any] = field(default_factory=dict)

    @property
    def same_tables(self) -> float:
        """Seconds of the whole run without what it does for tables that by_hand.py does not make."""
        return sum(seconds for step, seconds in self.steps[FULL].items() if step in _SAME_TABLES)

    def attempt(self, part: str, work: Callable[[], Cost]) -> None:
        """Measure it. A part that breaks is reported, and the others go on: it may be just too large for it."""
        try:
            self.costs[part] = work()
        except Failed as failure:
            self.instead[part] = str(failure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="1000000", help="order lines of the history, about; several with commas")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--columns", choices=COLUMNS, default="few", help="of the order lines: nine, or all there are")
    parser.add_argument("--memory-limit", default="8GB", help="for DuckDB, alone and inside Perennial")
    parser.add_argument("--by-hand-up-to", type=int, default=30_000_000, help="pandas holds all lines in memory")
    parser.add_argument("--spark", action="store_true", help="also the whole run on Spark, local")
    parser.add_argument("--folder", type=Path, default=PROJECT / "data" / "bench", help="where exports and homes go")
    arguments = parser.parse_args()
    sizes = [int(size.replace("_", "")) for size in arguments.sizes.split(",")]
    _say(f"{os.cpu_count()} cores, memory limit {arguments.memory_limit}, {arguments.columns} columns")
    results = []
    for size in sizes:
        results.append(_measure(size, arguments.folder.resolve() / str(size), arguments))
        _show(results[-1])
    _show_goals(results)
    _keep(results, arguments.folder.resolve())


def _measure(size: int, folder: Path, arguments: argparse.Namespace) -> Measured:
    shutil.rmtree(folder, ignore_errors=True)
    measured = _make_exports(size, folder / "shop", arguments)
    bare = [sys.executable, "-c", _BARE, str(folder / "bare.duckdb"), str(measured.orders_file), arguments.memory_limit]
    measured.costs[BARE] = run(bare)
    (folder / "bare.duckdb").unlink()

    home = _new_home(folder / "home", folder / "shop" / "exports", arguments.memory_limit)
    measured.costs[FULL], measured.steps[FULL] = _night(home, LAST_DAY)
    _drop(folder / "shop" / "nights" / str(NEXT_DAY), home)
    measured.costs[NEXT], measured.steps[NEXT] = _night(home, NEXT_DAY)

    if size > arguments.by_hand_up_to:
        measured.instead[BY_HAND] = f"not tried beyond {arguments.by_hand_up_to:,} lines (--by-hand-up-to)"
    else:
        script = [sys.executable, str(HERE / "by_hand.py"), str(measured.orders_file), str(LAST_DAY)]
        measured.attempt(BY_HAND, lambda: run([*script, str(folder / "by-hand.parquet")]))
    if BY_HAND in measured.costs:
        measured.by_hand = json.loads(measured.costs[BY_HAND].printed.strip().splitlines()[-1])
    if arguments.spark:
        _on_spark(measured, folder, arguments.memory_limit)
    return measured


def _make_exports(size: int, folder: Path, arguments: argparse.Namespace) -> Measured:
    shop = Shop(customers=max(1, round(size / LINES_PER_CUSTOMER)), seed=arguments.seed)
    files = {
        file.name: file
        for file in simulate(shop, folder, nights=1, with_other=False, columns=COLUMNS[arguments.columns])
    }
    history = files["exports/perennial/order_lines.csv"]
    following = files[f"nights/{NEXT_DAY}/perennial/order_lines-{NEXT_DAY}.csv"]
    measured = Measured(history.rows or 0, folder / history.name, following.rows or 0, history.size / 1e6)
    _say(
        f"\n── {measured.lines:,} lines, {shop.customers:,} customers, {measured.megabytes:,.0f} MB; "
        f"next day {measured.next_lines:,} lines"
    )
    return measured


def _on_spark(measured: Measured, folder: Path, memory_limit: str) -> None:
    if importlib.util.find_spec("pyspark") is None or not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        measured.instead[SPARK] = "pyspark or Java is not there"
        return
    home = _new_home(folder / "home-spark", folder / "shop" / "exports", memory_limit)

    def night() -> Cost:
        cost, measured.steps[SPARK] = _night(home, LAST_DAY, {"PERENNIAL_ENGINE": "spark"})
        return cost

    measured.attempt(SPARK, night)


def _new_home(home: Path, exports: Path, memory_limit: str) -> Path:
    home.mkdir(parents=True)
    (home / "perennial.toml").write_text(f'first_snapshot = "2023-11-01"\nmemory_limit = "{memory_limit}"\n')
    _drop(exports, home)
    return home


def _drop(exports: Path, home: Path) -> None:
    """Put all files of a folder into the drop folder, without copying them."""
    shutil.copytree(exports, home / "data" / "exports", copy_function=os.link, dirs_exist_ok=True)


def _night(home: Path, day: dt.date, environment: dict[str, str] | None = None) -> tuple[Cost, dict[str, float]]:
    """The run of a day, with the seconds of each step."""
    cost = run([str(PERENNIAL), "run", "--home", str(home), "--snapshot", str(day)], environment)
    steps = _steps_of_last_run(home)
    return cost, {**steps, _UNTIMED: cost.seconds - sum(steps.values())}


def _steps_of_last_run(home: Path) -> dict[str, float]:
    """Seconds per step, in the order in which they ran, from Dagster's history of the home."""
    import dagster as dg

    os.environ["DAGSTER_HOME"] = str(home / ".dagster")
    with dg.DagsterInstance.get() as instance:
        (last,) = instance.get_run_records(limit=1)
        stats = instance.get_run_step_stats(last.dagster_run.run_id)
    timed = sorted((step.start_time, step.end_time, step.step_key) for step in stats if step.end_time)
    return {key.replace("__", "."): end - start for start, end, key in timed}


# ── what is shown ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _show(measured: Measured) -> None:
    shown = [part for part in (FULL, NEXT, SPARK) if part in measured.steps]
    _say(f"\n{'seconds':<48}{''.join(f'{part:>20}' for part in shown)}")
    steps = dict.fromkeys(step for part in shown for step in measured.steps[part])
    for step in steps:
        _say(f"{step:<48}{''.join(f'{measured.steps[part].get(step, 0):>20.2f}' for part in shown)}")
    if measured.by_hand:
        _show_by_hand(measured.by_hand)
    _say("")
    for part in (BARE, FULL, NEXT, BY_HAND, SPARK):
        if part in measured.costs:
            _say(
                f"{part:<30}{measured.costs[part]}   {measured.costs[part].seconds / measured.lines * 1e6:>8.2f} µs a line"
            )
        elif part in measured.instead:
            _say(f"{part:<30}{measured.instead[part]}")
    _say(f"{SAME:<30}{measured.same_tables:>9.2f} s")


def _show_by_hand(found: dict[str, Any]) -> None:
    _say(f"\n{'seconds by hand':<48}")
    for stage, seconds in found["seconds"].items():
        _say(f"{stage:<48}{seconds:>20.2f}")
    for name, key in (("BG/NBD", "bgnbd"), ("Gamma-Gamma", "gamma_gamma")):
        penalty = found[f"{key}_penalty"]
        if penalty is None:
            _say(f"{name} did not converge, whatever the penalty")
        else:
            fit = ", ".join(f"{parameter} {value:.4g}" for parameter, value in found[key].items())
            _say(f"{name} converged with penalty {penalty:g}: {fit}")


def _show_goals(results: list[Measured]) -> None:
    _say("")
    for name, value, limit, unit, at_least in _goals(results):
        mark = "✓" if (value >= limit if at_least else value <= limit) else "✗"
        _say(f"{mark} {name:<76}{value:>8.2f}{unit}, at {'least' if at_least else 'most'} {limit:.2f}{unit}")


def _goals(results: list[Measured]) -> Iterator[tuple[str, float, float, str, bool]]:
    """(what, value, limit, unit, whether it is a least)."""
    for one in results:
        size, full, bare = f"{one.lines:,} lines: ", one.costs[FULL], one.costs[BARE]
        yield f"{size}whole run, times bare reading", full.seconds / bare.seconds, MOST_TIMES_BARE, "", False
        ratio = full.cpu_seconds / bare.cpu_seconds
        yield f"{size}the same in time of processors", ratio, MOST_TIMES_BARE, "", False
        yield f"{size}peak memory", max(full.peak_gib, one.costs[NEXT].peak_gib), MOST_GIB, " GiB", False
        entry = sum(
            seconds for step, seconds in one.steps[FULL].items() if step == "ingest" or step.startswith("staging.")
        )
        most = full.seconds - LEAST_SAVED * entry
        yield (
            f"{size}next day (whole run − {LEAST_SAVED} × ingest and staging)",
            one.costs[NEXT].seconds,
            most,
            " s",
            False,
        )
        if BY_HAND in one.costs:
            faster = one.costs[BY_HAND].seconds / one.same_tables
            yield f"{size}by hand, times the same tables of ours", faster, LEAST_TIMES_BY_HAND, "", True
            yield f"{size}wanted", faster, WANTED_TIMES_BY_HAND, "", True
    for small, large in zip(results, results[1:], strict=False):
        growth = large.costs[FULL].seconds / small.costs[FULL].seconds
        most = MOST_GROWTH * large.lines / small.lines
        yield f"whole run, {large.lines:,} lines to {small.lines:,}", growth, most, "", False


def _keep(results: list[Measured], folder: Path) -> None:
    """`results.json` and the plot: cost against size."""
    (folder / "results.json").write_text(
        json.dumps([dataclasses.asdict(one) for one in results], indent=2, default=str) + "\n"
    )
    _plot(results).write_html(folder / "bench.html", include_plotlyjs=True, full_html=True)
    _say(f"\nplot {(folder / 'bench.html').as_uri()}")


def _plot(results: list[Measured]) -> Any:
    from plotly.subplots import make_subplots

    figure = make_subplots(1, 2, subplot_titles=("Seconds", "Peak memory, GiB"))
    colours = dict(
        zip((BARE, FULL, NEXT, BY_HAND, SPARK), ("#8a8f8c", "#0b6e56", "#4d9e88", "#c9820f", "#6c4fa0"), strict=True)
    )
    for part, colour in colours.items():
        seen = [one for one in results if part in one.costs]
        for column, of in ((1, "seconds"), (2, "peak_gib")):
            figure.add_scatter(
                x=[one.lines for one in seen], y=[getattr(one.costs[part], of) for one in seen], name=part,
                mode="lines+markers", line_color=colour, showlegend=column == 1, row=1, col=column,
            )  # fmt: skip
    figure.update_xaxes(type="log", title="order lines").update_yaxes(type="log")
    return figure.update_layout(template="plotly_white", title="Cost against size")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
