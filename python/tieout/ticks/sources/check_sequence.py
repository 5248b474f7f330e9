"""
What is missing: numbers that are in no file of a recording.

Each connection of a feed numbers its ticks from 0 on, over all instruments. A number that is skipped was dropped in the
ring or lost by the sink; one that is not higher than the last begins the next connection.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from tieout.ticks.sources.check_stream import EXAMPLES_MAX
from tieout.ticks.sources.merge import merged, piece_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tieout.ticks.files.stream import Stream


@dataclass(slots=True)
class Session:
    """
    One recording's numbers: `lost` of them are missing, in `gaps` places.

    `examples`: where the first gaps are, as the time of the tick behind each and how many are missing.
    """

    began_ns: int
    rows: int = 0
    connections: int = 1
    gaps: int = 0
    lost: int = 0
    examples: list[tuple[int, int]] = field(default_factory=list)


def missing_numbers(streams: Sequence[Stream]) -> list[Session]:
    """
    The sessions of these streams, which are all instruments of a recording, oldest first.

    Raises:
        InputUnusable: a file cannot be read.
    """
    found: dict[int, Session] = {}
    last: dict[int, int] = {}
    columns = ["received_ns", "sequence", "session"]
    count = piece_rows(len(streams))
    narrow = [(piece.select(columns) for piece in stream.pieces(count)) for stream in streams]
    pieces = merged(narrow, at_least=count // 2)
    for piece in pieces:
        for (number,), rows in piece.partition_by("session", maintain_order=True, as_dict=True).items():
            began = int(number)
            session = found.setdefault(began, Session(began))
            _look(session, rows, last.get(began))
            last[began] = rows["sequence"][-1]
    return [found[began] for began in sorted(found)]


def _look(session: Session, rows: pl.DataFrame, before: int | None) -> None:
    session.rows += rows.height
    stepped = rows.with_columns(pl.col("sequence").shift(1, fill_value=before).alias("before"))
    session.connections += stepped.select((pl.col("sequence") <= pl.col("before")).sum()).item()
    gaps = stepped.filter(pl.col("sequence") > pl.col("before") + 1).with_columns(
        (pl.col("sequence") - pl.col("before") - 1).alias("missing")
    )
    session.gaps += gaps.height
    session.lost += int(gaps["missing"].sum())
    for at_ns, missing in gaps.select("received_ns", "missing").head(EXAMPLES_MAX - len(session.examples)).iter_rows():
        session.examples.append((at_ns, missing))
