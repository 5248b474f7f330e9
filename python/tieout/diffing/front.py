"""`tieout.diff`: two histories, whatever they come as, and what differs between them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from tieout.diffing import mapping as mappings
from tieout.diffing.compare import compare as compare_sources
from tieout.diffing.memory import parse_size
from tieout.diffing.opening import open_side
from tieout.diffing.options import Notice, NullKeys, Options, Progress, silent, unsaid
from tieout.diffing.result import DiffResult
from tieout.errors import UsageError

Names = str | Sequence[str]


def diff(
    left: object,
    right: object,
    *,
    on: Names | None = None,
    compare: Names | None = None,
    ignore: Names = (),
    tolerance: Mapping[str, float] | None = None,
    mapping: mappings.Mapping | Mapping[str, Any] | str | os.PathLike[str] | None = None,
    sample: int | None = None,
    time: str | None = None,
    null_keys: NullKeys = "error",
    threads: int = 0,
    memory_limit: int | str | None = None,
    spill_dir: str | os.PathLike[str] | None = None,
    engine: Literal["local", "dask"] = "local",
    scheduler: str | None = None,
    out_folder: str | os.PathLike[str] | None = None,
    progress: Progress = silent,
    notice: Notice = unsaid,
) -> DiffResult:
    """
    Compare two histories by key.

    Args:
        left: a path (Parquet, CSV, Arrow IPC, NDJSON, SQLite), glob, folder, address or list of paths, FILE.db::TABLE,
            postgresql://...::TABLE; or a polars, pyarrow or pandas frame, a DuckDB relation, any Arrow stream.
        right: the same; the two need not be of one format.
        on: the key column or columns.
        compare: the compared fields; without, all columns that both sides have.
        ignore: columns that are not compared.
        tolerance: field -> how far apart two numbers may be and still count as equal.
        mapping: other names, types and nulls, as docs/diff.md shows: a file, or the same as a dict.
        sample: compare about so many keys, the same on both sides, instead of all.
        time: the column that says when a row happened; else one is looked for.
        null_keys: `error`, or `list` them.
        threads: 0: one for each processor.
        memory_limit: what this process may take, as bytes or `4GiB`; without, half of the memory that is free. What
            does not fit is dealt out by key to files and compared part by part, with the same result.
        spill_dir: the folder for those files; without, the system's temporary one.
        engine: `dask` hands the work to a Dask scheduler's workers; both sides are Parquet that they can reach.
        scheduler: its address, as tcp://HOST:8786.
        out_folder: where its workers write what differs as Parquet: a path that they share, or an address.
        progress: told what is done, rows done, rows in all.
        notice: told, before it begins, that files will be needed, and how large.

    Raises:
        SchemaMismatch: the sides cannot be compared as asked.
        InputUnusable: a side cannot be read, or changed while it was read.
        BookError: an SQLite file cannot be read, or may be in use.
        SettingsError: the mapping is not as it must be.
        UsageError: a memory limit that is none or too low, or no such spill folder.
        EngineUnusable: the engine is not installed, not reached, or its workers have another version.
        DiskError: more than memory is needed, and the spill folder has no room for it.
    """
    chosen = _mapping(mapping)
    fields = _names(compare) if compare is not None else chosen.fields or None
    options = Options(
        keys=_names(on) if on is not None else chosen.key,
        fields=fields,
        ignore=(*_names(ignore), *chosen.ignore),
        tolerances={**{name: float(most) for name, most in chosen.tolerance.items()}, **(tolerance or {})},
        left=chosen.left,
        right=chosen.right,
        sample=sample,
        time=time or chosen.time,
        null_keys=null_keys,
        threads=threads,
        memory_limit=None if memory_limit is None else parse_size(memory_limit),
        spill_dir=None if spill_dir is None else Path(spill_dir).expanduser(),
    )
    if engine == "dask":
        from tieout.diffing.cluster import compare_on_cluster

        if scheduler is None:
            raise UsageError("the engine dask without a scheduler", hint="name it: --scheduler tcp://HOST:8786")
        folder = None if out_folder is None else os.fspath(out_folder)
        return compare_on_cluster(left, right, options, scheduler=scheduler, progress=progress, out_folder=folder)
    if scheduler is not None or out_folder is not None:
        what = "a scheduler" if scheduler is not None else "a folder for workers to write to"
        raise UsageError(f"{what} without an engine", hint="add --engine dask")
    sides = (open_side(left, "left"), open_side(right, "right"))
    return compare_sources(*sides, options, progress=progress, notice=notice)


def _names(given: Names) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _mapping(given: mappings.Mapping | Mapping[str, Any] | str | os.PathLike[str] | None) -> mappings.Mapping:
    if given is None:
        return mappings.Mapping()
    if isinstance(given, mappings.Mapping):
        return given
    if isinstance(given, Mapping):
        return mappings.check_mapping(dict(given))
    return mappings.read_mapping(Path(given))
