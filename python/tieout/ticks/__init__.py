"""Live ticks: decoded from the gateway's bytes, and on to whoever wants them."""

from tieout.ticks.decoder import Malformed, TickDecoder
from tieout.ticks.playing import replay
from tieout.ticks.ring import RingStats, TickRing

__all__ = ["Malformed", "RingStats", "TickDecoder", "TickRing", "replay"]
