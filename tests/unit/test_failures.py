"""What is said of a failure: our own words where we have some, of the machine's faults a remedy, else the cause."""

import importlib
import inspect as python
import pkgutil
import sqlite3

import duckdb
import pytest
from dagster._core.errors import DagsterExecutionInterruptedError

import pipeline
from pipeline.errors import PerennialError
from pipeline.failures import explain_exception
from pipeline.home.locks import HomeBusy, HomeNotWritable


def told(cause):
    """What is said when Dagster, say, wraps `cause` in an error of its own."""
    try:
        try:
            raise cause
        except BaseException as error:
            raise RuntimeError("Error executing step") from error
    except RuntimeError as error:
        return explain_exception(error)


@pytest.mark.parametrize("error", [HomeBusy("busy: wait"), HomeNotWritable("cannot write: change that")])
def test_our_own_errors_are_told_as_they_are(error):
    assert told(error) == str(error)


@pytest.mark.parametrize(
    ("error", "begins"),
    [
        (OSError(28, "No space left on device"), "The disk is full"),
        (sqlite3.OperationalError("disk I/O error"), "The disk is full"),
        (sqlite3.OperationalError("database or disk is full"), "The disk is full"),
        (sqlite3.OperationalError("unable to open database file"), "The home cannot be written"),
        (sqlite3.OperationalError("attempt to write a readonly database"), "The home cannot be written"),
        (OSError(30, "Read-only file system"), "The home cannot be written"),
        (
            duckdb.IOException('The file "x" exists, but it is not a valid DuckDB database file!'),
            "The warehouse is dam",
        ),
        (sqlite3.OperationalError("database is locked"), "Dagster's history in .dagster was locked"),
    ],
)
def test_faults_of_the_machine_name_a_remedy(error, begins):
    assert told(error).startswith(begins)


@pytest.mark.parametrize(
    "error", [DagsterExecutionInterruptedError(), KeyboardInterrupt(), RuntimeError("Query interrupted")]
)
def test_a_run_that_somebody_stops_is_no_fault(error):
    assert told(error) == "The run was stopped. What was published before is still in place; run again."


def test_anything_else_is_unexpected_and_names_its_cause():
    assert told(KeyError("nobody")) == "Unexpected error: KeyError: 'nobody'. Run with --debug for the trace."


def test_every_error_of_ours_but_a_fault_of_the_program_has_the_one_base():
    names = [module.name for module in pkgutil.walk_packages(pipeline.__path__, "pipeline.")]
    found = {
        kind
        for name in names
        for _, kind in python.getmembers(importlib.import_module(name), python.isclass)
        if issubclass(kind, Exception) and kind.__module__ == name
    }
    assert HomeBusy in found
    assert {kind.__name__ for kind in found if not issubclass(kind, PerennialError)} == {"UncompiledCheck"}
