"""
The book's rows of orders that went through the gate, as the broker tells of them.

1. Only rows of orders that the gate placed are written; every other order and fill comes by a plan.
2. An order that has ended never becomes live again, a filled quantity never shrinks.
3. The same message twice changes nothing; a corrected execution stays, inactive. What may correct another and does not
   agree with it is not written: a plan asks the operator.
4. A fill that is not written is handed to `park`, where the caller gave one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, func, select

from tieout.clock import to_iso
from tieout.fixed import from_e8, to_e8
from tieout.model import ENDED_STATUSES, LIVE_STATUSES, is_live
from tieout.store import engine, migrate
from tieout.store.corrections import agrees, base_of, suffix_of
from tieout.store.ledger import counted, refresh_averages
from tieout.store.tables import executions, order_events, orders

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from sqlalchemy import ColumnElement, Connection, RowMapping

_COPIED: Final = ("account", "exec_id", "perm_id", "client_id", "order_id", "order_ref", "con_id", "symbol",
                  "sec_type", "expiry", "right", "currency", "local_symbol", "trading_class", "exchange", "side",
                  "commission_currency")  # fmt: skip
_MONEY: Final = ("strike", "multiplier", "quantity", "price", "cumulative_quantity", "commission", "realized_pnl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An order that the gate sent: whose it is, its ids, and its columns as the table `orders` names them."""

    account: str
    client_id: int
    order_id: int
    order_ref: str
    columns: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the broker said of it; None is not said."""

    status: str | None = None
    perm_id: int | None = None
    filled_e8: int | None = None
    message: str | None = None


class Recorder:
    """Writes one book; each call is one transaction."""

    def __init__(self, book: Path, *, park: Callable[[Mapping[str, object]], object] | None = None) -> None:
        self._book = book
        self._park = park

    def placed(self, order: Placed, told: Told, *, now_ns: int) -> int:
        """The row of an order that was just sent; made where it is not there."""
        now = to_iso(now_ns)
        with engine.connect(self._book) as connection, engine.write(connection):
            migrate.require_current(connection, self._book)
            row = _row_of(connection, order.account, order.order_ref)
            if row is None:
                values = {
                    "account": order.account, "client_id": order.client_id, "order_id": order.order_id,
                    "order_ref": order.order_ref, **order.columns, "status": "PendingSubmit", "placed_at": now,
                    "created_at": now, "updated_at": now, "last_live_at": now, "origin": "gate",
                }  # fmt: skip
                key = connection.execute(orders.insert().values(values)).inserted_primary_key
                row = _row(connection, orders.c.id == (key[0] if key else None))
                _note(connection, row, "PLACED", told=Told(status="PendingSubmit"), now=now)
            _tell(connection, row, told, now=now)
            return int(row["id"])

    def changed(self, account: str, order_ref: str, columns: Mapping[str, object], *, now_ns: int) -> None:
        """The broker has taken over a modification."""
        now = to_iso(now_ns)
        with engine.connect(self._book) as connection, engine.write(connection):
            row = _row_of(connection, account, order_ref)
            if row is not None and row["status"] not in ENDED_STATUSES:
                connection.execute(orders.update().where(orders.c.id == row["id"]).values(**columns, updated_at=now))
                _note(connection, row, "MODIFIED", told=Told(), now=now)

    def told(self, account: str, order_ref: str, told: Told, *, now_ns: int) -> None:
        """A status of an order that the gate placed."""
        with engine.connect(self._book) as connection, engine.write(connection):
            row = _row_of(connection, account, order_ref)
            if row is not None:
                _tell(connection, row, told, now=to_iso(now_ns))

    def filled(self, fill: Mapping[str, object], *, now_ns: int) -> bool:
        """An execution, schema `EXECUTION`; answers whether it is in the book, with its order, which is one of ours."""
        written = self._filled(fill, to_iso(now_ns))
        if not written and self._park is not None:
            self._park(fill)
        return written

    def _filled(self, fill: Mapping[str, object], now: str) -> bool:
        with engine.connect(self._book) as connection, engine.write(connection):
            order = _order_of(connection, fill)
            if order is None:
                return False
            if _known_fill(connection, fill) is None:
                active = _supersede(connection, fill)
                if active is None:
                    return False
                values = {name: fill[name] for name in _COPIED}
                values |= {name: from_e8(_int(fill[f"{name}_e8"])) for name in _MONEY}
                at = _int(fill["executed_ns"])
                values |= {"order_row": order["id"], "executed_at": None if at is None else to_iso(at),
                           "active": active, "created_at": now, "origin": "gate"}  # fmt: skip
                connection.execute(executions.insert().values(values))
            _refresh(connection, order, now=now)
            return True

    def paid(self, account: str, exec_id: str, report: Mapping[str, object]) -> bool:
        """A commission report; answers whether its execution is in the book."""
        with engine.connect(self._book) as connection, engine.write(connection):
            mine = and_(executions.c.account == account, executions.c.exec_id == exec_id)
            row = connection.execute(select(executions.c.order_row).where(mine)).first()
            if row is None:
                return False
            values = {"commission": from_e8(_int(report["commission_e8"])),
                      "commission_currency": report["commission_currency"],
                      "realized_pnl": from_e8(_int(report["realized_pnl_e8"]))}  # fmt: skip
            known = {name: value for name, value in values.items() if value is not None}
            if known:
                connection.execute(executions.update().where(mine).values(known))
            if row.order_row is not None:
                refresh_averages(connection, {int(row.order_row)})
            return True

    def highest_order_id(self, account: str, client_id: int) -> int:
        """The highest order id that the book has of that client; 0 where it has none."""
        mine = and_(orders.c.account == account, orders.c.client_id == client_id)
        with engine.connect(self._book) as connection, engine.read(connection):
            return int(connection.execute(select(func.max(orders.c.order_id)).where(mine)).scalar() or 0)

    def active(self, account: str, side: str) -> list[dict[str, object]]:
        """The live orders of the account on that side, whoever sent them: order_ref and the contract's columns."""
        live = and_(orders.c.account == account, orders.c.side == side, orders.c.status.in_(sorted(LIVE_STATUSES)))
        with engine.connect(self._book) as connection, engine.read(connection):
            return [dict(row) for row in connection.execute(select(orders).where(live)).mappings()]

    def status_of(self, account: str, order_ref: str) -> str | None:
        """The status that the book has of the order that carries this order_ref; None where it has none."""
        with engine.connect(self._book) as connection, engine.read(connection):
            row = _row_of(connection, account, order_ref)
            return None if row is None else str(row["status"])


