"""Settings: where they come from, what is refused and how it is said, and what the fingerprint covers."""

from __future__ import annotations

import datetime as dt
import os
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.sections.marks import InSql
from pipeline.settings import PROJECT, SQL_FOLDER, Settings, SettingsError, export_home, load

COMPARE = "2025-01-01:2025-06-30,2026-01-01:2026-06-30"
WEBHOOK = "https://chat.example.com/hooks/T0P-SECRET"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def write(home: Path, text: str) -> None:
    (home / "perennial.toml").write_text(text)


def refusal(home: Path) -> str:
    with pytest.raises(SettingsError) as caught:
        load(home)
    return str(caught.value)


# ── where they come from ──────────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_file_the_defaults_hold(home):
    settings = load(home)
    assert (settings.home, settings.timezone, settings.currency) == (home, "UTC", "EUR")
    assert (settings.quarantine_limit, settings.schedule_hour) == (0.05, 3)


def test_the_environment_goes_before_the_file_and_what_is_given_before_both(home, monkeypatch):
    write(home, 'timezone = "Europe/Warsaw"\ncurrency = "PLN"\nschedule_hour = 5\n')
    assert load(home).currency == "PLN"
    monkeypatch.setenv("PERENNIAL_CURRENCY", "USD")
    monkeypatch.setenv("PERENNIAL_SCHEDULE_HOUR", "6")
    settings = load(home)
    assert (settings.timezone, settings.currency, settings.schedule_hour) == ("Europe/Warsaw", "USD", 6)
    assert Settings(home=home, currency="SEK").currency == "SEK"


def test_one_tier_of_the_environment_joins_those_of_the_file(home, monkeypatch):
    write(home, "[tiers]\nrecency_days = [30, 90]\noccasions = [2, 5]\n")
    monkeypatch.setenv("PERENNIAL_TIERS__OCCASIONS", "[3, 9]")
    tiers = load(home).tiers
    assert (tiers.recency_days, tiers.occasions, tiers.revenue) == ((30, 90), (3, 9), None)


def test_the_home_of_the_environment_is_where_the_file_is_read(home, monkeypatch):
    write(home, 'currency = "PLN"\n')
    monkeypatch.setenv("PERENNIAL_HOME", str(home))
    settings = load()
    assert (settings.home, settings.currency) == (home, "PLN")


def test_without_any_word_the_current_folder_is_the_home(home, monkeypatch):
    write(home, 'currency = "PLN"\n')
    monkeypatch.chdir(home)
    settings = load()
    assert (settings.home, settings.currency) == (home, "PLN")


def test_the_home_is_absolute_and_so_is_all_below_it(home, monkeypatch):
    monkeypatch.chdir(home)
    settings = load(Path("shop"))
    assert settings.home == home / "shop"
    assert settings.warehouse_file == home / "shop/data/warehouse/perennial.duckdb"
    assert settings.exports_folder == home / "shop/data/exports"


def test_a_relative_folder_of_sources_is_one_of_the_home(home, tmp_path_factory):
    write(home, 'sources_folder = "my/sources"\n')
    settings = load(home)
    assert settings.sources_folder == home / "my/sources"
    assert settings.sources_folders == (home / "my/sources", SQL_FOLDER / "sources")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert Settings(home=home, sources_folder=elsewhere).sources_folder == elsewhere
    assert Settings(home=home / "x", sources_folder=None).sources_folders == (SQL_FOLDER / "sources",)


def test_settings_cannot_be_changed_afterwards(home):
    with pytest.raises(ValidationError):
        load(home).currency = "USD"


# ── what is refused ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_unknown_setting_is_answered_with_the_closest(home):
    write(home, 'curency = "PLN"\n')
    message = refusal(home)
    assert message.startswith('setting "curency": there is no such setting; did you mean currency. ')
    assert message.endswith(
        "Settings come from perennial.toml in the home, from PERENNIAL_* variables and from options."
    )


