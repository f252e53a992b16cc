"""Modes: a home is its owner's alone, and with share = "group" what is published is the group's to read."""

import os
import stat
from pathlib import Path
from typing import Literal

import pytest

from pipeline.doctor import examine
from pipeline.home.modes import set_right, wrong
from pipeline.settings import Settings, load

FILES = (
    "perennial.toml", "data/warehouse/perennial.duckdb", "data/quarantine/a.parquet", "data/.staging/r/files/x",
    ".dagster/history/runs/index.db", ".perennial/run.lock", "data/marts/t/day=2026-01-01/t.parquet",
    "data/audiences/2026-01-01/manifest.json", "reports/out/index.html",
)  # fmt: skip
SHARED = ("data/marts", "data/audiences", "reports/out")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    for name in (*FILES, "data/exports/perennial/orders.csv", "sources/own/order_lines.sql"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o775 if path.is_dir() else 0o664)
    return folder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_home_is_its_owners_alone_but_for_what_others_bring(home: Path) -> None:
    settings = Settings(home=home)
    assert wrong(settings)
    set_right(settings)
    assert wrong(settings) == []
    for name in FILES:
        assert mode(home / name) == 0o600, name
        assert {mode(folder) for folder in (home / name).parents if folder.is_relative_to(home)} == {0o700}, name
    brought = (home / "data/exports/perennial", home / "data/exports/perennial/orders.csv", home / "sources")
    assert [mode(path) for path in brought] == [0o775, 0o664, 0o775]


def test_a_group_reads_what_is_published_and_nothing_else(home: Path) -> None:
    set_right(Settings(home=home, share="group"))
    assert [mode(home / name) for name in ("", "data", "reports")] == [0o710] * 3
    for name in FILES:
        is_shared = name.startswith(SHARED)
        assert mode(home / name) == (0o640 if is_shared else 0o600), name
        assert (
            mode((home / name).parent)
            == {True: 0o750, False: mode(home) if name == "perennial.toml" else 0o700}[is_shared]
        )
    set_right(Settings(home=home))  # and back
    assert wrong(Settings(home=home)) == []


def test_files_with_addresses_are_their_owners_whoever_shares(home: Path) -> None:
    folder = home / "data/audiences/2026-01-01/grid"
    folder.mkdir()
    for name in ("loyal.csv", "loyal.parquet", "loyal.klaviyo.csv", "loyal.klaviyo-part01.csv"):
        (folder / name).write_text("")
    set_right(Settings(home=home, share="group"))
    assert [mode(path) for path in sorted(folder.iterdir())] == [0o640, 0o600, 0o600, 0o640]
    assert wrong(Settings(home=home, share="group")) == []


@pytest.mark.parametrize("share", ["owner", "group"])
def test_raw_exports_are_no_groups_to_read(home: Path, tmp_path: Path, share: Literal["owner", "group"]) -> None:
    settings = Settings(home=home, share=share)
    set_right(settings)
    assert mode(home / "data/exports") == 0o700
    (home / "data/exports").chmod(0o755)
    assert wrong(settings) == [home / "data/exports"]
    (home / "data/exports").rename(tmp_path / "dropped")
    (home / "data/exports").symlink_to(tmp_path / "dropped")  # which is how others may bring some
    assert wrong(settings) == []


def test_links_folders_of_everybody_and_inherited_groups_are_left(home: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("")
    outside.chmod(0o644)
    (home / "data/marts/link").symlink_to(outside)
    (home / "data/marts").chmod(0o2775)
    home.chmod(0o1777)
    set_right(Settings(home=home))
    assert [mode(path) for path in (outside, home, home / "data/marts")] == [0o644, 0o1777, 0o2700]


@pytest.mark.parametrize("linked", ["reports/out", "reports", "data/warehouse", "data", ".perennial"])
def test_what_is_behind_a_link_is_left(home: Path, tmp_path: Path, linked: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    (home / linked).rename(elsewhere)
    (home / linked).symlink_to(elsewhere)
    before = {path: mode(path) for path in (elsewhere, *elsewhere.rglob("*"))}
    assert {0o775, 0o664} <= set(before.values())
    set_right(Settings(home=home))
    assert {path: mode(path) for path in before} == before and wrong(Settings(home=home)) == []
    assert mode(home / ".dagster") == 0o700 and mode(home) == 0o700


def test_a_folder_that_is_no_home_is_not_closed(tmp_path: Path) -> None:
    """One that was named by mistake: a run has left its lock and an empty warehouse, and nothing else."""
    for name in ("data/reports-of-others", ".perennial", "data/warehouse"):
        (tmp_path / name).mkdir(parents=True)
    for path in (tmp_path, *tmp_path.rglob("*")):
        path.chmod(0o775)
    set_right(Settings(home=tmp_path))
    found = [mode(tmp_path / name) for name in ("", "data", "data/reports-of-others", ".perennial", "data/warehouse")]
    assert found == [0o775, 0o775, 0o775, 0o700, 0o700]
    (tmp_path / "data" / "audiences").mkdir()
    set_right(Settings(home=tmp_path))
    assert [mode(tmp_path), mode(tmp_path / "data")] == [0o700, 0o700]


def test_a_users_own_folder_stays_as_it_is(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(home))
    set_right(Settings(home=home))
    assert [mode(home / name) for name in ("", "data", "data/warehouse")] == [0o775, 0o775, 0o700]


def test_doctor_tells_what_others_may_open(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def told() -> tuple[str, str]:
        (finding,) = [finding for finding in examine(home) if finding.subject == "access"]
        return finding.status, finding.message

    assert told()[0] == "warn" and "The next run sets them right" in told()[1]
    with monkeypatch.context() as another:
        another.setattr(os, "geteuid", lambda: home.stat().st_uid + 1)
        assert "Of another user: " in told()[1]
    set_right(load(home))
    assert told() == ("ok", "the home is for its owner alone")
