"""Fits that are kept from night to night: found by all that they follow from, and the same to the bit."""

import datetime as dt
import json
import re
from dataclasses import fields, replace
from pathlib import Path

import duckdb
import numpy as np
import pytest

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.models.beta_geometric import BGNBD
from pipeline.models.equal_dropout import GeometricBGNBD
from pipeline.models.fitting import Fit, Prepared, fit
from pipeline.models.histories import Histories
from pipeline.models.nbd import NBD
from pipeline.settings import Settings
from pipeline.steps.prediction import kept_file, kept_fits
from pipeline.steps.prediction.kept_fits import KeptFits, key_of
from pipeline.steps.prediction.known import KINDS, Known


def histories(seed: int = 1) -> Histories:
    dice = np.random.default_rng(seed)
    T = dice.uniform(10, 60, 400)
    x = dice.poisson(dice.gamma(0.8, 0.1, 400) * T).astype(float)
    return Histories.of(x, np.where(x > 0, T * dice.random(400), 0.0), T, dice.integers(1, 9, 400).astype(float))


@pytest.fixture(scope="module")
def found() -> Fit:
    return fit(BGNBD, histories())


def same(one: Fit | None, other: Fit) -> bool:
    return one is not None and all(
        np.array_equal(getattr(one, f.name), getattr(other, f.name)) if f.name == "covariance"
        else getattr(one, f.name) == getattr(other, f.name)
        for f in fields(Fit)
    )  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "fits.json"


def saved(file: Path, **kept: Fit) -> KeptFits:
    fits = KeptFits(file)
    for key, one in kept.items():
        fits.keep(key, one)
    fits.save()
    return KeptFits(file)


def test_what_is_kept_is_the_fit_to_the_bit(file: Path, found: Fit) -> None:
    none = replace(found, model=GeometricBGNBD(0.3, 4.0, 0.1 / 3), covariance=None, status="refused", reason="a ridge")
    lost = replace(found, log_likelihood=float("-inf"))
    kept = saved(file, found=found, none=none, lost=lost)
    assert found.covariance is not None
    for key, one in {"found": found, "none": none, "lost": lost}.items():
        assert same(kept.find(key), one)
    assert kept.find("another") is None
    assert not list(file.parent.glob("*.partial"))
    assert not re.search(r"(?<![0-9a-f])[0-9]+(?![0-9a-f])", file.read_text())  # nothing to be taken for an id


def test_a_key_is_of_all_that_a_fit_follows_from() -> None:
    given, last = histories(), BGNBD(0.5, 5.0, 0.7, 2.0)
    one_more = replace(given, customers=given.customers + np.eye(1, 400)[0])
    keys = [
        key_of(BGNBD, given, None, "perennial"),
        key_of(NBD, given, None, "perennial"),
        key_of(BGNBD, given, None, "lifetimes"),
        key_of(BGNBD, given, last, "perennial"),
        key_of(BGNBD, given, replace(last, b=np.nextafter(2.0, 3.0)), "perennial"),
        key_of(BGNBD, one_more, None, "perennial"),
        key_of(BGNBD, given.in_units_of(7.0), None, "perennial"),
        key_of(BGNBD, histories(2), None, "perennial"),
    ]
    assert len(set(keys)) == len(keys)
    assert key_of(BGNBD, histories(), None, "perennial") == keys[0]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"kept": {}}', '{"made_by": 1, "kept": []}', "\x00ÿ",
             '{"made_by": "OURS", "kept": {"a": 3}}',
             '{"made_by": "OURS", "kept": {"a": {"model": "Other"}}}',
             '{"made_by": "OURS", "kept": {"a": {"model": "BGNBD", "parameters": "00"}}}',
             '{"made_by": "OURS", "kept": {"a": {"model": "BGNBD", "parameters": "not digits"}}}',
             "[" * 100_000]
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_made_anew(file: Path, found: Fit, text: str) -> None:
    file.write_text(text.replace("OURS", kept_fits._made_by()))
    assert KeptFits(file).find("a") is None
    fits = KeptFits(file)
    assert fits.find("a") is None
    fits.keep("a", found)
    fits.save()
    assert same(KeptFits(file).find("a"), found)


