"""A program that sends one order through the gate: python gate_child.py ROOT PORT INTENT."""

from __future__ import annotations

import sys
from pathlib import Path

from cli_support import Workplace
from gate_support import BUY, ES, gate_at

if __name__ == "__main__":
    root, port, intent_id = sys.argv[1:]
    with gate_at(Workplace(Path(root)), int(port)) as place:
        print(place.gate.submit(ES, BUY, intent_id=intent_id).state)
