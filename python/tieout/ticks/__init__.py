"""Live ticks: decoded from the gateway's bytes, and on to whoever wants them."""

from tieout.ticks.decoder import Malformed, TickDecoder

__all__ = ["Malformed", "TickDecoder"]
