"""Publishing: a home shows the old files or the new ones, whatever happens in between.

A child process publishes and is killed (or runs out of disk) before its n-th change to the disk, for every n.
"""

import errno
import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from pipeline.home.publishing import Publication, PublicationDamaged, recover

ROOT = Path(__file__).parents[2]
Files = dict[str, str]

CHILD = """
import errno, json, os, signal, sys
from pathlib import Path
from pipeline.home import publishing


def interrupted(job, name):
    real = getattr(os, name) if name != "fsync" else lambda descriptor: None  # kill -9 loses nothing that was written

    def call(*args, **kwargs):
        global steps
        steps += 1
        if steps == job["stop_at"] and job["how"] == "kill":
            os.kill(os.getpid(), 9)
        if steps == job["stop_at"] or (steps > job["stop_at"] > 0 and job["how"] == "disk full for good"):
            raise OSError(errno.ENOSPC, "No space left on device")
        if job["two_disks"] and name == "replace" and ".staging" in str(args[0]) and "/reports/" in str(args[1]):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return real(*args, **kwargs)

    setattr(os, name, call)


def publish(home, job):
    publication = publishing.Publication(home, "run-2")
    try:
        for folder in job["owned"]:
            publication.owns(folder)
        for target, text in job["files"].items():
            publication.file(target).write_text(text)
        publication.commit(job["last"])
    except OSError as error:
        if job["how"] == "disk full":
            publication.discard()
        return error.errno or 3
    return 0


def run(job):
    for name in ("replace", "rename", "unlink", "remove", "rmdir", "mkdir", "fsync", "utime", "chmod", "sendfile"):
        interrupted(job, name)
    home = Path(job["home"])
    code = publish(home, job) if job["files"] is not None else bool(publishing.recover(home)) and 0
    os._exit(code if job["stop_at"] else min(steps, 255))


steps = 0
for line in sys.stdin:
    child = os.fork()  # from this small process, once per job: a hundred kills in a second
    if child == 0:
        run(json.loads(line))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
KILLED = -signal.SIGKILL
REFUSED = 3  # an OSError without a number: our own


def job(
    home: Path,
    files: Files | None = None,
    owned: tuple[str, ...] = (),
    last: tuple[str, ...] = (),
    stop_at: int = 0,
    how: str = "kill",
    two_disks: bool = False,
) -> dict[str, Any]:
    """Publish `files`, or recover if there are none, stopping before the stop_at-th change to the disk.

    With stop_at = 0 it runs through and its exit code is the number of changes.
    """
    return locals() | {"home": str(home)}


@cache
def forker() -> subprocess.Popen[str]:
    command = [sys.executable, "-S", "-c", CHILD]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def in_child(job: dict[str, Any]) -> int:
    """Do the job in a process of its own; its exit code, negative for signals."""
    process = forker()
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(json.dumps(job) + "\n")
    process.stdin.flush()
    return int(process.stdout.readline())


def write(home: Path, files: Files) -> None:
    for target, text in files.items():
        (home / target).parent.mkdir(parents=True, exist_ok=True)
        (home / target).write_text(text)


def contents(home: Path) -> dict[str, str | None]:
    """Every file with its text and every folder (None), whatever its name."""
    return {
        path.relative_to(home).as_posix(): None if path.is_dir() else path.read_text()
        for path in home.rglob("*")
        if path != home
    }


def texts(home: Path) -> Files:
    return {target: text for target, text in contents(home).items() if text is not None}


def manifest(files: Files) -> str:
    return json.dumps({target: hashlib.sha256(text.encode()).hexdigest() for target, text in files.items()})


def assert_manifests_tell_the_truth(home: Path) -> None:
    for path in home.rglob("manifest.json"):
        if ".staging" in path.parts:
            continue
        for target, digest in json.loads(path.read_text()).items():
            assert (home / target).is_file(), f"{path} names {target}, which is not there"
            assert hashlib.sha256((home / target).read_bytes()).hexdigest() == digest


# The world of the examples: today nobody is lost, `lapsed` is empty altogether and its manifest goes with it, the
# report is rewritten; the export is the shop's own. The top manifest speaks of the inner ones.
LOYAL = "data/audiences/loyal/manifest.json"
LAPSED = "data/audiences/lapsed/manifest.json"
TOP = "data/audiences/manifest.json"
OWNED = ("data/audiences", "reports/out")
LAST = (LOYAL, TOP)


def old_files() -> Files:
    files = {"data/audiences/loyal/a.csv": "anna\n", "data/audiences/loyal/lost/b.csv": "bert\n"}
    files[LOYAL] = manifest(dict(files))
    lapsed = {"data/audiences/lapsed/c.csv": "cleo\n"}
    files |= lapsed | {LAPSED: manifest(lapsed)}
    files |= {"reports/out/index.html": "yesterday", "reports/out/chart.json": "{}"}
    files[TOP] = manifest(dict(files))
    return files | {"data/exports/orders.csv": "the shop's own"}


def new_files() -> Files:
    files = {"data/audiences/loyal/a.csv": "anna\ndora\n", "data/audiences/loyal/e.csv": "emil\n"}
    files[LOYAL] = manifest(dict(files))
    files |= {"reports/out/index.html": "today", "reports/out/app/app.js": "//"}
    files[TOP] = manifest(dict(files))
    return files


@pytest.fixture(scope="module", autouse=True)
def no_fsync_and_no_process_left() -> Iterator[None]:
    """Thousands of fsyncs would take most of the time; one test looks at them."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", lambda descriptor: None)
        yield
    forker().communicate(timeout=10)
    forker.cache_clear()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write(tmp_path / "home", old_files())
    return tmp_path / "home"


