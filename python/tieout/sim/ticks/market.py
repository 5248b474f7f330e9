"""An instrument's market: where its events come from, and how far they have been told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, Protocol

from tieout.sim.ticks.wire import DELAYED, LIVE, Types

if TYPE_CHECKING:
    import polars as pl

MarketKind = Literal["live", "delayed"]
_TYPES: Final[dict[MarketKind, Types]] = {"live": LIVE, "delayed": DELAYED}


class Source(Protocol):
    """Events by blocks; a block may be asked for again."""

    def opening(self) -> pl.DataFrame:
        """What is quoted before the first event: one row or none, schema `STATE`."""
        ...

    def block(self, number: int) -> pl.DataFrame | None:
        """The events of a block, numbered from 0, schema `EVENT`; None after the last one."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a market: before which event of which block, and how many events come before it."""

    block: int = 0
    row: int = 0
    number: int = 0


@dataclass(slots=True)
class Market:
    """
    One instrument's market. It stands still while nobody listens: `told` is the furthest place that a client heard.

    A market without a source answers 354. `silent` keeps its events back without a word, for how long, in seconds, is
    the fault's affair.
    """

    con_id: int
    source: Source | None
    kind: MarketKind = "live"
    told: Place = field(default_factory=Place)
    silent: bool = False

    @property
    def types(self) -> Types:
        """Its tick types."""
        return _TYPES[self.kind]

    @property
    def data_type(self) -> int:
        """Its marketDataType."""
        return 1 if self.kind == "live" else 3


@dataclass(frozen=True, slots=True)
class MarketFault:
    """
    Something that goes wrong once, behind the event of this number.

    silence: the market falls silent, for `ms` milliseconds or, at 0, for ever. lose_link: the gateway says 1100 and
    streams nothing, and after `ms` says `back`: 1101, all subscriptions are gone, or 1102, they go on. cut: every
    client is cut off.
    """

    do: Literal["silence", "lose_link", "cut"]
    con_id: int
    after: int
    ms: int = 0
    back: Literal[1101, 1102] = 1101


@dataclass(frozen=True, slots=True)
class MarketPlan:
    """
    All markets of a gateway.

    Attributes:
        markets: by con_id.
        speed: how many seconds of the market go by in one; None is as fast as the clients take it.
        start_ns: UTC nanoseconds of every market's start; None is the moment of each one's first subscription.
        lines, by_tick_lines: how many subscriptions there may be at once (101, 10190).
        faults: what goes wrong.
    """

    markets: dict[int, Market] = field(default_factory=dict)
    speed: float | None = 1.0
    start_ns: int | None = None
    lines: int = 100
    by_tick_lines: int = 5
    faults: tuple[MarketFault, ...] = ()
