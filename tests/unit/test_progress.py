"""What a person at a terminal sees of a run."""

import dagster as dg

from pipeline.progress import progress, progress_logger

SENTENCE = "3 orders name several customers, and each counts for one of them."


def shown(capsys, *checks: dg.AssetChecksDefinition, verbose: bool = True) -> str:
    """What a run of one asset and these checks of it says."""
    job = dg.define_asset_job("night")
    loggers = {"progress": progress_logger}
    definitions = dg.Definitions(assets=[orders], asset_checks=checks, jobs=[job], loggers=loggers)
    with dg.DagsterInstance.ephemeral() as instance:
        definitions.resolve_job_def("night").execute_in_process(progress(verbose), instance=instance)
    return str(capsys.readouterr().err)


@dg.asset
def orders() -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata={"dagster/row_count": 12})


def check_of_orders(passed: bool, sentence: str | None) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=orders, name="one_customer")
    def check() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=passed, severity=dg.AssetCheckSeverity.WARN, description=sentence)

    return check


def test_a_check_that_warns_has_no_green_tick_and_says_why(capsys):
    lines = shown(capsys, check_of_orders(False, f"{SENTENCE}\n[bold]Look[/bold] there.")).splitlines()
    assert lines[0].startswith("  ✓ orders ")
    assert "12 rows" in lines[0]
    assert lines[1].startswith("  ! orders_one_customer ")
    assert lines[2:] == [f"    {SENTENCE}", "    [bold]Look[/bold] there."]


def test_a_warning_without_words_is_named(capsys):
    assert "    check one_customer did not pass" in shown(capsys, check_of_orders(False, None)).splitlines()


def test_a_check_that_passes_is_a_tick(capsys):
    lines = shown(capsys, check_of_orders(True, None)).splitlines()
    assert [line[:4] for line in lines] == ["  ✓ ", "  ✓ "]


def test_steps_that_a_failure_stopped_are_not_told_one_by_one(capsys):
    @dg.asset
    def broken() -> None:
        raise dg.Failure("no orders", allow_retries=False)

    @dg.asset(deps=[broken])
    def after() -> None: ...

    definitions = dg.Definitions(
        assets=[broken, after], jobs=[dg.define_asset_job("night")], loggers={"progress": progress_logger}
    )
    with dg.DagsterInstance.ephemeral() as instance:
        job = definitions.resolve_job_def("night")
        assert not job.execute_in_process(progress(), instance=instance, raise_on_error=False).success
    said = capsys.readouterr().err
    assert "✗ broken" in said and "Dependencies" not in said


def test_without_being_asked_only_warnings_and_the_end_are_told(capsys):
    lines = shown(capsys, check_of_orders(False, SENTENCE), verbose=False).splitlines()
    assert lines[0].startswith("  ! orders_one_customer ") and lines[1] == f"    {SENTENCE}"
    assert len(lines) == 3 and lines[2].startswith("  2 steps in ")
