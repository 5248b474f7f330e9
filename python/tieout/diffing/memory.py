"""How much memory a diff may take, and how much it would take with both sides in memory."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from tieout.diffing.parts import ROWS_MAX
from tieout.errors import UsageError

_UNITS: Final = {
    "": 1, "b": 1,
    "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40,
    "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
    "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
}  # fmt: skip
_SIZE: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", re.IGNORECASE)
_MEMINFO: Final = Path("/proc/meminfo")
_STATM: Final = Path("/proc/self/statm")
_GROUPS: Final = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
"""A container's own limit and what it has taken (cgroups 2 and 1)."""

READER_BYTES: Final = 192 << 20
"""What a reader has under way at once (row groups, batches), and the allocators keep."""
KERNEL_ROW_BYTES: Final = 72
"""The kernel's record of a row, with the lists of what it found."""
DATA_BYTES_MIN: Final = 64 << 20
"""Less than that for the rows themselves is refused."""


@dataclass(frozen=True, slots=True)
class Size:
    """Rows of a side, and what they take as columns in memory."""

    rows: int
    size: int

    @property
    def needed(self) -> int:
        """With what the kernel takes for them."""
        return self.size + self.rows * KERNEL_ROW_BYTES


class Outgrown(Exception):
    """Both sides do not fit into the memory that there is; `sizes` are theirs, as far as can be told."""

    def __init__(self, sizes: tuple[Size, Size]) -> None:
        super().__init__(f"{sizes}")
        self.sizes = sizes


@dataclass(slots=True)
class Meter:
    """
    Watches both sides being read, and says as soon as it is plain that they will not fit.

    `rows` are those that the sides are said to have; `part` is the share of them that is kept.
    """

    available: int
    rows: tuple[int | None, int | None]
    part: float = 1.0
    _read: dict[str, tuple[int, int, int]] = field(default_factory=dict)

    def add(self, word: str, rows: int, kept: pl.DataFrame) -> None:
        """
        Some rows of the left or the right side were read, and those were kept.

        Raises:
            Outgrown: both sides need more than is there.
        """
        before = self._read.get(word, (0, 0, 0))
        self._read[word] = (before[0] + rows, before[1] + kept.height, before[2] + frame_bytes(kept))
        sizes = (self._size("left", self.rows[0]), self._size("right", self.rows[1]))
        if sum(one.needed for one in sizes) > self.available or max(one.rows for one in sizes) > ROWS_MAX:
            raise Outgrown(sizes)

    def _size(self, word: str, expected: int | None) -> Size:
        rows, kept, size = self._read.get(word, (0, 0, 0))
        known = next(one for one in (self._read.get(word), *self._read.values()) if one is not None)
        width = known[2] / known[1] if known[1] else 0.0
        more = int(max(0, (expected or 0) - rows) * self.part)
        return Size(kept + more, size + int(more * width))


def frame_bytes(frame: pl.DataFrame) -> int:
    """What a frame takes: polars leaves out the 16 bytes of a text's view."""
    views = sum(dtype in {pl.String, pl.Binary} for dtype in frame.dtypes)
    return int(frame.estimated_size()) + 16 * views * frame.height


def parse_size(given: str | int) -> int:
    """
    Bytes of `4GiB`, `500MB`, `2g` (1024s without the B or with iB, 1000s with B), or a number of bytes.

    Raises:
        UsageError: it says no size.
    """
    found = _SIZE.fullmatch(str(given))
    unit = None if found is None else _UNITS.get(found[2].lower())
    if found is None or unit is None or float(found[1]) == 0:
        raise UsageError(f"{given!r} is no size", hint="write it as 4GiB or 500MB")
    return int(float(found[1]) * unit)


def shown(size: int) -> str:
    """Bytes in a person's words: 3.2 GiB."""
    for unit, name in ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes"


def half_of_free() -> int:
    """The default limit: half of the memory that nobody uses, also within a container."""
    return max(_free() // 2, resident() + READER_BYTES + DATA_BYTES_MIN)


def available(limit: int) -> int:
    """
    What of a limit is left for rows, beside the process as it is now and its readers.

    Raises:
        UsageError: too little.
    """
    least = resident() + READER_BYTES + DATA_BYTES_MIN
    if limit < least:
        raise UsageError(
            f"a memory limit of {shown(limit)}; this process and its readers need {shown(least)} before any row",
            hint=f"give it {shown(-(-least >> 26) << 26)} or more",
        )
    return limit - resident() - READER_BYTES


def resident() -> int:
    """What this process takes now; nothing is known outside Linux."""
    if not _STATM.exists():
        return 128 << 20
    return int(_STATM.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _free() -> int:
    if _MEMINFO.exists():
        line = next(one for one in _MEMINFO.read_text("ascii").splitlines() if one.startswith("MemAvailable:"))
        free = int(line.split()[1]) << 10
    else:
        free = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    for limit, used in _GROUPS:
        most = Path(limit).read_text("ascii").strip() if Path(limit).exists() else "max"
        if most != "max":
            free = min(free, max(0, int(most) - int(Path(used).read_text("ascii"))))
    return free