@pytest.mark.parametrize(
    "text",
    [
        f'[digest]\nto = ["crm@shop.example"]\nwebhook = "{WEBHOOK}"',  # what is wrong is beside the secret
        '[digest]\nsmtp = "smtp://shop:T0P-SECRET@mail.example:587"',
        '[destinations.crm]\nurl = "sftp://shop:T0P-SECRET@host/folder"',
    ],
)
def test_a_secret_is_not_repeated_with_what_it_stands_in(home, text):
    write(home, text)
    message = refusal(home)
    assert WEBHOOK not in message and "T0P-SECRET" not in message


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("[digest]\nsmpt = 'x'", "did you mean digest.smtp"),
        ("[destinations.crm]\ncredentail = 'X'", "did you mean destinations.crm.credential"),
        ("[spark]\nqqq = 1", "spark has config, master, order_lines, remote, warehouse"),
        ("zzz = 1", "docs/settings.md lists them"),
        ('[spark]\ncurrency = "PLN"', "a setting of the home, as currency is, stands above the first [table]"),
    ],
)  # fmt: skip
def test_what_is_close_to_an_unknown_setting_is_said(home, text, instead):
    write(home, text)
    assert f"there is no such setting; {instead}" in refusal(home)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('timezone = "Warsaw"', "setting \"timezone\": 'Warsaw' is not a time zone; write one like 'Europe/Warsaw'"),
        ('timezone = "../etc/passwd"', "is not a time zone"),
        ('currency = "euro"', 'setting "currency": must be a currency of ISO 4217, in capital letters, such as EUR'),
        ('currency = "XYZ"', "must be a currency of ISO 4217"),
        ('memory_limit = "much"', "setting \"memory_limit\": must be written like 70% or 8GB (given: 'much')"),
        ('country = "Poland"', "must be written like PL or DE, in capital letters"),
        ("[audiences]\nproducts = 'A1'", "must be a list, [ … ]"),
        ("[clv]\nmonths = 1.5", 'setting "clv.months": must be a whole number (given: 1.5)'),
        (
            'link_guests = "maybe"',
            "\"link_guests\": must be true or false or must be names with values (given: 'maybe')",
        ),
        ("digest = 5", 'setting "digest": must be names with values'),
        ("quarantine_limit = 5", 'setting "quarantine_limit": must be less than or equal to 1 (given: 5)'),
        ("quarantine_limit = -0.1", "greater than or equal to 0"),
        ("schedule_hour = 24", 'setting "schedule_hour"'),
        ('memory_limit = "much"', 'setting "memory_limit"'),
        ('first_snapshot = "soon"', 'setting "first_snapshot"'),
        ('duplicate_lines = {cdnow = "maybe"}', "setting \"duplicate_lines.cdnow\": must be 'keep' or 'drop'"),
        ('charge_products = {perennial = {add = ["x\'y"]}}', "a pattern is a code such as PACKING or GIFT*"),
        ('charge_products = {perennial = {remove = ["x"]}}', 'setting "charge_products.perennial.remove"'),
        ("tiers = {recency_days = [90, 30]}", "recency_days must be two ascending numbers, not [90, 30]"),
        ("tiers = {occasions = [3, 3]}", "occasions must be two ascending numbers, not [3, 3]"),
        ("tiers = {revenue = [100.0, 99.5]}", "revenue must be two ascending numbers, not [100.0, 99.5]"),
        ("tiers = {spend = [1, 2]}", 'setting "tiers.spend": there is no such setting'),
        ('currency = "PLN', "perennial.toml is not readable TOML: "),
    ],
)
def test_a_value_that_will_not_do_is_named_with_its_setting(home, text, message):
    write(home, text)
    assert message in refusal(home)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://shop@host/x", "nothing is sent over ftp://"),
        ("ftps://host/x", "nothing is sent over ftps://"),
        ("webhdfs://host/x", "nothing is sent over webhdfs://"),
        ("http://host/x", "people's addresses are sent over https:// only"),
        ("file:///x::ftp://host/y", "an address holds no ::"),
        ("file://lists/klaviyo", "a folder of this machine is file:// and its whole path, such as file:///srv/lists"),
        ("file:///", "a folder of this machine is file:// and its whole path"),
        ("file://", "a folder of this machine is file:// and its whole path"),
        ("/srv/lists", "an address begins with its kind: a folder with s3://, gs://, sftp:// or file://"),
        ("klaviyo", "an address begins with its kind"),
    ],
)
def test_lists_are_sent_over_nothing_that_others_could_read(home, url, message):
    write(home, f'[destinations.crm]\nplatform = "klaviyo"\nurl = "{url}"')
    assert message in refusal(home)


