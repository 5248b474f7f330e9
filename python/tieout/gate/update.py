"""What the gate tells whoever follows its orders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tieout.fixed import from_e8

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from tieout.broker.port import BrokerEvent
    from tieout.gate.outcome import Outcome
    from tieout.store.intent import Intent

UpdateKind = Literal["status", "fill", "commission", "message", "settled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """An execution. `quantity` is unsigned, prices are in the contract's currency; `executed_ns` is UTC nanoseconds."""

    exec_id: str
    side: str | None
    quantity: Decimal | None
    price: Decimal | None
    executed_ns: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderUpdate:
    """
    Something that became known of an order of the gate.

    status: the broker's word, with the quantity that it says is filled. fill: an execution. commission: of that
    execution. Both say `again` where the same fill was told before, to whichever process: after a restart the gateway
    tells the day's executions again. One that does not is news, or was told to a process that ended before it could
    write that down. A correction is news, under an id of its own.
    message: an error or a warning, a hint only. settled: a reconcile proved what became of it; `outcome` says what.
    """

    kind: UpdateKind
    intent_id: str
    strategy: str | None
    order_ref: str
    order_id: int
    at_ns: int
    perm_id: int | None = None
    status: str | None = None
    filled: Decimal | None = None
    fill: Fill | None = None
    commission: Decimal | None = None
    commission_currency: str | None = None
    code: int | None = None
    text: str | None = None
    outcome: Outcome | None = None
    again: bool = False


Subscriber = Callable[[OrderUpdate], None]
"""Called in whichever thread listens, with the gate's turn: it must only note the update, and not call the gate."""


def status_of(event: BrokerEvent, intent: Intent) -> OrderUpdate:
    """An orderStatus."""
    return _update("status", intent, event, status=event.text, filled=_number(event.filled_e8))


def message_of(event: BrokerEvent, intent: Intent) -> OrderUpdate:
    """An error or a warning that names the order."""
    return _update("message", intent, event, code=event.code, text=event.text)


def fill_of(event: BrokerEvent, intent: Intent, row: Mapping[str, object], *, again: bool) -> OrderUpdate:
    """An execution; `row` has the columns of schema `EXECUTION`."""
    side, executed_ns = row["side"], row["executed_ns"]
    fill = Fill(
        exec_id=str(row["exec_id"]),
        side=side if isinstance(side, str) else None,
        quantity=_number(row["quantity_e8"]),
        price=_number(row["price_e8"]),
        executed_ns=executed_ns if isinstance(executed_ns, int) else None,
    )
    return _update("fill", intent, event, fill=fill, again=again)


def commission_of(event: BrokerEvent, fill: OrderUpdate, report: Mapping[str, object]) -> OrderUpdate:
    """The commission of a fill that was told before."""
    currency = report["commission_currency"]
    return OrderUpdate(
        kind="commission", intent_id=fill.intent_id, strategy=fill.strategy, order_ref=fill.order_ref,
        order_id=fill.order_id, at_ns=event.at_ns, perm_id=fill.perm_id, fill=fill.fill,
        commission=_number(report["commission_e8"]),
        commission_currency=currency if isinstance(currency, str) else None, again=fill.again,
    )  # fmt: skip


def settled(intent: Intent, outcome: Outcome, now_ns: int) -> OrderUpdate:
    """A reconcile proved something."""
    return OrderUpdate(
        kind="settled", intent_id=intent.intent_id, strategy=intent.strategy, order_ref=intent.order_ref,
        order_id=intent.order_id, at_ns=now_ns, perm_id=intent.perm_id, status=intent.status, text=intent.note,
        outcome=outcome,
    )  # fmt: skip


def _update(kind: UpdateKind, intent: Intent, event: BrokerEvent, **more: object) -> OrderUpdate:
    return OrderUpdate(
        kind=kind, intent_id=intent.intent_id, strategy=intent.strategy, order_ref=intent.order_ref,
        order_id=intent.order_id, at_ns=event.at_ns, perm_id=event.perm_id or intent.perm_id, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def _number(e8: object) -> Decimal | None:
    from decimal import Decimal

    text = from_e8(e8) if isinstance(e8, int) else None
    return None if text is None else Decimal(text)
