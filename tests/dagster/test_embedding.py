"""Homes inside somebody else's code location: the example of docs/embedding.md, with two homes, run."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from homes import DAYS, INGEST, WARSAW, Home, failure_message

from pipeline.definitions import build_defs, perennial_definitions
from pipeline.history import HOME_TAG
from pipeline.home.warehouse import warehouse_of
from pipeline.naming import NamingRefused
from pipeline.settings import Settings, SettingsError

DOCS = Path(__file__).parents[2] / "docs" / "embedding.md"
GARDEN, MUSIC = ("garden",), ("shops", "music")
MUSIC_INGEST = [dg.AssetKey([*MUSIC, *name.split(".")]) for name in INGEST]


@dataclass(frozen=True)
class Host:
    """A code location with two homes, and its instance."""

    definitions: dg.Definitions
    garden: Home
    music: Home
    dagster_home: Path

    def instance(self) -> dg.DagsterInstance:
        return dg.DagsterInstance.from_config(str(self.dagster_home))

    @property
    def repository(self) -> dg.RepositoryDefinition:
        return self.definitions.get_repository_def()

    def run(self, job: str, day: str | None, **given: Any) -> dg.ExecuteInProcessResult:
        with self.instance() as instance:
            resolved = self.definitions.resolve_job_def(job)
            return resolved.execute_in_process(instance=instance, partition_key=day, raise_on_error=False, **given)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Host:
    """The example of the documents; the garden has an export and a webhook, the music shop neither."""
    folder = tmp_path_factory.mktemp("host")
    garden = Home.made(folder / "garden", f'{WARSAW}failure_webhook = "http://127.0.0.1:1/hook"\n')
    garden.drop("orders.csv")
    music = Home.made(folder / "music", f'{WARSAW}failure_webhook = "http://127.0.0.1:1/hook"\n')
    (folder / "dagster").mkdir()
    (folder / "dagster" / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    (example,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    example = example.replace("/srv/", f"{folder}/")
    namespace: dict[str, Any] = {"__name__": "code_location"}
    exec(compile(example, str(DOCS), "exec"), namespace)
    return Host(namespace["defs"], garden, music, folder / "dagster")


def keys_of(host: Host, prefix: tuple[str, ...]) -> set[dg.AssetKey]:
    return {key for key in host.repository.asset_graph.get_all_asset_keys() if tuple(key.path[: len(prefix)]) == prefix}


def test_two_homes_and_a_host_load_together(host: Host) -> None:
    dg.Definitions.validate_loadable(host.definitions)
    graph = host.repository.asset_graph
    own = build_defs(Settings(home=Path("/nowhere"))).get_repository_def().asset_graph
    names = {tuple(key.path) for key in own.get_all_asset_keys()}
    expected = {(*prefix, *name) for prefix in (GARDEN, MUSIC) for name in names}
    expected |= {("staging", "orders"), ("after_the_night",)}
    assert {tuple(key.path) for key in graph.get_all_asset_keys()} == expected
    checks = {(tuple(key.asset_key.path), key.name) for key in own.asset_check_keys}
    assert {(tuple(key.asset_key.path), key.name) for key in graph.asset_check_keys} == {
        ((*prefix, *path), name) for prefix in (GARDEN, MUSIC) for path, name in checks
    }
    for key in keys_of(host, GARDEN):
        assert {tuple(parent.path) for parent in graph.get(key).parent_keys} == {
            (*GARDEN, *parent.path) for parent in own.get(dg.AssetKey(key.path[1:])).parent_keys
        }
    assert {graph.get(key).group_name for key in keys_of(host, GARDEN)} == {"garden"}
    assert {graph.get(key).group_name for key in keys_of(host, MUSIC)} == {
        own.get(key).group_name for key in own.get_all_asset_keys()
    }


def test_names_and_schedules_are_those_of_their_home(host: Host) -> None:
    repository = host.repository
    assert {name for name in repository.job_names if not name.startswith("__")} == {
        "garden__nightly", "shops__music__nightly",
    }  # fmt: skip
    assert [schedule.name for schedule in repository.schedule_defs] == ["garden__every_night"]
    assert {sensor.name for sensor in repository.sensor_defs} == {
        "garden__new_exports", "garden__failure_alert", "shops__music__failure_alert",
    }  # fmt: skip
    assert {"warehouse", "garden__warehouse", "shops__music__warehouse"} <= host.definitions.resources.keys()


@pytest.mark.parametrize(("job", "prefix"), [("garden__nightly", GARDEN), ("shops__music__nightly", MUSIC)])
def test_a_job_holds_its_own_assets_and_checks_only(host: Host, job: str, prefix: tuple[str, ...]) -> None:
    resolved = host.repository.get_job(job)
    assert resolved.asset_layer.executable_asset_keys == keys_of(host, prefix)
    assert {tuple(key.asset_key.path[: len(prefix)]) for key in resolved.asset_layer.asset_graph.asset_check_keys} == {
        prefix
    }
    for node in resolved.nodes:
        assert node.definition.required_resource_keys == {f"{'__'.join(prefix)}__warehouse"}
    assert resolved.executor_def.name == "in_process"


@pytest.fixture(scope="module")
def night(host: Host) -> dg.ExecuteInProcessResult:
    """The garden's job, run by the host."""
    return host.run("garden__nightly", DAYS[0])


