"""What was read from SQL is found again by its text, and by the code that read it; a file that is no good is none."""

from pathlib import Path

import pytest

from pipeline.tables import remembered as module
from pipeline.tables.remembered import _Store, remembered, remembering


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a process that has just begun remembers."""
    begin_anew(tmp_path / "__pycache__", monkeypatch)
    return tmp_path / "__pycache__"


def begin_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = _Store(folder)
    monkeypatch.setattr(module, "_store", lambda: store)


def unread() -> list[str]:
    raise AssertionError("read again")


def test_a_later_process_reads_nothing_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with remembering(), remembering():
        assert remembered("tables", "SELECT 1", lambda: ["a"]) == ["a"]
        assert remembered("tables", "SELECT 1", unread) == ["a"]
    begin_anew(folder, monkeypatch)
    assert remembered("tables", "SELECT 1", unread) == ["a"]
    assert remembered("tables", "SELECT 2", lambda: ["b"]) == ["b"]
    assert remembered("parts", "SELECT 1", lambda: ["c"]) == ["c"]


def test_only_what_is_to_be_is_remembered(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered("tables", "SELECT 1", lambda: ["a"])
    with pytest.raises(ValueError, match="no SQL"), remembering():
        remembered("tables", "SELEC", lambda: (_ for _ in ()).throw(ValueError("no SQL")))
    assert not folder.exists()


@pytest.mark.parametrize("content", ["", "[]", '{"a": ', "\x00", "{}", None])
def test_a_file_that_is_no_good_is_none_and_what_other_code_left_goes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    """None: whole but for one letter."""
    with remembering():
        remembered("tables", "SELECT 1", lambda: ["a"])
    (file,) = folder.iterdir()
    file.write_text(file.read_text().replace('["a"]', '["x"]') if content is None else content)
    (folder / "read-of-before.json").write_text("{}")
    begin_anew(folder, monkeypatch)
    with remembering():
        assert remembered("tables", "SELECT 1", lambda: ["b"]) == ["b"]
    assert list(folder.iterdir()) == [file]
    begin_anew(folder, monkeypatch)
    assert remembered("tables", "SELECT 1", unread) == ["b"]


def test_where_nothing_can_be_written_all_is_read_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    begin_anew(tmp_path / "file", monkeypatch)
    with remembering():
        assert remembered("tables", "SELECT 1", lambda: ["a"]) == ["a"]
    begin_anew(tmp_path / "file", monkeypatch)
    assert remembered("tables", "SELECT 1", lambda: ["b"]) == ["b"]
