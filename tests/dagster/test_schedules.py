"""When things run: the nightly schedule, the sensor on the drop folder, the alert after a failure."""

import datetime as dt
import json
import os
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin  # there is no public way to be the daemon
from dagster._utils.schedules import cron_string_iterator
from homes import ASSET_JOB, DAYS, INGEST, WARSAW, Home

from assets.common import daily_partitions
from pipeline.definitions import build_defs
from pipeline.failures import explain
from pipeline.home.locks import home_lock
from pipeline.naming import JOB
from pipeline.schedules import SETTLED_SECONDS, settled_files
from pipeline.settings import Settings, SettingsError, load
from pipeline.steps.order_days import last_closed_day

TOKEN = "s3cret-token"


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


# ── the schedule ──────────────────────────────────────────────────────────────────────────────────────────────────────

NIGHTS = [
    # zone, moment (UTC), the day that has just closed there
    ("Europe/Warsaw", "2026-03-14T22:59:59", "2026-03-13"),
    ("Europe/Warsaw", "2026-03-14T23:00:00", "2026-03-14"),
    # Summer time begins: 02:00 becomes 03:00, the day has 23 hours.
    ("Europe/Warsaw", "2026-03-29T00:59:59", "2026-03-28"),
    ("Europe/Warsaw", "2026-03-29T01:00:00", "2026-03-28"),
    ("Europe/Warsaw", "2026-03-29T21:59:59", "2026-03-28"),
    ("Europe/Warsaw", "2026-03-29T22:00:00", "2026-03-29"),
    # It ends: 02:30 comes twice, the day has 25 hours.
    ("Europe/Warsaw", "2026-10-25T00:30:00", "2026-10-24"),
    ("Europe/Warsaw", "2026-10-25T01:30:00", "2026-10-24"),
    ("Europe/Warsaw", "2026-10-25T22:59:59", "2026-10-24"),
    ("Europe/Warsaw", "2026-10-25T23:00:00", "2026-10-25"),
    ("America/New_York", "2026-07-05T03:59:59", "2026-07-03"),
    ("America/New_York", "2026-07-05T04:00:00", "2026-07-04"),
    ("Pacific/Kiritimati", "2026-07-04T10:00:00", "2026-07-04"),
    ("UTC", "2027-01-01T00:00:00", "2026-12-31"),
]


@pytest.mark.parametrize(("zone", "moment", "day"), NIGHTS)
def test_the_night_asks_for_the_day_that_has_closed(zone: str, moment: str, day: str) -> None:
    settings = Settings(home=Path("/nowhere"), timezone=zone)
    schedule = build_defs(settings).resolve_schedule_def("every_night")
    context = dg.build_schedule_context(scheduled_execution_time=at(moment))
    request = schedule(context)
    assert isinstance(request, dg.RunRequest)
    assert (request.partition_key, request.run_key) == (day, day)
    assert daily_partitions(settings).get_partition_keys(current_time=at(moment))[-1] == day


def test_a_night_before_the_first_snapshot_is_left_out_and_says_why() -> None:
    settings = Settings(home=Path("/nowhere"), first_snapshot=dt.date(2026, 7, 5))
    schedule = build_defs(settings).resolve_schedule_def("every_night")
    early, first = (
        schedule(dg.build_schedule_context(scheduled_execution_time=at(moment)))
        for moment in ("2026-07-05T03:00:00", "2026-07-06T03:00:00")
    )
    assert isinstance(early, dg.SkipReason) and isinstance(first, dg.RunRequest)
    assert str(early.skip_message).startswith("2026-07-04 is before the first snapshot, 2026-07-05.")


def test_a_night_is_tried_again_only_where_it_came_to_no_step(tmp_path: Path) -> None:
    home = Home.made(tmp_path / "home")
    with home.instance() as instance:
        assert instance.run_retries_enabled
        assert instance.run_retries_max_retries == 0  # runs of people are not repeated
        assert not instance.run_retries_retry_on_asset_or_op_failure
    request = build_defs(home.settings).resolve_schedule_def("every_night")(
        dg.build_schedule_context(scheduled_execution_time=at("2026-07-05T03:00:00"))
    )
    assert isinstance(request, dg.RunRequest) and request.tags["dagster/max_retries"] == "2"


