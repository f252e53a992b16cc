"""Which of two exports counts: the newer, by what it says of itself, else by its arrival; by file or by row.

Everything goes through find_exports and load_exports, as in a run. A load comes a minute after the one before.
"""

from __future__ import annotations

import datetime as dt
import gzip
from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest
from drop_folder import HEADER, Home, counts
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.names import ordinals
from pipeline.settings import Settings

CUSTOMERS = "customer_id,registered_at"
CHANGED = f"{CUSTOMERS},updated_at"
EXPORTED = f"{HEADER},exported_at"
TARGETS = "kpi,period,value"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with ExitStack() as opened:
        yield Home(tmp_path, opened)


def amounts(home: Home) -> dict[str, Decimal]:
    """Order -> what its lines add up to."""
    return home.select("SELECT order_id, sum(amount) AS amount FROM staging.order_lines GROUP BY ALL").by(
        "order_id", "amount"
    )


def registered(home: Home) -> dict[str, str]:
    return home.staged("customers").by_customer("registered_on")


# ── by arrival ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("names", [("first.csv", "then.csv"), ("then.csv", "first.csv"), ("2.csv", "1.csv")])
def test_an_edited_order_counts_as_the_export_that_came_last_tells_it(home, names):
    """The second holds one order only, none later than the first's: neither its rows nor its name make it newer."""
    home.lines(names[0], "o1,anna,2025-10-01 10:00,100", "o2,bert,2025-10-02 10:00,50")
    home.load()
    home.lines(names[1], "o1,anna,2025-10-01 10:00,80")
    home.load()
    assert amounts(home) == {"o1": 80, "o2": 50}
    assert set(home.remarks()) == {"older_backup"}  # it might be one


def test_what_comes_later_is_newer_though_the_clock_has_gone_back(home):
    home.lines("b.csv", "o1,anna,2026-01-01,100")
    home.load()
    home.clock -= dt.timedelta(hours=1)
    home.lines("a.csv", "o1,anna,2026-01-01,80")
    home.load()
    assert amounts(home) == {"o1": 80} and home.remarks() == {}


@pytest.mark.parametrize(
    ("again", "lines"),
    [
        (["o1,anna,2026-01-01,100,cancelled"], [("o1", "anna", 100, "cancelled")]),
        (["o1,anna,2026-01-01,100,paid"], [("o1", "anna", 100, "paid")]),  # a line less
        (["o1,cleo,2026-01-01,100,paid", "o1,cleo,2026-01-01,20,paid"],
         [("o1", "cleo", 100, "paid"), ("o1", "cleo", 20, "paid")]),
    ],
    ids=["cancelled", "fewer lines", "another customer"],
)  # fmt: skip
def test_an_order_exported_again_is_what_it_has_become(home, again, lines):
    header = f"{HEADER},status"
    home.lines(
        "a.csv", "o1,anna,2026-01-01,100,paid", "o1,anna,2026-01-01,20,paid", "o2,b,2026-02-01,1,", header=header
    )
    home.load()
    home.lines("b.csv", *again, header=header)
    home.load()
    of_o1 = home.order_lines().where(order_id="o1")
    assert of_o1.rows("order_id", "customer_id", "amount", "status") == lines


def test_a_date_in_2099_makes_no_export_newer(home):
    home.lines("a.csv", "o1,anna,2026-01-01,100", "o9,zoe,2099-01-01,5")
    home.load()
    home.lines("b.csv", "o1,anna,2026-01-01,80")
    home.load()
    assert amounts(home) == {"o1": 80, "o9": 5}
    assert home.ledger().by("path", "latest_at")["data/exports/perennial/a.csv"] == "2026-01-01T00:00:00"


def test_a_date_in_2099_decides_not_even_between_files_that_came_together(home):
    home.lines("before.csv", "o1,anna,2026-01-01,100", "o9,zoe,2099-01-01,5")
    home.lines("after.csv", "o1,anna,2026-01-01,80", "o2,anna,2026-01-02,1")
    home.load()
    assert amounts(home)["o1"] == 80


