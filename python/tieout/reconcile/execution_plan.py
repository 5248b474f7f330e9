"""
The repairs of executions.

1. An execution of a known order (in the book, or inserted by the same plan) that the book has not is inserted.
2. An exec_id that differs from a known one only after the last period is a correction: with the same account,
   perm_id, contract and side, a higher suffix and a cumulative quantity not advanced it supersedes (both rows
   stay, one is active); else it is ambiguous.
3. A book execution without an exec_id (old books) pairs with the broker's by order, side, quantity, price and
   time; several candidates, or one without a time, are ambiguous.
4. A commission is written when its report came; it is never taken back.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from tieout.clock import NS_PER_S
from tieout.reconcile.actions import Action
from tieout.reconcile.ambiguity import Undecided
from tieout.reconcile.corrections import by_base, doubts
from tieout.reconcile.evidence import execution_evidence
from tieout.reconcile.rows import FrameRow, describe_execution, execution_insert
from tieout.reconcile.rows import field as told
from tieout.reconcile.settle import because_of
from tieout.store.corrections import agrees, suffix_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tieout.canonical import Json
    from tieout.reconcile.order_plan import Inputs, OrderPlan
    from tieout.reconcile.settle import Choices
    from tieout.store.reader import Book

_Edge = tuple[FrameRow, FrameRow]
"""An execution of the broker and one of the book that may be the same."""


@dataclass(slots=True)
class ExecutionPlan:
    """
    The repairs of executions; `parked` counts those whose order is not decided, not known or on the move.

    `unclear` counts those that may correct another one that is as new: they wait until that is in the book.
    """

    actions: list[Action] = field(default_factory=list)
    undecided: list[Undecided] = field(default_factory=list)
    parked: int = 0
    unclear: int = 0


def plan_executions(inputs: Inputs, orders: OrderPlan, *, window_s: int) -> ExecutionPlan:
    """The repairs of executions; pure. `window_s` is the time window for executions without an exec_id."""
    plan = ExecutionPlan()
    book = inputs.book.executions.with_row_index("at")
    known = book.filter(pl.col("exec_id").is_not_null()).unique(
        ["account", "exec_id"], keep="first", maintain_order=True
    )
    broker = inputs.broker.executions
    _known(
        inputs.book,
        broker.join(known, on=["account", "exec_id"], suffix="_book", maintain_order="left"),
        plan,
    )
    fresh = broker.join(known, on=["account", "exec_id"], how="anti", maintain_order="left")
    nameless = _Nameless(inputs.book, book.filter(pl.col("exec_id").is_null()), window_s)
    bases = by_base(known, like=fresh)
    homes = _homes(inputs, orders, fresh)
    unclear = doubts(fresh.filter(pl.col("exec_id").is_not_null()))
    for row in fresh.iter_rows(named=True):
        home = homes.get((row["account"], row["perm_id"])) or homes.get(("", row["exec_id"]))
        if home is None or row["quantity_e8"] is None or row["price_e8"] is None or row["symbol"] is None:
            plan.parked += 1
        elif earlier := bases.get((row["account"], row["base"])):
            _correct(inputs, row, earlier, home=home, plan=plan)
        elif row["exec_id"] in unclear.later:
            plan.unclear += 1
        elif home.row is None or not nameless.offer(row, home.row):
            plan.actions.append(_insert({**row, "active": row["active"] or row["exec_id"] in unclear.standing}, home))
    nameless.settle(plan, inputs.choices)
    plan.actions.sort(key=lambda action: (action.kind, action.exec_id or "", action.row or 0))
    return plan


@dataclass(frozen=True, slots=True)
class _Home:
    """The order that an execution belongs to: a row of the book, or an insert of this plan."""

    row: int | None
    action: str | None


def _homes(inputs: Inputs, orders: OrderPlan, fresh: pl.DataFrame) -> dict[tuple[str, int | str], _Home]:
    """The orders of these executions, by account and perm_id, or by exec_id."""
    homes: dict[tuple[str, int | str], _Home] = {}
    asked = inputs.broker.orders.select("account", "perm_id").with_row_index("index")
    asked = asked.filter(pl.col("perm_id").is_not_null()).join(fresh, on=["account", "perm_id"], how="semi")
    for index, account, perm_id in asked.sort("index").iter_rows():
        row = orders.book_row_of.get(index)
        if row is not None and row not in inputs.moving:
            homes[account, perm_id] = _Home(row, None)
        elif index in orders.action_of:
            homes[account, perm_id] = _Home(None, orders.action_of[index])
    for exec_id, index in inputs.broker.statement_homes.items():  # Flex statements carry no perm_id
        row = orders.book_row_of.get(index)
        if row not in inputs.moving and (row is not None or index in orders.action_of):
            homes["", exec_id] = _Home(row, orders.action_of.get(index))
    return homes


def _known(book: Book, both: pl.DataFrame, plan: ExecutionPlan) -> None:
    """Update what the broker says otherwise, or only now, of an execution that the book has."""
    names = ("quantity", "price", "commission")
    differs = pl.any_horizontal(
        pl.col(f"{n}_e8").is_not_null() & pl.col(f"{n}_e8").ne_missing(pl.col(f"{n}_e8_book")) for n in names
    )
    for row in both.filter(differs).iter_rows(named=True):
        changed = [n for n in names if row[f"{n}_e8"] is not None and row[f"{n}_e8"] != row[f"{n}_e8_book"]]
        if "commission" in changed and row["commission_currency"] is not None:
            changed.append("commission_currency")
        learnt = changed[0] == "commission" and row["commission_e8_book"] is None
        reason = "its commission was reported" if learnt else "the broker reports other values"
        plan.actions.append(_update(book, row["at"], {n: told(row, n) for n in changed}, row=row, reason=reason))


def _correct(inputs: Inputs, row: FrameRow, earlier: list[FrameRow], *, home: _Home, plan: ExecutionPlan) -> None:
    """A known base under another suffix: the highest one is active, if everything else agrees, or so it was chosen."""
    because = ""
    if not all(agrees(row, one) for one in earlier):
        doubt = _undecided("correction_unclear", [row], earlier, pairs=[(0, i) for i in range(len(earlier))])
        settled = inputs.choices.settle("execution", doubt.account, broker=doubt.broker, book=doubt.book)
        if settled.none is not None and not settled.pairs:
            plan.actions.append(_insert({**row, "active": True}, home, because_of(settled.none)))
            return
        if not settled.pairs:
            plan.undecided.append(doubt)
            return
        because = because_of(settled.pairs[0][1])
    newest = all(suffix_of(row) > suffix_of(one) for one in earlier)
    plan.actions.append(_insert({**row, "active": row["active"] and newest}, home, because))
    for one in earlier if newest else ():
        if inputs.book.raw_executions["active"][one["at"]]:
            reason = f"superseded by its correction {row['exec_id']}{because}"
            plan.actions.append(_update(inputs.book, one["at"], {"active": False}, row=one, reason=reason))


class _Nameless:
    """Book executions without an exec_id, offered the broker's executions of the same order."""

    def __init__(self, book: Book, rows: pl.DataFrame, window_s: int) -> None:
        self._book = book
        self._window_ns = window_s * NS_PER_S
        self._of_order: dict[int, list[FrameRow]] = defaultdict(list)
        for row in rows.filter(pl.col("order_row").is_not_null()).iter_rows(named=True):
            self._of_order[row["order_row"]].append(row)
        self._edges: list[_Edge] = []

    def offer(self, row: FrameRow, order_row: int) -> bool:
        """Whether any of the order's executions may be this one; if so it is settled later."""
        found = [one for one in self._of_order.get(order_row, ()) if self._alike(row, one)]
        self._edges.extend((row, one) for one in found)
        return bool(found)

    def settle(self, plan: ExecutionPlan, choices: Choices) -> None:
        """Pair what is one-to-one with both times known, or was chosen; everything else is for the operator."""
        for group in _components(self._edges):
            (row, one), single = group[0], len(group) == 1
            if single and row["executed_ns"] is not None and one["executed_ns"] is not None:
                self._learn(plan, row, one, "paired by order, side, quantity, price and time")
                continue
            reason = "execution_time_unknown" if single else "execution_not_unique"
            self._ask(plan, group, reason=reason, choices=choices)

    def _ask(self, plan: ExecutionPlan, group: list[_Edge], *, reason: str, choices: Choices) -> None:
        """Follow the operator's choices in the group; what they leave of it is undecided."""
        doubt, lefts, rights = _doubt(reason, group)
        settled = choices.settle("execution", doubt.account, broker=doubt.broker, book=doubt.book)
        for i, (j, chosen) in settled.pairs.items():
            self._learn(plan, lefts[i], rights[j], because_of(chosen).removeprefix("; "))
        taken = {rights[j]["row"] for j, _ in settled.pairs.values()}
        rest = [left for i, left in enumerate(lefts) if i not in settled.pairs]
        if settled.none is not None:
            home = _Home(rights[0]["order_row"], None)
            plan.actions.extend(_insert(left, home, because_of(settled.none)) for left in rest)
        elif rest or len(taken) < len(rights):
            names = {left["exec_id"] for left in rest}
            edges = [edge for edge in group if edge[0]["exec_id"] in names and edge[1]["row"] not in taken]
            left_over = [right for right in rights if right["row"] not in taken]
            plan.undecided.append(_doubt(reason, edges, lefts=rest, rights=left_over)[0])

    def _learn(self, plan: ExecutionPlan, row: FrameRow, one: FrameRow, why: str) -> None:
        learnt = {n: told(row, n) for n in ("exec_id", "perm_id", "commission", "commission_currency")}
        news = {n: value for n, value in learnt.items() if value is not None}
        plan.actions.append(_update(self._book, one["at"], news, row=row, reason=f"{why}: its exec_id is learnt"))

    def _alike(self, row: FrameRow, one: FrameRow) -> bool:
        if one["inexact"] or (one["quantity_e8"], one["price_e8"]) != (row["quantity_e8"], row["price_e8"]):
            return False
        if one["side"] not in {None, row["side"]}:
            return False
        if one["executed_ns"] is None or row["executed_ns"] is None:
            return True
        return bool(abs(one["executed_ns"] - row["executed_ns"]) <= self._window_ns)


