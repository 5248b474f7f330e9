"""The words of the field, and the few rules that hang on them. Sources: ib-facts, IB's TWS API guide."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from datetime import date

    import polars as pl

Side = Literal["BUY", "SELL"]

LIVE_STATUSES: Final = frozenset({"ApiPending", "PendingSubmit", "PreSubmitted", "Submitted", "PendingCancel"})
"""The order can still fill. `PreCancelled` is a client's own word on the way to ApiCancelled, never IB's."""

INACTIVE: Final = "Inactive"
"""Rejected, or held for a locate: neither live nor ended until something else says so."""

FILLED: Final = "Filled"
CANCELLED: Final = "Cancelled"
API_CANCELLED: Final = "ApiCancelled"
ORPHANED_DELETED: Final = "orphaned_deleted"
"""A soft-deleted orphan: it was live in the book, is provably not live at the broker, outcome unknown."""
SUPERSEDED_UNKNOWN: Final = "superseded_unknown"
"""An adopted order over whose id another was placed, and whose own end is not on record."""

ENDED_STATUSES: Final = frozenset({FILLED, CANCELLED, API_CANCELLED})
"""The broker's own last words."""

LIMIT_PRICE_TYPES: Final = frozenset(
    {
        "LMT",
        "LOC",
        "LOO",
        "STP LMT",
        "LIT",
        "TRAIL LIMIT",
        "REL",
        "PEG MKT",
        "PEG MID",
        "MIDPRICE",
        "PASSV REL",
        "LMT + MKT",
        "REL + LMT",
        "REL + MKT",
        "MIDPX",
        "PEG PRIM",
        "PEG BENCH",
        "SNAP MID",
        "SNAP MKT",
        "SNAP PRIM",
    }
)
STOP_PRICE_TYPES: Final = frozenset(
    {
        "STP",
        "STP LMT",
        "MIT",
        "LIT",
        "TRAIL",
        "TRAIL LIMIT",
        "STP PRT",
        "REL",
        "PEG MKT",
        "PEG MID",
        "PASSV REL",
        "PEG PRIM",
        "SNAP MID",
        "SNAP MKT",
        "SNAP PRIM",
    }
)
PRICELESS_TYPES: Final = frozenset({"MKT", "MOC", "MOO", "MTL", "MKT PRT", "BOX TOP", "MKTCLS", "VWAP"})


def is_live(status: str | None) -> bool:
    """Whether an order with this last status can still fill."""
    return status in LIVE_STATUSES


def uses_limit_price(order_type: str | None) -> bool:
    """Whether the type reads lmtPrice; a type we do not know is taken to use what it carries."""
    return order_type in LIMIT_PRICE_TYPES or not _known(order_type)


def uses_stop_price(order_type: str | None) -> bool:
    """Whether the type reads auxPrice; a type we do not know is taken to use what it carries."""
    return order_type in STOP_PRICE_TYPES or not _known(order_type)


def _known(order_type: str | None) -> bool:
    return order_type in LIMIT_PRICE_TYPES or order_type in STOP_PRICE_TYPES or order_type in PRICELESS_TYPES


PartName = Literal["open_orders", "completed_orders", "executions", "positions", "flex"]
PARTS: Final[tuple[PartName, ...]] = ("open_orders", "completed_orders", "executions", "positions")
"""What the gateway is asked for. `flex` is a part where statements were kept, and then absence needs it too."""


@dataclass(frozen=True, slots=True)
class Part:
    """
    What one question to the broker is worth as evidence.

    `why` is None exactly where the answer is complete: its End message was seen in time and no error came
    with it. `covers_from_ns` is the earliest moment that the answer speaks for (None: no lower bound, it is
    the state of now); it speaks up to `asked_at_ns`. `answered_at_ns` is when its End came, None where it did not.
    `server_time_ns` is the gateway's clock as it was read before the question. `said` are the messages that came with
    the answer, as `CODE text`, whether or not they spoil it. `reads`: how many reads in all; the last two agree.
    """

    name: PartName
    asked_at_ns: int
    answered_at_ns: int | None
    covers_from_ns: int | None
    rows: int
    why: str | None = None
    server_time_ns: int | None = None
    said: tuple[str, ...] = ()
    reads: int = 1

    @property
    def complete(self) -> bool:
        """Whether absence from this part proves anything."""
        return self.why is None

    @property
    def ended(self) -> bool:
        """Whether the answer's own End message was seen."""
        return self.answered_at_ns is not None


@dataclass(frozen=True, slots=True)
class Gateway:
    """Who answered."""

    host: str
    port: int
    client_id: int
    client: str
    server_version: int
    account: str
    paper: bool
    """IB's paper accounts start with D (DU, DF, DI)."""
    sole: bool = True
    """Whether the gateway holds no other account."""
    next_order_id: int | None = None
    """nextValidId as it was told at logon; one that is lower than before is a sign of a restart."""


@dataclass(frozen=True, slots=True)
class Statement:
    """
    A Flex statement that was kept: one account, whole days of New York.

    `statement_id` is the SHA-256 of its file. `executions` has schema `FLEX_EXECUTION`. It speaks for the days from
    `first_day` to `last_whole_day`; trade confirmations also for the day after that one, up to `covers_until_ns`.
    """

    statement_id: str
    account: str
    kind: str
    first_day: date
    last_day: date
    last_whole_day: date
    generated_ns: int
    covers_until_ns: int | None
    executions: pl.DataFrame

    @property
    def label(self) -> str:
        """As people read it: the first digits of its id, and its period."""
        return f"{self.statement_id[:12]} ({self.first_day} to {self.last_day})"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """
    What the broker said, part by part, in declared frames.

    `open_orders` and `completed_orders` have schema `ORDER`, `executions` has `EXECUTION`, `positions` has
    `POSITION` (tieout.schema). A failed part's frame holds what did arrive: presence is still proof. `read_twice` says
    why one read was not enough (a restart of the gateway), None where it was.
    """

    gateway: Gateway
    server_time_ns: int
    taken_at_ns: int
    open_orders: pl.DataFrame
    completed_orders: pl.DataFrame
    executions: pl.DataFrame
    positions: pl.DataFrame
    parts: dict[PartName, Part] = field(default_factory=dict)
    read_twice: str | None = None
    statements: tuple[Statement, ...] = ()
    """The Flex statements of the account that were kept, in the order of their days."""

    @property
    def complete(self) -> bool:
        """Whether every part is."""
        return all(name in self.parts for name in PARTS) and not self.missing()

    def missing(self) -> list[Part]:
        """The parts that failed, in the order they were asked."""
        return [part for part in self.parts.values() if not part.complete]
