"""What is written stays written, through a power cut: for publications and for the lake alike."""

from __future__ import annotations

import os
from pathlib import Path


def fsync(path: Path) -> None:
    """A file's content, or the names in a folder, on disk for good."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fsync_tree(top: Path) -> None:
    """All files below a folder, then the folders that name them."""
    for folder, _, names in os.walk(top, topdown=False):
        for name in names:
            fsync(Path(folder, name))
        fsync(Path(folder))
