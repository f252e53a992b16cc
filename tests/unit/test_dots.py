"""Dots with intervals: what is drawn of each row, and how long names are written."""

import pytest

from pipeline.reporting.charts import Series, dots, in_lines
from pipeline.reporting.figures import Data, Dots, Shown

LONG = "Set of six vintage teacups with saucers and a tray of oak"


def test_a_dot_stands_at_its_value_between_the_ends_of_its_interval() -> None:
    rows = [
        {"pair": "a + b", "lift": 3.0, "low": 2.0, "high": 4.5},
        {"pair": "c", "lift": 2, "low": None, "high": None},
    ]
    columns = {name: Shown(name, "text" if name == "pair" else "number") for name in rows[0]}
    drawing = Dots(dots="pair", value="lift", band=("low", "high"), beside=1)
    figure = drawing.figure(Data(rows, columns, "EUR"))
    (trace,) = figure["data"]
    assert (trace["x"], trace["y"]) == ([3.0, 2.0], ["a + b", "c"])
    assert (trace["error_x"]["arrayminus"], trace["error_x"]["array"]) == ([1.0, None], [1.5, None])
    assert [line["x0"] for line in figure["layout"]["shapes"]] == [1]
    assert drawing.legend(Data(rows, columns, "EUR"), figure) == ()


def test_names_that_begin_alike_stay_two_rows_and_are_cut_on_the_axis_only() -> None:
    names = [LONG, LONG + " too"]
    figure = dots(names, Series("n", "red", [1, 2], ["", ""]), ([0, 1], [2, 3]), None, "")
    axis = figure["layout"]["yaxis"]
    assert figure["data"][0]["y"] == list(axis["tickvals"]) == names
    assert set(axis["ticktext"]) == {"Set of six vintage<br>teacups with saucers a …"}


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("Hat", ["Hat"]), ("", [""]), ("x" * 60, ["x" * 24, "x" * 22 + " …"]), ("Cup + tea", ["Cup + tea"]),
        ("x" * 60 + " + Plate", ["x" * 22 + " … +", "Plate"]), ("x" * 60 + " (12)", ["x" * 24, "x" * 17 + " … (12)"]),
    ],
)  # fmt: skip
def test_a_name_has_two_lines_at_most(name: str, lines: list[str]) -> None:
    assert in_lines(name) == lines
