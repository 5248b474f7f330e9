"""Executions and orders that are in a history more than once, and the command as a person calls it."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING

import polars as pl

from cli_process import Outcome
from tieout.cli import main

if TYPE_CHECKING:
    from pathlib import Path

BASE = "0000e0d5.0001a2b3"


def execution(exec_id: str, **other: object) -> dict[str, object]:
    """One execution; `other` says what is not as usual."""
    usual = {
        "account": "DU1", "exec_id": exec_id, "perm_id": 11, "con_id": 756733, "symbol": "SPY", "side": "BUY",
        "quantity": "100", "price": "449.5", "cumulative_quantity": "100",
    }  # fmt: skip
    return usual | other


EXECUTIONS = pl.DataFrame(
    [
        execution(f"{BASE}.01.01"),
        execution("0000e0d5.0001a2b4.01.01", perm_id=12),
        execution(f"{BASE}.01.01"),  # told again
        execution(f"{BASE}.01.02", price="449.25"),  # corrects row 1
        execution("0000e0d5.0001a2b4.01.01", perm_id=12, price="450"),  # says something else than row 2
        execution("0000e0d5.0001a2b5.01.01", perm_id=13),
        execution("0000e0d5.0001a2b5.01.02", perm_id=13, cumulative_quantity="300"),  # adds, or corrects?
        execution("0000e0d5.0001a2b6.01.01.01", symbol="ES"),  # legs of a combination, not revisions
        execution("0000e0d5.0001a2b6.01.02.01", symbol="NQ"),
    ]
)
COUNTS = {"rows": 9, "kept": 7, "dropped": 2, "duplicates": 1, "superseded": 1, "conflicts": 1, "conflict_rows": 1,
          "ambiguous": 1, "null_keys": 0}  # fmt: skip
KEPT = [2, 4, 5, 6, 7, 8, 9]
"""Rows of `EXECUTIONS`, counted from 1."""


def tieout_dedup(*words: str | Path) -> Outcome:
    """`tieout dedup WORDS` in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["dedup", *map(str, words)])
    return Outcome(code, out.getvalue(), err.getvalue())
