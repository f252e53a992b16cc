"""The wheel: what is in it, and that it publishes elsewhere what the checkout does here."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from homes import DAYS, Home
from packaging.requirements import Requirement

from pipeline.settings import PROJECT

SHIPPED = ("sql", "reports/pages", "reports/templates", "docs/definitions.md", "workspace.yaml")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)
    (built,) = folder.glob("perennial-*-py3-none-any.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel alone in a folder of packages, which comes before the one that has all others."""
    folder = tmp_path_factory.mktemp("packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def of_wheel(installed: Path, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python in the root folder, where nothing of the checkout lies, with the installed package."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PERENNIAL_", "DAGSTER_"))}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd="/", env=kept | {"PYTHONPATH": str(installed)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


PROGRAM = "from pipeline.cli import main; main()"


def test_what_is_shipped_is_in_the_wheel(installed: Path) -> None:
    """File by file and byte by byte; and nothing of tests, homes or folders of others."""
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *SHIPPED],
        cwd=PROJECT, check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    data = installed / "pipeline" / "data"
    files = {path.relative_to(data) for path in data.rglob("*") if path.is_file()}
    assert {file.as_posix() for file in files if "__pycache__" not in file.parts} == set(tracked)
    for name in tracked:
        assert (data / name).read_bytes() == (PROJECT / name).read_bytes(), name
    tops = {path.name for path in installed.iterdir()}
    assert {name for name in tops if not name.endswith(".dist-info")} == {"pipeline", "assets"}


def test_running_needs_neither_build_tools_nor_the_web_ui(installed: Path) -> None:
    (metadata,) = installed.glob("perennial-*.dist-info/METADATA")
    told = [line.partition(": ") for line in metadata.read_text().splitlines()]
    needs = [Requirement(value) for name, _, value in told if name == "Requires-Dist"]
    always = {one.name for one in needs if one.marker is None}
    assert {"dagster", "duckdb", "polars"} <= always
    assert not always & {"dagster-webserver", "hatchling", "editables", "pyspark", "s3fs"}
    extras = {value for name, _, value in told if name == "Provides-Extra"}
    assert extras == {"ui", "spark", "connect", "examples", "s3", "gs", "sftp"}


def test_a_night_of_the_wheel_publishes_what_one_of_the_checkout_does(
    installed: Path, one_night: Home, tmp_path: Path
) -> None:
    home = Home.made(tmp_path / "home")
    home.drop("orders.csv")
    answer = of_wheel(installed, PROGRAM, "run", "--home", str(home.folder), "--snapshot", DAYS[0])
    assert answer.returncode == 0, answer.stderr
    manifest = f"data/audiences/{DAYS[0]}/manifest.json"
    here, there = one_night.published(), home.published()
    assert here.pop(manifest) and there.pop(manifest)
    assert there == here
    assert home.pages(DAYS[0]).keys() == one_night.pages(DAYS[0]).keys()
    shared = "reports/out/assets"
    assert {path.name for path in (home.folder / shared).iterdir()} == {
        path.name for path in (one_night.folder / shared).iterdir()
    }


def test_the_code_is_that_of_the_wheel_and_a_home_may_be_anywhere(installed: Path, tmp_path: Path) -> None:
    """Own tables are begun and looked at; the messages tell how a package is installed, not a checkout."""
    (tmp_path / "perennial.toml").write_text("")
    code = (
        "import sys; from pathlib import Path; import pipeline.shipped as shipped\n"
        "from pipeline.cli import app\n"
        "assert Path(shipped.__file__).is_relative_to(sys.argv[1]) and shipped.is_wheel()\n"
        "assert shipped.shipped_files() == Path(sys.argv[1], 'pipeline', 'data')\n"
        "print(shipped.to_install('ui'))\n"
        "for words in (['new', 'table', 'mine'], ['lint'], ['doctor']):\n"
        "    app([*words, '--home', sys.argv[2]], standalone_mode=False)\n"
        "import pipeline.cli\n"
        "pipeline.cli.find_spec = lambda name: None\n"
        "app(['ui', '--home', sys.argv[2]])\n"
    )
    answer = of_wheel(installed, code, str(installed), str(tmp_path))
    assert "python -m pip install 'perennial[ui]'" in answer.stdout, answer.stderr
    assert "All is well in" in answer.stdout
    assert answer.returncode == 1
    assert answer.stderr.startswith("Not opened. The web UI needs the package dagster-webserver"), answer.stderr
    assert answer.stderr.rstrip().endswith("Install it: python -m pip install 'perennial[ui]'.")
