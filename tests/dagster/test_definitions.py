"""What Dagster is told: every asset, check, job, schedule and sensor, as one reviewed picture, and rules it must obey.

The picture is definitions.snapshot.json. After a change that is meant: pytest tests/dagster --renew-snapshots.
"""

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from shop import Shop

from pipeline.definitions import build_defs
from pipeline.naming import JOB
from pipeline.settings import SQL_FOLDER, Settings
from pipeline.tables.catalog import tables
from pipeline.tables.header import AUDIENCES, PLATFORMS
from pipeline.tables.inlining import FEATURES
from pipeline.tables.inputs import input_tables

SNAPSHOT = Path(__file__).with_name("definitions.snapshot.json")
WITH_SELECT = [name for name, table in tables().items() if table.select]


@pytest.fixture(scope="module")
def repository() -> dg.RepositoryDefinition:
    """All definitions of a home that uses everything there is to set."""
    settings = Settings(
        home=Path("/nowhere"),
        timezone="Europe/Warsaw",
        first_snapshot=dt.date(2024, 2, 29),
        schedule_hour=4,
        failure_webhook="https://example.org/hook",
    )
    return build_defs(settings).get_repository_def()


def dotted(key: dg.AssetKey) -> str:
    return ".".join(key.path)


def asset_specs(repository: dg.RepositoryDefinition) -> dict[str, dg.AssetSpec]:
    graph = repository.asset_graph
    return {dotted(key): graph.get(key).to_asset_spec() for key in graph.get_all_asset_keys()}


def picture(repository: dg.RepositoryDefinition) -> dict[str, Any]:
    graph = repository.asset_graph
    return {
        "assets": {name: asset_picture(spec) for name, spec in sorted(asset_specs(repository).items())},
        "checks": {
            f"{dotted(key.asset_key)}: {key.name}": "blocks" if graph.get(key).blocking else "warns"
            for key in sorted(graph.asset_check_keys)
        },
        "jobs": {JOB: job_picture(repository.get_job(JOB))},
        "schedules": {schedule.name: schedule_picture(schedule) for schedule in repository.schedule_defs},
        "sensors": {sensor.name: sensor_picture(sensor) for sensor in repository.sensor_defs},
    }


def asset_picture(spec: dg.AssetSpec) -> dict[str, Any]:
    schema = spec.metadata.get("dagster/column_schema")
    return {
        "group": spec.group_name,
        "owners": list(spec.owners),
        "kinds": sorted(spec.kinds),
        "partitions": str(spec.partitions_def) if spec.partitions_def else None,
        "deps": sorted(dotted(dep.asset_key) for dep in spec.deps),
        "columns": [column_picture(column) for column in schema.columns] if schema else None,
    }


def column_picture(column: dg.TableColumn) -> str:
    return f"{column.name} {column.type}{' or nothing' if column.constraints.nullable else ''}"


def job_picture(job: dg.JobDefinition) -> dict[str, Any]:
    return {
        "executor": job.executor_def.name,
        "partitions": str(job.partitions_def),
        "steps": sorted(node.name for node in job.nodes),
    }


def schedule_picture(schedule: dg.ScheduleDefinition) -> dict[str, Any]:
    return {
        "job": schedule.job_name,
        "cron": schedule.cron_schedule,
        "timezone": schedule.execution_timezone,
        "status": schedule.default_status.value,
    }


def sensor_picture(sensor: dg.SensorDefinition) -> dict[str, Any]:
    return {
        "jobs": [job.name for job in sensor.jobs] if sensor.has_jobs else [],
        "seconds": sensor.minimum_interval_seconds,
        "status": sensor.default_status.value,
    }


