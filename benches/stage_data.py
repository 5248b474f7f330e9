"""
A book and the broker's answer to it, of any size, with drift planted at known places; made without a row in Python.

Order i (1, 2, ...) is live where i is a multiple of 100, else Filled with one execution. A drift is at every `step`-th
order, and what kind it is turns with it; `truth` says what a correct plan for it holds.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from tieout.model import Gateway, Part, PartName, Snapshot
from tieout.schema import EXECUTION, ORDER, POSITION, empty
from tieout.store import migrate

NOON_NS: Final = 1_765_108_800_000_000_000
MIDNIGHT_NS: Final = NOON_NS - 43_200_000_000_000
E8: Final = 100_000_000
ACCOUNT: Final = "DU1234567"
PERM: Final = 1_700_000_000

PRICE, MISSED, NEW, ORPHAN, COMMISSION, FILL = (0, 1, 2), (3, 4), (5, 6), (7,), (8,), (9,)
"""
Kinds of drift: the limit price was changed; filled while the bot was away; sent by nobody we know, and filled; live in
the book alone; the commission came later; one fill is missing.
"""


@dataclass(frozen=True, slots=True)
class Drift:
    """`count` drifts among `orders` orders, every `step`-th order from the first one on."""

    orders: int
    count: int

    @property
    def step(self) -> int:
        """From one drift to the next."""
        return self.orders // self.count

    def truth(self) -> Counter[tuple[str, str, int]]:
        """The actions of a correct plan: entity, kind, perm_id."""
        wanted: Counter[tuple[str, str, int]] = Counter()
        for at in range(self.count):
            kind, perm_id = at % 10, PERM + 1 + at * self.step
            for kinds, actions in _REPAIRS:
                if kind in kinds:
                    wanted.update((entity, what, perm_id) for entity, what in actions)
        return wanted


_REPAIRS: Final = (
    (PRICE, (("order", "update"),)),
    (MISSED, (("order", "update"), ("execution", "insert"))),
    (NEW, (("order", "insert"), ("execution", "insert"))),
    (ORPHAN, (("order", "soft_delete"),)),
    (COMMISSION, (("execution", "update"),)),
    (FILL, (("execution", "insert"),)),
)


def make_book(path: Path, drift: Drift) -> None:
    """The book, drifted."""
    migrate.create_book(path, now_ns=NOON_NS)
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute(
            "CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " SELECT i, CASE WHEN (i - 1) % ? = 0 AND (i - 1) / ? < ? THEN (i - 1) / ? % 10 ELSE -1 END AS kind FROM n",
            (drift.orders, drift.step, drift.step, drift.count, drift.step),
        )
        raw.execute(
            f"CREATE TEMP TABLE live AS SELECT i, kind, {_live(_IN_BOOK)} AS live FROM n WHERE kind NOT IN (5, 6)"
        )
        raw.execute(
            "INSERT INTO orders (id, account, perm_id, client_id, order_id, order_ref, con_id, symbol, sec_type,"
            " expiry, multiplier, currency, local_symbol, trading_class, exchange, side, quantity, order_type,"
            " limit_price, tif, status, filled_quantity, placed_at, updated_at)"
            f" SELECT i, '{ACCOUNT}', {PERM} + i, 7, i, printf('strategy-%08d', i), 495512563, 'ES', 'FUT', '20251219',"
            " '50', 'USD', 'ESZ5', 'ES', 'CME', 'BUY', '2', 'LMT', printf('%d.25', 4000 + i % 3000), 'DAY',"
            " iif(live, 'Submitted', 'Filled'), iif(live, '0', '2'), '2025-12-07T11:00:00.000Z',"
            " '2025-12-07T11:00:01.000Z' FROM live"
        )
        raw.execute(
            "INSERT INTO executions (order_row, account, exec_id, perm_id, client_id, order_id, order_ref, con_id,"
            " symbol, side, quantity, price, cumulative_quantity, executed_at, commission, commission_currency)"
            f" SELECT i, '{ACCOUNT}', printf('0000e0d5.%08x.01.01', i), {PERM} + i, 7, i, printf('strategy-%08d', i),"
            " 495512563, 'ES', 'BUY', '2', printf('%d.25', 4000 + i % 3000), '2', '2025-12-07T11:00:01.000Z',"
            " iif(kind = 8, NULL, '2.05'), iif(kind = 8, NULL, 'USD') FROM live WHERE NOT live AND kind <> 9"
        )


_IN_BOOK: Final = (*PRICE, *MISSED, *ORPHAN)
_AT_BROKER: Final = PRICE


def _live(kinds: tuple[int, ...]) -> str:
    """Whether an order is live, in SQL: its kind of drift says so, or without one its number."""
    return f"(kind IN {kinds} OR (kind = -1 AND i % 100 = 0))"


def make_snapshot(drift: Drift) -> Snapshot:
    """What the broker says: open orders, completed ones without ids of their client, one execution for each fill."""
    places = pl.int_range(1, drift.orders + 1, eager=True).alias("i").to_frame()
    turn = (pl.col("i") - 1) // drift.step
    drifts = ((pl.col("i") - 1) % drift.step == 0) & (turn < drift.count)
    known = places.with_columns(kind=pl.when(drifts).then(turn % 10).otherwise(-1)).filter(pl.col("kind") != ORPHAN[0])
    live = pl.col("kind").is_in(_AT_BROKER) | ((pl.col("kind") == -1) & (pl.col("i") % 100 == 0))
    orders = known.with_columns(live=live).with_columns(**_contract(), **_order())
    executions = orders.filter(~pl.col("live")).with_columns(**_execution())
    shaped: dict[PartName, pl.DataFrame] = {
        "open_orders": _shaped(orders.filter("live"), ORDER),
        "completed_orders": _shaped(
            orders.filter(~pl.col("live")).with_columns(client_id=None, order_id=None, order_ref=None), ORDER
        ),
        "executions": _shaped(executions, EXECUTION),
        "positions": empty(POSITION),
    }
    return Snapshot(
        gateway=Gateway("127.0.0.1", 4002, 11, "bench", 176, ACCOUNT, paper=True),
        server_time_ns=NOON_NS,
        taken_at_ns=NOON_NS,
        open_orders=shaped["open_orders"],
        completed_orders=shaped["completed_orders"],
        executions=shaped["executions"],
        positions=shaped["positions"],
        parts={name: Part(name, NOON_NS, NOON_NS, MIDNIGHT_NS, frame.height) for name, frame in shaped.items()},
    )


def _contract() -> dict[str, pl.Expr]:
    texts = {"symbol": "ES", "sec_type": "FUT", "expiry": "20251219", "currency": "USD", "local_symbol": "ESZ5",
             "trading_class": "ES", "exchange": "CME", "account": ACCOUNT}  # fmt: skip
    return {
        **{name: pl.lit(text) for name, text in texts.items()},
        # Sold: like none of the orphans, or they might be the same order.
        "side": pl.when(pl.col("kind").is_in(NEW)).then(pl.lit("SELL")).otherwise(pl.lit("BUY")),
        "con_id": pl.lit(495_512_563),
        "multiplier_e8": pl.lit(50 * E8),
        "inexact": pl.lit(value=False),
        "quantity_e8": pl.lit(2 * E8),
        "perm_id": pl.col("i") + PERM,
        "client_id": pl.lit(7),
        "order_id": pl.col("i"),
        "order_ref": pl.format("strategy-{}", pl.col("i").cast(pl.String).str.zfill(8)),
    }


def _price() -> pl.Expr:
    return (4000 + pl.col("i") % 3000) * E8 + E8 // 4


def _order() -> dict[str, pl.Expr]:
    return {
        "order_type": pl.lit("LMT"),
        "limit_price_e8": _price() + pl.when(pl.col("kind").is_in(PRICE)).then(E8).otherwise(0),
        "tif": pl.lit("DAY"),
        "status": pl.when("live").then(pl.lit("Submitted")).otherwise(pl.lit("Filled")),
        "filled_quantity_e8": pl.when("live").then(0).otherwise(2 * E8),
    }


def _execution() -> dict[str, pl.Expr]:
    digits = "0123456789abcdef"
    hexed = [((pl.col("i") // 16**place) % 16).replace_strict(dict(enumerate(digits))) for place in range(7, -1, -1)]
    return {
        "exec_id": pl.concat_str(pl.lit("0000e0d5."), *hexed, pl.lit(".01.01")),
        "price_e8": _price(),
        "cumulative_quantity_e8": pl.lit(2 * E8),
        "executed_ns": pl.lit(NOON_NS - 3_599_000_000_000),
        "commission_e8": pl.lit(205 * E8 // 100),
        "commission_currency": pl.lit("USD"),
    }


def _shaped(frame: pl.DataFrame, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    missing = [pl.lit(None).alias(name) for name in schema if name not in frame.columns]
    return frame.with_columns(missing).select(pl.col(name).cast(kind) for name, kind in schema.items()).rechunk()
