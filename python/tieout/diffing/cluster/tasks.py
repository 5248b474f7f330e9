"""What a worker does: deal a piece of a side out by key, and compare a part of both sides. No engine is in it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tieout.diffing.cluster.listing import Piece, scan, unchanged
from tieout.diffing.cluster.storage import put
from tieout.diffing.kernel import Differ, split_by_key
from tieout.diffing.loading import Wanted, typed_pieces
from tieout.diffing.options import Options
from tieout.diffing.parts import Figures, compare_part
from tieout.diffing.planning import Plan, Reading
from tieout.diffing.source import of_lazy
from tieout.diffing.tables import KINDS, Kind, place_name

Dealt = dict[int, bytes]
"""
Part -> its rows, with their places, as an Arrow stream: an engine carries bytes as they are, and frames by copying each
of their columns. Parts without a row are not there.
"""


@dataclass(frozen=True, slots=True)
class Work:
    """What every task needs to know: what is compared, how, and into how many parts."""

    agreed: Plan
    options: Options
    parts: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What a part came to; the rows behind it by kind, in pieces that ascend by place."""

    figures: Figures
    found: dict[Kind, list[pl.DataFrame]]

    def index(self) -> tuple[Figures, dict[Kind, int]]:
        """What is told of it at once: the figures, and how many pieces each kind has."""
        return self.figures, {kind: len(pieces) for kind, pieces in self.found.items()}


def deal(piece: Piece, side: str, work: Work) -> Dealt:
    """
    Read a piece of a side and split it by key.

    Raises:
        InputUnusable: it cannot be read, it is another file by now, or a value is not what it should be.
        SchemaMismatch: a key is null.
    """
    agreed = work.agreed
    columns = agreed.left if side == "left" else agreed.right
    wanted = Wanted(side, columns, agreed.keys, work.options.null_keys == "error")
    with unchanged(piece):
        source = of_lazy(piece.name, scan(piece.file).slice(piece.first, piece.count))
        found = [no_rows(agreed, columns).drop(place_name(agreed)), *typed_pieces(source, wanted)]
    typed = pl.concat(found, rechunk=True)
    place = pl.int_range(piece.place, piece.place + typed.height, dtype=pl.UInt32, eager=True)
    placed = typed.insert_column(0, place.alias(place_name(agreed)))
    split = split_by_key(placed, keys=agreed.keys, parts=work.parts)
    return {part.number: _packed(placed[part.rows]) for part in split if part.rows.len()}


def take(dealt: Dealt, part: int) -> bytes | None:
    """The rows of one part."""
    return dealt.get(part)


def compare(left: Sequence[bytes | None], right: Sequence[bytes | None], work: Work) -> Answer:
    """
    Compare one part, whose rows come in the order of their places.

    Raises:
        SchemaMismatch: the kernel cannot compare them so.
    """
    agreed = work.agreed
    sides = [
        pl.concat(
            [no_rows(agreed, columns), *(pl.read_ipc_stream(rows) for rows in pieces if rows is not None)], rechunk=True
        )
        for pieces, columns in ((left, agreed.left), (right, agreed.right))
    ]
    differ = Differ(work.options.threads or 1)  # the engine runs as many tasks as there are processors
    found = compare_part(sides[0], sides[1], agreed, options=work.options, differ=differ, placed=True)
    return Answer(found.figures, {kind: list(found.placed(kind)) for kind in KINDS})


def piece_of(answer: Answer, kind: Kind, number: int) -> pl.DataFrame:
    """One piece of the rows behind an answer."""
    return answer.found[kind][number]


def write(answer: Answer, folder: str, part: int) -> list[str]:
    """
    Write the rows behind an answer as Parquet files of a folder, one for each kind that it has; answers their names.

    A file appears whole or not at all, and is the same whoever writes it, so that doing it twice does no harm.

    Raises:
        DiskError: one cannot be written.
    """
    names = []
    for kind, pieces in answer.found.items():
        frames = [piece for piece in pieces if piece.height]
        if frames:
            name = f"{kind}-{part:05}.parquet"
            put(folder, name, pl.concat(frames))
            names.append(name)
    return names


def unreadable(files: Sequence[str]) -> str | None:
    """Which of these files this worker cannot read, and why."""
    for file in files:
        try:
            if "://" in file:
                scan(file).collect_schema()
            else:
                with Path(file).open("rb"):
                    pass
        except (OSError, ImportError, ValueError, pl.exceptions.PolarsError) as error:
            return f"{file}: {getattr(error, 'strerror', None) or str(error).splitlines()[0]}"
    return None


def _packed(rows: pl.DataFrame) -> bytes:
    raw = io.BytesIO()
    rows.write_ipc_stream(raw, compression="uncompressed")
    return raw.getvalue()


def no_rows(agreed: Plan, columns: Sequence[Reading]) -> pl.DataFrame:
    """A side without rows, as it is dealt out."""
    return pl.DataFrame(schema={place_name(agreed): pl.UInt32(), **{one.name: one.dtype for one in columns}})
