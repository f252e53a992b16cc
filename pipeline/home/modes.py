"""Modes: who may open what in a home. Its owner everything; a group, if the setting `share` says so, what is published.

What belongs here: the modes and how they come about. New files are made for their owner alone by the umask that the
entrances set; what is there from before, and what is shared, is set right at the start and the end of each run.
"""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

from pipeline.places import PUBLISHED_VIEWS, is_for_platform
from pipeline.settings import SETTINGS_FILE, Settings

OWNED = ("data/warehouse", "data/people", "data/erasures", "data/quarantine", "data/.staging", ".dagster", ".perennial")
PUBLISHED = ("data/marts", "data/audiences", PUBLISHED_VIEWS, "reports/out")
EXPORTS = "data/exports"
_FOR_OWNER, _FOR_GROUP = (0o700, 0o600), (0o750, 0o640)
_PASSED_THROUGH = 0o710


def for_owner_only() -> None:
    """From now on this process and those it starts make files for their owner alone. For programs, not libraries."""
    os.umask(0o077)


def set_right(settings: Settings) -> None:
    """Give all that belongs to this user in the home the mode it should have; sources are left, and the files of
    the drop folder, which is closed itself: whoever may pass through the home would read what people are called.

    What is behind a link is not of the home, and is left, too.
    """
    for path, wanted in _wrong(settings):
        if path.lstat().st_uid == os.geteuid():
            with suppress(OSError):  # doctor tells what could not be set right
                path.chmod(wanted)


def wrong(settings: Settings) -> list[Path]:
    """What others may open, or a group may not although it is shared with it."""
    return [path for path, _ in _wrong(settings)]


def _wrong(settings: Settings) -> Iterator[tuple[Path, int]]:
    """(path, the mode it should have), for all that have another."""
    for path, wanted in _all(settings):
        try:
            found = path.lstat().st_mode
        except FileNotFoundError:
            continue  # its run has just finished with it
        keeps_group = found & stat.S_ISGID  # a folder that hands its group on goes on doing so
        if not stat.S_ISLNK(found) and stat.S_IMODE(found) != wanted | keeps_group:
            yield path, wanted | keeps_group


def _all(settings: Settings) -> Iterator[tuple[Path, int]]:
    home, is_shared = settings.home, settings.share == "group"
    passed = _PASSED_THROUGH if is_shared else _FOR_OWNER[0]
    if _is_ours(home):
        yield from ((folder, passed) for folder in (home, home / "data", home / "reports") if folder.is_dir())
    if (home / SETTINGS_FILE).exists():
        yield home / SETTINGS_FILE, _FOR_OWNER[1]
    if _is_home(home) and _is_within(home, EXPORTS) and (home / EXPORTS).is_dir():
        yield home / EXPORTS, _FOR_OWNER[0]
    for names, modes in ((OWNED, _FOR_OWNER), (PUBLISHED, _FOR_GROUP if is_shared else _FOR_OWNER)):
        for name in names:
            if _is_within(home, name):
                yield from _tree(home / name, *modes)


def _is_within(home: Path, name: str) -> bool:
    """Whether it is no link to elsewhere, and below none."""
    return not any((home / part).is_symlink() for part in (PurePosixPath(name), *PurePosixPath(name).parents[:-1]))


def _is_home(folder: Path) -> bool:
    """Whether one was set up or published there."""
    return any((folder / name).exists() for name in (SETTINGS_FILE, *PUBLISHED))


def _is_ours(home: Path) -> bool:
    """Whether the folder itself is ours to close: a home that was set up or published, in a place of its own.

    A folder that somebody named by mistake is none; nor is a place of everybody's, such as /tmp, or a user's own.
    """
    if not _is_home(home) or home.resolve() == Path("/"):
        return False
    of = home.stat()
    if of.st_mode & stat.S_ISVTX:
        return False
    try:
        owners = pwd.getpwuid(of.st_uid).pw_dir
    except KeyError:  # a user of another machine or container
        owners = ""
    return not any(folder and home.resolve() == Path(folder).resolve() for folder in (owners, os.environ.get("HOME")))


def _tree(top: Path, folder_mode: int, file_mode: int) -> Iterator[tuple[Path, int]]:
    if top.is_file():
        yield top, file_mode
    for folder, _, files in os.walk(top):
        yield Path(folder), folder_mode
        for name in files:
            yield Path(folder, name), _FOR_OWNER[1] if is_for_platform(name) else file_mode
