"""What spreadsheets and locales do to an export: undone, read, left out with a word, or refused with the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from drop_folder import HEADER, Home, counts
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ExportError
from pipeline.ingest.exports import load_exports


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with ExitStack() as opened:
        yield Home(tmp_path, opened)


def days(n: int) -> str:
    return f"2026-01-{n + 1:02d}"


def orders(home: Home, cells: list[str], column: str = "amount", name: str = "in.csv") -> None:
    """One order per cell, which stands in the column; all else is plain."""
    plain = {"customer_id": "anna", "amount": "10.00"}
    rows = [{**plain, "order_id": f"o{n}", "ordered_at": days(n % 28), column: cell} for n, cell in enumerate(cells)]
    home.lines(name, *('"' + '","'.join(row[c].replace('"', '""') for c in HEADER.split(",")) + '"' for row in rows))


# ── ids ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (["101.0", "102.0"], ["101", "102"]),
        (["101.0", "102"], ["101", "102"]),
        (["1.0", "1.5"], ["1.0", "1.5"]),  # versions, not numbers
        (['="00123"', '="00124"'], ["00123", "00124"]),
        (["'00123", "'tis"], ["00123", "'tis"]),
        (["12E4", "1-E+5x"], ["12E4", "1-E+5x"]),
    ],
)
def test_ids_are_as_they_were_before_the_spreadsheet(home, written, read):
    orders(home, written, "customer_id")
    home.load()
    assert list(home.order_lines().by("order_id", "customer_id").values()) == read


@pytest.mark.parametrize("column", ["customer_id", "order_id"])
@pytest.mark.parametrize("cell", ["6.12346E+12", "6,12346E+12", "6.1e+12", "6E+12"])
def test_a_rounded_id_is_quarantined_with_the_remedy(home, cell, column):
    orders(home, ["c1", cell], column)
    home.load()
    (reason,) = home.reasons().values()
    assert "an id that a spreadsheet has rounded: export again" in reason and cell not in reason
    home.settings["id_guard"] = {"perennial": False}
    home.load()
    assert cell in home.order_lines().by("row_number", column).values()


def test_ids_that_were_floating_point_numbers_are_whole(home, tmp_path):
    file = tmp_path / "data" / "exports" / "perennial" / "in.parquet"
    file.parent.mkdir(parents=True)
    pl.DataFrame(
        {
            "order_id": [1.0, 2.0, 3.0], "customer_id": [6123460000001.0, None, 9e17],
            "ordered_at": ["2026-01-01"] * 3, "amount": [1.0] * 3,
        }
    ).write_parquet(file)  # fmt: skip
    home.load()
    assert home.order_lines().rows("order_id", "customer_id") == [("1", "6123460000001"), ("2", None)]
    assert "rounded" in home.reasons()[3]


def test_zeros_lost_beside_kept_ones_and_digits_behind_the_15th_refuse_the_file(home):
    orders(home, ["00123", "123"], "customer_id")
    with pytest.raises(ExportError, match="1 ids stand there with leading zeros and without, in this file"):
        home.load()
    orders(home, ["00123", "00456"], "customer_id")
    home.load()
    orders(home, ["123", "456"], "customer_id", "february.csv")
    with pytest.raises(ExportError, match=r"february.csv.*2 ids .* loaded before.*false below \[id_guard\]"):
        home.load()
    orders(home, [f"{n}00000" for n in range(1234567890123, 1234567890126)], "customer_id", "february.csv")
    with pytest.raises(ExportError, match="3 ids of more than 15 digits end in zeros"):
        home.load()


def test_a_customer_with_most_of_the_orders_is_told(home):
    orders(home, ["zoe7"] * 20 + ["anna"] * 5, "customer_id")
    home.load()
    assert "one customer has 80 % of the rows that name one (20 orders)" in home.remarks()["leading_customer"]
    assert "zoe7" not in str(home.remarks())


# ── numbers ───────────────────────────────────────────────────────────────────────────────────────────────────────────

STYLES = {
    "plain": (".", ""), "comma": (",", ""), "english": (".", ","), "german": (",", "."), "french": (",", "\u202f"),
    "thin": (",", "\u2009"), "figure": (".", "\u2007"), "swiss": (".", "'"),
}  # fmt: skip
SIGNS = ["-{}", "\u2212{}", "({})", "{}-", "{} -", "\u2013{}", "-€{}", "({} €)", "{} EUR-", "€ -{}"]


@settings(max_examples=40, deadline=None)
@given(
    style=st.sampled_from(sorted(STYLES)), sign=st.sampled_from(SIGNS),
    cents=st.lists(st.integers(-99_999_999, 99_999_999), min_size=1, max_size=5),
)  # fmt: skip
def test_a_number_in_any_style_is_read_back(shared_home, style, sign, cents):
    decimal, thousands = STYLES[style]

    def written(value: int) -> str:
        text = f"{abs(value) // 100:,}".replace(",", thousands) + f"{decimal}{abs(value) % 100:02d}"
        return sign.format(text) if value < 0 else text

    shared_home.emptied()
    orders(shared_home, [written(1_234_567), *map(written, cents)])
    shared_home.load()
    assert list(shared_home.order_lines().by("row_number", "amount").values()) == [
        Decimal(value) / 100 for value in (1_234_567, *cents)
    ]


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with ExitStack() as opened:
        yield Home(tmp_path_factory.mktemp("styles"), opened)


def test_indian_groups_are_read_and_a_price_without_cents_is_no_negative_one(home):
    orders(home, ["₹1,23,456.78", "12,34,567.00", "99.90", "12.-"])
    home.load()
    assert list(home.order_lines().by("row_number", "amount").values()) == [
        Decimal("123456.78"), Decimal("1234567.00"), Decimal("99.90"),
    ]  # fmt: skip
    assert set(home.reasons()) == {4}


@pytest.mark.parametrize(("cells", "sign"), [(["150.000", "75"], ","), (["1.234"], ","), (["150,000"], ".")])
def test_three_digits_behind_the_sign_need_a_word_unless_the_currency_has_as_many(home, cells, sign):
    orders(home, cells)
    with pytest.raises(ExportError, match="can be read in two ways") as refused:
        home.load()
    assert cells[0] not in str(refused.value) and f'decimal = "{sign}"' in str(refused.value)
    home.settings["dialects"] = {"perennial": {"decimal": sign}}
    home.load()
    assert home.order_lines().by("row_number", "amount")[1] == int(cells[0].replace(".", "").replace(",", ""))
    if sign == ",":
        home.settings |= {"dialects": {}, "currency": "KWD"}
        home.load()
        assert home.order_lines().by("row_number", "amount")[1] == round(Decimal(cells[0]), 2)


# ── siblings ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["a.csv", "z.csv"])
def test_siblings_of_the_same_run_decide_whatever_the_order(home, name):
    home.lines("m.csv", "o1,anna,27/11/2025,10.50", "o2,anna,28/11/2025,1")
    home.lines(name, "o3,anna,5/12/2025,1.234")
    loaded = home.load()
    assert "as in other files of the source" in loaded[name].message
    assert home.order_lines().by("order_id", "ordered_on")["o3"] == "2025-12-05"
    assert home.order_lines().by("order_id", "amount")["o3"] == Decimal("1.23")
    home.lines("later.csv", "o4,anna,6/12/2025,2.00")
    home.load()
    assert home.order_lines().by("order_id", "ordered_on")["o4"] == "2025-12-06"


def test_siblings_that_disagree_decide_nothing(home):
    home.lines("m.csv", "o1,anna,27/11/2025,10.50")
    home.lines("n.csv", "o2,anna,11/27/2025,10.50")
    home.lines("a.csv", "o3,anna,5/12/2025,10.50")
    outcomes = list(load_exports(home.engine, home.now(), home.find()))
    (refused,) = [outcome for outcome in outcomes if isinstance(outcome, ExportError)]
    assert "a.csv" in str(refused) and "other files of the source disagree" in str(refused)


# ── dates ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "written",
    [
        "5 Sept 2025, 10:30:00 am", "5 Sept. 2025 10:30 a.m.", "Sep 5, 2025, 10:30:00\u202fAM",
        "September 5, 2025 at 10:30\u00a0AM", "Fri, 5 Sep 2025 10:30:00", "5th September 2025 10:30",
        "05.Sep.2025 10:30",
        "2025. 09. 05. 10:30", "2025-09-05 10:30:00\u202fAM", "2025.09.05 10:30",
    ],
)  # fmt: skip
def test_dates_of_many_locales_are_read(home, written):
    orders(home, [written, written], "ordered_at")
    home.load()
    assert set(home.order_lines().by("row_number", "ordered_at").values()) == {"2025-09-05T10:30:00"}


def test_serial_numbers_of_a_spreadsheet_are_told_with_the_days_they_mean(home):
    orders(home, ["45678.5", "45679"], "ordered_at")
    with pytest.raises(ExportError, match=r'2025-01-21 to 2025-01-22 \(dates = "excel"\) or, counted from 1904, 2029'):
        home.load()
    for system, moment in (("excel", "2025-01-21T12:00:00"), ("excel_1904", "2029-01-22T12:00:00")):
        home.settings["dialects"] = {"perennial": {"dates": system}}
        home.load()
        assert home.order_lines().by("row_number", "ordered_at")[1] == moment


@pytest.mark.parametrize(("zone", "told"), [(None, True), ("America/Los_Angeles", False), ("UTC", False)])
def test_times_of_one_offset_are_told_where_no_zone_is_set(home, zone, told):
    home.settings |= {"timezone": zone} if zone else {}
    orders(home, ["2026-01-05 10:00:00 -0800", "2026-01-06T10:00:00-08:00"], "ordered_at")
    home.load()
    assert ("8 hours behind UTC" in home.remarks().get("time_zone", "")) == told


# ── around the table ──────────────────────────────────────────────────────────────────────────────────────────────────

ROWS = [f"o{n},anna,{days(n)},{n + 1}.00" for n in range(8)]  # 36.00


@pytest.mark.parametrize("above", ["Orders report\nPeriod: 2026\n\n", "Orders,,,\n,,,\n", "\n\n", "sep=,\n"])
def test_what_stands_above_the_header_is_left_out(home, above):
    home.drop("in.csv", above + "\n".join((HEADER, *ROWS)))
    outcome = home.load()["in.csv"]
    assert counts(outcome) == (8, 8, 0, 0, 0)
    assert ("preamble" in home.remarks()) == (above != "sep=,\n")


def test_a_header_again_in_the_middle_is_no_row(home):
    home.lines("in.csv", *ROWS[:4], HEADER, *ROWS[4:], " " + HEADER.upper())
    assert counts(home.load()["in.csv"]) == (8, 8, 0, 0, 0)
    assert home.remarks()["repeated_header"] == "2 rows left out: the header again. The first is row 5."
    assert home.order_lines().by("order_id", "row_number")["o7"] == 9  # rows keep their place


def test_a_second_header_line_has_one_reason_which_says_what_it_is(home):
    home.lines("in.csv", "No.,Customer,Date,EUR", *ROWS, "o8,anna,someday,2.00")
    assert counts(home.load()["in.csv"]) == (10, 8, 2, 0, 0)
    reasons = home.reasons()
    assert reasons[1] == (
        "words stand wherever numbers and dates are asked for, as in a second header line: take it out of the export"
    )
    assert reasons[10].startswith('column "ordered_at": "xxxxxxx" is not a date'), "one word is no header"


@pytest.mark.parametrize("blank", [",,,", ",,", " , ,,", ",,,,,", "  ,\u00a0,,"])
def test_blank_rows_are_no_rows(home, blank):
    home.lines("in.csv", *ROWS[:4], blank, *ROWS[4:], blank)
    assert counts(home.load()["in.csv"]) == (8, 8, 0, 0, 0)
    assert home.remarks()["blank_rows"] == "blank rows left out: 2."
    assert home.order_lines().by("order_id", "row_number")["o7"] == 9  # rows keep their place


@pytest.mark.parametrize("total", ["Total,,,36.00", "Summe:,,2026-01-31,36.00", ",,,36.00", ",Razem,2026-01-31,36.00"])
def test_a_totals_row_that_is_the_sum_is_left_out(home, total):
    home.lines("in.csv", *ROWS, total)
    assert counts(home.load()["in.csv"]) == (8, 8, 0, 0, 0)
    assert "sums of others: 1" in home.remarks()["totals"]


@pytest.mark.parametrize("total", ["Total,,2026-01-31,35.00", "o9,,2026-01-31,36.00", "Suma,,,1.00"])
def test_a_row_that_only_looks_like_a_total_is_quarantined(home, total):
    home.lines("in.csv", *ROWS, total)
    assert counts(home.load()["in.csv"]) == (9, 8, 1, 0, 0)
    assert "looks like a total" in home.reasons()[9]


def test_a_guest_and_orders_called_by_such_a_word_are_no_totals(home):
    home.lines("in.csv", *(row.replace("o", "SUM-", 1) for row in ROWS), "SUM-9,,2026-01-31,7.00")
    assert counts(home.load()["in.csv"]) == (9, 9, 0, 0, 0)


SALES = [f"{n},K{n % 6},2026-0{1 + n // 10}-15,30.00" for n in range(40)]  # 40 orders, 1,200.00


def after_every(rows: list[str], size: int, made: str) -> list[str]:
    """The rows, and a row of the given form after every so many."""
    return [
        line
        for n, row in enumerate(rows)
        for line in [row, *([made.format(n=n, sum=f"{30 * size:.2f}")] if n % size == size - 1 else [])]
    ]


@pytest.mark.parametrize(
    ("lines", "left_out"),
    [
        ([*after_every(SALES, 10, "Summe {n}/2026,,2026-01-31,{sum}"), "Gesamt,,2026-05-02,1200.00"], 5),
        (after_every(SALES, 8, "Subtotal K8,,2026-01-31,{sum}"), 5),
        (after_every(SALES, 8, "Subtotal,K8,2026-01-31,{sum}"), 5),
        (after_every(SALES, 8, "K8 Total,,2026-01-31,{sum}"), 5),
        (after_every(SALES, 8, ",K8 Total,,{sum}"), 5),
        (after_every(SALES, 8, "Subtotal-8,NULL,2026-01-31,{sum}"), 5),
        (after_every(SALES, 1, "Tagessumme,,2026-01-31,{sum}"), 40),
        ([*after_every(after_every(SALES, 10, "Subtotal,,,{sum}"), 22, "Subtotal,,,600.00")], 6),
        ([told for n, row in enumerate(SALES) for told in (row, f"Running total,,,{30 * n + 30}.00")], 40),
        (["Total,,2026-01-31,1200.00", *SALES], 1),
        ([line for n in range(0, 40, 8) for line in ("Subtotal,,2026-01-31,240.00", *SALES[n : n + 8])], 5),
    ],
)  # fmt: skip
def test_subtotals_are_left_out_whatever_their_share(home, lines, left_out):
    home.lines("in.csv", *lines)
    assert counts(home.load()["in.csv"]) == (40, 40, 0, 0, 0)
    assert f"sums of others: {left_out}." in home.remarks()["totals"]
    assert sum(home.order_lines().by("order_id", "amount").values()) == 1200


def test_subtotals_that_do_not_fit_are_quarantined_whatever_their_share(home):
    home.lines("in.csv", *after_every(SALES, 4, "Subtotal,,2026-01-31,77.00"))
    assert counts(home.load()["in.csv"]) == (50, 40, 10, 0, 0)
    assert all("looks like a total" in reason for reason in home.reasons().values())


@pytest.mark.parametrize("name", ["SUM-{n}", "TOTAL-{n}", "Total {n}", "Summe ({n})", "{n} total"])
@pytest.mark.parametrize("every", [1, 3])
def test_a_scheme_of_order_numbers_is_no_row_of_totals(home, name, every):
    rows = [f"{name.format(n=n) if n % every == 0 else n},K{n},2026-01-15,{n + 5}.00" for n in range(40)]
    home.lines("in.csv", *rows, "Gesamt,,2026-01-31,980.00")
    assert counts(home.load()["in.csv"]) == (40, 40, 0, 0, 0)


def test_a_scheme_of_guests_is_no_row_of_totals(home):
    home.lines("in.csv", *(f"Total {n},,2026-01-15,{n + 5}.00" for n in range(40)))
    assert counts(home.load()["in.csv"]) == (40, 40, 0, 0, 0)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([",,,(EUR)", *ROWS], False), ([*ROWS, "Total,,2026-01-31,9999.00"], False),
        ([*ROWS, "o8,anna,2026-13-41,-5.00"], True),
    ],
)  # fmt: skip
def test_a_loss_is_told_of_rows_with_money_only(home, rows, told):
    home.lines("in.csv", *rows)
    home.load()
    assert len(home.reasons()) == 1
    assert ("biased_loss" in home.remarks()) == told


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (["-12.5x", "-7.5x"], "only refunds"),
        (["99,999.00", "88,888.00"], "only the largest"),
        (["5x", "-7x"], None),
        (["99 of 2,024,000 points", "77,777.00"], None),
    ],
)
def test_a_loss_that_is_not_random_is_told(home, bad, told):
    orders(home, [f"{n}.50" for n in range(1, 21)] + bad)
    home.settings["dialects"] = {"perennial": {"decimal": ".", "thousands": "none"}}
    home.load()
    assert len(home.reasons()) == 2
    assert (told or "random") in home.remarks().get("biased_loss", "random" if told is None else "")
    assert ("biased_loss" in home.remarks()) == (told is not None)


# ── what changes a number or a day in silence ─────────────────────────────────────────────────────────────────────────


def test_dates_that_a_spreadsheet_turned_around_refuse_the_file(home):
    for cells in (["2026-05-01", "25/01/2026", "2026-06-01"], ["2026-05-01 00:00:00", "01/25/2026 10:00"]):
        orders(home, cells, "ordered_at")
        with pytest.raises(ExportError, match=r"column \"ordered_at\": a spreadsheet seems to have turned"):
            home.load()


def test_dates_that_are_set_are_looked_at_as_well(home):
    home.settings["dialects"] = {"perennial": {"dates": "day_first"}}
    orders(home, ["2026-05-01", "25/01/2026"], "ordered_at")
    with pytest.raises(ExportError, match="turned some dates around"):
        home.load()


@pytest.mark.parametrize("iso", ["2026-05-13", "2026-05-31 10:00"])
def test_dates_in_two_forms_are_read_where_an_iso_day_could_be_no_month(home, iso):
    orders(home, [iso, "2026-05-01", "25/01/2026"], "ordered_at")
    home.load()
    assert [str(day)[:10] for (day,) in home.order_lines().rows("ordered_at")] == [
        "2026-01-25", "2026-05-01", iso[:10],
    ]  # fmt: skip


@pytest.mark.parametrize("word", ["EST", "CET", "Europe/London", "GMT+2", "banana", "z", "+01:00 EST"])
@pytest.mark.parametrize("other", ["2026-01-06 10:00:00", "25.01.2026 10:00"])
def test_a_word_behind_a_time_is_not_dropped(home, word, other):
    orders(home, [f"2026-01-05 23:30:00 {word}", other], "ordered_at")
    home.load()
    assert list(home.reasons()) == [1]
    assert "is not a date (behind a time nothing is read but an offset" in home.reasons()[1]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-01-05 11:30 PM", "2026-01-05 23:30:00"),
        ("2026-1-5 1:02Z", "2026-01-05 01:02:00"),
        ("2026-01-05T23:30:00.000+01", "2026-01-05 22:30:00"),
        ("2026-01-05 23:30:00 UTC", "2026-01-05 23:30:00"),
        ("2026-01-05 23:30:00 ", "2026-01-05 23:30:00"),
    ],
)
def test_what_may_stand_behind_a_time_is_read(home, written, read):
    orders(home, [written], "ordered_at")
    home.load()
    assert str(home.order_lines().one("ordered_at")).replace("T", " ") == read


@pytest.mark.parametrize(
    ("cells", "bad"),
    [
        (["€10.50", "$11.50", "12.50"], {2: "$"}),
        (["EUR 10.50", "USD 11.50"], {2: "USD"}),
        (["10.50 €", "11.50 zł", "£3"], {2: "zł", 3: "£"}),
        (["$10.50", "$11.50 USD"], {1: "$", 2: "$"}),
    ],
)
def test_an_amount_marked_with_another_currency_is_quarantined(home, cells, bad):
    orders(home, cells)
    home.load()
    reasons = home.reasons()
    assert list(reasons) == list(bad)
    assert all(
        f'column "amount": the amount is marked {sign}, its row is in EUR' in reasons[n] for n, sign in bad.items()
    )


@pytest.mark.parametrize(
    ("currency", "cells"),
    [
        ("USD", ["$10.50", "US$ 10.50", "$10.50 USD"]),
        ("CAD", ["$10.50", "CA$10.50"]), ("SEK", ["10.50 kr", "10.50 kr."]),
        ("EUR", ["€ -10.50", "(€10.50)", "10.50 EUR"]), ("INR", ["Rs. 1,050.00", "₹10.50"]),
    ],
)  # fmt: skip
def test_the_sign_of_the_reporting_currency_is_no_fault(home, currency, cells):
    home.settings["currency"] = currency
    orders(home, cells)
    home.load()
    assert home.reasons() == {}
    assert len(home.order_lines()) == len(cells)


def test_the_sign_of_the_currency_of_the_row_is_no_fault(home):
    home.drop("rates.csv", "date,currency,rate\n2026-01-05,USD,0.5\n", "rates")
    home.lines("in.csv", "o1,anna,2026-01-05,$10.50,USD", "o2,anna,2026-01-05,€10.50,USD", header=f"{HEADER},currency")
    home.load()
    assert home.order_lines().by("order_id", "amount") == {"o1": Decimal("5.25")}
    assert "marked €, its row is in USD" in home.reasons()[2]


@pytest.mark.parametrize("cell", ["1.05E+04", "1e4", "2.5E-01", "1,05E+04"])
def test_an_amount_that_a_spreadsheet_rounded_is_quarantined(home, cell):
    orders(home, ["10.50", cell])
    home.load()
    assert "a spreadsheet has rounded it" in home.reasons()[2]


def test_numbers_of_the_file_itself_may_be_scientific(home):
    home.drop("in.jsonl", '{"order_id": "o1", "customer_id": "anna", "ordered_at": "2026-01-05", "amount": 1.05E+04}')
    home.load()
    assert home.order_lines().one("amount") == Decimal("10500.00")


def test_decimals_that_are_not_kept_are_told(home):
    orders(home, ["10.005", "0.125", "10.50", "3.1400"])
    home.load()
    assert home.remarks() == {
        "rounded_amount": 'column "amount": 2 numbers with more than 2 decimals were rounded to 2; currencies '
        "with three decimals (such as KWD) lose their third."
    }


@pytest.mark.parametrize(("cell", "read"), [("¥1,500", 1500), ("1.500", 1500), ("¥12,345,678", 12345678)])
def test_yen_have_no_decimals(home, cell, read):
    home.settings["currency"] = "JPY"
    orders(home, [cell])
    home.load()
    assert home.order_lines().one("amount") == read


@pytest.mark.parametrize(
    ("cells", "settings"),
    [
        (["05/01/06"], ("day_first", "month_first", "%y/%m/%d")),
        (["05-01-06 10:30"], ("day_first", "month_first", "%y-%m-%d %H:%M")),
        (["26/01/05", "26/01/25"], ("day_first", "%y/%m/%d")),
    ],
)
def test_a_short_year_may_come_first_and_the_refusal_says_so(home, cells, settings):
    orders(home, cells, "ordered_at")
    with pytest.raises(ExportError) as refused:
        home.load()
    assert " or ".join(f'dates = "{setting}"' for setting in settings) + " below" in str(refused.value)
    home.settings["dialects"] = {"perennial": {"dates": settings[-1]}}
    home.load()
    year, month, day = cells[0][:8].replace("-", "/").split("/")
    assert str(home.order_lines().rows("ordered_at")[0][0])[:10] == f"20{year}-{month}-{day}"


@pytest.mark.parametrize(
    ("cell", "setting"),
    [("20260105", "%Y%m%d"), ("05.01.2026 10.30", "%d.%m.%Y %H.%M"), ("05/01/2026 10h30", "%d/%m/%Y %Hh%M")],
)
def test_a_date_that_is_not_read_comes_with_the_setting_that_reads_it(home, cell, setting):
    orders(home, [cell], "ordered_at")
    home.load()
    assert f'a format such as dates = "{setting}" below [dialects.<source>]' in home.reasons()[1]
    home.settings["dialects"] = {"perennial": {"dates": setting}}
    home.load()
    assert str(home.order_lines().one("ordered_at"))[:10] == "2026-01-05"