def test_fits_of_other_code_are_not_taken(file: Path, found: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(file, a=found)
    monkeypatch.setattr(kept_fits, "_made_by", lambda: "another version")
    assert KeptFits(file).find("a") is None


def test_a_digit_that_is_another_one_is_seen(file: Path, found: Fit) -> None:
    """It would be a number like any other."""
    saved(file, a=found)
    told = file.read_text()
    digits = json.loads(told)["kept"]["a"]["parameters"]
    file.write_text(told.replace(digits, digits[:5] + ("0" if digits[5] != "0" else "1") + digits[6:]))
    assert KeptFits(file).find("a") is None


def test_a_file_far_too_large_is_not_read(file: Path, found: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(file, a=found)
    monkeypatch.setattr(kept_fits, "_MOST_BYTES", file.stat().st_size - 1)
    assert KeptFits(file).find("a") is None


def test_what_lies_in_its_place_fails_no_night_and_leads_nowhere(file: Path, found: Fit) -> None:
    partial, elsewhere = file.with_name(f"{file.name}.partial"), file.with_name("elsewhere")
    elsewhere.write_text("of somebody")
    partial.symlink_to(elsewhere)
    assert same(saved(file, a=found).find("a"), found)
    assert elsewhere.read_text() == "of somebody" and file.stat().st_mode & 0o777 == 0o600
    partial.mkdir()
    assert saved(file, b=found).find("b") is None
    assert same(KeptFits(file).find("a"), found)


def test_those_used_last_are_kept(file: Path, found: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_fits, "MOST", 3)
    fits = saved(file, a=found, b=found, c=found)
    assert fits.find("c") is not None
    fits.keep("d", found)
    fits.save()
    assert list(json.loads(file.read_text())["kept"]) == ["c", "d", "a"]


def test_nothing_is_written_without_a_home_or_without_need(tmp_path: Path, file: Path, found: Fit) -> None:
    saved(tmp_path / "nowhere" / "fits.json", a=found)
    assert not (tmp_path / "nowhere").exists()
    KeptFits(None).save()
    fits, before = saved(file, a=found), file.stat().st_ino
    assert fits.find("a") is not None
    fits.save()
    assert file.stat().st_ino == before


def test_a_writer_that_dies_leaves_the_file_of_before(file: Path, found: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(file, a=found)

    def dies(_: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(kept_file, "fsync", dies)
    with pytest.raises(KeyboardInterrupt):
        saved(file, b=found)
    monkeypatch.undo()
    assert same(KeptFits(file).find("a"), found)
    assert same(saved(file, c=found).find("c"), found)  # what was left half written is in nobody's way


def test_kinds_that_share_what_they_share_find_the_same() -> None:
    given = histories()
    prepared = Prepared.of(given)
    for kind in (*KINDS, NBD):
        assert same(fit(kind, prepared), fit(kind, given))


class Counting(Known):
    """A night at days with histories of their own, and what it fitted itself."""

    def __init__(self, of_days: dict, kept: KeptFits) -> None:
        super().__init__(DuckDBEngine(duckdb.connect()), Settings(), max(of_days), kept=kept)
        self.of_days, self.made = of_days, []

    def _histories_at(self, origin):
        return self.of_days[origin]

    def _fitted(self, wanted, histories):
        self.made += wanted
        return super()._fitted(wanted, histories)


def test_a_night_fits_only_what_is_new_and_says_the_same(file: Path) -> None:
    first, second, third = (dt.date(2026, 3, 1) + dt.timedelta(30 * n) for n in range(3))
    before = Counting({first: histories(1), second: histories(2)}, KeptFits(file))
    before.fit_at({first, second})
    before._kept.save()
    tonight = {first: histories(1), second: replace(histories(2), T=histories(2).T + 1.0), third: histories(3)}
    kept, alone = Counting(tonight, KeptFits(file)), Counting(tonight, KeptFits(None))
    for night in (kept, alone):
        night.fit_at(set(tonight))
    assert {day for _, day in kept.made} == {second, third}  # orders of the second came late
    assert {day for _, day in alone.made} == set(tonight)
    for day in tonight:
        assert list(kept.fits(day)) == list(alone.fits(day))
        assert all(same(kept.fits(day)[name], one) for name, one in alone.fits(day).items())


def test_where_no_kind_holds_there_is_the_one_without_dropout(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.steps.prediction.known.usable", lambda _: {})
    day = dt.date(2026, 3, 1)
    for _ in range(2):  # fitted, and kept
        night = Counting({day: histories(1)}, KeptFits(file))
        assert same(night.fits(day)["nbd"], fit(NBD, histories(1)))
        night._kept.save()
