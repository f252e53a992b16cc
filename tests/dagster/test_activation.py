"""A night whose audiences leave for platforms: who is in the files, what the manifest says, where addresses stand."""

from __future__ import annotations

import csv
import datetime as dt
import json
import random
from pathlib import Path
from typing import Any

import pytest
from homes import DAYS, Home

from pipeline.activation.preview import NoSuchAudience, preview
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.home.people import PeopleLost, people_file

DELIVER = """
[deliver.segments]
platforms = ["klaviyo", "meta"]
consent = {purpose = "marketing", channel = "email"}
control_share = 0.2
"""


def histories() -> dict[str, list[tuple[str, str, dt.datetime]]]:
    """What twenty customers said of mail: status, channel and time, around the end of the day, some at one time."""
    draw, end = random.Random(18), dt.datetime.fromisoformat(f"{DAYS[1]} 23:59:59")
    kinds = [("granted", "email")] * 6 + [("withdrawn", "email"), ("withdrawn", "*"), ("granted", "sms")]
    return {
        f"c{place:03}": [
            (*draw.choice(kinds), end + draw.randint(-6, 1) * dt.timedelta(hours=7)) for _ in range(draw.randint(1, 4))
        ]
        for place in range(0, 40, 2)
    }


def agreed() -> set[str]:
    """Who said yes by the end of the day, and no neither at that time nor later."""
    end = dt.datetime.fromisoformat(f"{DAYS[1]} 23:59:59")
    found = set[str]()
    for id, words in histories().items():
        yes = [at for status, channel, at in words if (status, channel) == ("granted", "email") and at <= end]
        no = [at for status, channel, at in words if status == "withdrawn" and channel in ("email", "*")]
        if yes and max(yes) > max(no, default=dt.datetime.min):
            found.add(id)
    return found


@pytest.fixture(scope="module")
def delivered(one_night: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The next night of a shop that now exports people and consents; every other customer said something."""
    home = one_night.copied(tmp_path_factory.mktemp("delivered") / "home")
    settings = home.folder / "perennial.toml"
    settings.write_text(f"{settings.read_text()}{DELIVER}")
    folder = home.folder / "data" / "exports" / "perennial"
    ids = [f"c{place:03}" for place in range(40)]
    people = [f"{id},2025-01-01,{id}@planted.example,Planted{id}" for id in ids]
    (folder / "people.csv").write_text("\n".join(["customer_id,registered_at,email,first_name", *people]) + "\n")
    words = [f"{id},marketing,{way},{status},{at}" for id, told in histories().items() for status, way, at in told]
    (folder / "consents.csv").write_text("\n".join(["customer_id,purpose,channel,status,changed_at", *words]) + "\n")
    assert home.run(DAYS[1]).success
    return home


def test_only_those_who_agreed_and_are_no_controls_leave(delivered):
    folder = delivered.folder / "data" / "audiences" / DAYS[1]
    told = json.loads((folder / "manifest.json").read_text())
    terms = {(one["audience"], one["platform"]): one for one in told["terms"]}
    assert {platform for _, platform in terms} == {None, "klaviyo", "meta"}
    handed_over = set[tuple[str, str]]()
    for (audience, platform), one in terms.items():
        steps = {step: count for step, count in one.items() if step not in ("audience", "platform", "members")}
        assert sum(steps.values()) == one["members"]
        file = folder / f"{audience}.{platform}.csv"
        if platform == "klaviyo" and one["delivered"]:
            rows = list(csv.DictReader(file.open(encoding="utf-8", newline="")))
            assert len(rows) == one["delivered"]
            handed_over |= {(audience, row["Email"].partition("@")[0]) for row in rows}
        elif platform is not None:
            assert not file.exists(), "nobody agreed to ads, or nobody is left"
    alone = {
        (audience, id)
        for audience, id in delivered.table("control_members", DAYS[1])[["audience", "customer_id"]].rows()
    }
    segments = delivered.table("rfm_segments", DAYS[1])[["catalogue", "segment", "customer_id"]].rows()
    members = {(f"{catalogue}/{segment}", id) for catalogue, segment, id in segments}
    assert handed_over == {(audience, id) for audience, id in members if id in agreed()} - alone
    assert 4 < len(agreed()) < 16 and alone & {(audience, id) for audience, id in members if id in agreed()}
    (covered,) = (one for one in told["consents"] if one["channel"] == "email")
    everybody = delivered.table("lifecycle_stages", DAYS[1]).height
    assert covered["agreed"] + covered["withdrawn"] + covered["never_told"] == covered["customers"] == everybody
    assert (covered["agreed"], covered["purpose"]) == (len(agreed()), "marketing")
    assert "Marketing by e-mail" in (delivered.folder / "reports" / "out" / DAYS[1] / "actions.html").read_text()
    assert sum(one["control"] for (_, platform), one in terms.items() if platform == "klaviyo") > 0


def test_addresses_stand_in_people_and_in_files_for_platforms_only(delivered):
    holding = [
        path.relative_to(delivered.folder).as_posix()
        for path in sorted(delivered.folder.rglob("*"))
        if path.is_file() and any(word in path.read_bytes() for word in (b"planted.example", b"Plantedc"))
    ]
    rest = [name for name in holding if not name.startswith("data/exports/") and ".klaviyo" not in name]
    assert rest == [f"data/people/{name}" for name in ("deliveries.duckdb", "outbox.parquet", "people.duckdb")]
    assert all((delivered.folder / name).stat().st_mode & 0o777 == 0o600 for name in rest)


def test_a_preview_says_what_leaves_and_writes_nothing(delivered):
    before = delivered.everything_published()
    found = preview(delivered.settings, "segments")
    assert str(found.day) == DAYS[1]
    told = json.loads((delivered.folder / "data" / "audiences" / DAYS[1] / "manifest.json").read_text())["terms"]
    shown = [waterfall for one in found.audiences for waterfall in one.waterfalls]
    assert sorted((one.audience, one.platform or "", one.delivered) for one in shown) == sorted(
        (one["audience"], one["platform"] or "", one["delivered"]) for one in told
    )
    assert delivered.everything_published() == before
    (one,) = preview(delivered.settings, found.audiences[0].name).audiences
    assert one == found.audiences[0]
    with pytest.raises(NoSuchAudience, match=r"There is no audience 'grid/loyl'; did you mean grid/loyal; files: "):
        preview(delivered.settings, "grid/loyl")
    with pytest.raises(NoSuchAudience, match=r"There is no audience 'nobody'; files: .*segments"):
        preview(delivered.settings, "nobody")


def test_a_preview_writes_no_address_to_the_disk(delivered, monkeypatch):
    written = list[str]()

    def export(self: DuckDBEngine, sql: str, parameters: Any, path: Path, *more: Any, **named: Any) -> int:
        written.append(path.name)
        return _export(self, sql, parameters, path, *more, **named)

    _export = DuckDBEngine.export
    monkeypatch.setattr(DuckDBEngine, "export", export)
    found = preview(delivered.settings, "segments")
    assert any(waterfall.platform and waterfall.delivered for one in found.audiences for waterfall in one.waterfalls)
    assert written and not [name for name in written if ".klaviyo" in name]


def test_nothing_is_previewed_without_the_people(delivered):
    file = people_file(delivered.settings)
    aside = file.rename(file.with_name("aside"))
    with pytest.raises(PeopleLost, match=r"people\.csv"):
        preview(delivered.settings, "segments")
    aside.rename(file)
