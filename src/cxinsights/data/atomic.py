"""Put a finished folder in place in one step, so that readers see the old one or the new one, never half."""

import ctypes
import errno
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["SERVED", "drop_unfinished", "replaced_folder"]

log = logging.getLogger(__name__)

SERVED = 0o755
"""Mode of folders that another user may serve."""

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_BEGUN, _ASIDE = ".new-", "-old"  # in names of folders that are being filled, and of what they are to replace


@contextmanager
def replaced_folder(target: Path, mode: int = 0o700) -> Iterator[Path]:
    """Give an empty folder to fill; at the end put it where `target` is, or drop it if anything failed.

    The folder is made beside the target, so that the last step is a rename within one file system. Others may read it
    only where `mode` says so: what another user is to serve.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}{_BEGUN}{os.getpid()}-", dir=target.parent))
    try:
        yield fresh
        fresh.chmod(mode)
        _put_in_place(fresh, target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)  # after an exchange this is the old folder


def drop_unfinished(folder: Path) -> None:
    """Remove what processes that are gone had begun in a folder, and everywhere under it.

    A target that was just being replaced where folders cannot be exchanged in one step gets its last good state back.
    """
    for begun in sorted(folder.rglob(f".*{_BEGUN}*")):
        target, owner = begun.name.removeprefix(".").split(_BEGUN, 1)
        if owner.split("-")[0].isdigit() and _is_running(int(owner.split("-")[0])):
            continue
        if begun.name.endswith(_ASIDE) and not begun.with_name(target).exists():
            os.rename(begun, begun.with_name(target))
        else:
            shutil.rmtree(begun, ignore_errors=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _put_in_place(fresh: Path, target: Path) -> None:
    if not target.exists():
        os.rename(fresh, target)
        return
    try:
        _exchange(fresh, target)
    except OSError as error:
        log.warning("plain rename: folders cannot be exchanged in one step here (%s)", os.strerror(error.errno))
        aside = fresh.with_name(fresh.name + _ASIDE)
        os.rename(target, aside)
        try:
            os.rename(fresh, target)
        except OSError:
            os.rename(aside, target)
            raise
        shutil.rmtree(aside, ignore_errors=True)


def _exchange(one: Path, other: Path) -> None:
    """Swap two folders in one step (Linux); OSError where the system or file system cannot."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        raise OSError(errno.ENOSYS, "renameat2") from None
    if rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE):
        raise OSError(ctypes.get_errno(), "renameat2")
