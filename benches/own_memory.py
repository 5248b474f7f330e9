"""
What this process takes of memory, as the system says it.

Never `ru_maxrss` where /proc tells: that of a started process begins with what its parent took.
"""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Final, Literal

_STATUS: Final = Path("/proc/self/status")
_CLEAR: Final = Path("/proc/self/clear_refs")


def taken_kib(name: Literal["VmRSS", "VmHWM"]) -> int:
    """What is resident now, or was at most, in KiB; on Linux."""
    line = next(line for line in _STATUS.read_text("ascii").splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1])


def peak_mib() -> int:
    """The most that was resident since the start, or since `peak_starts_anew`, in MiB."""
    if _STATUS.exists():
        return taken_kib("VmHWM") >> 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def peak_starts_anew() -> None:
    """The peak counts from here on, where the system can do that (Linux)."""
    if _CLEAR.exists():
        _CLEAR.write_text("5", "ascii")
