"""The block `LIVE_DATA`: which ticks come, through which connection, and what gives way when the queue is full."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SerializationInfo, field_serializer, model_validator

from tieout.config.blocks import Block, ClientId, Exact, PathText, Seconds, WholeSeconds

TickStream = Literal["quotes", "quotes_and_trades", "last", "all_last", "bid_ask", "midpoint"]
"""
What is asked for of an instrument.

`quotes` is reqMktData: bid, ask and last as IB samples them, some times a second. `quotes_and_trades` is the same with
every trade behind it (generic tick 233, RTVolume). The others are reqTickByTickData under IB's own names: every single
tick, of which a gateway gives only few instruments at once.
"""

_DOUBLINGS_MAX: Final = 30
_LINES_MAX: Final = 10_000


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _plain(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise ValueError("text without control characters")
    return value


def _matches(pattern: str, expected: str) -> Callable[[str], str]:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(expected)
        return value

    return check


Word = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_plain)]
Expiry = Annotated[str, AfterValidator(_matches(r"\d{6}(\d\d)?", "a month as YYYYMM or a day as YYYYMMDD"))]
Currency = Annotated[str, AfterValidator(_matches(r"[A-Z]{3}", "a currency of three capitals, for example USD"))]
Subject = Annotated[
    str,
    Field(max_length=128),
    AfterValidator(
        _matches(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", "words of letters, digits, - and _ with dots between")
    ),
]
Positive = Annotated[Exact, Field(gt=0)]


def _nats(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("nats", "tls", "ws", "wss") or not parts.hostname:
        raise ValueError("an address like nats://host:4222; user and password may stand before the host")
    return value


NatsAddress = Annotated[str, AfterValidator(_nats)]


class Subscription(Block):
    """One of `LIVE_DATA.subscriptions`: an instrument, described as IB does, and which of its ticks come."""

    con_id: Annotated[int, Field(ge=1)] | None = None
    symbol: Word | None = None
    sec_type: (
        Literal["STK", "FUT", "OPT", "FOP", "IND", "CASH", "CFD", "CRYPTO", "CMDTY", "BOND", "FUND", "WAR"] | None
    ) = None
    exchange: Word | None = None
    currency: Currency | None = None
    expiry: Expiry | None = None
    strike: Positive | None = None
    right: Literal["C", "P"] | None = None
    multiplier: Positive | None = None
    local_symbol: Word | None = None
    trading_class: Word | None = None
    ticks: TickStream = "quotes"

    @model_validator(mode="after")
    def _names_an_instrument(self) -> Self:
        if self.con_id is None and (self.sec_type is None or (self.symbol or self.local_symbol) is None):
            raise ValueError("names no instrument; expected con_id, or sec_type with symbol or local_symbol")
        return self


class LiveData(Block):
    """
    `LIVE_DATA`: ticks, bars, and what gives way when the queue is full. Delays are in seconds.

    `client_id` is the data connection's own at the gateway. `fast_lane` decodes ticks before the client library sees
    them. `market_data_lines` is how many instruments the account may watch at once. An instrument that ticked and then
    says nothing for `stale_after_seconds` is told of; None: never. `record` writes every tick below `record_dir`,
    at most `record_flush_seconds` behind, and removes days older than `record_keep_days`; None: never. `publish` is a
    NATS server that every tick is handed to, on `publish_subject`; it may hold a password, so nothing prints it.
    """

    enable_tick_subscriptions: bool = False
    subscriptions: Annotated[tuple[Subscription, ...], BeforeValidator(_tuple)] = ()
    client_id: ClientId = 13
    fast_lane: bool = True
    market_data_type: Literal["live", "frozen", "delayed", "delayed_frozen"] = "live"
    market_data_lines: Annotated[int, Field(ge=1, le=_LINES_MAX)] = 100
    stale_after_seconds: WholeSeconds | None = 60
    record: bool = False
    record_dir: PathText = "./data/ticks"
    record_flush_seconds: Seconds = 5.0
    record_keep_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    publish: Annotated[NatsAddress | None, Field(repr=False)] = None
    publish_subject: Subject = "tieout.ticks"
    candle_interval_seconds: WholeSeconds = 60
    max_event_queue_size: Annotated[int, Field(ge=2, le=16_777_216)] = 10_000
    backpressure_drop_count: Annotated[int, Field(ge=1)] = 100
    policy: Literal["drop_oldest", "drop_newest", "conflate"] = "drop_oldest"
    reconnect_max_retries: Annotated[int, Field(ge=0, le=1_000)] = 5
    base_delay: Seconds = 1.0
    max_delay: Seconds = 60.0

    def delay_s(self, attempt: int, *, chance: float) -> float:
        """
        How long to wait before the next attempt to connect: `base_delay` doubled each time, at most `max_delay`, and
        between half of that and all of it.

        Args:
            attempt: 0 after the first failure.
            chance: from 0 to 1, so that programs that lost one gateway together do not all come back at once.
        """
        longest: float = min(self.base_delay * 2.0 ** min(attempt, _DOUBLINGS_MAX), self.max_delay)
        return longest * (0.5 + chance / 2)

    @field_serializer("publish")
    def _hidden(self, value: str | None, _info: SerializationInfo) -> str | None:
        return None if value is None else "1 hidden"

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        if self.backpressure_drop_count > self.max_event_queue_size:
            raise ValueError(
                f"backpressure_drop_count is {self.backpressure_drop_count}; "
                f"expected at most max_event_queue_size ({self.max_event_queue_size})"
            )
        if self.base_delay > self.max_delay:
            raise ValueError(f"base_delay is {self.base_delay:g}; expected at most max_delay ({self.max_delay:g})")
        return self

    @model_validator(mode="after")
    def _what_is_asked_for(self) -> Self:
        wanted = self.subscriptions
        if self.enable_tick_subscriptions and not wanted:
            raise ValueError("enable_tick_subscriptions is true and subscriptions is empty; expected one or more")
        if len(wanted) > self.market_data_lines:
            raise ValueError(
                f"{len(wanted)} subscriptions; expected at most market_data_lines ({self.market_data_lines})"
            )
        for at, one in enumerate(wanted):
            if one in wanted[:at]:
                raise ValueError(
                    f"subscriptions[{at}] is the same as subscriptions[{wanted.index(one)}]; expected once"
                )
        return self


def same_ids(client_id: int, others: dict[str, int]) -> str | None:
    """Which of the other connections has the data connection's id; None where it is its own."""
    taken = [name for name, other in others.items() if other == client_id]
    if not taken:
        return None
    return f"LIVE_DATA.client_id and {taken[0]} are both {client_id}; expected an id of its own for the data connection"
