"""Executions that the book has and the Flex statements of their day have not: told, never repaired."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from tieout.clock import to_iso
from tieout.fixed import from_e8
from tieout.reconcile.coverage import covered_spans
from tieout.reconcile.findings import FINDINGS_MAX, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tieout.model import Snapshot
    from tieout.store.reader import Book


def not_in_statements(snapshot: Snapshot, told: pl.DataFrame, book: Book) -> Iterator[Finding]:
    """
    The book's active executions in days that the statements cover, which they do not tell under any revision.

    Args:
        told: all executions of the statements, schema `FLEX_EXECUTION`.
        book: one account's rows.
    """
    spans = covered_spans(snapshot.statements, us_dollars=False)
    inside = pl.lit(value=False)
    for begin, end in spans:
        inside = inside | pl.col("executed_ns").is_between(begin, end, closed="left")
    base = pl.col("exec_id").str.extract(r"^(.*)\.\d+$", 1).fill_null(pl.col("exec_id"))
    known = told.select(base).to_series().to_list()
    mine = book.executions.filter(book.raw_executions["active"].fill_null(value=True))
    named = mine.filter(pl.col("exec_id").is_not_null() & inside.fill_null(value=False))
    lost = named.filter(~base.is_in(known)).sort("executed_ns", "exec_id")
    for row in lost.head(FINDINGS_MAX).iter_rows(named=True):
        yield Finding(
            kind="not_in_statement",
            account=row["account"],
            symbol=row["symbol"],
            text=f"execution {row['exec_id']} of {to_iso(row['executed_ns'])} is in the book, and not in the Flex "
            "statement of its day",
            told={"exec_id": row["exec_id"], "row": row["row"], "quantity": from_e8(row["quantity_e8"])},
        )
    if lost.height > FINDINGS_MAX:
        yield Finding(
            kind="not_in_statement",
            account=snapshot.gateway.account,
            symbol=None,
            text=f"{lost.height - FINDINGS_MAX} more are in the book, and not in the statements of their day",
        )
