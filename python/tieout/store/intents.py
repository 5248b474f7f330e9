"""
`data/intents.db`: what was meant to be sent, durable before it is. Never restored, never rolled back.

    RESERVED -> SENDING -> ACKED -> DONE            the broker's own last word
                        -> UNKNOWN -> ACKED, DONE    proven to be there
                        -> UNKNOWN -> ABSENT         proven not to be there
    RESERVED, SENDING -> NOT_SENT                    it provably never left
    RESERVED -> SIMULATED                            a dry run

1. An intent id is used once for each (realm, account): a UNIQUE reservation, whoever else is reserving.
2. An order id is never given out twice for the same (realm, account, client).
3. A state changes only along these arrows, each in a transaction of its own that is on the disk when it returns.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, func, select

from tieout.errors import BookUnusable, UsageError
from tieout.store.intent import CAME_FROM, ORDER_ID_MAX, TERMINAL, Intent, IntentState, Owner, Wish
from tieout.store.intent_tables import INTENTS, VERSION, intents, order_ids
from tieout.store.own_file import OwnFile

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import ColumnElement, Connection, RowMapping


ORDER_REF_PREFIX: Final = "to-"
"""How the order_ref of every order begins that went through the gate."""


class IntentStore(OwnFile):
    """One open intent store. Close it, or use it as a context manager. Threads may share it, one at a time."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, INTENTS, version=VERSION, any_thread=True, keep_journal=True)

    def reserve(self, owner: Owner, wish: Wish, *, id_floor: int, window_ns: int, now_ns: int) -> tuple[Intent, bool]:
        """
        The intent of this wish, and whether it is new; a new one has an order id at or above `id_floor`.

        Raises:
            UsageError: the client has used every order id that IB's 32 bits hold.
        """
        with self._write() as connection:
            known = _same(connection, owner, wish, earliest_ns=now_ns - window_ns)
            if known is not None:
                return known, False
            intent_id = wish.intent_id or _auto_id(connection, owner, wish)
            order_id = wish.order_id if wish.order_id is not None else _next_id(connection, owner, id_floor)
            values = {
                **_owned(owner), "intent_id": intent_id, "named": wish.intent_id is not None, "kind": wish.kind,
                "target": wish.target, "strategy": wish.strategy, "fingerprint": wish.fingerprint,
                "encoding": wish.encoding, "contract": json.dumps(wish.contract), "order": json.dumps(wish.order),
                "order_ref": wish.order_ref or order_ref_of(owner, intent_id), "order_id": order_id,
                "state": "RESERVED", "reserved_ns": now_ns, "changed_ns": now_ns,
            }  # fmt: skip
            key = connection.execute(intents.insert().values(values)).inserted_primary_key
            found = _one(connection, intents.c.id == (key[0] if key else None))
        if found is None:
            raise BookUnusable(f"{self.path}: the intent just reserved is not there", hint="check the disk")
        return found, True

    def move(
        self,
        intent: Intent,
        state: IntentState,
        *,
        now_ns: int,
        status: str | None = None,
        perm_id: int | None = None,
        note: str | None = None,
    ) -> Intent:
        """Bring it into that state along an arrow; where none leads there, it stays. Answers how it stands now."""
        values: dict[str, object] = {"state": state, "changed_ns": now_ns, "absent_ns": None}
        values |= {"sending_ns": now_ns} if state == "SENDING" else {}
        told = {"status": status, "perm_id": perm_id, "note": note}
        values |= {name: value for name, value in told.items() if value is not None}
        here = and_(intents.c.id == intent.row, intents.c.state.in_(sorted(CAME_FROM[state])))
        with self._write() as connection:
            connection.execute(intents.update().where(here).values(values))
            return _one(connection, intents.c.id == intent.row) or intent

    def note_absent(self, intent: Intent, absent_ns: int | None) -> None:
        """Keep when it was first not found at the broker; None forgets that."""
        with self._write() as connection:
            connection.execute(intents.update().where(intents.c.id == intent.row).values(absent_ns=absent_ns))

    def recover(self, owner: Owner, *, now_ns: int) -> list[Intent]:
        """
        After a crash of this client: what was only reserved never left, what was being sent is UNKNOWN.

        Answers those that are UNKNOWN now. Only for the one process that sends as this client.
        """
        for intent in self.open_ones(owner):
            if intent.owner.client_id != owner.client_id:
                continue
            if intent.state == "RESERVED":
                self.move(intent, "NOT_SENT", now_ns=now_ns, note="the program ended before it was sent")
            elif intent.state == "SENDING":
                self.move(intent, "UNKNOWN", now_ns=now_ns, note="the program ended while it was being sent")
        return [intent for intent in self.open_ones(owner) if intent.state == "UNKNOWN"]

    def find(self, owner: Owner, intent_id: str) -> Intent | None:
        """The intent of that id."""
        with self._read() as connection:
            return _one(connection, and_(_in_account(owner), intents.c.intent_id == intent_id))

    def find_order(self, owner: Owner, order_id: int) -> Intent | None:
        """The intent that placed this client's order of that id."""
        mine = and_(_in_account(owner), intents.c.client_id == owner.client_id, intents.c.kind == "place")
        with self._read() as connection:
            return _one(connection, and_(mine, intents.c.order_id == order_id))

    def open_ones(self, owner: Owner) -> list[Intent]:
        """The account's intents that are not terminal, of every client, oldest first."""
        return self._all(and_(_in_account(owner), intents.c.state.not_in(sorted(TERMINAL))))

    def listed(self, *, everything: bool) -> list[Intent]:
        """Every intent of every account, oldest first; without `everything` those that are not terminal."""
        return self._all(*(() if everything else (intents.c.state.not_in(sorted(TERMINAL)),)))

    def _all(self, *where: ColumnElement[bool]) -> list[Intent]:
        with self._read() as connection:
            query = select(intents).where(*where).order_by(intents.c.id)
            return [_intent(row) for row in connection.execute(query).mappings()]


