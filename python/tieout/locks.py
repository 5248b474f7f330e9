"""
Kernel file locks: held by a process, gone with it, never stolen by age.

Two of them (design): one for the bot's single instance, one held only while reconciling or confirming. The file
names who holds it, so that the second operator can be told.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import socket
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from tieout.clock import to_iso
from tieout.errors import Locked, TieoutError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_POLL_S: Final = 0.05


@contextmanager
def hold(path: Path, *, what: str, now_ns: int, wait_s: float = 0.0) -> Iterator[None]:
    """
    Hold the lock for the block.

    Raises:
        Locked: another process holds it, and still did after `wait_s` seconds.
        TieoutError: the lock file cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise TieoutError(
            f"the lock {path} cannot be made: {error.strerror}", hint="check the folder's owner and mode"
        ) from error
    try:
        _acquire(handle, path, wait_s)
        _sign(handle, what, now_ns)
        yield
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def is_held(path: Path) -> bool:
    """Whether the process that signed the lock is still there. Only reads: taking the lock would get in the way."""
    try:
        os.kill(int(json.loads(path.read_bytes())["pid"]), 0)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return isinstance(error, PermissionError)  # it is there, and another user's
    return True


def who_signs() -> str:
    """The operating system's name for whoever runs this, with the machine's."""
    with suppress(KeyError, OSError):
        return f"{getpass.getuser()}@{socket.gethostname()}"
    return f"uid {os.getuid()}"


def _acquire(handle: int, path: Path, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise Locked(
                    _taken(handle, path), hint="wait for it, or see what it does with `tieout status`"
                ) from None
            time.sleep(_POLL_S)
        else:
            return


def _taken(handle: int, path: Path) -> str:
    try:
        holder = json.loads(os.pread(handle, 4096, 0))
        told = f"{holder['what']} by {holder['who']}, process {holder['pid']}, since {holder['since']}"
        return f"another tieout is at work: {told}"
    except (ValueError, KeyError, TypeError):
        return f"another tieout is at work (it holds {path.name})"


def _sign(handle: int, what: str, now_ns: int) -> None:
    text = json.dumps({"what": what, "who": who_signs(), "pid": os.getpid(), "since": to_iso(now_ns)})
    os.ftruncate(handle, 0)
    os.pwrite(handle, text.encode(), 0)
