"""How many orders of an account are active on one contract and side, as far as book and intents know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tieout.gate.readiness import may_be_same
from tieout.gate.wishes import as_json

if TYPE_CHECKING:
    from tieout.broker.port import ContractSpec
    from tieout.store.intent import Owner
    from tieout.store.intents import IntentStore
    from tieout.store.recorder import Recorder


def active_orders(recorder: Recorder, store: IntentStore, owner: Owner, *, contract: ContractSpec, side: str) -> int:
    """The book's live orders, whoever sent them, and the open intents that the book does not have."""
    wanted = as_json(contract)
    in_book = recorder.active(owner.account, side)
    booked = {row["order_ref"] for row in in_book}
    unbooked = [
        one.contract
        for one in store.open_ones(owner)
        if one.kind == "place" and one.order["side"] == side and one.order_ref not in booked
    ]
    return sum(may_be_same(wanted, one) for one in [*in_book, *unbooked])
