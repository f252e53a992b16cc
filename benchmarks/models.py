"""`make bench-models CUSTOMERS=…`: fit and predict on grouped histories beside lifetimes, customer by customer.

Synthetic BG/NBD customers lie in Parquet files, a row each. Three processes, one after the other: lifetimes fits and
predicts them as it is used; we group them, fit, predict and join the predictions back; we do the same with ten times as
many. Times are compared with each other and never with a number of another machine or hour. Imports do not count.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pipeline.models.beta_geometric import BGNBD
from pipeline.models.simulation import simulate

PROJECT = Path(__file__).resolve().parent.parent
TRUTH = BGNBD(0.2425945, 4.4136019, 0.7929199, 2.4258881)
YOUNGEST, OLDEST = 30, 540  # days
HORIZON_DAYS = 180
CHUNK = 1_000_000
LEAST_RATIO, MOST_TIMES_RAW, MOST_GIB = 10.0, 3.0, 4.0
PROCESSOR = "_processor"
HISTORY = ("frequency", "active_span_days", "age_days")
_GROUPS = f"SELECT {', '.join(HISTORY)}, count(*) AS customers FROM customers GROUP BY ALL ORDER BY ALL"
_JOINED = """
    SELECT customers.customer_id, predicted.p_alive, predicted.expected_purchases, predicted.p_purchase
    FROM customers
    JOIN predicted USING (frequency, active_span_days, age_days)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=PROJECT / "data" / "bench" / "models")
    parser.add_argument("--part", choices=PARTS, help="what a process of its own does; not for you")
    arguments = parser.parse_args()
    folder: Path = arguments.folder.resolve()
    if arguments.part:
        _measured(PARTS[arguments.part], folder)
        return
    folder.mkdir(parents=True, exist_ok=True)
    _make(folder / "few.parquet", arguments.customers, arguments.seed)
    _make(folder / "many.parquet", 10 * arguments.customers, arguments.seed + 1)
    _show(arguments.customers, *(_in_process(part, folder) for part in PARTS))


