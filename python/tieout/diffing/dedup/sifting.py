"""A deduplication from its inputs to its result: read, decide, put together."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from tieout.diffing.dedup.deciding import Decided, Rule, as_pairs, decide, told
from tieout.diffing.dedup.inputs import Inputs
from tieout.diffing.dedup.result import EXAMPLES_MAX, Counts, DedupResult
from tieout.diffing.dedup.rows import Told, Whole
from tieout.diffing.kernel import Differ
from tieout.diffing.options import Progress
from tieout.diffing.summary import key_text, value_text
from tieout.errors import SchemaMismatch


@dataclass(frozen=True, slots=True)
class Asked:
    """The rule, what is to be told of it, and whether superseded rows and rows without a key are kept."""

    rule: Rule
    notes: tuple[str, ...]
    keep_superseded: bool
    keep_null_keys: bool
    threads: int


def sift(inputs: Inputs, asked: Asked, *, progress: Progress) -> DedupResult:
    """
    Find what is dropped and what is doubtful.

    Raises:
        InputUnusable: an input cannot be read, or changed while it was read.
        SchemaMismatch: a key is null, or a column cannot be compared.
    """
    frame, starts = _read(inputs, progress)
    progress("comparing", 0, None)
    decided = decide(frame, asked.rule, Differ(asked.threads))
    progress("comparing", frame.height, None)
    whole = Whole(inputs, starts, frame)
    if decided.null.len() and not asked.keep_null_keys:
        raise _null_key(whole, decided, frame, asked.rule)
    superseded = as_pairs(decided.superseded)
    dropped = [told(decided.copies, "duplicate")]
    dropped += [] if asked.keep_superseded else [told(superseded, "superseded")]
    doubts = [told(decided.conflicts, "conflict"), told(as_pairs(decided.ambiguous), "ambiguous")]
    found = Told(
        pl.concat(dropped).sort("row"),
        pl.concat(doubts).sort("row", "reason"),
        superseded["row"] if asked.keep_superseded else None,
    )
    counts = Counts(
        rows=frame.height,
        kept=frame.height - found.dropped.height,
        dropped=found.dropped.height,
        duplicates=decided.copies.height,
        superseded=superseded.height,
        conflicts=decided.conflicts["of"].n_unique(),
        conflict_rows=decided.conflicts.height,
        ambiguous=len(decided.ambiguous),
        null_keys=decided.null.len(),
    )
    return DedupResult(
        names=inputs.names, keys=asked.rule.keys, mode=asked.rule.mode, compared=asked.rule.compared, counts=counts,
        differing=decided.differing, examples=_examples(frame, decided, asked.rule), notes=asked.notes, whole=whole,
        told=found,
    )  # fmt: skip


def _read(inputs: Inputs, progress: Progress) -> tuple[pl.DataFrame, list[int]]:
    """All rows in one piece, and where each input's begin."""
    kept: list[list[pl.Series]] = [[] for _ in inputs.schema]
    known = [source.rows for source in inputs.sources]
    expected = None if None in known else sum(rows or 0 for rows in known)
    counts = [0] * len(inputs.sources)
    progress("reading", 0, expected)
    for number, piece in inputs.pieces():
        counts[number] += piece.height
        for series, column in zip(piece.get_columns(), kept, strict=True):
            column.append(series)
        progress("reading", sum(counts), expected)
    inputs.check()
    columns = []
    for (name, dtype), pieces in zip(inputs.schema.items(), kept, strict=True):
        columns.append(pl.concat(pieces, rechunk=True) if pieces else pl.Series(name, [], dtype=dtype))
        pieces.clear()  # a column's pieces go before the next column is put together
    starts = [sum(counts[:number]) for number in range(len(counts) + 1)]
    return pl.DataFrame(columns), starts


def _null_key(whole: Whole, decided: Decided, frame: pl.DataFrame, rule: Rule) -> SchemaMismatch:
    names, rows = whole.place(decided.null.head(1).cast(pl.UInt64))
    name = next(name for name in rule.keys if frame[name][decided.null[0]] is None)
    more = f", and {decided.null.len() - 1:,} more rows are without a key" if decided.null.len() > 1 else ""
    return SchemaMismatch(
        f"{names[0]}: key column {name}: row {rows[0]:,} is null{more}; nobody knows what such a row is a copy of",
        hint="choose another key, or keep such rows with --null-keys keep",
    )


def _examples(frame: pl.DataFrame, decided: Decided, rule: Rule) -> dict[str, tuple[str, ...]]:
    """Some of each kind in words."""
    keys = rule.keys if rule.order_columns is None else tuple(dict.fromkeys(rule.order_columns.values()))

    def key(row: int) -> str:
        return key_text(frame.row(row, named=True), keys if rule.order_columns is None else keys[:6])

    def beside(pairs: list[tuple[int, int]]) -> tuple[str, ...]:
        return tuple(f"{key(row)} beside {key(of)}" for row, of in pairs[:EXAMPLES_MAX])

    def conflict(row: int, of: int) -> str:
        one, other = (frame.select(rule.compared).row(at, named=True) for at in (of, row))
        differing = [name for name in rule.compared if one[name] != other[name]]
        told = ", ".join(f"{name} {value_text(one[name])} and {value_text(other[name])}" for name in differing[:3])
        return f"{key(row)}: {told}{', ...' if len(differing) > 3 else ''}"

    return {
        "duplicate": tuple(key(row) for row in decided.copies["row"].head(EXAMPLES_MAX)),
        "superseded": tuple(f"{key(row)} by {key(of)}" for row, of in decided.superseded[:EXAMPLES_MAX]),
        "conflict": tuple(conflict(row, of) for row, of in decided.conflicts.head(EXAMPLES_MAX).iter_rows()),
        "ambiguous": beside(decided.ambiguous),
    }