def test_the_night_of_a_sunday_uses_nothing_of_earlier_ones() -> None:
    schedule = build_defs(Settings(home=Path("/nowhere"))).resolve_schedule_def("every_night")
    nights = {day: schedule(dg.build_schedule_context(scheduled_execution_time=at(day))) for day in
              ("2026-07-05T03:00:00", "2026-07-06T03:00:00", "2026-07-07T03:00:00")}  # fmt: skip
    asked = {night.partition_key: night.run_config for night in nights.values() if isinstance(night, dg.RunRequest)}
    full = {"ops": {"ingest": {"config": {"full": True}}}}
    assert asked == {"2026-07-04": {}, "2026-07-05": full, "2026-07-06": {}}
    assert dt.date(2026, 7, 5).strftime("%A") == "Sunday"


@pytest.mark.parametrize("zone", ["Europe/Warsaw", "America/New_York", "Pacific/Kiritimati"])
@pytest.mark.parametrize("hour", [0, 2, 3])
def test_a_year_of_nights_leaves_no_day_out_and_asks_for_none_twice(zone: str, hour: int) -> None:
    """Also at 2 o'clock, an hour that one night lacks and another has twice."""
    settings = Settings(home=Path("/nowhere"), timezone=zone, schedule_hour=hour)
    schedule = build_defs(settings).resolve_schedule_def("every_night")
    assert schedule.execution_timezone == zone
    ticks = cron_string_iterator(at("2026-01-01T12:00:00").timestamp(), str(schedule.cron_schedule), zone)
    days = [last_closed_day(settings, tick) for tick in islice(ticks, 365)]
    assert days == [days[0] + dt.timedelta(days=n) for n in range(365)]


# ── the sensor ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def dropped(tmp_path: Path) -> Home:
    """A home with one file that came an hour ago."""
    home = Home.made(tmp_path / "home")
    aged(home.drop("orders.csv"), 3600)
    return home


def aged(path: Path, seconds: float) -> Path:
    os.utime(path, (time.time() - seconds,) * 2)
    return path


def look(home: Home, instance: dg.DagsterInstance, cursor: str | None = None) -> Any:
    """One look of the sensor into the drop folder."""
    definitions = build_defs(home.settings)
    context = dg.build_sensor_context(instance=instance, cursor=cursor, definitions=definitions)
    return definitions.resolve_sensor_def("new_exports").evaluate_tick(context)


def test_a_settled_file_starts_the_last_closed_day(dropped: Home) -> None:
    with dropped.instance() as instance:
        tick = look(dropped, instance)
    (request,) = tick.run_requests
    assert request.partition_key == str(last_closed_day(dropped.settings))
    assert request.job_name in (None, JOB)
    assert request.run_key


def test_what_started_a_run_starts_no_second_one(dropped: Home) -> None:
    with dropped.instance() as instance:
        first = look(dropped, instance)
        second = look(dropped, instance, first.cursor)
        assert second.run_requests == []
        assert "No new file" in str(second.skip_message)
        # Touched without a change in size: it may hold something else.
        aged(dropped.settings.exports_folder / "perennial" / "orders.csv", 1800)
        third = look(dropped, instance, first.cursor)
    assert third.run_requests[0].run_key != first.run_requests[0].run_key


def test_a_file_still_being_written_waits(dropped: Home) -> None:
    path = dropped.drop("more.csv", seed=2)
    with dropped.instance() as instance:
        first = look(dropped, instance)
        assert look(dropped, instance, first.cursor).run_requests == []  # orders.csv is done, more.csv not yet
        aged(path, SETTLED_SECONDS + 1)
        (request,) = look(dropped, instance, first.cursor).run_requests
    assert request.run_key != first.run_requests[0].run_key