def test_the_arrival_is_kept_whatever_is_made_of_the_file(home):
    """Rejected at first, then loaded with another limit, then read again in another zone: it stays the older one."""
    home.settings["quarantine_limit"] = 0.1
    home.lines("a.csv", "o1,anna,2026-01-01,100", "o2,anna,2026-01-01,1O0")
    assert home.load()["a.csv"].status == "rejected"
    arrivals = home.select("SELECT * FROM ingest.arrivals").rows()
    assert len(arrivals) == 1
    home.lines("b.csv", "o1,anna,2026-01-01,80")
    home.load()
    home.settings |= {"quarantine_limit": 0.9, "timezone": "Europe/Warsaw"}
    assert home.load()["a.csv"].status == "loaded"
    assert amounts(home) == {"o1": 80}
    assert set(arrivals) < set(home.select("SELECT * FROM ingest.arrivals").rows())


def test_when_the_newer_export_is_read_otherwise_an_older_one_gets_its_order_back_though_it_was_away(home):
    """The mapping changes while only the newer file is named; the older one is read again when it is at hand."""
    mapping = "SELECT row_number, {order} AS order_id, customer AS customer_id, day AS ordered_at, money AS amount"
    home.own_source(mapping.format(order='"order"') + " FROM export")
    home.lines("old.csv", "o1,anna,2026-01-02,7")
    home.load()
    new = home.drop("new.csv", "order,customer,day,money\no1,anna,2026-01-02,8\no2,bert,2026-01-03,1\n", source="own")
    home.load()
    home.own_source(mapping.format(order="nullif(\"order\", 'o1')") + " FROM export")
    home.load(own=str(new))
    assert amounts(home) == {"o2": 1}
    home.load()
    assert amounts(home) == {"o1": 7, "o2": 1}


# ── files that arrive together ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("day1.csv", "day2.csv"), ("file9.csv", "file10.csv"), ("Orders.csv", "orders (1).csv"),
        ("orders-2025-12.csv", "orders-2026-01.csv"), ("part_a.csv", "Part_B.csv"), ("2025-12/x.csv", "2026-01/x.csv"),
        ("export.csv", "export.v2.csv"), ("a.csv", "B.csv"),
    ],
)  # fmt: skip
def test_what_files_count_with_tells_them_apart_before_their_rows_do(home, older, newer):
    home.lines(older, "o1,anna,2026-01-01,100", "o2,bert,2026-01-02,50")
    home.lines(newer, "o1,anna,2026-01-01,80")
    home.load()
    assert amounts(home) == {"o1": 80, "o2": 50}


def test_names_that_count_nothing_leave_it_to_the_latest_row(home):
    """Accounts were merged in the shop; the export after it is called new, which comes before old in the alphabet."""
    home.lines("old.csv", "o1,cust-17,2026-06-01,100", "o2,cust-17,2026-07-01,50")
    home.lines("new.csv", "o1,cust-99,2026-06-01,100", "o2,cust-99,2026-07-01,50", "o3,cust-99,2026-09-01,30")
    home.load()
    assert home.order_lines().by("order_id", "customer_id") == dict.fromkeys(("o1", "o2", "o3"), "cust-99")


def test_two_exports_that_differ_and_came_together_are_told_by_count_and_example(home):
    lines = ("o1,anna,2026-01-01,100", "o2,bert,2026-01-02,50", "o3,cleo,2026-01-03,7")
    home.lines("1.csv", "o0,zoe,2026-01-01,1", *lines)
    home.lines("2.csv", lines[0].replace("100", "80"), lines[1], lines[2].replace("cleo", "carl"))
    home.load()
    assert amounts(home) == {"o0": 1, "o1": 80, "o2": 50, "o3": 7}
    (remark,) = home.select("SELECT * FROM ingest.remarks").rows("subject", "rows", "message")
    assert remark[:2] == ("undecided", 2)
    assert remark[2].startswith(
        "files that arrived together with it tell 2 of its order_id otherwise (row 1 here, row 2 of 1.csv), and "
        "nothing says which is newer; this file counts,"
    )
    assert not any(value in remark[2] for value in ("o1", "80", "anna", "carl"))


def test_files_that_agree_are_not_told(home):
    home.lines("1.csv", "o1,anna,2026-01-01,100", "o2,bert,2026-01-02,50")
    home.lines("2.csv", "o2,bert,2026-01-02,50.00", "o3,bert,2026-01-02,50")
    home.load()
    assert home.remarks() == {}


def test_files_exported_on_one_day_that_differ_are_told_if_they_also_came_together(home):
    home.settings["exported_at"] = {"perennial": "%Y-%m-%d"}
    home.lines("2026-01-05.csv", "o1,anna,2026-01-01,100")
    home.lines("2026-01-05 b.csv", "o1,anna,2026-01-01,80")
    home.load()
    assert amounts(home) == {"o1": 80} and list(home.remarks()) == ["undecided"]
    home.lines("2026-01-05 again.csv", "o1,anna,2026-01-01,60")
    home.load()
    assert amounts(home) == {"o1": 60} and list(home.remarks()) == ["undecided"]


