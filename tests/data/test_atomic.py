"""A folder is replaced whole or not at all."""

import errno
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cxinsights.data import atomic
from cxinsights.data.atomic import drop_unfinished, replaced_folder


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


def test_what_a_dead_process_left_goes_and_what_a_live_one_makes_stays(tmp_path: Path) -> None:
    target = tmp_path / "report"
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    left = tmp_path / f".report.new-{int(ended.stdout)}-abc"
    left.mkdir()
    with replaced_folder(target) as fresh:
        drop_unfinished(target)
        assert not left.exists()
        assert fresh.exists()
