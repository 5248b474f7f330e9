"""Orders for the matching benchmarks: like a desk's history, the same on every run."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl

from tieout.schema import ORDER

NS: Final = 1_000_000_000
E8: Final = 100_000_000
SYMBOLS: Final = ("ES", "MES", "NQ", "MNQ", "CL", "GC", "ZN", "SPY", "QQQ", "AAPL", "MSFT", "NVDA")
EXPIRIES: Final = ("20251219", "20260320", "20260619", "20260918")
ACCOUNTS: Final = ("DU1234567", "DU7654321", "DU1111111", "DU2222222")

ONE_SIDED: Final = 0.015
CHANGED: Final = 0.01
WITHOUT_PERM_ID: Final = 0.03


def sides(count: int, *, without_perm_id: float = 0.0) -> tuple[pl.DataFrame, pl.DataFrame]:
    """
    About `count` orders on each side, shuffled, schema `ORDER`.

    97 % are on both sides, 1.5 % at the broker only, 1.5 % in the book only; each compared field of 1 % of the
    book's rows differs. The book knows no con_id and no local symbol. A share of its rows has no perm_id: half of
    those have an order_ref, a quarter an order id, the rest nothing but their signature.
    """
    rng = np.random.default_rng(20_251_207)
    both = _orders(rng, count)
    cut = round(count * ONE_SIDED)
    broker = both[cut:].sample(fraction=1, shuffle=True, seed=1)
    book = _changed(rng, both[: count - cut]).sample(fraction=1, shuffle=True, seed=2)
    book = book.with_columns(con_id=pl.lit(None, pl.Int64), local_symbol=pl.lit(None, pl.String))
    if without_perm_id:
        book = _forgetful(rng, book, without_perm_id)
    return broker.select(list(ORDER)).rechunk(), book.select(list(ORDER)).rechunk()


def _orders(rng: np.random.Generator, count: int) -> pl.DataFrame:
    at = np.arange(count)
    symbol, expiry = rng.integers(len(SYMBOLS), size=count), rng.integers(len(EXPIRIES), size=count)
    quantity = rng.integers(1, 40, size=count) * E8
    filled = rng.random(count) < 0.9
    frame: dict[str, Any] = {
        "account": pl.Series(ACCOUNTS).gather(rng.integers(len(ACCOUNTS), size=count)),
        "perm_id": 1_000_000_000 + at * 7,
        "order_ref": pl.Series([f"strategy-{n % 7}-{n:09d}" for n in at]),
        "client_id": rng.integers(1, 9, size=count),
        "order_id": at + 1,
        "con_id": 495_512_000 + symbol * 10 + expiry,
        "symbol": pl.Series(SYMBOLS).gather(symbol),
        "sec_type": pl.repeat("FUT", count, eager=True),
        "expiry": pl.Series(EXPIRIES).gather(expiry),
        "multiplier_e8": np.full(count, 50 * E8),
        "currency": pl.repeat("USD", count, eager=True),
        "local_symbol": pl.Series([f"{s}{e}" for s in SYMBOLS for e in EXPIRIES]).gather(symbol * 4 + expiry),
        "trading_class": pl.Series(SYMBOLS).gather(symbol),
        "exchange": pl.repeat("CME", count, eager=True),
        "side": pl.Series(["BUY", "SELL"]).gather(rng.integers(2, size=count)),
        "quantity_e8": quantity,
        "order_type": pl.Series(["LMT", "STP LMT"]).gather(rng.integers(2, size=count)),
        "limit_price_e8": rng.integers(400_000, 700_000, size=count) * (E8 // 100),
        "stop_price_e8": rng.integers(400_000, 700_000, size=count) * (E8 // 100),
        "tif": pl.Series(["DAY", "GTC"]).gather(rng.integers(2, size=count)),
        "status": pl.Series(["Submitted", "Filled"]).gather(filled.astype(int)),
        "filled_quantity_e8": np.where(filled, quantity, 0),
        "placed_ns": 1_700_000_000 * NS + at * (NS // 4),
        "live": ~filled,
        "inexact": np.zeros(count, dtype=bool),
    }
    nothing = {name: pl.Series([None] * count, dtype=kind) for name, kind in ORDER.items() if name not in frame}
    return pl.DataFrame(frame | nothing, schema_overrides=ORDER)


def _changed(rng: np.random.Generator, frame: pl.DataFrame) -> pl.DataFrame:
    numbers = ("quantity_e8", "limit_price_e8", "stop_price_e8", "filled_quantity_e8")
    hit = {name: pl.Series(rng.random(frame.height) < CHANGED) for name in (*numbers, "tif", "order_type", "status")}
    changes = [pl.when(hit[name]).then(pl.col(name) + E8).otherwise(pl.col(name)).alias(name) for name in numbers]
    changes += [
        pl.when(hit["tif"]).then(pl.lit("OPG")).otherwise("tif").alias("tif"),
        pl.when(hit["order_type"]).then(pl.lit("LIT")).otherwise("order_type").alias("order_type"),
        pl.when(hit["status"]).then(pl.lit("Submitted")).otherwise("status").alias("status"),
    ]
    live = pl.col("status") == "Submitted"
    return frame.with_columns(changes).with_columns(live=live)


def _forgetful(rng: np.random.Generator, frame: pl.DataFrame, share: float) -> pl.DataFrame:
    draw = pl.Series(rng.random(frame.height))

    def forget(name: str, below: float) -> pl.Expr:
        return pl.when(draw >= below).then(pl.col(name)).alias(name)

    return frame.with_columns(forget("perm_id", share), forget("order_ref", share / 2), forget("order_id", share / 4))
