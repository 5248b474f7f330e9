"""
Whether one execution corrects another. Pure; rows have the columns of schema `EXECUTION`.

A correction has the id of the execution that it corrects but for the digits after the last period. IB does not say
whether it replaces or adds. It supersedes where account, perm_id, contract and side are the same, its suffix is higher
and the cumulative quantity has not advanced; else it is for the operator. Ids have four segments, a leg of a
combination a fifth, so only the last one is cut. Source: ib-facts, "Identity".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

Row = Mapping[str, Any]
R = TypeVar("R", bound=Row)


def base_of(exec_id: str) -> str:
    """The id without its correction suffix."""
    return exec_id.rpartition(".")[0] or exec_id


def suffix_of(row: Row) -> int:
    """The revision: the digits after the last period, 0 where there are none."""
    tail = str(row["exec_id"]).rpartition(".")[2]
    return int(tail) if tail.isdigit() else 0


def agrees(row: Row, one: Row) -> bool:
    """Whether an execution of the same account and base may be the same one, corrected or not yet corrected."""
    return bool(
        one["perm_id"] in {None, row["perm_id"]}
        and one["side"] in {None, row["side"]}
        and (one["con_id"] is None or row["con_id"] is None or one["con_id"] == row["con_id"])
        and one["symbol"] == row["symbol"]
        and None not in {one["cumulative_quantity_e8"], row["cumulative_quantity_e8"]}
        and (row["cumulative_quantity_e8"] <= one["cumulative_quantity_e8"] or suffix_of(row) < suffix_of(one))
    )


def line_of(ascending: Iterable[R]) -> tuple[list[R], list[R]]:
    """
    Of executions of one account and base, ascending by suffix: the first and what corrects it, and those that may not.

    The last of the first list is the active one, and supersedes the others of it; the second list is for the operator.
    """
    line: list[R] = []
    odd: list[R] = []
    for row in ascending:
        (line if all(agrees(row, one) for one in line) else odd).append(row)
    return line, odd
