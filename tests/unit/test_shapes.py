"""A cell's shape tells how it is written and nothing of what it says, in Python and in the engine alike."""

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.shapes import LONGEST, shape, shape_sql

CASES = {
    "12,5O": "99,9X",
    "Jan Kowalski 600123456": "Xxx Xxxxxxxx 999999999",
    "+48 (600) 123-456": "+99 (999) 999-999",
    "ŁÓDŹ é１٣": "XXXX x99",
    "日本": "xx",
    "a\x1b[31m\nb\u2028\u200b": "x·[99x·x··",
    "x" * 31: "x" * 30 + "…",
    "": "",
}


def in_engine(texts: list[str]) -> list[str]:
    given = "(SELECT unnest($texts) AS text, generate_subscripts($texts, 1) AS n)"
    sql = f"SELECT {shape_sql('text')} FROM {given} AS given ORDER BY n"
    return [row[0] for row in duckdb.execute(sql, {"texts": texts}).fetchall()]


@pytest.mark.parametrize("text", CASES)
def test_letters_digits_and_the_rest(text: str) -> None:
    assert shape(text) == CASES[text]


def test_the_engine_sees_the_same_shapes() -> None:
    assert in_engine(list(CASES)) == list(CASES.values())


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=50), min_size=1, max_size=30))
def test_no_letter_or_digit_of_any_text_is_left(texts: list[str]) -> None:
    for text in texts:
        assert set(filter(str.isalnum, shape(text))) <= {"x", "X", "9"}
        assert len(shape(text)) <= LONGEST + 1
