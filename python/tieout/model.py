"""The words of the field, and the few rules that hang on them. Sources: ib-facts, IB's TWS API guide."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
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


PartName = Literal["open_orders", "completed_orders", "executions", "positions"]
PARTS: Final[tuple[PartName, ...]] = ("open_orders", "completed_orders", "executions", "positions")


@dataclass(frozen=True, slots=True)
class Part:
    """
    What one question to the broker is worth as evidence.

    `why` is None exactly where the answer is complete: its End message was seen in time and no error came
    with it. `covers_from_ns` is the earliest moment that the answer speaks for (None: no lower bound, it is
    the state of now).
    """

    name: PartName
    asked_at_ns: int
    answered_at_ns: int | None
    covers_from_ns: int | None
    rows: int
    why: str | None = None

    @property
    def complete(self) -> bool:
        """Whether absence from this part proves anything."""
        return self.why is None


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


@dataclass(frozen=True, slots=True)
class Snapshot:
    """
    What the broker said, part by part, in declared frames.

    `open_orders` and `completed_orders` have schema `ORDER`, `executions` has `EXECUTION`, `positions` has
    `POSITION` (tieout.schema). A failed part's frame holds what did arrive: presence is still proof.
    """

    gateway: Gateway
    server_time_ns: int
    taken_at_ns: int
    open_orders: pl.DataFrame
    completed_orders: pl.DataFrame
    executions: pl.DataFrame
    positions: pl.DataFrame
    parts: dict[PartName, Part] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every part is."""
        return all(name in self.parts and self.parts[name].complete for name in PARTS)

    def missing(self) -> list[Part]:
        """The parts that failed, in the order they were asked."""
        return [part for part in self.parts.values() if not part.complete]
