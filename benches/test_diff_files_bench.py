"""
Parquet files to a summary, end to end, beside DuckDB doing the same from the same files: counts of every kind, of the
differences in each field, and three examples. Answers are checked first; both have all processors.

TIEOUT_BENCH_DIFF_ROWS says how many rows a side has.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import duckdb
import pytest

import tieout
from bench_report import ratio_in_pairs, tell
from diff_data import FIELDS, side

ROWS: Final = int(os.environ.get("TIEOUT_BENCH_DIFF_ROWS", "20000"))
PAIRS: Final = 5 if ROWS > 20_000 else 1
DIFFERS: Final = [f"l.{name} IS DISTINCT FROM r.{name}" for name in FIELDS]

KINDS: Final = ("equal", "changed", "left_only", "right_only", "duplicate_keys")

Figures = tuple[dict[str, int], dict[str, int]]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("files")
    paths = (folder / "left.parquet", folder / "right.parquet")
    for path, right in zip(paths, (False, True), strict=True):
        side(ROWS, right=right, shape="integer key").select("id", *FIELDS).write_parquet(path)
    return paths


def by_tieout(left: Path, right: Path) -> Figures:
    """The counts, and the summary that a person reads."""
    result = tieout.diff(left, right, on="id", compare=FIELDS)
    assert str(result).splitlines()[-1].startswith("different")
    told = result.to_json()
    return {name: told[name] for name in KINDS}, told["fields"]


def by_duckdb(left: Path, right: Path) -> Figures:
    """The same in SQL; keys that repeat are counted first, as a user would have to."""
    with duckdb.connect() as connection:
        connection.execute(f"CREATE VIEW l AS FROM '{left}'; CREATE VIEW r AS FROM '{right}'")
        repeat = "SELECT count(*) FROM (SELECT id FROM {0} GROUP BY id HAVING count(*) > 1)"
        twice = sum(_one(connection, repeat.format(name))[0] for name in "lr")
        any_field = " OR ".join(DIFFERS)
        both = "l.id IS NOT NULL AND r.id IS NOT NULL"
        each = ", ".join(f"count(*) FILTER ({both} AND {differs})" for differs in DIFFERS)
        counts = _one(
            connection,
            f"SELECT count(*) FILTER ({both} AND NOT ({any_field})), count(*) FILTER ({both} AND ({any_field})),"
            f" count(*) FILTER (r.id IS NULL), count(*) FILTER (l.id IS NULL), {each}"
            " FROM l FULL JOIN r ON l.id = r.id",
        )
        connection.execute(
            f"SELECT l.id, l.filled_e8, r.filled_e8 FROM l JOIN r ON l.id = r.id WHERE {any_field} LIMIT 3"
        ).fetchall()
    found = dict(zip(KINDS, (*counts[:4], twice), strict=True))
    return found, dict(zip(FIELDS, counts[4:], strict=True))


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row


def test_from_files_to_a_summary(files: tuple[Path, Path]) -> None:
    ours, theirs = by_tieout(*files), by_duckdb(*files)
    assert ours == theirs
    assert ours[0]["changed"] > 0
    figures = ratio_in_pairs(lambda: by_tieout(*files), lambda: by_duckdb(*files), pairs=PAIRS)
    tell(f"diff of two Parquet files, {ROWS:,} rows each, to a summary", "DuckDB", figures)
