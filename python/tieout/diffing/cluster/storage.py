"""The folder that an engine writes to: a path that every worker shares, or an address."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl

from tieout.errors import DiskError, UsageError
from tieout.files import write_atomically

DONE = "_summary.json"
"""Written last: a folder without it is not whole."""


def prepare(folder: str) -> None:
    """
    Make the folder; refuse one that has something in it.

    Raises:
        UsageError: it is not empty.
        DiskError: it cannot be made.
    """
    try:
        if "://" in folder:
            import fsspec

            system, root = fsspec.core.url_to_fs(folder)
            there = system.exists(root) and bool(system.ls(root))
        else:
            path = Path(folder).expanduser()
            path.mkdir(parents=True, exist_ok=True)
            there = any(path.iterdir())
    except (OSError, ImportError, ValueError) as error:
        raise _unwritable(folder, error) from error
    if there:
        raise UsageError(f"--out-folder {folder} is not empty", hint="name a new folder")


def put(folder: str, name: str, content: pl.DataFrame | bytes) -> None:
    """
    A file of the folder, whole or not at all.

    Raises:
        DiskError: it cannot be written.
    """
    if isinstance(content, pl.DataFrame):
        raw = io.BytesIO()
        content.write_parquet(raw)
        content = raw.getvalue()
    if "://" not in folder:
        write_atomically(Path(folder).expanduser().absolute() / name, content, mode=0o644)
        return
    import fsspec

    try:
        with fsspec.open(f"{folder.rstrip('/')}/{name}", "wb") as file:
            file.write(content)
    except (OSError, ImportError, ValueError) as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: str, error: Exception) -> DiskError:
    said = getattr(error, "strerror", None) or str(error).splitlines()[0]
    return DiskError(f"{folder} cannot be written: {said}", hint="name a folder that every worker can write to")