@pytest.fixture
def after(home: Path, tmp_path: Path) -> dict[str, str | None]:
    """What an undisturbed publication leaves."""
    other = tmp_path / "undisturbed"
    shutil.copytree(home, other)
    publish(other, new_files(), OWNED, LAST)
    assert texts(other) == new_files() | {"data/exports/orders.csv": "the shop's own"}
    return contents(other)


def publish(home: Path, files: Files, owned: tuple[str, ...] = (), last: tuple[str, ...] = ()) -> tuple[str, ...]:
    publication = Publication(home, "run-1")
    for folder in owned:
        publication.owns(folder)
    for target, text in files.items():
        publication.file(target).write_text(text)
    return publication.commit(last)


def at_every_step(home: Path, how: str, two_disks: bool = False) -> list[tuple[Path, int]]:
    """Publish in fresh copies of the home, stopping before each step of an undisturbed publication; with exit codes."""
    options: dict[str, Any] = {"files": new_files(), "owned": OWNED, "last": LAST, "how": how, "two_disks": two_disks}

    def copy(name: str) -> Path:
        return Path(shutil.copytree(home, home.with_name(name)))

    steps = in_child(job(copy("undisturbed-2"), **options))
    assert 40 < steps < 255  # the counting works
    copies = [copy(f"step-{step}") for step in range(1, steps + 1)]
    return [(copy, in_child(job(copy, stop_at=step, **options))) for step, copy in enumerate(copies, start=1)]


# ── What a publication does ───────────────────────────────────────────────────────────────────────────────────────────


def test_files_appear_at_commit_and_not_before(home: Path) -> None:
    publication = Publication(home, "run-1")
    publication.file("reports/out/index.html").write_text("today")
    publication.file("data/audiences/new.csv").write_text("fay")
    assert (home / "reports/out/index.html").read_text() == "yesterday"
    assert not (home / "data/audiences/new.csv").exists()

    published = publication.commit(last=["data/audiences/new.csv"])

    assert published == ("reports/out/index.html", "data/audiences/new.csv")
    assert texts(home) == old_files() | {"reports/out/index.html": "today", "data/audiences/new.csv": "fay"}
    assert not (home / "data/.staging").exists()


def test_an_owned_folder_holds_what_was_staged_and_nothing_else(home: Path) -> None:
    publish(home, {"data/audiences/loyal/a.csv": "anna\n"}, owned=("data/audiences",))
    assert [path.name for path in (home / "data/audiences").rglob("*")] == ["loyal", "a.csv"]
    assert (home / "reports/out/index.html").exists()


def test_an_owned_folder_for_which_nothing_was_staged_disappears(home: Path) -> None:
    assert publish(home, {}, owned=("data/audiences/lapsed",), last=(LAPSED,)) == ()
    assert not (home / "data/audiences/lapsed").exists()
    assert (home / "data/audiences/loyal").exists()


def test_a_link_in_an_owned_folder_is_removed_and_what_it_points_to_is_not(home: Path) -> None:
    (home / "data/audiences/link").symlink_to(home / "data/exports")
    publish(home, {}, owned=("data/audiences",))
    assert (home / "data/exports/orders.csv").exists()
    assert not (home / "data/audiences").exists()


