"""One run at a time on the same outputs: others are refused or wait, and no lock outlives its holder."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from cxinsights.batch.ledger import user_name
from cxinsights.batch.locking import locked
from cxinsights.errors import BusyError
from cxinsights.params import Project
from tests.batch.shops import command, environment, wait_for
from tests.small import make_project

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is nothing to lock with")

HOLD = """
import subprocess, sys
from cxinsights.batch.locking import locked
from cxinsights.params import Project
with locked(Project.find(), "anna"):
    child = subprocess.Popen(["sleep", "100"], close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    print(child.pid, flush=True)
    input()
"""
"""Holds the lock until told to end, with a child that lives on."""
TAKE = """
from cxinsights.batch.locking import locked
from cxinsights.params import Project
with locked(Project.find(), "bert", wait=True):
    print("mine", flush=True)
"""
PLACE = ("--study", "shops", "--unit", "north")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = make_project(tmp_path)
    (project.notebooks / "scorecard.ipynb").write_text("{}")
    return project


@pytest.fixture
def holder(project: Project) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock."""
    holder = started(project, HOLD)
    child = int(holder.stdout.readline())
    yield holder
    os.kill(child, signal.SIGKILL)
    if holder.poll() is None:
        holder.kill()
    holder.communicate(timeout=10)


def started(project: Project, script: str) -> subprocess.Popen[str]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", script], env=environment(project), text=True, **pipes)


def held_by(project: Project, pid: int, user: str = "anna") -> str:
    since = datetime.fromisoformat(json.loads((project.root / "data" / ".lock").read_text())["since"])
    assert abs((datetime.now().astimezone() - since).total_seconds()) < 60
    return f"the project is in use by a run of {user} since {since:%d %B %H:%M} (process {pid})"


@pytest.mark.parametrize("words", [("run", *PLACE), ("plan", *PLACE), ("import", "shops")], ids=lambda words: words[0])
def test_a_second_command_is_refused_and_told_by_whom(
    project: Project, holder: subprocess.Popen[str], words: tuple[str, ...]
) -> None:
    ended = command(project, *words)
    assert (ended.returncode, ended.stdout) == (2, "")
    told = held_by(project, holder.pid)
    assert ended.stderr == f"cxinsights: {told}. Let it end, or wait for it with --wait (make: WAIT=1).\n"
    assert not project.tables("shops").exists()
    assert not project.outputs.exists()


@pytest.mark.parametrize("words", [("run", *PLACE), ("plan", *PLACE), ("import", "shops")], ids=lambda words: words[0])
def test_a_second_command_waits_where_asked(
    project: Project, holder: subprocess.Popen[str], words: tuple[str, ...]
) -> None:
    told = held_by(project, holder.pid)
    line = [sys.executable, "-m", "cxinsights", *words, "--wait"]
    with subprocess.Popen(line, env=environment(project), stdout=subprocess.PIPE, text=True) as waiting:
        assert waiting.stdout.readline() == f"{told}: waiting\n"
        assert not project.tables("shops").exists()
        holder.communicate("end\n", timeout=10)
        rest = waiting.stdout.read()
    assert rest.startswith({"run": "skipped: ", "plan": "shops/", "import": "responses  "}[words[0]])
    assert waiting.returncode == (words[0] == "run")  # its notebook is none
    assert project.tables("shops").exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["kill", "term"])
def test_the_lock_ends_with_its_holder_even_while_a_child_lives(
    project: Project, holder: subprocess.Popen[str], number: signal.Signals
) -> None:
    with pytest.raises(BusyError), locked(project, "carl"):
        pass
    holder.send_signal(number)
    holder.wait(10)
    with locked(project, "carl"):
        assert held_by(project, os.getpid(), "carl")
    assert (project.root / "data" / ".lock").read_text() == ""


def test_who_waits_has_it_when_the_holder_is_killed(project: Project, holder: subprocess.Popen[str]) -> None:
    with started(project, TAKE) as waiting:
        assert waiting.stdout.readline() == f"{held_by(project, holder.pid)}: waiting\n"
        holder.kill()
        assert waiting.stdout.readline() == "mine\n"


def test_an_error_within_frees_the_lock(project: Project) -> None:
    with pytest.raises(ZeroDivisionError), locked(project, "anna"):
        _ = 1 / 0
    with locked(project, "bert"):
        pass


def test_a_holder_that_has_not_said_who_it_is_is_another_run(project: Project, holder: subprocess.Popen[str]) -> None:
    for text in ("", "{", "[]", '{"pid": 1}'):
        (project.root / "data" / ".lock").write_text(text)
        with pytest.raises(BusyError) as info, locked(project, user_name()):
            pass
        assert str(info.value) == (
            "the project is in use by another run. Let it end, or wait for it with --wait (make: WAIT=1)."
        ), text


def test_two_projects_do_not_wait_for_each_other(project: Project, tmp_path: Path) -> None:
    other = make_project(tmp_path / "other")
    with locked(project, "anna"), locked(other, "anna"):
        pass
    assert wait_for(lambda: (other.root / "data" / ".lock").read_text() == "", 1)
