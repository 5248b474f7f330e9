"""Old days of a recording: whole days go, at once, and never today's."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from tieout.ticks.files.parts import day_folders, work_folder

if TYPE_CHECKING:
    from pathlib import Path

_GOING: Final = "removed-"


def remove_old_days(root: Path, *, today: date, keep_days: int) -> list[date]:
    """
    Remove the days before the last `keep_days` whole ones; today is kept beside them.

    A day leaves the recording by rename, so that a reader sees all of it or nothing; what a crash left of that goes
    with the next call. Only folders named `date=YYYY-MM-DD` are touched. Call it under the folder's lock.

    Returns:
        The days that went, oldest first.

    Raises:
        OSError: a day cannot be removed; it is still whole, or gone from the recording.
    """
    work = work_folder(root)
    for left in work.glob(f"{_GOING}*"):
        shutil.rmtree(left)
    first_kept = today - timedelta(days=keep_days)
    gone = []
    for day, folder in day_folders(root).items():
        if day < first_kept:
            going = work / f"{_GOING}{folder.name}"
            folder.rename(going)
            gone.append(day)
            shutil.rmtree(going)
    return gone
