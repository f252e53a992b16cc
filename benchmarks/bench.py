"""`make bench`: what a night takes beside the least that reading its export can take, and beside pandas by hand.

For each size a synthetic shop is written, and then, one after the other and each in a process of its own: DuckDB alone
reading the export into a table; a whole run on an empty home; the run of the next day on that home; the script one
would write by hand (`by_hand.py`) and the same tables made by us (`same_tables.py`); and, if asked for, the whole run
on Spark. All read the same file. Times are compared with each other and never with a number of another machine or hour:
what else the machine does slows all of them. `README.md` beside this file says how each figure is measured.
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
from itertools import pairwise
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
MOST_TIMES_BARE, MOST_TIMES_BARE_WITHOUT, MOST_TIMES_BARE_INGEST = 14.0, 10.0, 2.2
MOST_OF_THE_WHOLE, MOST_GROWTH, MOST_GIB = 0.35, 1.1, 9.0
LARGE = 5_000_000
"""Lines from which on a shop is held to the goals of a large one."""
LEAST_TIMES_BY_HAND, LEAST_TIMES_BY_HAND_LARGE = 1.5, 2.0
MOST_SECONDS_LARGE = {"prediction": 10.0, "publication": 5.0}
MOST_SECONDS_ON_SPARK = 150.0
MOST_OF_THE_REST = 0.4
MOST_SECONDS, MOST_PROCESSOR_SECONDS, MOST_GIB_OF_BLOCK = 60.0, 120.0, 3.0
"""Of products at ten million lines, and of campaigns at ten million lines and as many events of messages."""
BARE, FULL, NEXT, BY_HAND, SAME, PRODUCTS, CAMPAIGNS, SPARK = (
    "bare reading", "whole run", "next day", "by hand", "the same tables, by us", "products", "campaigns",
    "whole run on Spark",
)  # fmt: skip
COLOURS = {
    BARE: "#8a8f8c", FULL: "#0b6e56", NEXT: "#4d9e88", BY_HAND: "#c9820f", SAME: "#2171b5", PRODUCTS: "#7a7f2b",
    CAMPAIGNS: "#a0504c", SPARK: "#6c4fa0",
}  # fmt: skip
_UNTIMED = "start and end"
_BARE = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], config={"memory_limit": sys.argv[3]})
connection.execute("CREATE TABLE lines AS SELECT * FROM read_csv(?)", [sys.argv[2]]).fetchall()
"""
# Each line gets a variant of its product, the same on every export; the one with number v is about 1 / v as common as
# the first.
_VARIANTS = """
COPY (
  SELECT lines.* REPLACE (product_id || '-' || floor(
    pow({variants} + 1, (hash(order_id || product_id) % 1000003) / 1000003)
  )::INTEGER AS product_id)
  FROM read_csv('{export}', all_varchar = true) AS lines
) TO '{export}.new' (FORMAT csv)
"""


