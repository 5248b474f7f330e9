"""Live ticks: decoded from the gateway's bytes, and on to whoever wants them."""

from tieout.ticks.decoder import Malformed, TickDecoder
from tieout.ticks.ring import RingStats, TickRing
from tieout.ticks.sources.playing import replay

__all__ = ["Malformed", "RingStats", "TickDecoder", "TickRing", "replay"]