def test_settled_means_unchanged_for_a_minute(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("x")
    os.utime(tmp_path / "orders.csv", (1000, 1000))
    assert settled_files(tmp_path, 1000 + SETTLED_SECONDS - 0.1) == set()
    assert len(settled_files(tmp_path, 1000 + SETTLED_SECONDS)) == 1
    assert SETTLED_SECONDS == 60


@pytest.mark.parametrize("name", [".part", "_upload.csv", ".git/config", "perennial/.orders.csv.swp"])
def test_hidden_files_are_not_seen(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("x")
    assert settled_files(tmp_path, time.time() + 3600) == set()


def test_an_empty_or_absent_drop_folder_starts_nothing(tmp_path: Path) -> None:
    home = Home.made(tmp_path / "home")
    with home.instance() as instance:
        assert look(home, instance).run_requests == []


@pytest.mark.parametrize(
    "status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
)
def test_while_a_run_is_busy_the_files_wait(dropped: Home, status: dg.DagsterRunStatus) -> None:
    with dropped.instance() as instance:
        run = dg.DagsterRun(JOB, status=status)
        instance.add_run(run)
        instance.report_engine_event("under way", run)
        busy = look(dropped, instance)
        assert busy.run_requests == []
        assert "under way" in str(busy.skip_message)
        instance.report_run_canceled(run)
        assert len(look(dropped, instance, busy.cursor).run_requests) == 1  # nothing was forgotten meanwhile


def test_a_long_run_is_busy_as_long_as_it_lives(dropped: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts is its lock, not how long ago it last said something; a killed one stops no later night."""
    with dropped.instance() as instance:
        run = dg.DagsterRun(JOB, status=dg.DagsterRunStatus.STARTED)
        instance.add_run(run)
        instance.report_engine_event("started", run)
        monkeypatch.setattr("pipeline.home.warehouse._QUIET_SECONDS", 0.0)
        with home_lock(dropped.folder, run.run_id, 0):
            assert look(dropped, instance).run_requests == []
        assert len(look(dropped, instance).run_requests) == 1


# ── the alert ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def webhook(answer: int = 200) -> Iterator[tuple[str, list[Any]]]:
    """An address on this machine, and what is posted to it."""
    received: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append(SimpleNamespace(path=self.path, type=self.headers["Content-Type"], body=json.loads(body)))
            self.send_response(answer)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hooks/{TOKEN}", received
        finally:
            server.shutdown()
            thread.join()


def home_with_webhook(folder: Path, address: str) -> Home:
    return Home.made(folder, f'{WARSAW}failure_webhook = "{address}"\n')


def tick(home: Home, instance: dg.DagsterInstance, cursor: str | None) -> Any:
    """One look of the alert at the home's runs, from a code location as the daemon has it; our runs here have none."""
    definitions = build_defs(home.settings)
    context = dg.SensorEvaluationContext(
        instance_ref=None,
        instance=instance,
        cursor=cursor,
        repository_name="__repository__",
        repository_def=definitions.get_repository_def(),
        code_location_origin=RegisteredCodeLocationOrigin("perennial"),
    )
    return definitions.resolve_sensor_def("failure_alert").evaluate_tick(context)


def test_a_failed_night_is_told_once(tmp_path: Path) -> None:
    with webhook() as (address, received):
        home = home_with_webhook(tmp_path / "home", address)
        with home.instance() as instance:
            start = tick(home, instance, None)
            result = home.run(DAYS[0])  # there is no export
            assert not result.success
            told = tick(home, instance, start.cursor)
            again = tick(home, instance, told.cursor)
    assert again.skip_message is not None or again.dagster_run_reactions == []
    (post,) = received
    assert post.path == f"/hooks/{TOKEN}"
    assert post.type == "application/json"
    assert post.body.keys() == {"text", "run_id", "job", "snapshot_date"}
    assert (post.body["run_id"], post.body["job"], post.body["snapshot_date"]) == (result.run_id, JOB, DAYS[0])
    assert post.body["text"].startswith(f"Perennial: {JOB} for {DAYS[0]} failed. There is nothing to work on: ")


def test_a_run_that_the_web_ui_made_up_is_told_too(tmp_path: Path) -> None:
    with webhook() as (address, received):
        home = home_with_webhook(tmp_path / "home", address)
        with home.instance() as instance:
            start = tick(home, instance, None)
            assert not home.run(DAYS[0], only=INGEST, job=ASSET_JOB).success
            tick(home, instance, start.cursor)
    assert [post.body["job"] for post in received] == [ASSET_JOB]


def test_success_is_not_told(tmp_path: Path) -> None:
    with webhook() as (address, received):
        home = home_with_webhook(tmp_path / "home", address)
        home.drop("orders.csv")
        with home.instance() as instance:
            start = tick(home, instance, None)
            assert home.run(DAYS[0]).success
            tick(home, instance, start.cursor)
    assert received == []


@pytest.mark.parametrize("answer", [200, 500, None])
def test_the_address_is_a_secret(tmp_path: Path, capfd: pytest.CaptureFixture[str], answer: int | None) -> None:
    """Whoever knows it can write to the shop's channel. Also when it answers with an error, or not at all (None)."""
    with webhook(answer or 200) as (address, received):
        if answer is None:
            address = f"http://127.0.0.1:1/hooks/{TOKEN}"  # nobody listens there
        home = home_with_webhook(tmp_path / "home", address)
        with home.instance() as instance:
            start = tick(home, instance, None)
            run = home.run(DAYS[0])
            seen = []
            try:
                seen.append(tick(home, instance, start.cursor))
            except Exception:
                seen.append(traceback.format_exc())
            seen += [entry.to_json() for entry in instance.all_logs(run.run_id)]
            seen += instance.get_run_by_id(run.run_id).tags.items()
    assert len(received) == (answer is not None)
    settings = home.settings
    assert settings.failure_webhook is not None
    assert TOKEN in str(settings.failure_webhook.get_secret_value())
    seen += [repr(settings), str(settings), settings.model_dump(), settings.model_dump_json(), settings.analytic()]
    captured = capfd.readouterr()
    assert "ingest" in captured.err, "the run was told"
    assert TOKEN not in f"{seen}{captured.out}{captured.err}"


@pytest.mark.parametrize("address", [f"not an address {TOKEN}", f"ftp://example.org/{TOKEN}", f"http://:99999/{TOKEN}"])
def test_an_address_that_cannot_be_used_is_not_repeated(tmp_path: Path, address: str) -> None:
    home = home_with_webhook(tmp_path / "home", address)
    with pytest.raises(SettingsError) as refused:
        load(home.folder)
    assert "failure_webhook" in str(refused.value)
    assert TOKEN not in str(refused.value)


def test_the_alert_is_switched_on_by_the_address_alone(tmp_path: Path) -> None:
    home = home_with_webhook(tmp_path / "home", "https://example.org/hook")
    sensor = build_defs(home.settings).resolve_sensor_def("failure_alert")
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING


# ── the digest ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_newest_night_is_told_to_those_who_act(one_night: Home, tmp_path: Path) -> None:
    home = one_night.copied(tmp_path / "home")
    settings, before = home.folder / "perennial.toml", (home.folder / "perennial.toml").read_text()
    with webhook(500) as (address, _):
        settings.write_text(f'{before}name = "Garden"\n[digest]\nwebhook = "{address}"\n')
        refused, _ = explain(home.run(DAYS[0], only=["published.digest"]).all_events)
    assert refused.startswith("The snapshot is published, but its digest was not sent. ") and TOKEN not in refused
    with webhook() as (address, received):
        settings.write_text(f'{before}name = "Garden"\n[digest]\nwebhook = "{address}"\n')
        assert home.run(DAYS[0], only=["published.digest"]).success
        again = home.run(DAYS[0], only=["published.digest"])
    assert home.said(again) == [f"The digest of {DAYS[0]} was sent before."]
    (post,) = received
    assert post.body.keys() == {"text"}
    assert post.body["text"].startswith("*Garden: customers on ") and "Who to act on first?" in post.body["text"]