@dataclass
class Measured:
    """One size: what was read, and what each part cost. A part that failed or was left out says why instead."""

    lines: int
    export: Path
    megabytes: float
    costs: dict[str, Cost] = field(default_factory=dict)
    instead: dict[str, str] = field(default_factory=dict)
    steps: dict[str, dict[str, float]] = field(default_factory=dict)
    """Part -> step of the run -> seconds."""
    found: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Part -> what its script printed."""

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
    parser.add_argument("--variants", type=int, default=50, help="of each of the 400 products of the shop")
    parser.add_argument("--memory-limit", default="8GB", help="for DuckDB, alone and inside Perennial")
    parser.add_argument("--by-hand-up-to", type=int, default=30_000_000, help="pandas holds all lines in memory")
    parser.add_argument("--spark", action="store_true", help="also the whole run on Spark, local")
    parser.add_argument("--folder", type=Path, default=PROJECT / "data" / "bench", help="where exports and homes go")
    arguments = parser.parse_args()
    folder: Path = arguments.folder.resolve()
    _say(f"{os.cpu_count()} cores, memory limit {arguments.memory_limit}, {arguments.columns} columns")
    results = []
    for size in [int(size.replace("_", "")) for size in arguments.sizes.split(",")]:
        results.append(_measure(size, folder / str(size), arguments))
        _show(results[-1])
        _keep(results, folder)
    _say("")
    for goal in _goals(results):
        _say(str(goal))
    _say(f"\nplot {(folder / 'bench.html').as_uri()}")


# ── measuring ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _measure(size: int, folder: Path, arguments: argparse.Namespace) -> Measured:
    shutil.rmtree(folder, ignore_errors=True)
    measured = _make_exports(size, folder / "shop", arguments)
    export, limit = str(measured.export), arguments.memory_limit
    measured.costs[BARE] = run([sys.executable, "-c", _BARE, str(folder / "bare.duckdb"), export, limit])

    home = _new_home(folder / "home", limit)
    _drop(folder / "shop" / "exports", home)
    measured.costs[FULL], measured.steps[FULL] = _night(home, LAST_DAY)
    _drop(folder / "shop" / "nights" / str(NEXT_DAY), home)
    measured.costs[NEXT], measured.steps[NEXT] = _night(home, NEXT_DAY)

    _script(measured, SAME, "same_tables.py", _new_home(folder / "home-same", limit))
    if size <= arguments.by_hand_up_to:
        _script(measured, BY_HAND, "by_hand.py", folder / "by-hand.parquet")
    else:
        measured.instead[BY_HAND] = f"not tried beyond {arguments.by_hand_up_to:,} lines (--by-hand-up-to)"
    _block(measured, PRODUCTS, folder / "shop", folder)
    simulate(_shop(measured.lines, arguments), folder / "shop-with-messages")
    _block(measured, CAMPAIGNS, folder / "shop-with-messages", folder)
    if arguments.spark:
        _on_spark(measured, folder, limit)
    return measured


def _make_exports(size: int, folder: Path, arguments: argparse.Namespace) -> Measured:
    shop = _shop(size, arguments)
    columns = COLUMNS[arguments.columns]
    files = {file.name: file for file in simulate(shop, folder, nights=1, with_other=False, columns=columns)}
    history = files["exports/perennial/order_lines.csv"]
    following = files[f"nights/{NEXT_DAY}/perennial/order_lines-{NEXT_DAY}.csv"]
    for file in (history, following):
        _vary_products(folder / file.name, arguments.variants)
    export = folder / history.name
    measured = Measured(history.rows or 0, export, export.stat().st_size / 1e6)
    _say(
        f"\n── {measured.lines:,} lines, {shop.customers:,} customers, {measured.megabytes:,.0f} MB; "
        f"next day {following.rows:,} lines"
    )
    return measured


def _shop(lines: int, arguments: argparse.Namespace) -> Shop:
    return Shop(customers=max(1, round(lines / LINES_PER_CUSTOMER)), seed=arguments.seed)


def _vary_products(export: Path, variants: int) -> None:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(_VARIANTS.format(export=export, variants=variants))
    export.with_name(f"{export.name}.new").replace(export)


def _new_home(home: Path, memory_limit: str) -> Path:
    home.mkdir(parents=True)
    (home / "perennial.toml").write_text(f'first_snapshot = "2023-11-01"\nmemory_limit = "{memory_limit}"\n')
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
    timed = sorted((step.start_time or 0.0, step.end_time, step.step_key) for step in stats if step.end_time)
    return {key.replace("__", "."): end - start for start, end, key in timed}


def _script(measured: Measured, part: str, name: str, target: Path) -> None:
    """A script that reads the same file and ends by printing, as JSON, the seconds of its stages and what it found."""
    command = [sys.executable, str(HERE / name), str(measured.export), str(LAST_DAY), str(target)]
    measured.attempt(part, lambda: run(command))
    if part in measured.costs:
        measured.found[part] = json.loads(measured.costs[part].printed.strip().splitlines()[-1])


def _block(measured: Measured, topic: str, shop: Path, folder: Path) -> None:
    """The tables of a topic, on a home of their own."""
    home = _new_home(folder / f"home-{topic}", f"{MOST_GIB_OF_BLOCK - 1:g}GB")
    _drop(shop / "exports", home)
    command = [sys.executable, str(HERE / "block.py"), topic, str(LAST_DAY), str(home)]
    measured.attempt(topic, lambda: run(command))
    if topic in measured.costs:
        measured.found[topic] = json.loads(measured.costs[topic].printed.strip().splitlines()[-1])


def _on_spark(measured: Measured, folder: Path, memory_limit: str) -> None:
    if importlib.util.find_spec("pyspark") is None or not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        measured.instead[SPARK] = "not tried: pyspark or Java is not there"
        return
    home = _new_home(folder / "home-spark", memory_limit)
    _drop(folder / "shop" / "exports", home)

    def night() -> Cost:
        cost, measured.steps[SPARK] = _night(home, LAST_DAY, {"PERENNIAL_ENGINE": "spark"})
        return cost

    measured.attempt(SPARK, night)


# ── showing ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Goal:
    """A figure and the limit it is held to: at most that much, or at least."""

    name: str
    value: float
    limit: float
    unit: str = ""
    at_least: bool = False

    def __str__(self) -> str:
        met = self.value >= self.limit if self.at_least else self.value <= self.limit
        side = "least" if self.at_least else "most"
        return (
            f"{'✓' if met else '✗'} {self.name:<76}{self.value:>8.2f}{self.unit}, at {side} {self.limit:.2f}{self.unit}"
        )


def _show(measured: Measured) -> None:
    _say(f"\n{'seconds':<48}{''.join(f'{part:>20}' for part in measured.steps)}")
    for step in dict.fromkeys(step for steps in measured.steps.values() for step in steps):
        _say(f"{step:<48}{''.join(f'{steps.get(step, 0):>20.2f}' for steps in measured.steps.values())}")
    for part, found in measured.found.items():
        _say(f"\n{part}, seconds")
        for stage, seconds in found["seconds"].items():
            _say(f"{stage:<48}{seconds:>20.2f}")
        if "peak_gib" in found:
            for step, peak in found["peak_gib"].items():
                processors, kept = found["processors"][step], found["kept_gib"][step]
                _say(f"{step:<48}{processors:>16.2f} s of processors, peak {peak:.2f} GiB, kept {kept:.2f} GiB")
        if "bgnbd" in found:
            _say(_fit_in_words("BG/NBD", found, "bgnbd"))
            _say(_fit_in_words("Gamma-Gamma", found, "gamma_gamma"))
    _say("")
    for part in COLOURS:
        if part in measured.costs:
            cost = measured.costs[part]
            _say(f"{part:<26}{cost}{cost.seconds / measured.lines * 1e6:>10.2f} µs a line")
        elif part in measured.instead:
            _say(f"{part:<26}{measured.instead[part]}")


def _fit_in_words(name: str, found: dict[str, Any], key: str) -> str:
    if found[key] is None:
        return f"{name} did not converge, whatever the penalty"
    parameters = ", ".join(f"{parameter} {value:.4g}" for parameter, value in found[key].items())
    penalty = found.get(f"{key}_penalty")
    return f"{name} converged{f' only with penalty {penalty:g}' if penalty else ''}: {parameters}"


def _goals(results: list[Measured]) -> Iterator[Goal]:
    for one in results:
        yield from _goals_of_size(one)
    for small, large in pairwise(results):
        growth = large.costs[FULL].seconds / small.costs[FULL].seconds
        yield Goal(
            f"whole run, {large.lines:,} lines to {small.lines:,}", growth, MOST_GROWTH * large.lines / small.lines
        )


def _goals_of_size(one: Measured) -> Iterator[Goal]:
    size, bare, full, following = f"{one.lines:,} lines: ", one.costs[BARE], one.costs[FULL], one.costs[NEXT]
    steps, is_large = one.steps[FULL], one.lines >= LARGE
    products = sum(took for step, took in steps.items() if step in _steps_of_products())
    yield Goal(f"{size}whole run, times bare reading", full.seconds / bare.seconds, MOST_TIMES_BARE)
    yield Goal(f"{size}the same without products", (full.seconds - products) / bare.seconds, MOST_TIMES_BARE_WITHOUT)
    yield Goal(f"{size}ingest, times bare reading", steps["ingest"] / bare.seconds, MOST_TIMES_BARE_INGEST)
    for step, most in MOST_SECONDS_LARGE.items() if is_large else ():
        yield Goal(f"{size}{step}", steps[step], most, " s")
    yield Goal(f"{size}peak memory", max(full.peak_gib, following.peak_gib), MOST_GIB, " GiB")
    yield Goal(f"{size}next day, of the whole run", following.seconds / full.seconds, MOST_OF_THE_WHOLE)
    yield Goal(f"{size}products, of the rest of the whole run", products / (full.seconds - products), MOST_OF_THE_REST)
    for topic in (PRODUCTS, CAMPAIGNS):
        if topic in one.costs:
            yield from _goals_of_block(one, topic)
    if BY_HAND in one.costs and SAME in one.costs:
        times = one.costs[BY_HAND].seconds / one.costs[SAME].seconds
        least = LEAST_TIMES_BY_HAND_LARGE if is_large else LEAST_TIMES_BY_HAND
        yield Goal(f"{size}by hand, times the same tables by us", times, least, at_least=True)
    if SPARK in one.costs and not is_large:
        yield Goal(f"{size}whole run on Spark", one.costs[SPARK].seconds, MOST_SECONDS_ON_SPARK, " s")


def _goals_of_block(one: Measured, topic: str) -> Iterator[Goal]:
    """The whole run has no messages: campaigns cost it next to nothing, while products are a part of it."""
    found, size = one.found[topic], f"{one.lines:,} lines: {topic}"
    seconds, processors = (sum(found[name].values()) for name in ("seconds", "processors"))
    larger = max(found["rows"]["order_lines"], found["rows"]["messages"])
    yield Goal(f"{size}, for ten million lines", seconds / larger * 1e7, MOST_SECONDS, " s")
    of_ten_million = processors / larger * 1e7
    yield Goal(f"{size}, the same by processor time", of_ten_million, MOST_PROCESSOR_SECONDS, " s")
    yield Goal(f"{size}, peak memory", max(found["peak_gib"].values()), MOST_GIB_OF_BLOCK, " GiB")
    rest = one.costs[FULL].cpu_seconds - (processors if topic == PRODUCTS else 0)
    yield Goal(f"{size}, times the rest of the whole run by processor time", processors / rest, MOST_OF_THE_REST)


def _steps_of_products() -> set[str]:
    """Steps of a run that make the tables of products, as the history calls them."""
    from pipeline.tables.catalog import ours

    tables = [table for table in ours().tables.values() if table.topic == "products"]
    return {table.header.computed_by or table.full_name for table in tables}


def _keep(results: list[Measured], folder: Path) -> None:
    """`results.json` and the plot, after every size: the next one may take an hour."""
    plain = [dataclasses.asdict(one) for one in results]
    (folder / "results.json").write_text(json.dumps(plain, indent=2, default=str) + "\n")
    _plot(results).write_html(folder / "bench.html", include_plotlyjs=True)


def _plot(results: list[Measured]) -> Any:
    """Cost against size, both on logarithmic axes: what grows like the lines is a straight line of slope 1."""
    from plotly.subplots import make_subplots

    shown = {"seconds": "Seconds", "cpu_seconds": "Seconds of processors", "peak_gib": "Peak memory, GiB"}
    figure = make_subplots(1, len(shown), subplot_titles=list(shown.values()))
    for part, colour in COLOURS.items():
        seen = [one for one in results if part in one.costs]
        for column, name in enumerate(shown, start=1):
            figure.add_scatter(
                x=[one.lines for one in seen], y=[getattr(one.costs[part], name) for one in seen], name=part,
                mode="lines+markers", line_color=colour, showlegend=column == 1 and bool(seen), row=1, col=column,
            )  # fmt: skip
    figure.update_xaxes(type="log", title="order lines").update_yaxes(type="log")
    return figure.update_layout(template="plotly_white", title="Cost against size")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