@pytest.mark.parametrize("setting", ["failure_webhook", "digest.webhook"])
def test_a_secret_address_is_asked_for_over_tls_or_on_this_machine(home, setting):
    write(home, f'{setting} = "http://hooks.example/T0P-SECRET"')
    message = refusal(home)
    assert "is sent over https:// only" in message and "T0P-SECRET" not in message
    write(home, f'{setting} = "http://127.0.0.1:8065/hook"')
    load(home)


def test_all_wrong_settings_are_named_at_once(home):
    write(home, 'timezone = "Warsaw"\nschedule_hour = 24\n')
    message = refusal(home)
    assert 'setting "timezone"' in message and 'setting "schedule_hour"' in message


# ── the secret ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_webhook_is_never_shown(home):
    write(home, f'failure_webhook = "{WEBHOOK}"\n')
    settings = load(home)
    assert settings.failure_webhook is not None
    assert str(settings.failure_webhook.get_secret_value()) == WEBHOOK
    for shown in (repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json()):
        assert "T0P-SECRET" not in shown


def test_a_webhook_that_is_no_address_is_refused_without_being_shown(home):
    write(home, 'failure_webhook = "T0P-SECRET"\n')
    message = refusal(home)
    assert 'setting "failure_webhook"' in message and "T0P-SECRET" not in message


def test_scenarios_are_tables_of_the_file(home):
    write(
        home,
        """
        [lifecycle]
        defecting_days = 60
        [[lifecycle.scenarios]]
        name = "wake up"
        from = "inactive"
        to = "active"
        points = 1.5
    """,
    )
    given = load(home).lifecycle
    assert (given.defecting_days, given.inactive_days) == (60, None)
    assert [(s.name, s.from_stage, s.to_stage, s.points) for s in given.scenarios] == [
        ("wake up", "inactive", "active", 1.5)
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("defecting_days = 90\ninactive_days = 60", "must not be more than inactive_days"),
        ('scenarios = [{name = "do nothing", from = "lead", to = "active", points = 1}]', "none may be 'do nothing'"),
        ('scenarios = [{name = "back", from = "active", to = "lead", points = 1}]', "becomes a lead"),
    ],
)
def test_a_lifecycle_that_makes_no_sense_is_refused(home, text, why):
    write(home, f"[lifecycle]\n{text}")
    assert why in refusal(home)


# ── what the fingerprint covers ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "changed",
    [
        {"timezone": "Europe/Warsaw"},
        {"currency": "PLN"},
        {"duplicate_lines": {"cdnow": "drop"}},
        {"cancelled_orders_count": True},
        {"tiers": {"recency_days": (30, 90)}},
        {"lifecycle": {"defecting_days": 60}},
        {"lifecycle": {"scenarios": []}},
        {"affinity": {"largest_basket": 50}},
        {"churn_horizon_days": 14},
        {"churn_horizon_days": 180},
    ],
    ids=str,
)
def test_a_setting_that_changes_results_changes_the_fingerprint(home, changed: dict[str, Any]):
    plain, other = Settings(home=home), Settings(home=home, **changed)
    assert other.fingerprint() != plain.fingerprint()
    assert other.analytic() != plain.analytic()


