"""marts.segment_catalogue: two exact partitions of the 25 cells, as DEFINITIONS lists them."""

import re

import pytest

CATALOGUE = "marts.segment_catalogue"
GRID = {
    "champions": "54 55", "loyal": "34 35 44 45", "potential_loyalist": "42 43 52 53", "new": "51", "promising": "41",
    "need_attention": "33", "about_to_sleep": "31 32", "cant_lose": "15 25", "at_risk": "13 14 23 24",
    "hibernating": "11 12 21 22",
}  # fmt: skip
AXONAUT = {
    "champions": "44 45 54 55", "regulars": "42 43 52 53", "new": "41 51", "need_attention": "32 33 34 35",
    "cant_lose": "14 15 24 25", "at_risk": "12 13 22 23 31", "hibernating": "11 21",
}  # fmt: skip
CATALOGUES = pytest.mark.parametrize(("catalogue", "cells"), [("grid", GRID), ("axonaut", AXONAUT)])


@CATALOGUES
def test_the_cells_of_each_group(shop, catalogue, cells):
    rows = shop.table(CATALOGUE).where(catalogue=catalogue).rows("segment", "r_score", "f_score")
    found: dict[str, set[str]] = {}
    for segment, r_score, f_score in rows:
        found.setdefault(segment, set()).add(f"{r_score}{f_score}")
    assert found == {segment: set(listed.split()) for segment, listed in cells.items()}


@CATALOGUES
def test_every_cell_is_in_one_group(shop, catalogue, cells):
    rows = shop.table(CATALOGUE).where(catalogue=catalogue).rows("r_score", "f_score")
    assert rows == [(r_score, f_score) for r_score in range(1, 6) for f_score in range(1, 6)]


@CATALOGUES
def test_groups_are_ranked_best_first(shop, catalogue, cells):
    ranks = dict(shop.table(CATALOGUE).where(catalogue=catalogue).rows("segment", "segment_rank"))
    assert sorted(ranks, key=ranks.get) == list(cells)
    assert sorted(ranks.values()) == list(range(1, len(cells) + 1))


@CATALOGUES
def test_the_rule_names_the_cells(shop, catalogue, cells):
    rules = dict(shop.table(CATALOGUE).where(catalogue=catalogue).rows("segment", "rule"))
    assert {segment: set(re.findall(r"\d\d", rule)) for segment, rule in rules.items()} == {
        segment: set(listed.split()) for segment, listed in cells.items()
    }


def test_every_group_has_words_and_an_owner(shop):
    frame = shop.table(CATALOGUE).frame
    for column in ("label", "meaning", "advice", "owner"):
        assert frame[column].str.len_chars().min() > 2
    assert set(frame["owner"]) == {"team:crm"}


def broken(shop, sql):
    shop.snapshot("2026-01-31", CATALOGUE)
    assert shop.failing_checks(CATALOGUE, "2026-01-31") == set()
    shop.engine.execute(sql)
    return shop.failing_checks(CATALOGUE, "2026-01-31")


def test_a_missing_cell_is_refused(shop):
    delete = f"DELETE FROM {CATALOGUE} WHERE catalogue = 'grid' AND segment = 'new'"
    assert broken(shop, delete) == {"catalogues_partition_the_cells"}


def test_a_cell_in_two_groups_is_refused(shop):
    # 51 becomes a second 41: still 25 rows, one cell twice and one never.
    move = f"UPDATE {CATALOGUE} SET r_score = 4 WHERE catalogue = 'grid' AND r_score = 5 AND f_score = 1"
    assert broken(shop, move) == {"keys_unique", "catalogues_partition_the_cells"}


def test_a_missing_catalogue_is_refused(shop):
    assert broken(shop, f"DELETE FROM {CATALOGUE} WHERE catalogue = 'axonaut'") == {"two_catalogues"}


def test_an_empty_catalogue_is_refused(shop):
    assert broken(shop, f"DELETE FROM {CATALOGUE}") == {"two_catalogues"}
