"""Files to counts, differences by field and examples: by tieout, and by DuckDB in SQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import duckdb

import tieout
from diff_data import FIELDS

DIFFERS: Final = [f"l.{name} IS DISTINCT FROM r.{name}" for name in FIELDS]
KINDS: Final = ("equal", "changed", "left_only", "right_only", "duplicate_keys")

Figures = tuple[dict[str, int], dict[str, int]]


def by_tieout(left: Path, right: Path, **more: Any) -> Figures:
    """The counts, and the summary that a person reads."""
    result = tieout.diff(left, right, on="id", compare=FIELDS, **more)
    assert str(result).splitlines()[-1].startswith("different")
    told = result.to_json()
    result.close()
    return {name: told[name] for name in KINDS}, told["fields"]


def by_duckdb(left: Path, right: Path, memory_limit: str | None = None, spill_dir: Path | None = None) -> Figures:
    """The same in SQL; keys that repeat are counted first, as a user would have to."""
    with duckdb.connect() as connection:
        if memory_limit is not None:
            connection.execute(f"SET memory_limit = '{memory_limit}'; SET temp_directory = '{spill_dir}'")
            connection.execute("SET preserve_insertion_order = false")
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