@pytest.mark.parametrize(
    "changed",
    [
        {"home": "/elsewhere"},
        {"schedule_hour": 5},
        {"threads": 1},
        {"memory_limit": "1GB"},
        {"quarantine_limit": 0.5},
        {"failure_webhook": WEBHOOK},
        {"lock_wait_seconds": 1},
    ],
    ids=str,
)
def test_a_setting_that_changes_no_result_leaves_the_fingerprint(home, changed: dict[str, Any]):
    assert Settings(**{"home": home} | changed).fingerprint() == Settings(home=home).fingerprint()


def test_the_fingerprint_of_a_home_is_that_of_earlier_versions(home):
    """Else all manifests of before would seem to be made with other settings. They were made with a churn horizon of
    180 days; where none is set it is chosen now, and that is another setting."""
    before = Settings(home=home, churn_horizon_days=180)
    assert before.fingerprint() == "31ef714e49d83c56" != Settings(home=home).fingerprint()
    given = {"currency": "PLN", "tiers": {"revenue": (10, 50)}, "compare": COMPARE, "churn_horizon_days": 180}
    assert Settings(home=home, **given).fingerprint() == "464ed8648c99f0e6"


NEED = {"rule": "a", "anchor": ["b"], "stages": [{"stage": "c", "from_day": 0, "to_day": 9, "items": ["d"]}]}


def test_the_settings_that_change_results_are_those_of_the_docs(home):
    told = (PROJECT / "docs" / "settings.md").read_text().partition("## What a setting changes")[2]
    told = told.partition("They are written into every manifest")[0]
    given = Settings(
        home=home, need_stages=[NEED], affinity={"largest_basket": 50}, audiences={"minimum_size": 9},
        deliver={"segments": {"control_share": 0.1}}, holdout_share=0.1, discounts={"budget": 9}, contacts={"most": 9},
        catalogue="axonaut",
        rfm={"recency": "lifecycle"},
    )  # fmt: skip
    assert set(re.findall(r"`(\w+)`", told)) == set(given.analytic())


def test_recency_is_quintiles_learnt_limits_or_days(home):
    names = ("rfm_by_lifecycle", *(f"rfm_score_{score}_days" for score in (5, 4, 3, 2)))

    def told(**rfm):
        return [value for _, value in map(Settings(home=home, rfm=rfm).in_sql().get, names)]

    assert told() == told(recency="quintiles") == [0, None, None, None, None]
    assert told(recency="lifecycle") == [1, None, None, None, None]
    assert told(recency=[30, 90, 180, 365]) == [0, 30, 90, 180, 365]
    for wrong in ([30, 90, 180], [30, 90, 90, 365], [-1, 9, 10, 11], [1, 2, 3, "4"], "months"):
        with pytest.raises(ValueError, match=r"rfm\.recency\n.*write quintiles, lifecycle, or four ascending numbers"):
            Settings(home=home, rfm={"recency": wrong})
    prints = [
        Settings(home=home, **given).fingerprint()
        for given in ({}, {"rfm": {}}, {"rfm": {"recency": "lifecycle"}}, {"rfm": {"recency": (1, 2, 3, 4)}})
    ]
    assert prints[0] == prints[1] and len(set(prints)) == 3


def test_sql_reads_what_is_marked_for_it_part_by_part(home):
    given = Settings(home=home, tiers={"revenue": (10, 50)}, compare=COMPARE, clv={"margin": 0.4}).in_sql()
    assert given["revenue_average"] == ("DECIMAL(18,2)", 10)
    assert given["revenue_spender"] == ("DECIMAL(18,2)", 50)
    assert given["recency_short_days"] == ("INTEGER", None)
    assert given["cancelled_orders_count"] == ("BOOLEAN", False)
    assert [given[f"compare_{name}"] for name in ("a_from", "a_to", "b_from", "b_to")] == [
        ("DATE", dt.date(2025, 1, 1)), ("DATE", dt.date(2025, 6, 30)),
        ("DATE", dt.date(2026, 1, 1)), ("DATE", dt.date(2026, 6, 30)),
    ]  # fmt: skip
    assert given["period_to"] == ("DATE", None)
    assert given["clv_margin"] == ("DOUBLE", 0.4)
    assert given.keys() == Settings(home=home).in_sql().keys()


