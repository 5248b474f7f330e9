"""How pandas, datacompy and reladiff compare two order histories of `diff_data`: those that are installed take part."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
import pandas as pd
import polars as pl

from diff_data import FIELDS, Answer


class Counts(NamedTuple):
    """What datacompy and reladiff tell that the others tell too."""

    changed: int
    left_only: int
    right_only: int


def by_pandas(left: pd.DataFrame, right: pd.DataFrame, keys: tuple[str, ...]) -> Answer:
    """One outer merge of frames that have a column of row numbers, and a comparison of its columns."""
    joined = left.merge(right, on=list(keys), how="outer", suffixes=("", "_right"), indicator=True, sort=False)
    pairs = joined[joined["_merge"] == "both"]
    mask = np.zeros(len(pairs), np.int64)
    for bit, name in enumerate(FIELDS):
        mask |= (pairs[name].to_numpy() != pairs[f"{name}_right"].to_numpy()).astype(np.int64) << bit
    found = pl.DataFrame(
        {"left": pairs["i"].to_numpy(np.int64), "right": pairs["i_right"].to_numpy(np.int64), "mask": mask}
    )
    left_only = joined.loc[joined["_merge"] == "left_only", "i"].to_numpy(np.int64)
    right_only = joined.loc[joined["_merge"] == "right_only", "i_right"].to_numpy(np.int64)
    return found, pl.Series(left_only), pl.Series(right_only)


def for_pandas(frame: pl.DataFrame) -> pd.DataFrame:
    """The frame with a column of row numbers."""
    return frame.with_row_index("i").to_pandas()


def by_datacompy(left: pd.DataFrame, right: pd.DataFrame, keys: tuple[str, ...]) -> Counts:
    """Its report's numbers."""
    datacompy: Any = importlib.import_module("datacompy")
    found = datacompy.PandasCompare(left.drop(columns="i"), right.drop(columns="i"), join_columns=list(keys))
    changed = len(found.intersect_rows) - found.count_matching_rows()
    return Counts(int(changed), len(found.df1_unq_rows), len(found.df2_unq_rows))


def for_reladiff(left: pl.DataFrame, right: pl.DataFrame, file: Path) -> None:
    """Both sides as tables of a DuckDB file: reladiff compares databases, by one key."""
    with duckdb.connect(str(file)) as connection:
        for name, frame in (("l", left), ("r", right)):
            connection.register("frame", frame.to_arrow())
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM frame")


def by_reladiff(file: Path, keys: tuple[str, ...], threads: int) -> Counts:
    """The rows it lists with a sign, counted by key."""
    reladiff: Any = importlib.import_module("reladiff")
    info = {"driver": "duckdb", "filepath": str(file)}
    sides = [reladiff.connect_to_table(info, name, keys, extra_columns=FIELDS, thread_count=1) for name in ("l", "r")]
    signs: dict[object, str] = {}
    for sign, row in reladiff.diff_tables(*sides, max_threadpool_size=threads):
        signs[row[0]] = signs.get(row[0], "") + sign
    kinds = list(signs.values())
    return Counts(sum(len(kind) == 2 for kind in kinds), kinds.count("-"), kinds.count("+"))


def installed() -> tuple[str, ...]:
    """Which of the two that may be missing are here (docs/performance_diff.md says how to get them)."""
    return tuple(name for name in ("datacompy", "reladiff") if importlib.util.find_spec(name) is not None)
