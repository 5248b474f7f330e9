"""`ticks check`: is a recording, or any file of ticks, what it should be? Reads all of it, changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tieout.clock import NS_PER_S, to_iso
from tieout.errors import InputUnusable
from tieout.ticks.files.parts import DAY_FOLDER
from tieout.ticks.files.recording import Part, counted_once, streams_of
from tieout.ticks.sources.check_sequence import Session, missing_numbers
from tieout.ticks.sources.check_stream import StreamCheck, Tally, seconds
from tieout.ticks.sources.mapped import Columns
from tieout.ticks.sources.opening import files_of, open_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tieout.ticks.files.stream import Stream

_PIECE_ROWS = 131_072


@dataclass(slots=True)
class Checked:
    """
    What a check found.

    Attributes:
        instruments: name -> what was seen of it.
        sessions: the numbers of each recording that was given whole.
        unreadable: file -> why it could not be read; what is left of its instrument was looked at all the same.
        left_over: files that `ticks compact` replaced and did not come to remove; readers pass them over.
        numbers_unknown: why no missing numbers were looked for, where they were not.
    """

    instruments: dict[str, Tally] = field(default_factory=dict)
    sessions: list[Session] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    left_over: int = 0
    numbers_unknown: str | None = None

    @property
    def rows(self) -> int:
        """Ticks that were looked at."""
        return sum(one.rows for one in self.instruments.values())

    @property
    def findings(self) -> int:
        """How many things are wrong; 0 is a clean bill."""
        of_ticks = sum(one.findings for one in self.instruments.values())
        return of_ticks + sum(one.gaps for one in self.sessions) + len(self.unreadable)

    def to_json(self) -> dict[str, Any]:
        """The result as `--json` prints it; times as ISO-8601."""
        return {
            "rows": self.rows,
            "findings": self.findings,
            "instruments": [_tally_json(name, one) for name, one in self.instruments.items()],
            "sessions": [
                {
                    "began": to_iso(one.began_ns), "rows": one.rows, "connections": one.connections,
                    "gaps": one.gaps, "lost": one.lost,
                    "first_gaps": [{"at": to_iso(at), "lost": lost} for at, lost in one.examples],
                }
                for one in self.sessions
            ],
            "unreadable": [{"file": file, "why": why} for file, why in self.unreadable.items()],
            "left_over": self.left_over,
            "numbers_unknown": self.numbers_unknown,
        }  # fmt: skip


def check(
    sources: Sequence[str | Path],
    *,
    columns: Columns | None = None,
    gap_seconds: float | None = None,
    progress: Callable[[str, int, int | None], None] = lambda _what, _done, _total: None,
) -> Checked:
    """
    Look through all ticks of the sources.

    Args:
        sources: as `tieout.ticks.sources.opening.open_sources` takes them.
        gap_seconds: an instrument that says nothing for longer is a finding; None is for ever.
        progress: told what is done, how many rows of it, and of how many.

    Raises:
        UsageError, InputUnusable: nothing is named, or there is no such file. A file that cannot be read is a finding.
        SchemaMismatch: a file of another program needs its columns named.
    """
    result = Checked()
    files = list(dict.fromkeys(file for source in sources for file in files_of(Path(source))))
    parts: list[Part] = []
    others: list[Stream] = []
    for file in files:
        try:
            found = open_file(file, columns or Columns())
        except InputUnusable as error:
            result.unreadable[str(file)] = error.message
            continue
        if isinstance(found, Part):
            parts.append(found)
        else:
            others.append(found)
    result.left_over = len(parts) - len(counted_once(parts))
    recorded = streams_of(parts)
    silent_ns = None if gap_seconds is None else int(gap_seconds * NS_PER_S)
    counts = [stream.rows or 0 for stream in (*recorded, *others)]
    done = 0
    for stream in (*recorded, *others):
        _check_stream(stream, result, silent_ns, partial(_tell, progress, done, sum(counts)))
        done += stream.rows or 0
    _check_numbers(sources, recorded, result)
    return result


def _tell(progress: Callable[[str, int, int | None], None], before: int, total: int, rows: int) -> None:
    progress("looking", before + rows, total)


def _check_stream(stream: Stream, result: Checked, silent_ns: int | None, told: Callable[[int], None]) -> None:
    checks = [StreamCheck(silent_ns) for _ in stream.instruments]
    rows = 0
    try:
        for piece in stream.pieces(_PIECE_ROWS):
            if len(checks) == 1:
                checks[0].look(piece)
            else:
                for (number,), group in piece.partition_by("instrument", as_dict=True, maintain_order=True).items():
                    checks[int(number)].look(group)
            rows += piece.height
            told(rows)
    except InputUnusable as error:
        result.unreadable[stream.shown] = error.message
    for one, contract_check in zip(stream.names, checks, strict=True):
        _add(result.instruments, one, contract_check.done())


def _add(tallies: dict[str, Tally], name: str, tally: Tally) -> None:
    """Two sources of one name are shown apart."""
    shown, number = name, 1
    while shown in tallies:
        number += 1
        shown = f"{name} ({number})"
    tallies[shown] = tally


def _check_numbers(sources: Sequence[str | Path], recorded: list[Stream], result: Checked) -> None:
    """Numbers run over all instruments, so that only a whole recording says which are missing."""
    if not recorded:
        result.numbers_unknown = "no recording of tieout's is among the sources"
    elif result.unreadable:
        result.numbers_unknown = "a file could not be read"
    elif any(one.duplicates for one in result.instruments.values()):
        result.numbers_unknown = "ticks are there twice; take the copies away first"
    elif not all(_is_whole(Path(source)) for source in sources):
        result.numbers_unknown = "only some files of a recording were named; name its folder, or one day's"
    else:
        result.sessions = missing_numbers(recorded)


def _is_whole(source: Path) -> bool:
    return source.is_dir() and (source.name.startswith(DAY_FOLDER) or any(source.glob(f"{DAY_FOLDER}*")))


def _tally_json(name: str, one: Tally) -> dict[str, Any]:
    return {
        "instrument": name, "rows": one.rows,
        "first": None if one.first_ns is None else to_iso(one.first_ns),
        "last": None if one.last_ns is None else to_iso(one.last_ns),
        "duplicates": one.duplicates, "backwards": one.backwards, "backwards_seconds_max": seconds(one.backwards_ns),
        "no_price": one.no_price, "silent": one.silent, "silent_seconds_max": seconds(one.silent_ns),
        "first_silences": [{"from": to_iso(at), "seconds": seconds(long)} for at, long in one.silences],
    }  # fmt: skip
