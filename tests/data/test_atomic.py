"""A folder is replaced whole or not at all."""

import errno
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cxinsights.data import atomic
from cxinsights.data.atomic import SERVED, drop_unfinished, replaced_folder


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_the_new_folder_takes_the_place_of_the_old(tmp_path: Path) -> None:
    target = tmp_path / "report"
    for text in ("first", "second"):
        with replaced_folder(target) as fresh:
            (fresh / "a.txt").write_text(text)
            assert not target.exists() or content(target) == {"a.txt": "first"}
        assert content(target) == {"a.txt": text}
    assert [p.name for p in tmp_path.iterdir()] == ["report"]
    assert oct(target.stat().st_mode)[-3:] == "700"  # nobody else's to read
    with replaced_folder(target, SERVED):
        pass
    assert oct(target.stat().st_mode)[-3:] == "755"


def test_a_failure_leaves_the_old_one_and_no_litter(tmp_path: Path) -> None:
    target = tmp_path / "report"
    with replaced_folder(target) as fresh:
        (fresh / "a.txt").write_text("good")

    def fill_and_fail(fresh: Path) -> None:
        (fresh / "a.txt").write_text("half")
        raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"), replaced_folder(target) as fresh:
        fill_and_fail(fresh)
    assert content(target) == {"a.txt": "good"}
    assert [p.name for p in tmp_path.iterdir()] == ["report"]


def test_where_folders_cannot_be_exchanged_the_fallback_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def cannot(one: Path, other: Path) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(atomic, "_exchange", cannot)
    target = tmp_path / "report"
    with caplog.at_level(logging.WARNING):
        for text in ("first", "second"):
            with replaced_folder(target) as fresh:
                (fresh / "a.txt").write_text(text)
    assert content(target) == {"a.txt": "second"}
    assert [p.name for p in tmp_path.iterdir()] == ["report"]
    assert caplog.messages == ["plain rename: folders cannot be exchanged in one step here (Invalid argument)"]


def test_where_the_second_of_two_renames_fails_the_old_folder_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "report"
    with replaced_folder(target) as fresh:
        (fresh / "a.txt").write_text("good")
    rename, calls = os.rename, []

    def fails_once(one: Path, other: Path) -> None:
        calls.append(other)
        if len(calls) == 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        rename(one, other)

    def cannot(one: Path, other: Path) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(atomic, "_exchange", cannot)
    monkeypatch.setattr(os, "rename", fails_once)
    with pytest.raises(OSError, match="Input/output"), replaced_folder(target) as fresh:
        (fresh / "a.txt").write_text("new")
    assert content(target) == {"a.txt": "good"}
    assert [p.name for p in tmp_path.iterdir()] == ["report"]


def test_what_a_dead_process_had_put_aside_is_put_back_where_nothing_took_its_place(tmp_path: Path) -> None:
    for name in ("gone", "there"):
        aside = tmp_path / f".{name}.new-{dead()}-abc-old"
        aside.mkdir()
        (aside / "a.txt").write_text("old")
    (tmp_path / "there").mkdir()
    drop_unfinished(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["gone", "there"]
    assert (content(tmp_path / "gone"), content(tmp_path / "there")) == ({"a.txt": "old"}, {})


def dead() -> int:
    """Number of a process that has ended."""
    told = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    return int(told.stdout)


def test_what_a_dead_process_left_goes_and_what_a_live_one_makes_stays(tmp_path: Path) -> None:
    target = tmp_path / "report"
    left = tmp_path / f".report.new-{dead()}-abc"
    left.mkdir()
    with replaced_folder(target) as fresh:
        drop_unfinished(tmp_path)
        assert not left.exists()
        assert fresh.exists()