def test_ordinals_sort_as_numbers_do():
    paths = ["day.csv", "day-a.csv", "day b.csv", "v.csv", "v 2.csv", "v0.csv", "v1.csv", "v01 2.csv", "v10.csv"]
    paths.append(f"v{10**30}.csv")
    shuffled = paths[::2] + paths[1::2]
    assert sorted(shuffled, key=ordinals) == paths


# ── when a file was exported ──────────────────────────────────────────────────────────────────────────────────────────


def test_an_older_backup_dropped_later_takes_nothing_if_it_tells_its_age(home):
    home.lines("now.csv", "o1,anna,2026-01-01,80,2026-03-01 08:00", header=EXPORTED)
    home.load()
    home.lines("backup.csv", "o1,anna,2026-01-01,100,2026-02-01", "o2,bert,2026-01-01,5,", header=EXPORTED)
    assert counts(home.load()["backup.csv"]) == (2, 1, 0, 1, 0)
    assert amounts(home) == {"o1": 80, "o2": 5}
    ledger = home.ledger().by("path", "exported_at")
    assert sorted(ledger.values()) == ["2026-02-01T00:00:00", "2026-03-01T08:00:00"]
    assert "exported_at" not in home.order_lines().frame.columns


@pytest.mark.parametrize(
    ("pattern", "older", "newer"),
    [
        ("orders_%Y-%m-%d", "orders_2026-01-31.csv", "orders_2026-02-01.csv"),
        ("%Y%m%dT%H%M%S", "shop-20260201T080000-full.csv", "a 20260201T080001.csv.gz"),
        ("%d.%m.%Y", "31.01.2026.csv", "01.02.2026.csv"),
        ("%d%b%y", "28JAN26.csv", "export-01feb26.csv"),
        ("%Y-%m-%dT%H%M%z", "2026-02-01T0100+0200.csv", "2026-01-31T2330Z.csv"),
    ],
)
def test_the_name_tells_when_a_file_was_exported(home, pattern, older, newer):
    """The newer one is loaded first."""
    home.settings["exported_at"] = {"perennial": pattern}
    text = f"{HEADER}\no1,anna,2026-01-01,80\n".encode()
    home.drop(newer, gzip.compress(text) if newer.endswith(".gz") else text)
    home.load()
    home.lines(older, "o1,anna,2026-01-01,100")
    home.load()
    assert amounts(home) == {"o1": 80} and home.remarks() == {}


def test_a_name_without_the_time_is_told_and_its_arrival_counts(home):
    home.settings["exported_at"] = {"perennial.order_lines": "orders_%Y-%m-%d"}
    home.lines("orders_2026-13-01.csv", "o1,anna,2026-01-01,80")
    home.load()
    assert "does not hold the time of the export as orders_%Y-%m-%d" in home.remarks()["exported_unnamed"]
    assert home.ledger().one("exported_at") is None


def test_a_changed_pattern_decides_anew(home):
    home.lines("orders 2026-02-01.csv", "o1,anna,2026-01-01,80")
    home.load()
    home.lines("orders 2026-01-01.csv", "o1,anna,2026-01-01,100")
    home.load()
    assert amounts(home) == {"o1": 100}
    home.settings["exported_at"] = {"perennial": "orders %Y-%m-%d"}
    home.load()
    assert amounts(home) == {"o1": 80}


def test_an_export_of_the_future_counts_as_of_its_arrival_and_is_told(home):
    home.lines("a.csv", "o1,anna,2026-01-01,100,2099-01-01", header=EXPORTED)
    home.load()
    assert "more than a day after it arrived" in home.remarks()["exported_later"]
    home.lines("b.csv", "o1,anna,2026-01-01,80")
    home.load()
    assert amounts(home) == {"o1": 80}


def test_a_time_of_export_that_cannot_be_read_is_told_and_its_row_stays(home):
    home.lines("a.csv", "o1,anna,2026-01-01,100,yesterday", header=EXPORTED)
    assert counts(home.load()["a.csv"]) == (1, 1, 0, 0, 0)
    assert home.remarks() == {"exported_unreadable": "exported_at cannot be read in 1 of its rows."}


