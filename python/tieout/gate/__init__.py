"""The order gate: the only way by which an order leaves. `OrderGate` is the door, `Outcome` what it answers."""

from __future__ import annotations

from tieout.gate.gate import OrderGate
from tieout.gate.outcome import BracketOutcome, Outcome
from tieout.gate.readiness import Readiness
from tieout.gate.update import Fill, OrderUpdate
from tieout.gate.watch import Watch

__all__ = ["BracketOutcome", "Fill", "OrderGate", "OrderUpdate", "Outcome", "Readiness", "Watch"]