def _doubt(
    reason: str, edges: list[_Edge], *, lefts: list[FrameRow] | None = None, rights: list[FrameRow] | None = None
) -> tuple[Undecided, list[FrameRow], list[FrameRow]]:
    """The edges as one undecided match, with its rows in the order in which it lists them."""
    if lefts is None or rights is None:
        lefts = list({left["exec_id"]: left for left, _ in edges}.values())
        rights = list({right["row"]: right for _, right in edges}.values())
    pairs = [(lefts.index(left), rights.index(right)) for left, right in edges]
    return _undecided(reason, lefts, rights, pairs=pairs), lefts, rights


def _components(edges: list[_Edge]) -> list[list[_Edge]]:
    """The edges in connected groups; a broker execution is known by its exec_id, a book's by its row."""
    group_of: dict[str | int, int] = {}
    groups: dict[int, list[_Edge]] = {}
    for number, (left, right) in enumerate(edges):
        touched = {group_of[key] for key in (left["exec_id"], right["row"]) if key in group_of}
        merged = [edge for old in sorted(touched) for edge in groups.pop(old)] + [(left, right)]
        groups[number] = merged
        for one, other in merged:
            group_of[one["exec_id"]] = group_of[other["row"]] = number
    return list(groups.values())


def _insert(row: FrameRow, home: _Home, because: str = "") -> Action:
    return Action(
        entity="execution",
        kind="insert",
        account=row["account"],
        symbol=row["symbol"],
        reason=f"executed at the broker, not in the book{because}",
        evidence=execution_evidence(row),
        perm_id=row["perm_id"],
        client_id=row["client_id"],
        order_id=row["order_id"],
        exec_id=row["exec_id"],
        order_row=home.row,
        order_action=home.action,
        after=execution_insert(row),
    )


def _update(book: Book, at: int, news: Mapping[str, Json], *, row: FrameRow, reason: str) -> Action:
    before = book.execution_image(at)
    return Action(
        entity="execution",
        kind="update",
        account=row["account"],
        symbol=row["symbol"],
        reason=reason,
        evidence=execution_evidence(row),
        perm_id=row["perm_id"],
        client_id=row["client_id"],
        order_id=row["order_id"],
        exec_id=row["exec_id"],
        row=book.executions["row"][at],
        order_row=book.executions["order_row"][at],
        before=before,
        after={**before, **news},
    )


def _undecided(
    reason: str, lefts: list[FrameRow], rights: list[FrameRow], *, pairs: list[tuple[int, int]]
) -> Undecided:
    return Undecided(
        entity="execution",
        account=[*lefts, *rights][0]["account"],
        tier=None,
        reason=reason,
        broker=tuple(describe_execution(row) for row in lefts),
        book=tuple(describe_execution(row) for row in rights),
        candidates=tuple(sorted(pairs)),
        book_rows=tuple(row["row"] for row in rights),
    )