def test_what_sql_reads_is_in_the_fingerprint(home):
    """Every mark for SQL stands at a setting that changes results, or inside one."""
    marked = {
        name
        for name, field in Settings.model_fields.items()
        if any(isinstance(mark, InSql) for mark in field.metadata)
        or any(
            isinstance(mark, InSql)
            for inner in getattr(type(getattr(Settings(home=home), name)), "model_fields", {}).values()
            for mark in inner.metadata
        )
    }
    assert marked == {
        "cancelled_orders_count", "tiers", "activity_window_days", "compare", "period", "clv", "trend", "affinity",
        "audiences", "discounts", "rfm",
        "catalogue",
    }  # fmt: skip
    later = {
        "affinity": {"largest_basket": 50}, "audiences": {"minimum_size": 5}, "discounts": {"budget": 5},
        "rfm": {"recency": "lifecycle"},
    }  # fmt: skip
    assert marked <= Settings(home=home, catalogue="axonaut", **later).analytic().keys()


@pytest.mark.parametrize(
    ("limit", "expected"), [("1GB", 10**9), ("1.5 GiB", 3 * 2**29), ("500MB", 5 * 10**8), ("2TiB", 2**41)]
)
def test_the_memory_limit_in_bytes(home, limit: str, expected: int):
    assert Settings(home=home, memory_limit=limit).memory_bytes == expected


def test_a_share_of_the_memory_in_bytes(home):
    whole, half = (Settings(home=home, memory_limit=limit).memory_bytes for limit in ("100%", "50%"))
    assert 2**28 < half < whole and abs(half * 2 - whole) < 4


def test_the_fingerprint_does_not_depend_on_the_order_in_the_file(home):
    one = Settings(home=home, duplicate_lines={"a": "drop", "b": "keep"}).fingerprint()
    assert one == Settings(home=home, duplicate_lines={"b": "keep", "a": "drop"}).fingerprint()


# ── the home of Dagster ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_home_becomes_the_home_of_dagster_and_keeps_its_configuration(home, monkeypatch):
    for name in ("PERENNIAL_HOME", "DAGSTER_HOME", "DAGSTER_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "before")  # so that it is put back afterwards
    export_home(load(home))
    assert (os.environ["PERENNIAL_HOME"], os.environ["DAGSTER_HOME"]) == (str(home), str(home / ".dagster"))
    config = home / ".dagster" / "dagster.yaml"
    assert "telemetry:\n  enabled: false" in config.read_text()
    config.write_text("# mine\n")
    export_home(load(home))
    assert config.read_text() == "# mine\n"


# ── the lake ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("given", "folder"),
    [("/mnt/lake", "/mnt/lake"), ("file:///mnt/a lake", "/mnt/a lake"), ("file:/mnt/lake", "/mnt/lake")],
)
def test_the_folder_of_sparks_tables(home, given, folder):
    assert Settings(home=home, spark={"warehouse": given}).spark.warehouse == Path(folder)


def test_the_folder_of_sparks_tables_is_relative_to_the_home(home, monkeypatch):
    write(home, '[spark]\nwarehouse = "lake"\n')
    monkeypatch.chdir("/")
    assert load(home).spark.warehouse == home / "lake"


@pytest.mark.parametrize("given", ["s3a://bucket/lake", "hdfs:///lake", "dbfs:/mnt/lake", "file://server/lake"])
def test_sparks_tables_need_a_folder_of_this_machine(home, given):
    write(home, f'[spark]\nwarehouse = "{given}"\n')
    assert "spark.warehouse" in refusal(home)
    assert "share; mount that place" in refusal(home)
