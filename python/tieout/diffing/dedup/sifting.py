"""A deduplication from its inputs to its result: read, decide, put together; part by part where memory is short."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from tieout.diffing.dedup.deciding import Decided, Rule, decide, told
from tieout.diffing.dedup.examples import Example, examples_of
from tieout.diffing.dedup.inputs import Inputs
from tieout.diffing.dedup.reading import Outgrown, Read, read_all, read_part
from tieout.diffing.dedup.result import EXAMPLES_MAX, Counts, DedupResult
from tieout.diffing.dedup.rows import Told, Whole
from tieout.diffing.kernel import Differ
from tieout.diffing.memory import available, half_of_free
from tieout.diffing.options import Progress
from tieout.errors import SchemaMismatch


@dataclass(frozen=True, slots=True)
class Asked:
    """
    The rule, what is to be told of it, whether superseded rows and rows without a key are kept, and the bytes that the
    process may take (None: half of what is free).
    """

    rule: Rule
    notes: tuple[str, ...]
    keep_superseded: bool
    keep_null_keys: bool
    threads: int
    memory_limit: int | None = None


def sift(inputs: Inputs, asked: Asked, *, progress: Progress) -> DedupResult:
    """
    Find what is dropped and what is doubtful.

    Raises:
        InputUnusable: an input cannot be read, or changed while it was read.
        SchemaMismatch: a key is null, or a column cannot be compared.
        UsageError: the memory limit is too low.
    """
    differ = Differ(asked.threads)
    room = available(asked.memory_limit or half_of_free())
    notes = asked.notes
    try:
        read = read_all(inputs, room, progress)
        whole = Whole(inputs, read.starts, read.frame)
        progress("comparing", 0, None)
        placed = [_placed(read, whole, asked, differ)]
        progress("comparing", read.frame.height, None)
    except Outgrown as outgrown:
        whole, placed = _by_parts(inputs, outgrown.parts, asked, differ=differ, progress=progress)
        notes = (*notes, f"more rows than fit into memory: read {outgrown.parts} times, part by part")
    lists = {name: pl.concat([one.lists[name] for one in placed]) for name in ("duplicate", *_REASONS)}
    dropped = [told(lists["duplicate"], "duplicate")]
    dropped += [] if asked.keep_superseded else [told(lists["superseded"], "superseded")]
    found = Told(
        pl.concat(dropped).sort("row"),
        pl.concat([told(lists[name], name) for name in ("conflict", "ambiguous")]).sort("row", "reason"),
        lists["superseded"]["row"].sort() if asked.keep_superseded else None,
    )
    counts = Counts(
        rows=whole.rows,
        kept=whole.rows - found.dropped.height,
        dropped=found.dropped.height,
        duplicates=lists["duplicate"].height,
        superseded=lists["superseded"].height,
        conflicts=lists["conflict"]["of"].n_unique(),
        conflict_rows=lists["conflict"].height,
        ambiguous=lists["ambiguous"].height,
        null_keys=sum(one.null_keys for one in placed),
    )
    differing: dict[str, int] = {}
    for one in placed:
        for name, count in one.differing.items():
            differing[name] = differing.get(name, 0) + count
    examples = {
        name: tuple(text for _, text in sorted(e for one in placed for e in one.examples[name])[:EXAMPLES_MAX])
        for name in ("duplicate", *_REASONS)
    }
    return DedupResult(
        names=inputs.names, keys=asked.rule.keys, mode=asked.rule.mode, compared=asked.rule.compared, counts=counts,
        differing=dict(sorted(differing.items(), key=lambda one: -one[1])), examples=examples, notes=notes,
        whole=whole, told=found,
    )  # fmt: skip


_REASONS = ("superseded", "conflict", "ambiguous")


@dataclass(frozen=True, slots=True)
class _Placed:
    """What a part came to, by places in the whole: reason -> row and of; how many rows have no key."""

    lists: dict[str, pl.DataFrame]
    null_keys: int
    differing: dict[str, int]
    examples: dict[str, list[Example]]


def _by_parts(
    inputs: Inputs, parts: int, asked: Asked, *, differ: Differ, progress: Progress
) -> tuple[Whole, list[_Placed]]:
    placed: list[_Placed] = []
    whole = None
    for part in range(parts):
        read = read_part(inputs, asked.rule, (part, parts), progress)
        whole = whole or Whole(inputs, read.starts, None)
        placed.append(_placed(read, whole, asked, differ))
    if whole is None:
        raise SchemaMismatch("no part of the rows", hint="name an input with rows")
    return whole, placed


def _placed(read: Read, whole: Whole, asked: Asked, differ: Differ) -> _Placed:
    decided = decide(read.frame, asked.rule, differ, places=read.places)
    if decided.null.len() and not asked.keep_null_keys:
        raise _null_key(whole, decided, read, asked.rule)
    named = dict(_lists(decided))
    lists = {
        name: pairs.select(_place(pairs[one], read).alias(one) for one in ("row", "of"))
        for name, pairs in named.items()
    }
    examples = examples_of(read.frame, named, asked.rule, places=read.places)
    return _Placed(lists, decided.null.len(), decided.differing, examples)


def _lists(decided: Decided) -> Iterator[tuple[str, pl.DataFrame]]:
    yield "duplicate", decided.copies
    yield "superseded", decided.superseded
    yield "conflict", decided.conflicts
    yield "ambiguous", decided.ambiguous


def _place(rows: pl.Series, read: Read) -> pl.Series:
    return rows.cast(pl.UInt64) if read.places is None else read.places.gather(rows)


def _null_key(whole: Whole, decided: Decided, read: Read, rule: Rule) -> SchemaMismatch:
    names, rows = whole.place(_place(decided.null.head(1), read))
    name = next(name for name in rule.keys if read.frame[name][decided.null[0]] is None)
    more = f", and {decided.null.len() - 1:,} more rows are without a key" if decided.null.len() > 1 else ""
    return SchemaMismatch(
        f"{names[0]}: key column {name}: row {rows[0]:,} is null{more}; nobody knows what such a row is a copy of",
        hint="choose another key, or keep such rows with --null-keys keep",
    )
