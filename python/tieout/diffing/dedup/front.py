"""`tieout.dedup`: one history, or several that overlap, and which of their rows are there once too often."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from tieout.diffing.dedup import orders
from tieout.diffing.dedup.deciding import Rule
from tieout.diffing.dedup.inputs import Inputs, open_inputs
from tieout.diffing.dedup.result import DedupResult
from tieout.diffing.dedup.roles import FINGERPRINT, Corrections, corrections_of, perm_id_of
from tieout.diffing.dedup.sifting import Asked, sift
from tieout.diffing.memory import parse_size
from tieout.diffing.options import Progress, silent
from tieout.errors import SchemaMismatch, UsageError

Names = str | Sequence[str]


def dedup(
    *inputs: object,
    on: Names,
    compare: Names | None = None,
    ignore: Names = (),
    corrections: Literal["auto", "off"] = "auto",
    revisions: Literal["active", "all"] = "active",
    null_keys: Literal["error", "keep"] = "error",
    threads: int = 0,
    memory_limit: str | int | None = None,
    progress: Progress = silent,
) -> DedupResult:
    """
    Find the rows that are copies of an earlier one, and those that a correction has superseded.

    Args:
        inputs: as those of `tieout.diff`: paths, globs, folders, addresses, frames. Their rows are one table, in this
            order, and the first of several equal rows is the one that is kept.
        on: the key column or columns; `exec_id` (with or without `account`) of executions brings the correction rule,
            `fingerprint`, where there is no such column, is every field of an order.
        compare: the columns in which a copy equals the other row; without, all of them.
        ignore: columns that are not compared, and that some of the inputs need not have.
        corrections: `off` takes executions as any other rows.
        revisions: `all` keeps superseded executions, too, and says in a column `active` which ones are not.
        null_keys: `error`, or `keep` rows without a key.
        threads: 0: one for each processor.
        memory_limit: what the process may take, as 4GiB or in bytes; without, half of what is free. Inputs that need
            more are read several times, one part of the keys each time.
        progress: told what is done, rows done, rows in all.

    Raises:
        UsageError: no input; a column is named where it makes no sense.
        SchemaMismatch: the inputs cannot be taken as one table, or a key is null.
        InputUnusable: one of them cannot be read, or changed while it was read.
        BookError: an SQLite file cannot be read, or may be in use.
    """
    keys, ignored = _names(on), _names(ignore)
    if not inputs or not keys:
        raise UsageError("no input, or no key", hint="name a file, and the columns that tell its rows apart")
    if both := sorted(set(keys) & set(ignored)):
        raise UsageError(f"{', '.join(both)}: a key, and ignored", hint="choose one of the two")
    computed = keys == (FINGERPRINT,)
    opened = open_inputs(inputs, keys=() if computed else keys, ignore=ignored)
    if computed and FINGERPRINT in opened.schema:
        computed = False
    wanted = None if compare is None else _names(compare)
    rule = _orders(opened, wanted) if computed else _rule(opened, keys, wanted=wanted, ignored=ignored)
    notes = [f"not read: {', '.join(opened.left_out)}"] if opened.left_out else []
    if corrections == "auto" and not computed:
        found = corrections_of(keys, opened.schema)
        if isinstance(found, Corrections):
            rule = Rule("executions", keys, rule.compared, corrections=found)
        elif found:
            notes.append(f"corrections are not looked for: there is no column for {', '.join(found)}")
    limit = None if memory_limit is None else parse_size(memory_limit)
    asked = Asked(rule, tuple(notes), revisions == "all", null_keys == "keep", threads, limit)
    return sift(opened, asked, progress=progress)


def _rule(opened: Inputs, keys: tuple[str, ...], *, wanted: tuple[str, ...] | None, ignored: tuple[str, ...]) -> Rule:
    if wanted is not None and (missing := [name for name in wanted if name not in opened.schema]):
        raise SchemaMismatch(
            f"there is no column {', '.join(missing)} to compare", hint=f"there are {', '.join(opened.schema)}"
        )
    chosen = opened.schema if wanted is None else wanted
    return Rule("key", keys, tuple(name for name in chosen if name not in (*keys, *ignored)))


def _orders(opened: Inputs, wanted: tuple[str, ...] | None) -> Rule:
    if wanted is not None:
        raise UsageError("--fields beside --key fingerprint", hint="the key is the order's fields; leave --fields out")
    columns = orders.check_columns(opened.schema)
    perm_id = perm_id_of(opened.schema)
    compared = (*columns.values(), *([] if perm_id is None else [perm_id]))
    return Rule("orders", (FINGERPRINT,), compared, order_columns=columns)


def _names(given: Names) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
