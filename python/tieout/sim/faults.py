"""
What a scenario may have the gateway do wrong: its conduct here, single messages in `fault_rules`.

`tieout.sim.scenario` documents the keys. Sources: ib-facts in the design notes, each with its public report.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tieout.sim.fault_rules import Rule

AnswerName = Literal["open_orders", "completed_orders", "executions", "positions"]
CommissionConduct = Literal["at_once", "late", "never"]


@dataclass(frozen=True, slots=True)
class Faults:
    """
    The faults of one gateway; by default it behaves.

    silent: connections are accepted and never answered.
    close_mid_answer: the connection breaks inside the answer to a request for open orders.
    omit_end: these answers lack their End message.
    read_only: orders and questions about orders are refused (321), as with TWS's "Read-Only API".
    busy_client_ids: these client ids are in use by somebody else (326).
    next_id: what nextValidId says whatever ids were used; None is honest.
    reuse_ids: an order id of an earlier connection is taken for a new order's.
    fork_perm_id: a change leaves the order as it was, live, and makes a second one with a permId of its own.
    bind_manual: manual orders get negative order ids once a list of open orders was told.
    keep_orders: an order is accepted (PendingSubmit, no permId) and never sent on; it ends with the connection.
    execution_first: an order's fills are told before the order.
    correct_fills: each fill is followed by its correction, suffix .02, one tick higher.
    commissions: when a fill's commission is told; `late` is with the second answer that lists the fill.
    late_reports: after a restart, this many questions for completed orders and executions find none.
    rules, seed: faults of single messages, and what makes their chances repeat.
    """

    silent: bool = False
    close_mid_answer: bool = False
    omit_end: frozenset[AnswerName] = frozenset()
    read_only: bool = False
    busy_client_ids: frozenset[int] = frozenset()
    next_id: int | None = None
    reuse_ids: bool = False
    fork_perm_id: bool = False
    bind_manual: bool = False
    keep_orders: bool = False
    execution_first: bool = False
    correct_fills: bool = False
    commissions: CommissionConduct = "at_once"
    late_reports: int = 0
    rules: tuple[Rule, ...] = ()
    seed: int = 0

    def breaks(self, answer: AnswerName) -> bool:
        """Whether the connection breaks inside this answer."""
        return self.close_mid_answer and answer == "open_orders"

    def ends(self, answer: AnswerName) -> bool:
        """Whether this answer gets its End message."""
        return answer not in self.omit_end
