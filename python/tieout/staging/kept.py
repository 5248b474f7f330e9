"""
Executions of an earlier day that the book never took over, back into the evidence.

What the gateway tells and the book does not hold is kept (tieout.store.kept_fills). It counts again only for the time
that the gateway's answer does not speak for, or where that answer is not complete: about its own day the gateway is
right, about an earlier one it says nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from tieout.store.kept_fills import FILE, KeptFills

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tieout.model import Snapshot
    from tieout.staging.desk import Desk
    from tieout.store.reader import Book


def with_kept(desk: Desk, snapshot: Snapshot, book: Book) -> Snapshot:
    """
    Keep what the book does not hold; the snapshot with what was kept from earlier.

    Raises:
        BookError: the store of kept executions cannot be used.
    """
    account = snapshot.gateway.account
    path = desk.workspace.data_dir / FILE
    held = book.executions.select("account", "exec_id").filter(pl.col("exec_id").is_not_null())
    in_book = set(held.filter(pl.col("account").is_in([account, ""]))["exec_id"].to_list())
    told = snapshot.executions.filter(~pl.col("exec_id").is_in(list(in_book)))
    if told.height == 0 and not path.is_file():
        return snapshot
    with _open(desk) as kept:
        kept.keep(told.iter_rows(named=True), now_ns=desk.now())
        known = kept.of(account)
        done = known.filter(pl.col("exec_id").is_in(list(in_book)))["exec_id"].to_list()
        if done:
            kept.forget(account, done)
    earlier = _not_spoken_for(snapshot, known.filter(~pl.col("exec_id").is_in([*in_book])))
    return replace(snapshot, executions=pl.concat([snapshot.executions, earlier])) if earlier.height else snapshot


def keep(desk: Desk, fill: Mapping[str, object]) -> None:
    """
    Keep a fill that was told a moment ago and cannot be written into the book yet: a row of `tieout.schema.EXECUTION`.

    Raises:
        BookError: the store of kept executions cannot be used.
    """
    with _open(desk) as kept:
        kept.keep([fill], now_ns=desk.now())


def _open(desk: Desk) -> KeptFills:
    return KeptFills(desk.workspace.data_dir / FILE, realm="broker" if desk.simulated is None else "sim")


def _not_spoken_for(snapshot: Snapshot, known: pl.DataFrame) -> pl.DataFrame:
    part = snapshot.parts["executions"]
    fresh = known.join(snapshot.executions.select("exec_id"), on="exec_id", how="anti", maintain_order="left")
    if not part.complete or part.covers_from_ns is None:
        return fresh
    return fresh.filter(pl.col("executed_ns") < part.covers_from_ns)