# ── the picture ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_definitions_are_as_reviewed(repository: dg.RepositoryDefinition, request: pytest.FixtureRequest) -> None:
    now = picture(repository)
    if request.config.getoption("--renew-snapshots", default=False):
        SNAPSHOT.write_text(json.dumps(now, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert now == json.loads(SNAPSHOT.read_text(encoding="utf-8"))


def test_definitions_load() -> None:
    """What `dagster dev` does first: job, schedule, sensors and resources fit together."""
    dg.Definitions.validate_loadable(build_defs(Settings(home=Path("/nowhere"))))


def test_definitions_do_not_depend_on_the_home() -> None:
    """Two homes of equal settings have the same graph; nothing of a folder leaks into a spec."""
    one, other = (build_defs(Settings(home=Path(home))).get_repository_def() for home in ("/one", "/other"))
    assert asset_specs(one) == asset_specs(other)


# ── rules ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_sql_file_is_an_asset(repository: dg.RepositoryDefinition) -> None:
    paths = [path.relative_to(SQL_FOLDER) for path in SQL_FOLDER.rglob("*.sql")]
    no_tables = (AUDIENCES, FEATURES, PLATFORMS, "sources", "inputs")
    files = {f"{path.parts[0]}.{path.stem}" for path in paths if path.parts[0] not in no_tables}
    files |= {f"staging.{path.stem}" for path in paths if path.parts[0] == "inputs"}
    assert files
    assert files <= asset_specs(repository).keys()


def test_sources_are_no_assets(repository: dg.RepositoryDefinition) -> None:
    assert {name.split(".")[0] for name in asset_specs(repository)} == {"ingest", "staging", "marts", "published"}


def unknown_dependencies(repository: dg.RepositoryDefinition) -> set[str]:
    made = {dotted(key) for definition in repository.assets_defs_by_key.values() for key in definition.keys}
    return {dotted(dep.asset_key) for spec in asset_specs(repository).values() for dep in spec.deps} - made


def test_no_asset_depends_on_an_unknown_one(repository: dg.RepositoryDefinition) -> None:
    """Dagster loads a dependency on a key that nobody makes without a word, as an asset from outside."""
    assert unknown_dependencies(repository) == set()


def test_an_unknown_dependency_is_seen() -> None:
    """The rule above notices what a typo in a FROM clause comes to."""
    typo = dg.AssetSpec(["marts", "b"], deps=[dg.AssetKey(["marts", "custmer_summary"])])
    definitions = dg.Definitions(assets=[dg.multi_asset(name="b", specs=[typo])(lambda: None)])
    assert unknown_dependencies(definitions.get_repository_def()) == {"marts.custmer_summary"}


def test_only_ingest_and_the_catalogue_stand_at_the_beginning(repository: dg.RepositoryDefinition) -> None:
    roots = {name for name, spec in asset_specs(repository).items() if not spec.deps}
    staged = {table.full_name for table in input_tables()}
    of_ingest = {f"ingest.{name}" for name in ("files", "arrivals", "quarantine", "remarks", "identities", "aliases")}
    assert roots == of_ingest | {"marts.segment_catalogue"} | staged


def test_everything_that_runs_holds_the_home(repository: dg.RepositoryDefinition) -> None:
    """The warehouse resource is the home lock: a step without it would run beside another run."""
    for name in repository.job_names:
        nodes = repository.get_job(name).nodes
        assert nodes
        for node in nodes:
            assert "warehouse" in node.definition.required_resource_keys, f"{node.name} in job {name}"


def test_everything_is_in_the_nightly_job(repository: dg.RepositoryDefinition) -> None:
    job = repository.get_job(JOB)
    assert job.asset_layer.executable_asset_keys == repository.asset_graph.get_all_asset_keys()
    checks = {key for key in repository.asset_graph.asset_check_keys if repository.asset_graph.get(key).blocking}
    assert {dotted(key.asset_key) for key in checks} == tables().keys() - {table.full_name for table in input_tables()}


def test_one_process_runs_every_job(repository: dg.RepositoryDefinition) -> None:
    """The lock and the connection are those of one process; a process per step would wait for itself."""
    assert {repository.get_job(name).executor_def.name for name in repository.job_names} == {"in_process"}


def test_owners_are_teams_or_addresses(repository: dg.RepositoryDefinition) -> None:
    for name, spec in asset_specs(repository).items():
        assert spec.owners, name
        for owner in spec.owners:
            assert re.fullmatch(r"team:[a-z][a-z-]*|[^@\s]+@[^@\s]+\.[a-z]+", owner), name


def test_everything_is_described(repository: dg.RepositoryDefinition) -> None:
    for name, spec in asset_specs(repository).items():
        assert len(spec.description or "") >= 20, name
        schema = spec.metadata.get("dagster/column_schema")
        assert schema or name.startswith("published."), name
        assert all(column.description for column in (schema.columns if schema else ())), name


@pytest.mark.parametrize("name", WITH_SELECT)
def test_columns_are_documented_as_selected(name: str, shop: Shop) -> None:
    """In name and order: the engine writes by name, so a column too many would vanish without a word."""
    table = tables()[name]
    selected = shop.engine.read(f"SELECT * FROM ({table.select}) LIMIT 0", {"snapshot_date": dt.date(2026, 3, 1)})
    assert selected.columns == list(table.header.columns)


def test_marts_and_publication_are_partitioned_by_closed_local_days(repository: dg.RepositoryDefinition) -> None:
    specs = asset_specs(repository)
    partitioned = {name for name, spec in specs.items() if spec.partitions_def}
    assert partitioned == {name for name in specs if name.startswith(("marts.", "published."))}
    partitions = specs["marts.rfm_scores"].partitions_def
    assert partitions is not None
    # Warsaw is at UTC+1 here: at 22:59 the 14th is still open, at 23:00 it is over.
    before, after = (dt.datetime(2026, 3, 14, hour, 30, tzinfo=dt.UTC) for hour in (22, 23))
    assert partitions.get_partition_keys(current_time=before)[-1] == "2026-03-13"
    assert partitions.get_partition_keys(current_time=after)[-1] == "2026-03-14"
    assert partitions.get_partition_keys(current_time=after)[0] == "2024-02-29"


def test_a_range_of_days_is_one_run(repository: dg.RepositoryDefinition) -> None:
    """One lock and one ingest for a backfill, not one per day."""
    for definition in repository.assets_defs_by_key.values():
        if definition.partitions_def:
            assert definition.backfill_policy == dg.BackfillPolicy.single_run(), definition.op.name


def test_nothing_runs_by_itself_before_it_is_switched_on(repository: dg.RepositoryDefinition) -> None:
    (schedule,) = repository.schedule_defs
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
    assert schedule.execution_timezone == "Europe/Warsaw"
    assert schedule.cron_schedule == "0 4 * * *"
    assert repository.get_sensor_def("new_exports").default_status is dg.DefaultSensorStatus.STOPPED


def test_without_a_webhook_there_is_no_alert() -> None:
    repository = build_defs(Settings(home=Path("/nowhere"))).get_repository_def()
    assert [sensor.name for sensor in repository.sensor_defs] == ["new_exports"]
