"""Publishing: the files of one run appear together, or not at all.

Here belongs how files get from "written" to "in place" and what happens when the process dies in between; not what the
files contain. Everything is staged inside the home, then one small file, COMMIT.json, decides: before it exists nothing
has happened, from then on the publication will be completed, by this process or by whoever calls `recover` next.

Everything here expects the caller to hold the home lock (`pipeline.home.locks.home_lock`).
"""

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from pipeline.durable import fsync, fsync_tree
from pipeline.errors import PerennialError

STAGING = PurePosixPath("data/.staging")
ROOTS = ("data", "reports")
MARKER = "COMMIT.json"
RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class PublicationDamaged(PerennialError):
    """A committed publication cannot be completed: its files are neither staged nor in place, or it says nothing."""


class Publication:
    """All files one run wants readers to see, staged in <home>/data/.staging/<run_id>/ and put in place in one commit.

    Guarantees, also through kill -9 and power loss at any moment (journaling file system, `recover` called afterwards):

    - The home shows the old publication or the new one, never a mixture; the new one if COMMIT.json was written.
    - A manifest (a target named in `commit(last=…)`) that is in place names only files that are in place, with the
      content it describes. While files change there is no manifest: the old one goes first, the new one comes last.
    - Every single file is whole at every moment: old, new or absent.

    Readers who look at files without their manifest may, while the commit lasts, see new files beside old ones.
    """

    def __init__(self, home: Path, run_id: str) -> None:
        if not RUN_ID.fullmatch(run_id):
            raise ValueError(f"{run_id!r} cannot name a staging folder: letters, digits, '.', '_' and '-' only.")
        self._home = home
        self._run_id = run_id
        self._staging = home / STAGING / run_id
        self._asked: set[str] = set()
        self._owned: set[str] = set()
        self._removed: set[str] = set()
        self._refuse_if_committed()

    def file(self, target: str) -> Path:
        """Where to write now the file whose final place is <home>/<target>; the parent folder exists on return.

        `target` is a posix path relative to the home, below data/ or reports/; ValueError otherwise.
        """
        self._refuse_if_committed()
        target = _checked(target)
        self._asked.add(target)
        path = _staged(self._staging, target)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def owns(self, folder: str) -> None:
        """Declare that this publication is the whole content of <home>/<folder>.

        Files there which it did not stage are deleted at commit (an audience that is empty today), hidden ones too, and
        folders left empty are removed.
        """
        self._owned.add(_checked(folder))

    def removes(self, target: str) -> None:
        """Declare that the file <home>/<target>, if it is there, is to be deleted at commit."""
        self._removed.add(_checked(target))

    def leaves(self, target: str) -> bool:
        """Whether a file will be at <home>/<target> after the commit, by what is staged and declared so far."""
        target = _checked(target)
        if _staged(self._staging, target).exists():
            return True
        is_going = target in self._removed or _is_within(target, self._owned)
        return not is_going and (self._home / target).exists()

    def commit(self, last: Sequence[str] = ()) -> tuple[str, ...]:
        """Put every staged file in place and return the published targets, manifests at the end.

        `last` names the manifests, inner ones before those that name them. Manifests that are to be deleted from an
        owned folder go before the files they speak of, too: those named in `last` without being staged, and any whose
        file name (`manifest.json`) occurs in `last`.

        Raises FileNotFoundError if a file was asked for but not written, FileExistsError if something that is not ours
        to delete is in the way, PermissionError if a folder cannot be written: nothing is committed then. An OSError
        after COMMIT.json was written leaves the rest to `recover`.
        """
        self._refuse_if_committed()
        _finish_earlier(self._home)  # otherwise an older publication would later be rolled forward over this one
        plan = self._plan(tuple(_checked(target) for target in last))
        _refuse_obstacles(self._home, plan)
        _write_marker(self._staging, plan)
        _carry_out(self._home, self._staging, plan)
        self._asked.clear()
        self._owned.clear()
        self._removed.clear()
        return plan.in_order()

    def discard(self) -> None:
        """Forget what was staged. After COMMIT.json there is no way back: then it does nothing, `recover` completes."""
        if not (self._staging / MARKER).exists():
            _remove_staging(self._staging)

    def _refuse_if_committed(self) -> None:
        if (self._staging / MARKER).exists():
            raise RuntimeError(f"Run {self._run_id} has already committed what it staged; recover(home) completes it.")

    def _plan(self, last: tuple[str, ...]) -> "_Plan":
        puts = _seal(self._staging)
        unwritten = sorted(self._asked - puts.keys())
        if unwritten:
            raise FileNotFoundError(f"Asked for but never written, so nothing is published: {', '.join(unwritten)}")
        unknown = [t for t in last if t not in puts and not _is_within(t, self._owned)]
        if unknown:
            raise ValueError(f"Not staged and in no folder this publication owns: {', '.join(unknown)}")
        present = {path.relative_to(self._home) for folder in self._owned for path in _files(self._home / folder)}
        removed = {target for target in self._removed if (self._home / target).exists()}
        gone = sorted({*(path.as_posix() for path in present), *removed} - puts.keys())
        names = {PurePosixPath(target).name for target in last}
        gone_manifests = [t for t in gone if t not in last and PurePosixPath(t).name in names]
        return _Plan(
            puts=puts,
            manifests=tuple(dict.fromkeys(t for t in last if t in puts)),
            withdraw=(*dict.fromkeys(reversed(last)), *gone_manifests),
            deletes=tuple(gone),
            owned=tuple(sorted(self._owned)),
        )


