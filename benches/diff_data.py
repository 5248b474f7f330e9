"""Two order histories for the bulk diff, and how polars and DuckDB compare them."""

from __future__ import annotations

from typing import Final

import duckdb
import numpy as np
import polars as pl

FIELDS: Final = ("quantity_e8", "price_e8", "filled_e8", "updated", "status")
SHAPES: Final[dict[str, tuple[str, ...]]] = {
    "integer key": ("id",),
    "string key": ("exec_id",),
    "composite key": ("account", "client_id", "id"),
    "sorted": ("id",),
    "half changed": ("id",),
    "all equal": ("id",),
    "skew": ("id",),
}
"""What is compared -> its key columns."""

Answer = tuple[pl.DataFrame, pl.Series, pl.Series]
"""left, right, mask of all pairs; rows of the left side only; of the right side only."""


def side(count: int, *, right: bool, shape: str) -> pl.DataFrame:
    """One side: 0.5 % of its keys are its own; on the right side, 1 % of the rows (or half, or none) differ."""
    random = np.random.default_rng(2 if right else 1)
    ids = np.arange(count, dtype=np.int64)
    if shape != "all equal":
        own = ids % 200 == (7 if right else 3)
        ids = np.where(own, ids + (3 if right else 2) * count, ids)
    if shape != "sorted":
        random.shuffle(ids)
    else:
        ids = np.sort(ids)
    return with_fields(ids, right=right, shape=shape)


def with_fields(ids: np.ndarray, *, right: bool, shape: str) -> pl.DataFrame:
    """Rows of those keys: fields follow from the key, so that both sides have the same."""
    count = len(ids)
    spread = (ids.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(24)
    per_mille = {"half changed": 500, "all equal": 0}.get(shape, 10)
    changed = (spread % 1000 < per_mille) & right
    quantity = (1 + spread % 500).astype(np.int64)
    seconds = (spread % (365 * 86_400)).astype(np.int64)
    updated_us = 1_700_000_000_000_000 + seconds * 1_000_000 + (spread % 999_983).astype(np.int64)
    if shape == "skew":
        ids = np.where(spread % 10 == 0, ids, 0)
    return pl.DataFrame(
        {
            "id": ids,
            "exec_id": execution_ids(ids) if shape == "string key" else pl.Series(np.zeros(count, np.int8)),
            "account": pl.Series(ids % 3).replace_strict({0: "DU1", 1: "DU2", 2: "DU3"}, return_dtype=pl.String)
            if shape == "composite key"
            else pl.Series(np.zeros(count, np.int8)),
            "client_id": ids % 5,
            "quantity_e8": quantity * 100_000_000,
            "price_e8": 500_000_000_000 + (spread % 4_000).astype(np.int64) * 25_000_000,
            "filled_e8": (quantity - changed) * 100_000_000,
            "updated": pl.Series(updated_us).cast(pl.Datetime("us", "UTC")),
            "status": pl.Series((spread % 4).astype(np.int64)).replace_strict(
                {0: "Filled", 1: "Cancelled", 2: "Submitted", 3: "Inactive"}, return_dtype=pl.String
            ),
        }
    ).select(*dict.fromkeys((*SHAPES[shape], *FIELDS)))


def execution_ids(ids: np.ndarray) -> pl.Series:
    """As IB writes them: 0000e0d5.0001a2b3.01.01."""
    frame = pl.DataFrame({"id": ids})
    number = pl.format("{}.{}.01.01", (pl.col("id") // 100_000 + 10_000_000), (pl.col("id") % 100_000 + 20_000_000))
    return frame.select(exec_id=number)["exec_id"]


def duckdb_tables(left: pl.DataFrame, right: pl.DataFrame, threads: int) -> duckdb.DuckDBPyConnection:
    """Native tables: DuckDB reads them faster than it does frames. Making them is not timed."""
    connection = duckdb.connect()
    connection.execute(f"SET threads = {threads}; SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
    for name, frame in (("l", left.with_row_index("i")), ("r", right.with_row_index("i"))):
        connection.register("frame", frame.to_arrow())
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM frame")
        connection.unregister("frame")
    return connection


def by_duckdb(connection: duckdb.DuckDBPyConnection, keys: tuple[str, ...], *, unique: bool) -> Answer:
    """One outer join; where keys may repeat, those are found and left out first, as a user would have to."""
    using = ", ".join(keys)
    sides = {"l": "l", "r": "r"}
    if not unique:
        twice = (
            f"SELECT {using} FROM l GROUP BY {using} HAVING count(*) > 1 UNION "
            f"SELECT {using} FROM r GROUP BY {using} HAVING count(*) > 1"
        )
        connection.execute(f"CREATE OR REPLACE TEMP TABLE twice AS {twice}")
        sides = {name: f"(SELECT * FROM {name} ANTI JOIN twice USING ({using}))" for name in sides}
    mask = " + ".join(f"(l.{f} IS DISTINCT FROM r.{f})::UTINYINT * {1 << bit}" for bit, f in enumerate(FIELDS))
    joined = connection.sql(
        f'SELECT l.i AS "left", r.i AS "right", ({mask})::UTINYINT AS mask '
        f"FROM {sides['l']} l FULL JOIN {sides['r']} r USING ({using})"
    ).to_arrow_table()
    frame = pl.DataFrame(pl.from_arrow(joined))
    return _split(frame)


def by_polars(
    left: pl.DataFrame, right: pl.DataFrame, keys: tuple[str, ...], *, unique: bool, streaming: bool = False
) -> Answer:
    """The same as a lazy query."""
    lazy = [left.lazy().with_row_index("left"), right.lazy().with_row_index("right")]
    if not unique:
        twice = pl.concat([one.group_by(keys).len().filter(pl.col("len") > 1).select(keys) for one in lazy])
        lazy = [one.join(twice, on=keys, how="anti") for one in lazy]
    masks = (pl.col(f).ne_missing(pl.col(f"{f}_right")).cast(pl.UInt8) * (1 << bit) for bit, f in enumerate(FIELDS))
    joined = lazy[0].join(lazy[1], on=keys, how="full").select("left", "right", mask=pl.sum_horizontal(masks))
    return _split(joined.collect(engine="streaming" if streaming else "in-memory"))


def _split(joined: pl.DataFrame) -> Answer:
    pairs = joined.filter(pl.col("left").is_not_null() & pl.col("right").is_not_null())
    left = joined.filter(pl.col("right").is_null())["left"]
    return pairs, left, joined.filter(pl.col("left").is_null())["right"]