@pytest.mark.parametrize(("pattern", "said"), [("orders_%Q-%Y", "%Q is no part"), ("orders_%m-%d", "needs its year")])
def test_a_pattern_that_cannot_be_used_is_refused(tmp_path, pattern, said):
    with pytest.raises(ValidationError, match=said):
        Settings(home=tmp_path, exported_at={"perennial": pattern})


# ── by row ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_of_customers_the_row_that_was_changed_last_counts_whatever_its_file(home):
    home.lines("a.csv", "anna,2026-01-01,2026-05-01", "bert,2026-01-02,2026-02-01", header=CHANGED)
    home.load()
    home.lines("b.csv", "anna,2025-01-01,2026-03-01", "bert,2025-01-02,2026-06-01", header=CHANGED)
    assert counts(home.load()["b.csv"]) == (2, 1, 0, 1, 0)
    assert registered(home) == {"anna": "2026-01-01", "bert": "2025-01-02"}


def test_a_row_without_a_time_of_its_own_counts_as_of_its_file(home):
    home.lines("a.csv", "anna,2026-01-01,2026-11-30", "bert,2026-01-02,2026-12-02 00:01", header=CHANGED)
    home.load()
    home.lines("b.csv", "anna,2025-01-01", "bert,2025-01-02", header=CUSTOMERS)
    home.load()
    assert registered(home) == {"anna": "2025-01-01", "bert": "2026-01-02"}


def test_a_change_of_the_future_is_no_evidence_and_is_told(home):
    home.lines("a.csv", "anna,2026-01-01,2099-01-01", header=CHANGED)
    home.load()
    assert "updated_at is more than a day after the file arrived in 1 of its rows" in home.remarks()["changed_later"]
    home.lines("b.csv", "anna,2025-01-01,2026-12-01 00:05", header=CHANGED)
    home.load()
    assert registered(home) == {"anna": "2025-01-01"}


def test_of_the_rows_of_one_file_the_latest_change_counts(home):
    """Of bert's two latest one is another's contradiction, cleo's second tells no time: nobody can tell; anna's can."""
    home.lines(
        "a.csv",
        "anna,2026-01-01,2026-02-01", "anna,2026-01-03,2026-04-01", "anna,2026-01-02,2026-03-01",
        "bert,2026-01-01,2026-02-01", "bert,2026-01-02,2026-03-01", "bert,2026-01-03,2026-03-01",
        "cleo,2026-01-01,2026-02-01", "cleo,2026-01-02,",
        "dora,2026-01-01,2026-02-01", "dora,2026-01-01,2026-02-01",
        header=CHANGED,
    )  # fmt: skip
    assert counts(home.load()["a.csv"]) == (10, 2, 5, 2, 1)
    assert registered(home) == {"anna": "2026-01-03", "dora": "2026-01-01"}
    assert set(home.reasons()) == {4, 5, 6, 7, 8}


def test_a_target_is_what_was_set_last(home):
    """A correction of March, set in June, comes before the plan of May is dropped."""
    dated = f"{TARGETS},updated_at"
    home.lines("june.csv", "revenue,2026-03,80,2026-06-01", header=dated)
    home.load()
    home.lines("may.csv", "revenue,2026-03,90,2026-05-01", "revenue,2026-04,95,2026-05-01", header=dated)
    home.load()
    assert home.staged("targets").by("period", "value") == {"2026-03": 80, "2026-04": 95}


def test_rows_changed_at_one_time_that_differ_are_told_if_their_files_came_together(home):
    home.lines("1.csv", "anna,2026-01-01,2026-05-01", "bert,2026-01-01,2026-05-01", header=CHANGED)
    home.lines("2.csv", "anna,2026-01-02,2026-05-01", "bert,2026-01-02,2026-05-02", header=CHANGED)
    home.load()
    assert registered(home) == {"anna": "2026-01-02", "bert": "2026-01-02"}
    assert home.remarks()["undecided"].startswith("files that arrived together with it tell 1 of its customer_id")