def order_ref_of(owner: Owner, intent_id: str) -> str:
    """The order_ref that an intent's order carries: 29 characters, the same for the same intent."""
    known_as = json.dumps([owner.realm, owner.account, intent_id]).encode()
    return ORDER_REF_PREFIX + base64.b32encode(hashlib.sha256(known_as).digest()[:16]).decode().rstrip("=").lower()


def _same(connection: Connection, owner: Owner, wish: Wish, *, earliest_ns: int) -> Intent | None:
    if wish.intent_id is not None:
        return _one(connection, and_(_in_account(owner), intents.c.intent_id == wish.intent_id))
    # An order that provably never left is not the first of two. A clock set back makes no order new.
    return _one(
        connection,
        and_(_in_account(owner), intents.c.named.is_(False), intents.c.fingerprint == wish.fingerprint,
             intents.c.encoding == wish.encoding, intents.c.kind == wish.kind,
             intents.c.target.is_not_distinct_from(wish.target), intents.c.reserved_ns > earliest_ns,
             intents.c.state != "NOT_SENT"),
    )  # fmt: skip


def _auto_id(connection: Connection, owner: Owner, wish: Wish) -> str:
    equal = and_(_in_account(owner), intents.c.fingerprint == wish.fingerprint, intents.c.named.is_(False))
    before = connection.execute(select(func.count()).select_from(intents).where(equal)).scalar_one()
    return f"auto-{wish.fingerprint.hex()}-{before + 1}"


def _next_id(connection: Connection, owner: Owner, floor: int) -> int:
    mine = and_(*(order_ids.c[name] == value for name, value in _owned(owner).items()))
    high = connection.execute(select(order_ids.c.high).where(mine)).scalar()
    chosen = max(floor, 0 if high is None else high + 1, 1)
    if chosen > ORDER_ID_MAX:
        raise UsageError(
            f"client {owner.client_id} has used order ids up to {ORDER_ID_MAX}, the highest that IB takes",
            hint="choose another BROKER.client_id, or reset the API order id sequence in TWS",
        )
    if high is None:
        connection.execute(order_ids.insert().values(**_owned(owner), high=chosen))
    else:
        connection.execute(order_ids.update().where(mine).values(high=chosen))
    return chosen


def _owned(owner: Owner) -> dict[str, object]:
    return {"realm": owner.realm, "account": owner.account, "client_id": owner.client_id}


def _in_account(owner: Owner) -> ColumnElement[bool]:
    return and_(intents.c.realm == owner.realm, intents.c.account == owner.account)


def _one(connection: Connection, where: ColumnElement[bool]) -> Intent | None:
    row = connection.execute(select(intents).where(where).order_by(intents.c.id.desc()).limit(1)).mappings().first()
    return None if row is None else _intent(row)


def _intent(row: RowMapping) -> Intent:
    plain = ("intent_id", "kind", "target", "strategy", "encoding", "order_ref", "order_id", "perm_id", "state",
             "status", "note", "reserved_ns", "sending_ns", "absent_ns")  # fmt: skip
    return Intent(
        row=row["id"],
        owner=Owner(realm=row["realm"], account=row["account"], client_id=row["client_id"]),
        contract=json.loads(row["contract"]),
        order=json.loads(row["order"]),
        **{name: row[name] for name in plain},
    )
