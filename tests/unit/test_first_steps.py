"""What a newcomer meets first: values that are no choice, names that are wrong, and a home with nothing in it."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from pipeline.cli import app


def told(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "300"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.fixture
def unstarted(monkeypatch):
    """A run that begins fails the test: what is checked here is known before."""

    def begun(*_: object) -> None:
        raise AssertionError("the run has begun")

    monkeypatch.setattr("pipeline.cli._run", begun)
    monkeypatch.setattr("pipeline.cli._run_range", begun)


@pytest.mark.parametrize(("command", "value"), [(("run", "--every"), "fortnight"), (("new",), "tabel")])
def test_a_value_that_is_no_choice_is_told_without_words_of_a_library(command, value):
    code, output = told(*command, value, *(["x"] if command == ("new",) else []))
    assert code == 2 and f"{value!r} is not one of" in output and "Value error" not in output


def test_the_command_to_come_is_of_the_same_home(tmp_path):
    (tmp_path / "perennial.toml").write_text("")
    code, output = told("new", "audience", "mine", "--home", tmp_path)
    assert code == 0 and f"then: perennial lint --home {tmp_path}" in output


@pytest.mark.parametrize("range_of_days", [(), ("--every", "day", "--from", "2026-01-01", "--to", "2026-01-02")])
def test_a_wrong_source_is_told_before_the_run_begins(range_of_days, tmp_path, unstarted):
    (tmp_path / "orders.csv").write_text("order_id\n")
    code, output = told("run", "--home", tmp_path, "--source", f"perenial={tmp_path}/orders.csv", *range_of_days)
    assert code == 1 and "There is no source 'perenial'. Did you mean perennial?" in output


def test_a_wrong_folder_is_told_before_the_run_begins(tmp_path, unstarted):
    (tmp_path / "perennial.toml").write_text("")
    (tmp_path / "data" / "exports" / "shopfy").mkdir(parents=True)
    (tmp_path / "data" / "exports" / "shopfy" / "a.csv").write_text("order_id\n")
    code, output = told("run", "--home", tmp_path)
    assert code == 1 and "There is no source 'shopfy'." in output