# ── homes of before ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_old_home_keeps_what_stands_and_lets_new_exports_win(home):
    """Its ledger has a column `newest` and no arrivals; dora's time in 2099 must not outlast the upgrade."""
    home.lines("later.csv", "o1,anna,2026-01-01,1", "o9,dora,2099-01-02,9")
    home.load()
    home.lines("b.csv", "o1,anna,2026-01-01,2", "o2,bert,2026-01-02,5")
    home.arrive("b.csv", at="2026-01-03")
    home.load()
    home.engine.execute("ALTER TABLE ingest.files ADD COLUMN newest VARCHAR")
    home.engine.execute("UPDATE ingest.files SET newest = CAST(last_ordered_at AS VARCHAR), exported_at = NULL")
    home.engine.execute("DELETE FROM ingest.arrivals")
    home.settings["timezone"] = "Europe/Warsaw"  # all are read again
    home.load()
    assert amounts(home) == {"o1": 1, "o2": 5, "o9": 9}
    home.lines("a.csv", "o1,anna,2026-01-01,3", "o2,bert,2026-01-02,6")
    home.load()
    assert amounts(home) == {"o1": 3, "o2": 6, "o9": 9}


# ── any order of loading ──────────────────────────────────────────────────────────────────────────────────────────────


class File(NamedTuple):
    """One export, of orders or customers: its rows are (key, day, when it was changed, for customers)."""

    name: str
    source: str
    arrived: str
    exported: str
    rows: list[tuple[str, str, str]]


DAYS = st.sampled_from(["2026-01-01", "2026-01-02", "2026-01-03"])
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["k1", "k2", "k3", ""]), DAYS, st.sampled_from(["", "2026-02-27", "2026-03-01", "2099-01-01"])
    ),
    min_size=1, max_size=4,
)  # fmt: skip
WORLD = st.tuples(
    *(
        st.builds(
            File,
            st.just(name),
            st.just(source),
            st.sampled_from(["2026-03-01", "2026-03-02"]),
            st.sampled_from(["", "", "2026-02-28", "2026-03-01", "2099-01-01"]),
            ROWS,
        )
        for name, source in (("1.csv", "own"), ("02.csv", "own"), ("10.csv", "own2"))
    )
).filter(lambda files: len({str(file[3:]) for file in files}) == 3)  # the same bytes would be the same file
RAW = "{thing: {required: true}, day: {}, changed: {}, exported: {}}"
GIVEN_UP = "nullif(thing, 'k2')"


def mapped(home: Home, input: str, thing: str = "thing") -> None:
    """Source `own`, whose mapping changes, and `own2`, whose does not."""
    columns = {
        "order_lines": "{} AS order_id, day AS ordered_at, 1 AS amount, exported AS exported_at",
        "customers": "{} AS customer_id, day AS registered_at, changed AS updated_at, exported AS exported_at",
    }[input]
    for name, made in (("own", thing), ("own2", "thing")):
        home.own_source(f"SELECT row_number, {columns.format(made)} FROM export", RAW, name, input)


def expected(files: tuple[File, ...], input: str) -> dict[str, set[str]]:
    """The rule in plain Python: key -> the days that its lines have in staging."""
    ages = {}
    for number, file in enumerate(files):
        told = file.exported if file.exported and file.exported <= "2026-03-03" else file.arrived
        ages[file.name] = (told, file.arrived, number)
    claims: dict[str, list[tuple[object, set[str]]]] = {}
    for file in files:
        for key in {key for key, *_ in file.rows if key}:
            rows = [(day, changed) for name, day, changed in file.rows if name == key]
            told = ages[file.name][0]
            if input == "customers":
                believed = [changed if changed <= "2026-03-02" else "" for _, changed in rows]
                rows = [row for row, time in zip(rows, believed, strict=True) if not time or time == max(believed)]
                if len(set(rows)) > 1:
                    continue  # a contradiction
                told = max(believed) if all(believed) else told
            claims.setdefault(key, []).append(((told, ages[file.name]), {day for day, _ in rows}))
    return {key: max(of_key, key=lambda claim: claim[0])[1] for key, of_key in claims.items()}


@pytest.fixture(scope="module")
def one_home(tmp_path_factory) -> Iterator[Home]:
    with ExitStack() as opened:
        yield Home(tmp_path_factory.mktemp("one"), opened)