def _make(target: Path, customers: int, seed: int) -> None:
    """Customers in whole days, as a shop knows them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer = None
    for place, first in enumerate(range(0, customers, CHUNK)):
        rng = np.random.default_rng([seed, place])
        ages = rng.integers(YOUNGEST, OLDEST + 1, min(CHUNK, customers - first))
        world = simulate(TRUTH, ages / 7, 0.0, rng)
        spans = np.minimum(np.ceil(7 * world.t_x), ages)  # ceil: who bought again did so on a later day
        columns = (first + np.arange(len(ages)), world.x.astype(np.int64), spans.astype(np.int64), ages)
        table = pa.table(dict(zip(("customer_id", *HISTORY), columns, strict=True)))
        writer = writer or pq.ParquetWriter(target, table.schema)
        writer.write_table(table)
    if writer:
        writer.close()


class _Watch:
    """Seconds since the last stop: on the wall, and of the processor, all threads together."""

    def __init__(self) -> None:
        self.took: dict[str, float] = {}
        self._since = (time.perf_counter(), time.process_time())

    def stop(self, name: str) -> None:
        now = (time.perf_counter(), time.process_time())
        self.took[name], self.took[name + PROCESSOR] = (b - a for a, b in zip(self._since, now, strict=True))
        self._since = now


# ── what is timed ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _lifetimes(folder: Path) -> dict[str, float]:
    """As its documents show: every customer a row."""
    import pandas as pd
    from lifetimes import BetaGeoFitter

    frame = pd.read_parquet(folder / "few.parquet")
    x, t_x, T = frame["frequency"], frame["active_span_days"] / 7, frame["age_days"] / 7
    watch = _Watch()
    fitter = BetaGeoFitter().fit(x, t_x, T)
    watch.stop("fit")
    fitter.conditional_expected_number_of_purchases_up_to_time(HORIZON_DAYS / 7, x, t_x, T)
    fitter.conditional_probability_alive(x, t_x, T)
    watch.stop("predict")
    return watch.took | fitter.params_.to_dict()


def _few(folder: Path) -> dict[str, float]:
    """From memory to memory, like lifetimes."""
    return _grouped(f"TABLE customers AS SELECT * FROM '{folder}/few.parquet'", f"CREATE TABLE joined AS {_JOINED}")


def _many(folder: Path) -> dict[str, float]:
    """From file to file."""
    target = folder / "many-predicted.parquet"
    return _grouped(f"VIEW customers AS SELECT * FROM '{folder}/many.parquet'", f"COPY ({_JOINED}) TO '{target}'")


def _grouped(customers: str, joined: str) -> dict[str, float]:
    """Grouping and joining back are part of it."""
    import duckdb

    from pipeline.models.fitting import fit
    from pipeline.steps.prediction.inputs import histories_of

    connection = duckdb.connect(config={"memory_limit": "1500MiB"})
    connection.execute("SET preserve_insertion_order = false")
    connection.execute(f"CREATE {customers}")
    watch = _Watch()
    groups = connection.sql(_GROUPS).pl()
    h = histories_of(groups)
    found = fit(BGNBD, h)
    if found.status != "converged":
        raise SystemExit(f"the fit is {found.status}: {found.reason}")
    watch.stop("fit")
    weeks, arrays = HORIZON_DAYS / 7, (h.x, h.t_x, h.T)
    predicted = groups.with_columns(
        p_alive=found.model.p_alive(*arrays),
        expected_purchases=found.model.expected_purchases(weeks, *arrays),
        p_purchase=found.model.probability_of_purchase(weeks, *arrays),
    )
    connection.register("predicted", predicted)
    connection.execute(joined)
    watch.stop("predict")
    return watch.took | {"groups": float(len(h.x))} | dict(found.model.parameters)


PARTS: dict[str, Callable[[Path], dict[str, float]]] = {"lifetimes": _lifetimes, "few": _few, "many": _many}


# ── measuring and showing ─────────────────────────────────────────────────────────────────────────────────────────────


def _measured(part: Callable[[Path], dict[str, float]], folder: Path) -> None:
    found = part(folder)
    # Not getrusage: that remembers how large the process was that started this one.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    found["peak_gib"] = int(status["VmHWM"].split()[0]) / 2**20
    sys.stdout.write(json.dumps(found))


def _in_process(part: str, folder: Path) -> dict[str, float]:
    sys.stderr.write(f"{part} …\n")
    command = [sys.executable, __file__, "--part", part, "--folder", str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)  # noqa: S603
    if done.returncode:
        raise SystemExit(f"{part} ended with {done.returncode}; what it said stands above.")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _show(customers: int, lifetimes: dict[str, float], few: dict[str, float], many: dict[str, float]) -> None:
    _say(f"BG/NBD on {os.cpu_count()} cores: fit, and predict {HORIZON_DAYS} days ahead.")
    _say("From memory to memory, ours with grouping and joining; ten times as many from Parquet to Parquet.")
    _say("Seconds on the wall, and of the processor: on a machine that others use, too, only these can be compared.")
    _say(f"{'':34}{'fit s':>9}{'predict s':>11}{'processor s':>13}{'peak GiB':>10}   parameters")
    for title, found in (
        (f"lifetimes, {customers:,} rows", lifetimes),
        (f"ours, {customers:,} in {few['groups']:,.0f} groups", few),
        (f"ours, {10 * customers:,} in {many['groups']:,.0f} groups", many),
    ):
        parameters = " ".join(f"{name} {found[name]:.4f}" for name in ("r", "alpha", "a", "b"))
        _say(
            f"{title:34}{found['fit']:>9.1f}{found['predict']:>11.1f}{_whole(found, PROCESSOR):>13.1f}"
            f"{found['peak_gib']:>10.2f}   {parameters}"
        )
    for seconds, where in (("", "on the wall"), (PROCESSOR, "of the processor")):
        ratio = _whole(lifetimes, seconds) / _whole(few, seconds)
        times = _whole(many, seconds) / lifetimes[f"fit{seconds}"]
        _goal(
            f"{where}: fit + predict of {customers:,} {ratio:.1f} × faster than lifetimes (goal: {LEAST_RATIO:g})",
            ratio >= LEAST_RATIO,
        )
        _goal(
            f"{where}: ten times as many in {times:.2f} × its raw fit (goal: at most {MOST_TIMES_RAW:g})",
            times <= MOST_TIMES_RAW,
        )
    _goal(f"peak {many['peak_gib']:.2f} GiB (goal: at most {MOST_GIB:g})", many["peak_gib"] <= MOST_GIB)


def _whole(found: dict[str, float], seconds: str) -> float:
    return found[f"fit{seconds}"] + found[f"predict{seconds}"]


def _goal(text: str, met: bool) -> None:
    _say(f"{'met ' if met else 'MISSED'}  {text}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    main()
