"""Which rows of a frame are copies, superseded, or contradict another; all rows of each key are in it."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from tieout.diffing.dedup import orders
from tieout.diffing.dedup.result import Mode
from tieout.diffing.dedup.revisions import Pairs, revisions
from tieout.diffing.dedup.roles import Corrections
from tieout.diffing.dedup.rows import TOLD
from tieout.diffing.kernel import Differ
from tieout.errors import SchemaMismatch


@dataclass(frozen=True, slots=True)
class Rule:
    """
    How rows are told apart.

    `compared` are the columns in which a copy equals the row that it is a copy of. `order_columns`: order field -> the
    column that has it, where orders are told apart by their fingerprint.
    """

    mode: Mode
    keys: tuple[str, ...]
    compared: tuple[str, ...]
    corrections: Corrections | None = None
    order_columns: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """
    Rows of the frame, each list ascending: copies, superseded ones, conflicts and ambiguous ones, with the row that
    each is told beside; rows without a key; column -> in how many conflicts it differs.
    """

    copies: pl.DataFrame
    superseded: pl.DataFrame
    conflicts: pl.DataFrame
    ambiguous: pl.DataFrame
    null: pl.Series
    differing: dict[str, int]


def decide(frame: pl.DataFrame, rule: Rule, differ: Differ, *, places: pl.Series | None = None) -> Decided:
    """
    Find them.

    Args:
        frame: all rows, or all of a part of the keys.
        rule: how they are told apart.
        differ: threads and memory, kept from part to part.
        places: the rows' places in the whole, for messages.

    Raises:
        SchemaMismatch: a column cannot be compared.
        InputUnusable: a value that its order field cannot hold.
    """
    table, keys, fields = frame, rule.keys, rule.compared
    if rule.order_columns is not None:
        made = orders.printed(frame, rule.order_columns, places=places)
        apart = [name for name in rule.compared if name not in rule.order_columns.values()]
        table = made.hstack(frame.select(pl.col(name).alias(f"of {name}") for name in apart))
        keys = (orders.PRINT,)
        fields = tuple(name for name in table.columns if name != orders.PRINT)
    try:
        found = differ.repeats(table, keys=keys, fields=fields)
    except (TypeError, ValueError) as error:
        raise SchemaMismatch(str(error), hint="leave the column out with --ignore, or choose another key") from error
    superseded, ambiguous = _revised(frame, found.copies["row"], rule, differ=differ)
    differing = _differing(frame, found.others, rule.compared)
    return Decided(found.copies, _frame(superseded), found.others, _frame(ambiguous), found.null, differing)


def told(pairs: pl.DataFrame, reason: str) -> pl.DataFrame:
    """Those rows with the reason, in the schema `TOLD`."""
    return pairs.select(pl.col("row"), pl.lit(reason).alias("reason"), pl.col("of")).cast(dict(TOLD))  # type: ignore[arg-type]


def _frame(pairs: Pairs) -> pl.DataFrame:
    return pl.DataFrame(pairs, schema={"row": pl.UInt32, "of": pl.UInt32}, orient="row")


def _revised(frame: pl.DataFrame, copies: pl.Series, rule: Rule, *, differ: Differ) -> tuple[Pairs, Pairs]:
    if rule.corrections is None:
        return [], []
    needed = list(dict.fromkeys(rule.corrections.columns.values()))
    numbered = frame.select(needed).with_columns(pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"))
    if copies.len():
        distinct = pl.repeat(True, frame.height, dtype=pl.Boolean, eager=True).scatter(copies, False)
        numbered = numbered.filter(distinct)
    return revisions(numbered, rule.corrections, differ)


def _differing(frame: pl.DataFrame, conflicts: pl.DataFrame, columns: tuple[str, ...]) -> dict[str, int]:
    if not conflicts.height:
        return {}
    rows, firsts = frame.select(columns)[conflicts["row"]], frame.select(columns)[conflicts["of"]]
    counts = {name: int(rows[name].ne_missing(firsts[name]).sum()) for name in columns}
    return {name: count for name, count in sorted(counts.items(), key=lambda one: -one[1]) if count}