def test_a_file_may_become_a_folder_and_a_folder_a_file(home: Path) -> None:
    files = {"data/audiences/loyal": "flat now", "data/audiences/lapsed/c.csv/part": "deep now"}
    publish(home, files, owned=("data/audiences",))
    assert {t: text for t, text in texts(home).items() if t.startswith("data/audiences")} == files


def test_file_modes_are_kept(home: Path) -> None:
    publication = Publication(home, "run-1")
    path = publication.file("data/audiences/secret.csv")
    path.write_text("anna@example.com")
    path.chmod(0o600)
    publication.commit()
    assert stat.S_IMODE((home / "data/audiences/secret.csv").stat().st_mode) == 0o600


def test_everything_is_on_disk_before_it_is_relied_on(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[str] = []
    really_replace = os.replace

    def fsync(descriptor: int) -> None:
        happened.append(f"fsync {os.path.relpath(Path(f'/proc/self/fd/{descriptor}').readlink(), home.resolve())}")

    def replace(source: str, target: str) -> None:
        happened.append(f"replace {os.path.relpath(target, home)}")
        really_replace(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    publish(home, {"reports/out/a/b.html": "b", "data/manifest.json": "{}"}, last=("data/manifest.json",))

    marker, page, manifest_put = (i for i, what in enumerate(happened) if what.startswith("replace"))
    staging = "data/.staging/run-1"
    staged = {f"{staging}/files/{name}" for name in ("reports/out/a/b.html", "reports/out/a", "data/manifest.json")}
    before_marker = {*staged, staging, f"{staging}/files", f"{staging}/COMMIT.json.partial", "data/.staging", "data"}
    assert {f"fsync {name}" for name in before_marker} <= set(happened[:marker])
    assert f"fsync {staging}" in happened[marker:page]
    assert {f"fsync {name}" for name in ("reports/out/a", "reports/out", "reports")} <= set(happened[page:manifest_put])
    assert "fsync data" in happened[manifest_put:]


def test_discard_forgets(home: Path) -> None:
    before = contents(home)
    publication = Publication(home, "run-1")
    publication.file("reports/out/index.html").write_text("today")
    publication.discard()
    publication.discard()
    assert contents(home) == before


@pytest.mark.parametrize(
    "target",
    ["/data/a", "data/../a", "data/../../etc/passwd", "..", "", ".", "data", "data/", "reports", "other/a", "a",
     "data/.staging/a", "data/./.staging/run-1/COMMIT.json"],
)  # fmt: skip
def test_targets_outside_data_and_reports_are_refused(home: Path, target: str) -> None:
    publication = Publication(home, "run-1")
    with pytest.raises(ValueError, match="below data/ or reports/"):
        publication.file(target)
    with pytest.raises(ValueError, match="below data/ or reports/"):
        publication.owns(target)


@pytest.mark.parametrize("run_id", ["", "..", "a/b", "/a", ".hidden"])
def test_run_ids_that_are_not_one_folder_name_are_refused(home: Path, run_id: str) -> None:
    with pytest.raises(ValueError, match="cannot name a staging folder"):
        Publication(home, run_id)


# ── What is refused before anything is committed ──────────────────────────────────────────────────────────────────────


def test_a_file_asked_for_but_not_written_stops_the_commit(home: Path) -> None:
    publication = Publication(home, "run-1")
    publication.file("reports/out/index.html").write_text("today")
    publication.file("reports/out/chart.json")
    with pytest.raises(FileNotFoundError, match=r"reports/out/chart\.json"):
        publication.commit()
    publication.discard()
    assert texts(home) == old_files()


def test_a_manifest_neither_staged_nor_owned_is_a_slip_of_the_pen(home: Path) -> None:
    with pytest.raises(ValueError, match=r"data/audiences/manifset\.json"):
        publish(home, {"data/x": ""}, last=("data/audiences/manifset.json",))


@pytest.mark.parametrize("target", ["data/exports", "data/exports/orders.csv/part"])
def test_what_is_not_ours_to_delete_stops_the_commit(home: Path, target: str) -> None:
    with pytest.raises(FileExistsError, match="Move it away"):
        publish(home, {target: "in the way"})
    recover(home)
    assert texts(home) == old_files()


def test_a_link_among_the_staged_files_stops_the_commit(home: Path) -> None:
    publication = Publication(home, "run-1")
    publication.file("reports/out/passwd").symlink_to("/etc/passwd")
    with pytest.raises(ValueError, match="Only plain files"):
        publication.commit()


def test_a_folder_that_cannot_be_written_stops_the_commit(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # os.access is what tells; as root, file modes would not.
    monkeypatch.setattr(os, "access", lambda path, mode: "reports" not in str(path))
    with pytest.raises(PermissionError, match="nothing was published"):
        publish(home, {"data/audiences/new.csv": "fay", "reports/out/index.html": "today"})
    recover(home)
    assert texts(home) == old_files()


# ── Killed, out of disk ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("two_disks", [False, True], ids=["one disk", "reports on another disk"])
def test_killed_at_any_step_the_home_is_old_or_new(home: Path, after: dict[str, str | None], two_disks: bool) -> None:
    before = contents(home)
    outcomes = set()
    for step, (copy, code) in enumerate(at_every_step(home, "kill", two_disks), start=1):
        assert code == KILLED
        assert_manifests_tell_the_truth(copy)
        committed = (copy / "data/.staging/run-2/COMMIT.json").exists()
        assert len(recover(copy)) <= 1
        now = contents(copy)
        assert now == after if committed else now in (before, after), f"a mixture, killed before step {step}"
        assert recover(copy) == []
        outcomes.add((committed, now == after))
    assert outcomes == {(False, False), (True, True), (False, True)}  # before, in and after the carrying out


def test_killed_again_and_again_while_recovering_the_home_is_new(home: Path, after: dict[str, str | None]) -> None:
    stopped = [copy for copy, _ in at_every_step(home, "kill") if (copy / "data/.staging/run-2/COMMIT.json").exists()]
    home = stopped[0]  # committed and nothing moved yet: the longest recovery there is
    kills = 0
    for step in range(1, 255):  # the same home: each attempt starts where the one before was killed
        code = in_child(job(home, stop_at=step))
        assert_manifests_tell_the_truth(home)
        if code == 0:
            break
        assert code == KILLED
        kills += 1
    assert kills > 3
    assert contents(home) == after


def test_a_full_disk_leaves_old_or_new(home: Path, after: dict[str, str | None]) -> None:
    before = contents(home)
    outcomes = set()
    for copy, code in at_every_step(home, "disk full"):
        assert_manifests_tell_the_truth(copy)
        committed = (copy / "data/.staging/run-2/COMMIT.json").exists()
        outcomes.add((code, committed))
        if not committed and contents(copy) == before:
            continue  # staging failed, discard() has tidied up: nothing to recover
        recover(copy)
        assert contents(copy) == after
    # Some steps (mkdir of a folder that is there) may fail without harm: then the publication is complete.
    assert outcomes == {(errno.ENOSPC, False), (errno.ENOSPC, True), (0, False)}


def test_a_disk_that_stays_full_while_staging_leaves_everything_in_place(home: Path) -> None:
    full = job(home, new_files(), OWNED, LAST, stop_at=12, how="disk full for good")
    assert in_child(full) == errno.ENOSPC
    assert not (home / "data/.staging/run-2/COMMIT.json").exists()
    assert {t: text for t, text in texts(home).items() if ".staging" not in t} == old_files()
    recover(home)
    assert texts(home) == old_files()


# ── Recovering ────────────────────────────────────────────────────────────────────────────────────────────────────────


def committed_but_not_carried_out(home: Path, monkeypatch: pytest.MonkeyPatch, files: Files) -> Publication:
    publication = Publication(home, "1a2b3c4d-5e6f")
    for target, text in files.items():
        publication.file(target).write_text(text)
    with monkeypatch.context() as patched:
        patched.setattr(
            "pipeline.home.publishing._carry_out", lambda *_: (_ for _ in ()).throw(OSError("the power went"))
        )
        with pytest.raises(OSError, match="the power went"):
            publication.commit()
    return publication


def test_recover_says_what_it_did(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    committed_but_not_carried_out(home, monkeypatch, {"reports/out/index.html": "today"})
    Publication(home, "9f8e7d6c").file("reports/out/other.html").write_text("half")
    assert recover(home) == [
        "Run 1a2b3c4d stopped while publishing; its files (1) are now in place.",
        "Run 9f8e7d6c stopped before publishing; what it had prepared was deleted, readers saw none of it.",
    ]
    assert recover(home) == []
    assert texts(home) == old_files() | {"reports/out/index.html": "today"}


def test_what_is_committed_cannot_be_taken_back_or_added_to(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publication = committed_but_not_carried_out(home, monkeypatch, {"reports/out/index.html": "today"})
    publication.discard()
    with pytest.raises(RuntimeError, match="already committed"):
        publication.file("reports/out/more.html")
    with pytest.raises(RuntimeError, match="already committed"):
        Publication(home, "1a2b3c4d-5e6f")
    recover(home)
    assert (home / "reports/out/index.html").read_text() == "today"


def test_an_earlier_publication_never_lands_on_top_of_a_later_one(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = {"reports/out/index.html": "Monday", "reports/out/monday.html": "Monday"}
    committed_but_not_carried_out(home, monkeypatch, first)
    publish(home, {"reports/out/index.html": "Tuesday"})
    assert recover(home) == []
    assert texts(home) == old_files() | first | {"reports/out/index.html": "Tuesday"}


def test_files_removed_by_hand_in_between_are_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    committed_but_not_carried_out(home, monkeypatch, {"reports/out/index.html": "today", "data/audiences/n.csv": "fay"})
    (home / "data/.staging/1a2b3c4d-5e6f/files/data/audiences/n.csv").unlink()
    with pytest.raises(PublicationDamaged, match=r"data/audiences/n\.csv.*Delete .*1a2b3c4d-5e6f and run its snapshot"):
        recover(home)
    assert (home / "reports/out/index.html").read_text() == "yesterday"


@pytest.mark.parametrize("text", ["", '{"puts": {"reports/out/in', "{}", "[]", '{"puts": {"../x": "0"}}', "\xff"])
def test_a_marker_that_is_damaged_is_told_and_changes_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    committed_but_not_carried_out(home, monkeypatch, {"reports/out/index.html": "today"})
    (home / "data/.staging/1a2b3c4d-5e6f/COMMIT.json").write_bytes(text.encode("latin-1"))
    for _ in range(2):
        with pytest.raises(
            PublicationDamaged, match=r"COMMIT\.json.* damaged\. Delete .*1a2b3c4d-5e6f and run its snap"
        ):
            recover(home)
    assert (home / "reports/out/index.html").read_text() == "yesterday"


# ── Any files, any kill ───────────────────────────────────────────────────────────────────────────────────────────────

names = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3).map("/".join)
targets = st.tuples(st.sampled_from(["data/x", "data/y", "reports/out"]), names).map("/".join)


def is_within(target: str, *folders: str) -> bool:
    return any(PurePosixPath(target).is_relative_to(folder) for folder in folders)


def without_clashes(files: Files) -> Files:
    """A file system cannot hold `a` and `a/b` at once."""
    return {t: text for t, text in files.items() if not any(o != t and is_within(t, o) for o in files)}


def with_manifest(files: Files) -> Files:
    return files | {"data/manifest.json": manifest(files)}


file_sets = (
    st.dictionaries(targets, st.sampled_from(["one", "two"]), max_size=6).map(without_clashes).map(with_manifest)
)
owned_folders = st.lists(
    st.sampled_from(["data/x", "data/x/a", "data/y", "reports/out", "reports/out/b"]), max_size=3, unique=True
).map(tuple)


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    old=file_sets,
    new=file_sets,
    owned=owned_folders,
    first=st.integers(1, 110),
    second=st.integers(1, 40),
    two_disks=st.booleans(),
)
def test_old_or_new_never_a_mixture(
    scratch: Path, old: Files, new: Files, owned: tuple[str, ...], first: int, second: int, two_disks: bool
) -> None:
    kept = {target: text for target, text in old.items() if not is_within(target, *owned)}
    in_the_way = any(
        is_within(n, k) or (is_within(o, n) and not is_within(n, *owned))
        for n in new for k in kept for o in old if k != n and o != n
    )  # fmt: skip
    home = Path(tempfile.mkdtemp(dir=scratch))
    write(home, old)
    code = in_child(job(home, new, owned, ("data/manifest.json",), stop_at=first, two_disks=two_disks))
    assert code in (0, KILLED, REFUSED)
    committed = (home / "data/.staging/run-2/COMMIT.json").exists()
    assert_manifests_tell_the_truth(home)
    assert in_child(job(home, stop_at=second, two_disks=two_disks)) in (0, KILLED)
    assert_manifests_tell_the_truth(home)
    recover(home)

    finished = code == 0
    event("refused" if in_the_way else "finished" if finished else "committed" if committed else "killed")
    if in_the_way:
        assert not finished and not committed
        assert texts(home) == old
    elif committed or finished:
        assert texts(home) == kept | new
    else:
        assert texts(home) in (old, kept | new)
    if texts(home) != old:
        folders = [path for folder in owned for path in (home / folder).rglob("*") if path.is_dir()]
        assert all(any(folder.iterdir()) for folder in folders)
