"""A made-up bot of the old kind, writing its book as it trades. Repeatable: one seed, no clock."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sample_sql import Book, Row

PRICES: Final = {"ES": (6700.0, 0.25), "MES": (6700.0, 0.25), "SPY": (668.0, 0.01), "AAPL": (270.0, 0.01)}
"""Symbol -> (price around which it trades, tick), in its currency."""
SIZES: Final = {"ES": 3, "MES": 8, "SPY": 120, "AAPL": 90}
REGIMES: Final = ("trending_up", "trending_down", "ranging")
FIRST_ID: Final = 101
ORDERS_A_DAY: Final = 15
DAYS: Final = 21
ROLLBACK_DAYS: Final = {8: 30, 15: 45}
"""Day of the history -> how many order ids the gateway forgot the night before."""
STRAY_DAYS: Final = (3, 6, 11)
FIRST_DAY: Final = datetime(2025, 11, 3, 9, 35)  # noqa: DTZ001 - naive on purpose: the old bot's local time


@dataclass
class Ticket:
    """One order while it lives."""

    order_id: int
    at: datetime
    symbol: str
    side: str
    quantity: int
    order_type: str
    limit_price: float | None = None
    stop_price: float | None = None
    parent: int | None = None


class Bot:
    """Trades at random and keeps its book as badly as the real ones did."""

    def __init__(self, *, seed: int) -> None:
        self.book = Book()
        self._random = random.Random(seed)
        self._next_id = FIRST_ID
        self._filled: list[tuple[Ticket, datetime]] = []
        self._silent: list[Ticket] = []

    def trade_history(self) -> None:
        """`DAYS` trading days, every order of them ended or overwritten."""
        for day in range(DAYS):
            self._next_id -= ROLLBACK_DAYS.get(day, 0)
            opened = FIRST_DAY + timedelta(days=day + day // 5 * 2)
            for number in range(ORDERS_A_DAY):
                self._one_order(opened + timedelta(minutes=24 * number, microseconds=self._below(59_000_000)))
            if day in STRAY_DAYS:
                self._stray(opened)
        # The strays' ids that are placed later: an earlier order is known from its events alone.
        for order_id in (118, 163, 207):
            first = min(at for at, row in self.book.events if row["order_id"] == order_id)
            self._end(Ticket(order_id, first - timedelta(hours=30), "ES", "SELL", 2, "LIMIT"), "Cancelled")
        for ticket in self._silent:
            if not self._overwritten(ticket):
                self._end(ticket, "Cancelled")
        late = [(ticket, at) for ticket, at in self._filled if self._overwritten(ticket)]
        for ticket, at in late[:2]:
            self._say(ticket, at + timedelta(milliseconds=5), status="PreSubmitted")
        at, fill = self.book.fills[60]
        self.book.fills.append((at + timedelta(milliseconds=2), {**fill, "timestamp": _text(at)}))

    def leave_orders_working(self) -> None:
        """The last day's orders, which the book believes to be live."""
        at = FIRST_DAY + timedelta(days=DAYS + DAYS // 5 * 2, hours=1)
        for number, (symbol, order_type, status) in enumerate(WORKING):
            ticket = self._ticket(at + timedelta(minutes=11 * number), symbol, order_type)
            if number == UNEVEN:
                ticket.limit_price = 6834.090856597915
            self._place(ticket)
            if status != "Placed":
                self._say(ticket, ticket.at + timedelta(milliseconds=340), status=status)
                self.book.orders[ticket.order_id]["status"] = status

    def _one_order(self, at: datetime) -> None:
        symbol = self._pick(("ES", "ES", "MES", "SPY", "AAPL"))
        ticket = self._ticket(at, symbol, self._pick(("LIMIT", "LIMIT", "LIMIT", "MARKET", "STOP", "STOP_LIMIT")))
        self._place(ticket)
        lot = self._below(100)
        if ticket.order_type == "MARKET" or lot < 40:
            self._fill(ticket, parts=1 if ticket.quantity < 2 or lot % 3 else 2)
        elif lot < 88 or self._next_id > FIRST_ID + 250:
            self._end(ticket, "Cancelled")
        elif lot < 94:
            self._end(ticket, "Inactive")
        else:
            self._silent.append(ticket)

    def _ticket(self, at: datetime, symbol: str, order_type: str) -> Ticket:
        middle, tick = PRICES[symbol]
        ticks = self._below(120) - 60
        price = round(middle + ticks * tick * 4, 2)
        side = "BUY" if self._below(2) else "SELL"
        ticket = Ticket(self._next_id, at, symbol, side, 1 + self._below(SIZES[symbol]), order_type)
        if order_type in {"LIMIT", "STOP_LIMIT"}:
            ticket.limit_price = price
        if order_type in {"STOP", "STOP_LIMIT"}:
            ticket.stop_price = round(price + 4 * tick, 2)
        if order_type in {"STOP", "STOP_LIMIT"} and self._next_id > FIRST_ID:
            ticket.parent = self._next_id - 1
        self._next_id += 1
        return ticket

    def _place(self, ticket: Ticket) -> None:
        at = _text(ticket.at)
        self.book.orders[ticket.order_id] = {
            "order_id": ticket.order_id,
            "parent_order_id": ticket.parent,
            "timestamp": at,
            "symbol": ticket.symbol,
            "action": ticket.side,
            "quantity": ticket.quantity,
            "order_type": ticket.order_type,
            "limit_price": ticket.limit_price,
            "stop_price": ticket.stop_price,
            "confidence": (500 + self._below(450)) / 1000,
            "status": "Placed",
            "filled_quantity": 0,
            "avg_fill_price": None,
            "commission": None,
            "realized_pnl": None,
            "created_at": at,
            "updated_at": at,
            "rationale": f'{{"signal": "{ticket.side}", "score": {self._below(100)}}}',
            "market_regime": self._pick(REGIMES),
        }
        message = f"{ticket.side} {ticket.quantity} {ticket.symbol}"
        self._log(ticket, ticket.at, event_type="PLACED", status="Placed", message=message)

    def _fill(self, ticket: Ticket, *, parts: int) -> None:
        price = ticket.limit_price or ticket.stop_price or PRICES[ticket.symbol][0]
        at = ticket.at + timedelta(milliseconds=310 + self._below(400))
        self._say(ticket, at, status="PreSubmitted")
        first = ticket.quantity // parts
        done = 0
        for quantity in [first, ticket.quantity - first][: parts if first < ticket.quantity else 1]:
            at += timedelta(milliseconds=6 + self._below(900))
            done += quantity
            self._execute(ticket, at, quantity=quantity, price=price)
            word = "Filled" if done == ticket.quantity else "Submitted"
            self._say(ticket, at + timedelta(milliseconds=2), status=word, filled=done, average=price)
        self.book.orders[ticket.order_id] |= {
            "status": "Filled",
            "filled_quantity": ticket.quantity,
            "avg_fill_price": price,
            "commission": 0.0,
            "realized_pnl": 0.0,
            "updated_at": _text(at + timedelta(milliseconds=2)),
        }
        self._filled.append((ticket, at))

    def _execute(self, ticket: Ticket, at: datetime, *, quantity: int, price: float) -> None:
        message = f"Filled {float(quantity)} @ {price:.2f}"
        self._log(ticket, at, event_type="EXECUTION", status=None, message=message)
        row = {"quantity": quantity, "price": price, "commission": 0.0, "realized_pnl": 0.0}
        self.book.fills.append((at, {"order_id": ticket.order_id, "timestamp": _text(at), **row}))

    def _end(self, ticket: Ticket, word: str) -> None:
        at = ticket.at + timedelta(milliseconds=350)
        if word == "Cancelled":
            self._say(ticket, at, status="Submitted")
            at += timedelta(seconds=20 + self._below(600))
            self._say(ticket, at, status="PendingCancel")
            at += timedelta(milliseconds=120)
        self._say(ticket, at, status=word)
        if ticket.order_id in self.book.orders and not self._overwritten(ticket):
            self.book.orders[ticket.order_id] |= {"status": word, "updated_at": _text(at)}

    def _stray(self, opened: datetime) -> None:
        """An order that somebody else placed: its events arrive, its placing was never written."""
        ticket = Ticket(9000 + self._below(900), opened + timedelta(minutes=7), "SPY", "BUY", 10, "LIMIT")
        self._end(ticket, "Cancelled")

    def _say(self, ticket: Ticket, at: datetime, *, status: str, filled: int = 0, average: float | None = None) -> None:
        numbers: Row = {"filled": filled, "remaining": ticket.quantity - filled, "avg_fill_price": average}
        self._log(ticket, at, event_type="STATUS_UPDATE", status=status, message=f"Status: {status}", **numbers)

    def _log(self, ticket: Ticket, at: datetime, *, event_type: str, **row: object) -> None:
        cells = {
            "status": None,
            "filled": None,
            "remaining": None,
            "avg_fill_price": None,
            "message": None,
        } | row
        event: Row = {"order_id": ticket.order_id, "timestamp": _text(at), "event_type": event_type, **cells}
        self.book.events.append((at, event))

    def _overwritten(self, ticket: Ticket) -> bool:
        return bool(self.book.orders[ticket.order_id]["timestamp"] != _text(ticket.at))

    def _below(self, limit: int) -> int:
        # random() is the one generator whose numbers Python promises to keep the same.
        return int(self._random.random() * limit)

    def _pick(self, words: tuple[str, ...]) -> str:
        return words[self._below(len(words))]


def _text(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")


UNEVEN: Final = 7
"""Which of the working orders has a price with too many digits."""
WORKING: Final = (
    ("ES", "LIMIT", "Submitted"), ("ES", "LIMIT", "Submitted"), ("ES", "STOP", "PreSubmitted"),
    ("ES", "STOP_LIMIT", "PreSubmitted"), ("MES", "LIMIT", "Submitted"), ("MES", "LIMIT", "Submitted"),
    ("MES", "STOP", "PreSubmitted"), ("MES", "LIMIT", "Placed"), ("SPY", "LIMIT", "Submitted"),
    ("SPY", "LIMIT", "Submitted"), ("SPY", "STOP", "PreSubmitted"), ("SPY", "STOP_LIMIT", "PreSubmitted"),
    ("SPY", "MARKET", "PreSubmitted"), ("AAPL", "LIMIT", "Submitted"), ("AAPL", "LIMIT", "Submitted"),
    ("AAPL", "LIMIT", "PreSubmitted"), ("AAPL", "STOP", "PreSubmitted"),
    ("AAPL", "STOP_LIMIT", "PreSubmitted"), ("AAPL", "MARKET", "PreSubmitted"), ("ES", "LIMIT", "Placed"),
)  # fmt: skip
"""Symbol, type and last status of the orders that are left working."""
