"""
The sample book: a generated order book in the old layout, with the troubles that real ones have.

`old_book.sql` is written by `tools/make_sample_book.py`; no order in it was ever sent. Its naive times are
those of `TIMEZONE`.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from importlib.resources import files
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

TIMEZONE: Final = "America/New_York"
"""The zone of the sample's naive times."""


def write_sample_book(path: Path) -> None:
    """
    Write the sample book as an SQLite file.

    Raises:
        FileExistsError: there is something at `path`; it is not touched.
        OSError, sqlite3.Error: the file cannot be written.
    """
    script = files(__name__).joinpath("old_book.sql").read_text(encoding="utf-8")
    path.touch(exist_ok=False)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
