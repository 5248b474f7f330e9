"""Bars from ticks, exact and the same however the ticks are split (docs/bars.md)."""

from tieout.ticks.bars.bar import BAR, Bar, bars_of
from tieout.ticks.bars.building import BarBuilder, BarConsumer, BarCounts
from tieout.ticks.bars.cuts import DollarCut, TickCut, TimeCut, VolumeCut
from tieout.ticks.bars.sessions import Session

__all__ = [
    "BAR",
    "Bar",
    "BarBuilder",
    "BarConsumer",
    "BarCounts",
    "DollarCut",
    "Session",
    "TickCut",
    "TimeCut",
    "VolumeCut",
    "bars_of",
]
