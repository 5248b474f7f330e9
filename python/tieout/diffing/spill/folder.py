"""
The folder of a diff that spills. Whoever works in one holds a kernel lock on it, so that what a killed process left is
told apart from what a living one needs: the first is removed at the next start, or taken up again by the same diff.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from tieout.errors import DiskError, TieoutError, UsageError
from tieout.failpoints import reach

PREFIX: Final = "tieout-diff-"
_STATE: Final = "state.json"
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


class Folder:
    """A spill folder that this process owns. `state` is what a killed process of the same diff left, or empty."""

    def __init__(self, path: Path, handle: int, state: dict[str, Any]) -> None:
        self.path = path
        self.state = state
        self._handle = handle

    def keep(self, state: dict[str, Any]) -> None:
        """
        Write what a later process must know to go on from here.

        Raises:
            OSError: it cannot be written.
        """
        self.state = state
        write_json(self.path / _STATE, {**state, "boot": _boot()})

    def clear(self) -> None:
        """Remove what is in it."""
        self.state = {}
        for one in self.path.iterdir():
            one.unlink()

    def remove(self) -> None:
        """Remove it with all that is in it, and let go of it. A second time does nothing."""
        if self._handle < 0:
            return
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._handle)
        self._handle = -1


def write_json(path: Path, value: object) -> None:
    """Put a small file in its place by rename. No sync: what a crash of the machine leaves is not taken up again."""
    draft = path.with_name(f"{path.name}.draft")
    draft.write_text(json.dumps(value), "utf-8")
    reach(f"{path.name}: written")
    draft.replace(path)


def sweep(root: Path, *, keep: str | None) -> bool:
    """
    Remove what killed processes left in `root`.

    Args:
        root: the folder of spill folders.
        keep: the identity of the diff that is about to begin; what was left of it stays.

    Returns:
        Whether something of that identity is there. A folder that cannot be looked at has nothing of ours.
    """
    kept = False
    with suppress(OSError), _locked(root):
        for path in sorted(root.glob(f"{PREFIX}*")):
            if keep is not None and path.name == PREFIX + keep:
                kept = (path / _STATE).is_file()
            elif (handle := _own(path)) is not None:
                shutil.rmtree(path, ignore_errors=True)
                os.close(handle)
    return kept


def open_folder(root: Path, identity: str | None) -> Folder:
    """
    A folder in `root` for this process alone; one that a killed process of the same identity left, if there is one.

    Raises:
        UsageError: there is no such folder.
        DiskError: nothing can be written there.
    """
    if not root.is_dir():
        raise UsageError(f"the spill folder {root} does not exist", hint="make it, or name another with --spill-dir")
    try:
        with _locked(root):
            if identity is not None and (folder := _named(root / f"{PREFIX}{identity}")) is not None:
                return folder
            made = _named(root / f"{PREFIX}{secrets.token_hex(8)}")
    except OSError as error:
        raise DiskError(
            f"{root} cannot be used to spill to: {error.strerror}", hint="name another folder with --spill-dir"
        ) from error
    if made is None:
        raise TieoutError(f"no new folder can be made in {root}", hint="name another folder with --spill-dir")
    return made


def _named(path: Path) -> Folder | None:
    """That folder, made or taken over; None where somebody works in it."""
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    handle = _own(path)
    if handle is None:
        return None
    folder = Folder(path, handle, _left(path / _STATE))
    if not folder.state:
        folder.clear()
    return folder


def _own(path: Path) -> int | None:
    """A lock on a folder of ours, or None: a living process has it, or it is another user's."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if os.fstat(handle).st_uid == os.getuid():
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return handle
    except BlockingIOError:
        pass
    os.close(handle)
    return None


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """Nobody makes or removes spill folders in `root` meanwhile."""
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _left(path: Path) -> dict[str, Any]:
    """The state that was left; nothing of a machine that was started anew meanwhile, as nothing was synced."""
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if found.pop("boot", None) == _boot() else {}


def _boot() -> str:
    return _BOOT.read_text("ascii").strip() if _BOOT.exists() else ""
