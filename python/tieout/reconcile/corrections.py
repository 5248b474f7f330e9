"""Corrections among executions: by base, and those that are told together and do not agree. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tieout.store.corrections import base_of, line_of, suffix_of

if TYPE_CHECKING:
    import polars as pl

Row = dict[str, Any]
"""One row of a frame of schema `EXECUTION`, by column name."""


@dataclass(frozen=True, slots=True)
class Doubts:
    """
    Of executions that are told together and are all new: `later` are ids that carry another's base and do not agree
    with it; `standing` are those that stay active because of that.
    """

    later: frozenset[str]
    standing: frozenset[str]


def by_base(known: pl.DataFrame, *, like: pl.DataFrame) -> dict[tuple[str, str], list[Row]]:
    """The executions by account and base, as far as their base is one of those in `like`, which has a column `base`."""
    bases: dict[tuple[str, str], list[Row]] = defaultdict(list)
    asked = set(like["base"].to_list())
    for row in known.filter([base_of(exec_id) in asked for exec_id in known["exec_id"]]).iter_rows(named=True):
        bases[row["account"], base_of(row["exec_id"])].append(row)
    return bases


def doubts(fresh: pl.DataFrame) -> Doubts:
    """The doubts among new executions, by their bases; `fresh` has schema `EXECUTION` and the column `base`."""
    several = fresh.filter(fresh.select(["account", "base"]).is_duplicated())
    later: set[str] = set()
    standing: set[str] = set()
    for group in by_base(several, like=several).values():
        line, odd = line_of(sorted(group, key=suffix_of))
        if odd:
            later |= {one["exec_id"] for one in odd}
            standing.add(line[-1]["exec_id"])
    return Doubts(frozenset(later), frozenset(standing))
