"""
From a snapshot and a book to a plan: match, diff, repair. Pure; the same inputs give the same plan.

The plan id covers what would be done and what it rests on, never when, by whom, or what a reason says.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from tieout.canonical import Json, digest
from tieout.clock import file_stamp
from tieout.fixed import to_e8
from tieout.reconcile.actions import LIST_OF, LISTS, Action
from tieout.reconcile.ambiguity import Undecided, undecided_orders
from tieout.reconcile.evidence import broker_side
from tieout.reconcile.execution_plan import plan_executions
from tieout.reconcile.findings import Finding, order_findings, position_findings
from tieout.reconcile.flex_side import add_statements
from tieout.reconcile.match import match_orders
from tieout.reconcile.order_plan import Inputs, plan_orders
from tieout.reconcile.positions import Market, PositionNote, Recommendation, judge_positions
from tieout.reconcile.predicted import ledger_after, orders_after
from tieout.reconcile.settle import Choices, settle_orders
from tieout.store.reader import Book, Image, content_fingerprint, rows_fingerprint

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from tieout.flags import Flags, MatchRules
    from tieout.model import Snapshot
    from tieout.store.resolutions import Resolution


@dataclass(frozen=True, slots=True)
class Plan:
    """
    The repairs, what could not be decided, and what all of it rests on.

    `rows` are the ids, per table, of the book's rows that the plan rests on; `fingerprint` is over those rows as
    they were read. `held` has, per entity, the hash of those among them that no action changes, by id.
    `resolutions` are the operator's choices that it followed. `findings` do not add up and are repaired by nothing;
    like the positions they are no part of the plan id.
    """

    actions: tuple[Action, ...]
    undecided: tuple[Undecided, ...]
    positions: tuple[PositionNote | Recommendation, ...]
    notes: tuple[str, ...]
    rows: dict[str, tuple[int, ...]]
    fingerprint: str
    held: dict[str, dict[int, str]]
    resolutions: tuple[Resolution, ...] = ()
    findings: tuple[Finding, ...] = ()

    def summary(self) -> dict[str, int]:
        """A count for each of the five lists."""
        count = Counter(LIST_OF[action.kind] for action in self.actions)
        count["ambiguous_matches"] = len(self.undecided)
        count["spy_futures_actions"] = len(self.positions)
        return {name: count[name] for name in LISTS}

    @property
    def waits(self) -> bool:
        """Whether there is something to execute or to decide."""
        return bool(self.actions or self.undecided)

    def plan_id(self, *, config: Mapping[str, Json], lineage: str, restore_epoch: int, last_applied: str | None) -> str:
        """SHA-256 of what would be done, under which flags and choices, to which state of which book."""
        return digest(
            {
                "actions": [action.canonical() for action in self.actions],
                "ambiguous": [one.canonical() for one in self.undecided],
                "config": dict(config),
                "fingerprint": self.fingerprint,
                "resolutions": [one.resolution_id for one in self.resolutions],
                "lineage": lineage,
                "restore_epoch": restore_epoch,
                "last_applied_plan": last_applied,
            }
        )


def build_plan(
    snapshot: Snapshot,
    book: Book,
    *,
    flags: Flags,
    rules: MatchRules,
    symbols: Collection[str],
    moving: frozenset[int],
    resolutions: Collection[Resolution] = (),
    market: Market | None = None,
    in_flight: frozenset[str] = frozenset(),
) -> Plan:
    """
    The plan that ties the book to the snapshot.

    Args:
        snapshot: what the broker said.
        book: the book as it was read after the broker was asked.
        flags, rules: from the settings.
        symbols: whose positions are told in `spy_futures_actions`.
        moving: ids of orders that changed in the book while the broker was asked: they wait.
        resolutions: the operator's choices in ambiguous matches; one that no longer holds is told in the notes.
        in_flight: order_refs of orders that were on their way while the broker was asked: they are not inserted.
        market: the quotes and limits by which positions are judged; without it they are only told.
    """
    mine, others, unowned = _one_account(book, snapshot.gateway.account, sole=snapshot.gateway.sole)
    side = broker_side(snapshot)
    choices = Choices(resolutions)
    matched = match_orders(
        side.orders,
        mine.orders,
        window_s=rules.window_seconds,
        price_tolerance_e8=to_e8(rules.tolerance_used) or 0,
        accept_unique=rules.accept_unique,
    )
    matching, chosen_by = settle_orders(matched, side.orders, mine.orders, choices)
    told = add_statements(snapshot, side, matching, book=mine, choices=choices, rules=rules)
    inputs = Inputs(
        snapshot, told.side, mine, told.matching, moving, flags.force_sync_delete, chosen_by, choices, in_flight
    )
    orders = plan_orders(inputs)
    executions = plan_executions(inputs, orders, window_s=rules.window_seconds)
    undecided = [*undecided_orders(matching.ambiguous, side.orders, mine.orders), *told.undecided]
    undecided += executions.undecided
    notes = [*orders.notes, *told.notes, *choices.lapsed(undecided)]
    if executions.parked:
        notes.append(f"{executions.parked} execution(s) wait until it is known which order of the book they belong to")
    if executions.unclear:
        notes.append(
            f"{executions.unclear} execution(s) may correct another one that is as new, or be fills of their own: "
            "you are asked once that one is in the book"
        )
    if others:
        notes.append(f"{others} live order(s) of other accounts in the book were not looked at")
    if unowned:
        notes.append(
            f"{unowned} live order(s) in the book name no account, and the gateway holds several: not looked at; "
            "adopt the old book again with --account"
        )
    actions = (*orders.actions, *executions.actions)
    order_images, execution_images = _rests_on(mine, actions, undecided)
    after = orders_after(mine, actions)
    ledger = ledger_after(mine, actions, after)
    positions, position_words = judge_positions(snapshot, ledger, symbols=symbols, market=market)
    part = snapshot.parts.get("positions")
    today = file_stamp(snapshot.server_time_ns)[:8]
    return Plan(
        actions=actions,
        undecided=tuple(undecided),
        positions=tuple(positions),
        notes=(*notes, *position_words),
        rows={"orders": tuple(sorted(order_images)), "executions": tuple(sorted(execution_images))},
        fingerprint=rows_fingerprint(order_images, execution_images),
        held={
            "order": _held(order_images, "order", actions),
            "execution": _held(execution_images, "execution", actions),
        },
        resolutions=choices.used(),
        findings=(
            *order_findings(after, ledger, told=set(orders.book_row_of.values())),
            *told.findings,
            *position_findings(snapshot.positions, ledger, part=part, today=today),
        ),
    )


def predicted_fingerprint(actions: Iterable[Action]) -> str:
    """What `content_fingerprint` of the changed rows will be once those actions are done."""
    return content_fingerprint((action.entity, action.after) for action in actions if action.after is not None)


def changed_rows(first: Book, second: Book) -> frozenset[int]:
    """Ids of the orders that are new in, gone from, or different in the second reading of the book."""
    if first.raw_orders.equals(second.raw_orders):
        return frozenset()
    same = first.raw_orders.join(second.raw_orders, on=first.raw_orders.columns, how="semi", nulls_equal=True)["id"]
    both = pl.concat([first.raw_orders["id"], second.raw_orders["id"]]).unique()
    return frozenset(both.filter(~both.is_in(same.to_list())).to_list())


def _one_account(book: Book, account: str, *, sole: bool) -> tuple[Book, int, int]:
    """
    The book's rows of that account, and how many live orders were left out: of others, and of nobody.

    An old book may have been adopted without an account. Its rows are the gateway's where that holds only one.
    """
    ours = [account, ""] if sole else [account]
    mine = book.orders["account"].is_in(ours)
    executions = book.executions["account"].is_in(ours)
    left_out = book.orders.filter(~mine & book.orders["live"])["account"]
    unowned = int((left_out == "").sum())
    taken = pl.lit(account).alias("account")
    chosen = replace(
        book,
        orders=book.orders.filter(mine).with_columns(taken),
        raw_orders=book.raw_orders.filter(mine),
        executions=book.executions.filter(executions).with_columns(taken),
        raw_executions=book.raw_executions.filter(executions),
    )
    return chosen, left_out.len() - unowned, unowned


def _rests_on(
    book: Book, actions: Iterable[Action], undecided: Iterable[Undecided]
) -> tuple[dict[int, Image], dict[int, Image]]:
    """The images of the rows that the actions change, their executions' orders, and the undecided candidates."""
    order_ids: set[int] = set()
    execution_ids: set[int] = set()
    for action in actions:
        mine = order_ids if action.entity == "order" else execution_ids
        if action.row is not None:
            mine.add(action.row)
        if action.order_row is not None:
            order_ids.add(action.order_row)
    for one in undecided:
        for record in one.book:
            row = record["row"]
            if isinstance(row, int):
                (order_ids if one.entity == "order" else execution_ids).add(row)
    at_order = _positions(book.orders, order_ids)
    at_execution = _positions(book.executions, execution_ids)
    return (
        {row: book.order_image(at) for row, at in at_order.items()},
        {row: book.execution_image(at) for row, at in at_execution.items()},
    )


def _held(images: Mapping[int, Image], entity: str, actions: Iterable[Action]) -> dict[int, str]:
    changed = {action.row for action in actions if action.entity == entity}
    return {row: digest(dict(image)) for row, image in sorted(images.items()) if row not in changed}


def _positions(frame: pl.DataFrame, ids: set[int]) -> dict[int, int]:
    if not ids:
        return {}
    found = frame.select("row").with_row_index("at").filter(pl.col("row").is_in(list(ids)))
    return dict(zip(found["row"].to_list(), found["at"].to_list(), strict=True))
