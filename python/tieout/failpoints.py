"""
Points at which a fault test may kill the process or fail the call: every write, sync, rename and commit.

Off unless the environment arms one of them:

    TIEOUT_KILL_AT=N     SIGKILL this process when it reaches its N-th point
    TIEOUT_FAIL_AT=N     fail the N-th point as a full disk does
    TIEOUT_POINTS=FILE   append each point's name to FILE as it is reached

An operator never sets them; whoever can set them can kill the process anyway.
"""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
from itertools import count
from pathlib import Path

_KILL_AT = int(os.environ.get("TIEOUT_KILL_AT", "0"))
_FAIL_AT = int(os.environ.get("TIEOUT_FAIL_AT", "0"))
_POINTS = os.environ.get("TIEOUT_POINTS", "")
_ARMED = bool(_KILL_AT or _FAIL_AT or _POINTS)
_number = count(1)


def reach(name: str, *, database: bool = False) -> None:
    """
    Reach a point. `database` says that a failure here looks like SQLite's, else like the operating system's.

    Raises:
        OSError, sqlite3.OperationalError: only when armed.
    """
    if not _ARMED:
        return
    number = next(_number)
    if _POINTS:
        with Path(_POINTS).open("a", encoding="utf-8") as file:
            file.write(f"{number} {name}\n")
    if number == _KILL_AT:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == _FAIL_AT:
        if database:
            full = sqlite3.OperationalError(f"database or disk is full (injected at {name})")
            full.sqlite_errorname = "SQLITE_FULL"
            raise full
        raise OSError(errno.ENOSPC, f"No space left on device (injected at {name})")
