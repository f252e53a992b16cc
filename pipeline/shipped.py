"""What is shipped with the code: SQL, pages, templates, definitions. In a checkout it lies at the top, in a wheel below
the package. Here is known which of the two this is, and so how something is installed that is missing.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

_IN_WHEEL = "data"
_TARGETS = {"ui": "setup", "examples": "setup-examples", "spark": "setup-spark"}
"""Extras that the checkout has a target for."""


def shipped_files() -> Path:
    """The folder with sql/, reports/, docs/definitions.md and workspace.yaml."""
    package = Path(str(files("pipeline")))
    return package / _IN_WHEEL if is_wheel() else package.parent


def is_wheel() -> bool:
    """Whether this is an installed package; else it is a checkout."""
    return files("pipeline").joinpath(_IN_WHEEL, "sql").is_dir()


def to_install(extra: str) -> str:
    """The command that brings the packages of an extra."""
    if is_wheel():
        return f"python -m pip install 'perennial[{extra}]'"
    return f"make {_TARGETS[extra]}" if extra in _TARGETS else f".venv/bin/python -m pip install -e '.[{extra}]'"