def test_a_night_of_one_home_publishes_what_it_would_alone(host: Host, night: Any, one_night: Home) -> None:
    assert night.success
    assert {event.asset_key for event in night.get_asset_materialization_events()} == keys_of(host, GARDEN)
    assert all(tuple(check.asset_key.path[:1]) == GARDEN for check in night.get_asset_check_evaluations())
    assert all(check.passed for check in night.get_asset_check_evaluations()), "a day that was asked for is not late"
    manifest = f"data/audiences/{DAYS[0]}/manifest.json"
    here, alone = host.garden.published(), one_night.published()
    assert here.pop(manifest) and alone.pop(manifest)
    assert here == alone
    assert host.garden.pages(DAYS[0]).keys() == one_night.pages(DAYS[0]).keys()
    assert host.music.published() == {}
    assert not any((host.garden.folder / ".dagster" / "history").rglob("*.db")), "the history is the host's"


def test_the_tables_alone_are_refused_after_a_load_that_failed(host: Host) -> None:
    """The rule is kept by the keys of the home: the music shop has nothing to load."""
    music = "shops__music__nightly"
    assert not host.run(
        music, None, asset_selection=[dg.AssetKey([*MUSIC, *name.split(".")]) for name in INGEST]
    ).success
    alone = host.run(music, None, asset_selection=[dg.AssetKey([*MUSIC, "staging", "orders"])])
    assert failure_message(alone).startswith("Nothing was built on the exports, because loading them failed")
    assert "There is nothing to work on" in failure_message(alone)


def test_the_alert_tells_of_its_own_job_only(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr("pipeline.schedules.send_alert", lambda settings, run_id, job, *rest: told.append(job))

    @dg.op
    def fails() -> None:
        raise dg.Failure("of the host")

    @dg.job
    def of_the_host() -> None:
        fails()

    def tick(name: str, cursor: str | None = None) -> Any:
        context = dg.SensorEvaluationContext(
            instance_ref=None, instance=instance, cursor=cursor, repository_name=None,
            repository_def=host.repository, code_location_origin=None,
        )  # fmt: skip
        return host.definitions.resolve_sensor_def(name).evaluate_tick(context)

    names = ("garden__failure_alert", "shops__music__failure_alert")
    with host.instance() as instance:
        begun = {name: tick(name).cursor for name in names}
        assert not of_the_host.execute_in_process(instance=instance, raise_on_error=False).success
        music = host.definitions.resolve_job_def("shops__music__nightly")
        assert not music.execute_in_process(
            instance=instance, asset_selection=MUSIC_INGEST, raise_on_error=False
        ).success
        for name in names:
            tick(name, begun[name])
    assert told == ["shops__music__nightly"]


def test_runs_of_others_are_neither_judged_nor_removed(host: Host, night: dg.ExecuteInProcessResult) -> None:
    """A run of the host that has said nothing for long is not the home's to call dead."""
    from pipeline.history import runs_of

    with host.instance() as instance:
        instance.add_run(dg.DagsterRun("of_the_host", status=dg.DagsterRunStatus.STARTED))
        tags = {HOME_TAG: str(host.garden.folder)}
        dead = dg.DagsterRun("garden__nightly", status=dg.DagsterRunStatus.STARTED, tags=tags)
        instance.add_run(dead)
        of_garden = {run.run_id for run in runs_of(instance, host.garden.folder)}
        assert of_garden == {dead.run_id, night.run_id}
        resource = warehouse_of(host.garden.settings)
        with resource.yield_for_execution(dg.build_init_resource_context(instance=instance)):
            pass
        (after,) = instance.get_runs(dg.RunsFilter(job_name="of_the_host", statuses=[dg.DagsterRunStatus.STARTED]))
        assert after.status is dg.DagsterRunStatus.STARTED
        told = instance.get_run_by_id(dead.run_id)
        assert told is not None and told.status is dg.DagsterRunStatus.FAILURE


def test_without_a_prefix_all_is_called_as_in_the_documents(tmp_path: Path) -> None:
    home = Home.made(tmp_path / "home")
    embedded = perennial_definitions(home.folder).get_repository_def()
    own = build_defs(home.settings).get_repository_def()
    assert embedded.asset_graph.get_all_asset_keys() == own.asset_graph.get_all_asset_keys()
    assert [job for job in embedded.job_names if not job.startswith("__")] == ["nightly"]


REFUSED = [{"key_prefix": "my shop"}, {"key_prefix": ["a", ""]}, {"job_name": "a/b"}, {"group": "a-b"}]


@pytest.mark.parametrize("given", REFUSED)
def test_a_name_that_dagster_does_not_take_is_told(tmp_path: Path, given: dict[str, Any]) -> None:
    with pytest.raises(NamingRefused, match="letters, digits and _"):
        perennial_definitions(Home.made(tmp_path / "home").folder, **given)


def test_a_home_that_is_not_there_is_told_and_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no folder"):
        perennial_definitions(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
