"""A fork becomes the program `perennial`, with the arguments and in the surroundings that a terminal gives it."""

import os
import sys
from pathlib import Path


def become_the_program(arguments: list[str], cwd: Path, environment: dict[str, str], outputs: list[Path]) -> None:
    """What a terminal does for a program before it starts it; then the program."""
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    for number, output in enumerate(outputs, start=1):
        os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT), number)
    sys.argv = ["perennial", *arguments]
    from pipeline.cli import main

    main()