def _row(connection: Connection, where: ColumnElement[bool]) -> RowMapping:
    return connection.execute(select(orders).where(where)).mappings().one()


def _row_of(connection: Connection, account: str, order_ref: str) -> RowMapping | None:
    mine = and_(orders.c.account == account, orders.c.order_ref == order_ref)
    return connection.execute(select(orders).where(mine).order_by(orders.c.id).limit(1)).mappings().first()


def _order_of(connection: Connection, fill: Mapping[str, object]) -> RowMapping | None:
    """The order that the gate placed and that this fill names by every id it has."""
    ours = and_(orders.c.account == fill["account"], orders.c.origin == "gate")
    if fill["order_ref"] is not None:
        mine = and_(ours, orders.c.order_ref == fill["order_ref"])
    elif fill["perm_id"] is not None:
        mine = and_(ours, orders.c.perm_id == fill["perm_id"])
    else:
        return None
    row = connection.execute(select(orders).where(mine).limit(1)).mappings().first()
    if row is None or None in (row["perm_id"], fill["perm_id"]) or row["perm_id"] == fill["perm_id"]:
        return row
    return None


def _tell(connection: Connection, row: RowMapping, told: Told, *, now: str) -> None:
    values: dict[str, object] = {}
    ended = row["status"] in ENDED_STATUSES
    if told.status is not None and told.status != row["status"] and not ended:
        values["status"] = told.status
    if told.perm_id is not None and row["perm_id"] is None:
        values["perm_id"] = told.perm_id
    if told.filled_e8 is not None and told.filled_e8 > (to_e8(row["filled_quantity"] or "0") or 0):
        values["filled_quantity"] = from_e8(told.filled_e8)
    if told.status is not None and is_live(told.status) and not ended:
        values["last_live_at"] = now
    if set(values) - {"last_live_at"} or told.message is not None:
        _note(connection, row, "STATUS" if told.status else "MESSAGE", told=told, now=now)
        connection.execute(orders.update().where(orders.c.id == row["id"]).values(**values, updated_at=now))


def _note(connection: Connection, row: RowMapping, event_type: str, *, told: Told, now: str) -> None:
    connection.execute(
        order_events.insert().values(
            order_row=row["id"], order_id=row["order_id"], at=now, event_type=event_type, status=told.status,
            filled=from_e8(told.filled_e8), message=told.message,
        )
    )  # fmt: skip


def _known_fill(connection: Connection, fill: Mapping[str, object]) -> int | None:
    same = and_(executions.c.account == fill["account"], executions.c.exec_id == fill["exec_id"])
    return connection.execute(select(executions.c.id).where(same)).scalar()


def _supersede(connection: Connection, fill: Mapping[str, object]) -> bool | None:
    """
    Put aside what this execution corrects; answers whether it is itself the newest of its base.

    None, and nothing changed, where it carries the base of another that it does not agree with.
    """
    base = base_of(str(fill["exec_id"]))
    near = and_(executions.c.account == fill["account"], executions.c.exec_id.startswith(base + ".", autoescape=True))
    found = [dict(row) for row in connection.execute(select(executions).where(near)).mappings()]
    rivals = [row for row in found if base_of(str(row["exec_id"])) == base]
    for row in rivals:
        row["cumulative_quantity_e8"] = (
            None if row["cumulative_quantity"] is None else to_e8(row["cumulative_quantity"])
        )
    if not all(agrees(fill, row) for row in rivals):
        return None
    older = [row["id"] for row in rivals if suffix_of(row) < suffix_of(fill)]
    if older:
        connection.execute(executions.update().where(executions.c.id.in_(older)).values(active=False))
    return len(older) == len(rivals)


def _refresh(connection: Connection, order: RowMapping, *, now: str) -> None:
    active = and_(executions.c.order_row == order["id"], executions.c.active.is_(True))
    fills = counted(order, connection.execute(select(executions).where(active)).mappings().all())
    total = sum(to_e8(str(fill["quantity"])) or 0 for fill in fills)
    if total > (to_e8(order["filled_quantity"] or "0") or 0):
        values = {"filled_quantity": from_e8(total), "updated_at": now}
        connection.execute(orders.update().where(orders.c.id == order["id"]).values(values))
    refresh_averages(connection, {int(order["id"])})


def _int(value: object) -> int | None:
    return value if isinstance(value, int) else None