def recover(home: Path) -> list[str]:
    """Complete or forget what interrupted runs left in data/.staging; one sentence per folder handled.

    Call it only while holding the home lock: the staging of a living run looks like that of a dead one. Idempotent, and
    may itself be killed. Raises PublicationDamaged, leaving that publication as it is, if somebody removed its files
    or damaged COMMIT.json.
    """
    said = []
    for staging in _staging_folders(home):
        run = f"Run {staging.name[:8]}"
        if (staging / MARKER).exists():
            plan = _read_marker(staging)
            _carry_out(home, staging, plan)
            said.append(f"{run} stopped while publishing; its files ({len(plan.puts)}) are now in place.")
        else:
            _remove_staging(staging)
            said.append(f"{run} stopped before publishing; what it had prepared was deleted, readers saw none of it.")
    _remove_if_empty(home / STAGING)
    return said


# ── The plan ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Plan:
    """What COMMIT.json says. All names are targets: posix paths relative to the home."""

    puts: dict[str, str]  # target -> SHA-256 of the staged file
    manifests: tuple[str, ...]  # the puts that come last, in this order
    withdraw: tuple[str, ...]  # manifests that may be in place now and go first, in this order
    deletes: tuple[str, ...]
    owned: tuple[str, ...]  # folders below which empty folders are removed

    def in_order(self) -> tuple[str, ...]:
        return (*(target for target in self.puts if target not in self.manifests), *self.manifests)


def _seal(staging: Path) -> dict[str, str]:
    """Everything staged, on disk for good, with its digest (which later tells 'already moved' from 'lost')."""
    root = _staged(staging, "")
    seals = {}
    for path in _files(root):
        target = _checked(path.relative_to(root).as_posix())
        if path.is_symlink() or not path.is_file():
            raise ValueError(f"Only plain files can be published: {target}")
        seals[target] = _digest(path)
    fsync_tree(root)
    return dict(sorted(seals.items()))


def _write_marker(staging: Path, plan: _Plan) -> None:
    """The moment of commit is the rename; before and after it everything it speaks of is on disk."""
    staging.mkdir(parents=True, exist_ok=True)
    partial = staging / f"{MARKER}.partial"
    partial.write_text(json.dumps(asdict(plan), indent=1), encoding="ascii")
    fsync(partial)
    for folder in (staging, *staging.parents[:3]):  # .staging, data, home: any of them may be new
        fsync(folder)
    partial.replace(staging / MARKER)
    fsync(staging)


def _read_marker(staging: Path) -> _Plan:
    """Raises PublicationDamaged where it cannot be read: which files are missing then, nobody knows."""
    try:
        said = json.loads((staging / MARKER).read_text(encoding="ascii"))
        puts = {_checked(target): str(digest) for target, digest in said["puts"].items()}
        lists = {key: tuple(map(_checked, said[key])) for key in ("manifests", "withdraw", "deletes", "owned")}
    except (ValueError, LookupError, TypeError, AttributeError):
        raise PublicationDamaged(
            f"Run {staging.name} was stopped while publishing, and {staging / MARKER}, which says what was to be done, "
            f"is damaged. Delete {staging} and run its snapshot again."
        ) from None
    return _Plan(puts=puts, **lists)


def _refuse_obstacles(home: Path, plan: _Plan) -> None:
    """Find before the commit what would stop it half-way."""
    for target in plan.puts:
        if (home / target).is_dir() and not (home / target).is_symlink() and not _is_within(target, plan.owned):
            raise FileExistsError(f"{home / target} is a folder; a file of that name is to be published. Move it away.")
        for parent in list(PurePosixPath(target).parents)[:-1]:
            path = home / parent
            if os.path.lexists(path) and not path.is_dir() and str(parent) not in plan.deletes:
                raise FileExistsError(f"{path} is a file; {target} needs a folder of that name. Move it away.")
    for folder in {_nearest_folder((home / target).parent) for target in (*plan.puts, *plan.deletes)}:
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(f"Cannot write to {folder}, nothing was published. Make it writable and run again.")


# ── Carrying it out ───────────────────────────────────────────────────────────────────────────────────────────────────


