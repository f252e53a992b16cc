"""The last step of a night takes old snapshots away; a run of old days takes none."""

import json

from homes import DAYS, WARSAW, Home

NEXT = "2026-03-01"


def snapshots(home: Home) -> dict[str, set[str]]:
    """Snapshot dates by where they are found."""
    out = home.folder / "reports" / "out"
    listed = (out / "assets" / "snapshots.js").read_text().partition("=")[2].rstrip(";\n")
    return {
        "tables": {path.name.partition("=")[2] for path in home.folder.glob("data/marts/rfm_scores/*")},
        "audiences": {path.name for path in home.folder.glob("data/audiences/*")},
        "reports": {path.name for path in out.glob("2*")},
        "listed": set(json.loads(listed)),
        "warehouse": {
            str(day) for (day,) in home.warehouse("SELECT DISTINCT snapshot_date FROM marts.segment_changes")
        },
    }


def test_a_night_ends_by_removing_old_snapshots_and_a_run_of_old_days_does_not(three_nights: Home, tmp_path) -> None:
    home = three_nights.copied(tmp_path / "home")
    (home.folder / "perennial.toml").write_text(WARSAW + "keep_daily = 1\n")
    older = home.run(DAYS[0])
    assert older.success
    assert set(map(frozenset, snapshots(home).values())) == {frozenset(DAYS)}
    assert any("stay until the next run of the latest day" in said for said in home.said(older))

    night = home.run(NEXT)
    assert night.success
    # 1 March is the newest; 28 February, the last of its month, stays; the 26th and 27th go.
    assert set(map(frozenset, snapshots(home).values())) == {frozenset({DAYS[2], NEXT})}
    assert any(said.startswith("Removed 2 snapshots, 2026-02-26 … 2026-02-27") for said in home.said(night))
    assert set(home.table("segment_changes", NEXT)["previous_snapshot_date"].cast(str)) == {DAYS[2]}