@settings(max_examples=10, phases=[Phase.explicit, Phase.generate])  # three files of four lines need no shrinking
@given(
    files=WORLD,
    input=st.sampled_from(["order_lines", "customers"]),
    steps=st.lists(st.tuples(st.sets(st.integers(0, 2), min_size=1), st.booleans()), max_size=4),
    order=st.permutations(range(3)),
)
def test_the_same_files_and_arrivals_give_the_same_whatever_was_loaded_when(one_home, files, input, steps, order):
    """Loaded at once; or in any order, some of them again and again, with mappings that change in between."""
    one_home.emptied()
    for file in files:
        lines = [",".join((*row, file.exported)) for row in file.rows]
        one_home.drop(file.name, "\n".join(["thing,day,changed,exported", *lines]) + "\n", f"{file.source}.{input}")
    for other in ("own", "own2"):  # what the last example left
        for path in (one_home.path / "data" / "exports").glob(f"{other}.*/*"):
            if path.parent.name != f"{other}.{input}":
                path.unlink()
    mapped(one_home, input)
    exports = {export.name: export for export in one_home.find()}

    def start() -> None:
        one_home.emptied()
        mapped(one_home, input)
        for moment in {file.arrived for file in files}:
            one_home.arrive(*(file.name for file in files if file.arrived == moment), at=moment)

    start()
    one_home.load([exports[file.name] for file in files])
    at_once = one_home.everything()
    start()
    for some, gives_up in steps:
        mapped(one_home, input, GIVEN_UP if gives_up else "thing")
        one_home.load([export for n, export in enumerate(one_home.find()) if n in some])
    mapped(one_home, input)
    by_name = {export.name: export for export in one_home.find()}
    one_home.load([by_name[files[n].name] for n in order])
    assert one_home.everything() == at_once

    key, day = ("order_id", "ordered_on") if input == "order_lines" else ("customer_id", "registered_on")
    found: dict[str, set[str]] = {}
    for thing, on in one_home.staged(input).rows(key, day):
        found.setdefault(thing, set()).add(on)
    assert found == expected(files, input)


def test_order_numbers_that_begin_anew_are_told(home):
    home.lines("y2024.csv", *(f"{n},k{n},2024-02-0{n + 1},10" for n in range(5)))
    home.load()
    home.lines("y2025.csv", *(f"{n},z{n},2025-02-0{n + 1},10" for n in range(5)))
    home.load()
    assert home.remarks()["reused_order_ids"].startswith("5 orders stand under the same id")


def test_orders_of_other_customers_under_the_same_ids_are_told_whatever_their_days(home):
    home.lines("berlin.csv", *(f"{n},k{n},2024-02-0{n % 9 + 1},10" for n in range(12)))
    home.load()
    home.lines("vienna.csv", *(f"{n},{'k' if n < 2 else 'z'}{n},2024-02-0{n % 9 + 1},20" for n in range(12)))
    home.load()
    told = home.remarks()["reused_order_ids"]
    assert told.startswith("of 12 orders that another file holds under the same ids, 10 are of other customers there")


def test_a_few_orders_that_went_to_another_customer_are_not_told(home):
    home.lines("a.csv", *(f"{n},k{n},2024-02-0{n % 9 + 1},10" for n in range(12)))
    home.load()
    home.lines("b.csv", *(f"{n},{'z' if n < 6 else 'k'}{n},2024-02-0{n % 9 + 1},10" for n in range(12)))
    home.load()
    assert "reused_order_ids" not in home.remarks()


def test_refunds_without_their_sales_are_told_where_they_take_their_place(home):
    home.lines("sales.csv", "1,anna,2026-02-01,10", "2,anna,2026-02-02,20", "3,bert,2026-02-03,30")
    home.load()
    home.lines("refunds.csv", "1,anna,2026-02-05,-10", "2,anna,2026-02-06,-5", "9,cleo,2026-02-06,-5")
    home.load()
    told = home.remarks()["refunds_alone"]
    assert told.startswith("of 2 orders it holds refunds and no sale; the sales in another file no longer count")
    home.lines("whole.csv", "3,bert,2026-02-03,30", "3,bert,2026-02-07,-30")
    home.load()
    assert home.remarks()["refunds_alone"] == told


def test_an_edited_order_of_the_same_customer_is_not_told_as_another(home):
    home.lines("a.csv", "1,anna,2026-02-01,10")
    home.load()
    home.lines("b.csv", "1,anna,2026-03-01,20")
    home.load()
    assert home.remarks() == {}


def test_a_backup_that_arrives_later_is_told(home):
    home.lines("new.csv", "1,anna,2026-02-01,10", "2,bert,2026-03-01,20", "3,cleo,2026-01-01,5")
    home.load()
    home.lines("backup.csv", "1,anna,2026-02-01,30", "3,cleo,2026-01-01,5")
    home.load()
    assert "tells 1 order otherwise" in home.remarks()["older_backup"]