def _carry_out(home: Path, staging: Path, plan: _Plan) -> None:
    """From any state that an earlier attempt can have left to the complete publication.

    Each stage is on disk before the next begins, so that a power loss cannot reorder them. The old manifest goes before
    anything it names; deletes go before puts, so that a file may become a folder and the other way round; a manifest
    whose staged file has gone is the new one and stays.
    """
    waiting = {target for target in plan.puts if _staged(staging, target).exists()}
    if waiting:  # with nothing left to move the publication was complete, and later changes are not ours to judge
        _refuse_lost(home, staging, {target: plan.puts[target] for target in plan.puts.keys() - waiting})
    _delete(home, [target for target in plan.withdraw if target in waiting or target not in plan.puts])
    _delete(home, plan.deletes)
    _remove_empty_folders(home, plan.owned)
    _put(home, staging, [target for target in plan.puts if target in waiting and target not in plan.manifests])
    for manifest in plan.manifests:
        _put(home, staging, [manifest] if manifest in waiting else [])
    _settle(home, (*plan.puts, *plan.deletes))  # also what an interrupted attempt had moved but not settled
    _remove_staging(staging)


def _refuse_lost(home: Path, staging: Path, moved: dict[str, str]) -> None:
    lost = [t for t, digest in moved.items() if not (home / t).is_file() or _digest(home / t) != digest]
    if lost:
        raise PublicationDamaged(
            f"Run {staging.name} was stopped while publishing, and these files have been removed or changed since: "
            f"{', '.join(sorted(lost))}. Delete {staging} and run its snapshot again."
        )


def _delete(home: Path, targets: Sequence[str]) -> None:
    for target in targets:
        if _is_file_or_link(home / target):
            (home / target).unlink()
    _settle(home, targets)


def _put(home: Path, staging: Path, targets: Sequence[str]) -> None:
    for target in targets:
        (home / target).parent.mkdir(parents=True, exist_ok=True)
        _move(_staged(staging, target), home / target, partial=f".{staging.name}.partial")
    _settle(home, targets)


def _move(staged: Path, final: Path, partial: str) -> None:
    """Rename; where data/ and reports/ lie on different file systems, copy beside the target and rename that.

    The copy's name depends on the run only, so that the next attempt finds and removes a copy that was interrupted.
    """
    beside = final.with_name(partial)
    beside.unlink(missing_ok=True)
    try:
        staged.replace(final)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.copy2(staged, beside)
        fsync(beside)
        beside.replace(final)
        fsync(final.parent)
        staged.unlink()


def _remove_empty_folders(home: Path, owned: Iterable[str]) -> None:
    for top in owned:
        for folder, _, _ in os.walk(home / top, topdown=False):
            _remove_if_empty(Path(folder))


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
        folder.rmdir()


def _settle(home: Path, targets: Sequence[str]) -> None:
    """Make the names in the folders of these targets durable, and the folders themselves, which may be new or gone."""
    folders = {home / parent for target in targets for parent in PurePosixPath(target).parents}
    for folder in sorted(folders, reverse=True):
        if folder.is_dir():
            fsync(folder)


def _remove_staging(staging: Path) -> None:
    """Marker first and durably: a marker that comes back without its files would look like a damaged publication."""
    if (staging / MARKER).exists():
        (staging / MARKER).unlink()
        fsync(staging)
    if staging.exists():
        shutil.rmtree(staging)
    _remove_if_empty(staging.parent)


def _finish_earlier(home: Path) -> None:
    for staging in _staging_folders(home):
        if (staging / MARKER).exists():
            _carry_out(home, staging, _read_marker(staging))


# ── Paths ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _checked(target: str) -> str:
    """The target in its one spelling; ValueError unless it stays below data/ or reports/, outside the staging."""
    path = PurePosixPath(target)
    inside = len(path.parts) > 1 and path.parts[0] in ROOTS and ".." not in path.parts
    if not inside or path.is_relative_to(STAGING):
        raise ValueError(f"{target!r} is not a place below data/ or reports/ of the home.")
    return str(path)


def _staged(staging: Path, target: str) -> Path:
    """In a folder of their own, no target can collide with COMMIT.json."""
    return staging / "files" / target


def _staging_folders(home: Path) -> list[Path]:
    root = home / STAGING
    return sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []


def _is_within(target: str, folders: Iterable[str]) -> bool:
    return any(PurePosixPath(target).is_relative_to(folder) for folder in folders)


def _is_file_or_link(path: Path) -> bool:
    return os.path.lexists(path) and (path.is_symlink() or not path.is_dir())


def _files(top: Path) -> Iterator[Path]:
    """`top` itself if it is a file, else everything below it that is not a folder; links are not followed."""
    if _is_file_or_link(top) and not top.is_dir():
        yield top
    for folder, folders, names in os.walk(top):
        yield from (Path(folder, name) for name in names)
        yield from (Path(folder, name) for name in folders if Path(folder, name).is_symlink())


def _nearest_folder(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.is_dir())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
