"""The summary as a person reads it in a terminal."""

from __future__ import annotations

from typing import Final

from tieout.diffing.dedup.result import DedupResult
from tieout.diffing.text import cut, share

_INPUTS_SHOWN_MAX: Final = 4
_DIFFERING_SHOWN_MAX: Final = 6
_MODES: Final = {
    "key": "rows of one key that agree in every compared column",
    "executions": "execution ids, and the corrections of one another",
    "orders": "orders that ask for the same",
}

Line = tuple[str | None, str]
"""A line with its sign (+ ~ - ? ok head dim), which a terminal may colour."""


def as_text(result: DedupResult) -> str:
    """The whole summary."""
    return "\n".join(line for _, line in lines(result))


def lines(result: DedupResult) -> list[Line]:
    """Each line of it."""
    names = result.names[:_INPUTS_SHOWN_MAX]
    more = len(result.names) - len(names)
    found: list[Line] = [(None, f"{'input':<8}{name}") for name in names]
    found += [(None, f"        and {more} more")] if more else []
    found += [(None, f"key     {', '.join(result.keys)}"), (None, f"rule    {_MODES[result.mode]}"), (None, "")]
    found += _counts(result) + _doubts(result)
    found += [("dim", f"note: {note}") for note in result.notes]
    return [*found, (None, ""), *_verdict(result)]


def _counts(result: DedupResult) -> list[Line]:
    c = result.counts
    rows: list[tuple[str | None, str, str, int]] = [
        (None, " ", "rows", c.rows),
        ("ok", " ", "kept", c.kept),
        ("-", "-", "duplicates", c.duplicates),
        ("-", "-", "superseded", c.superseded),
        ("?", "?", "in conflict", c.conflict_rows),
        ("?", "?", "ambiguous", c.ambiguous),
        ("?", "?", "without a key", c.null_keys),
    ]
    width = len(f"{c.rows:,}")
    return [
        (style, f"{mark} {name:<14} {count:>{width},}  {share(count, c.rows):>8}")
        for style, mark, name, count in rows
        if count or name in {"rows", "kept", "duplicates"}
    ]


def _doubts(result: DedupResult) -> list[Line]:
    words = {
        "superseded": "superseded",
        "conflict": "the same key, other contents (all of them kept)",
        "ambiguous": "may correct one another, and do not agree (all of them kept)",
    }
    found: list[Line] = []
    for name, word in words.items():
        if result.examples[name]:
            found += [(None, ""), ("head", word)]
            found += [("dim", f"  {cut(example, 110)}") for example in result.examples[name]]
        if name == "conflict" and result.differing:
            told = [f"{column} {count:,}" for column, count in result.differing.items()]
            more = f", and {len(told) - _DIFFERING_SHOWN_MAX} more" if len(told) > _DIFFERING_SHOWN_MAX else ""
            found.append((None, f"  differing: {', '.join(told[:_DIFFERING_SHOWN_MAX])}{more}"))
    return found


def _verdict(result: DedupResult) -> list[Line]:
    c = result.counts
    if not result.clear:
        doubts = [f"{c.conflict_rows:,} rows in conflict ({c.conflicts:,} keys)"] if c.conflict_rows else []
        doubts += [f"{c.ambiguous:,} ambiguous"] if c.ambiguous else []
        return [("?", f"to be decided: {', '.join(doubts)}; {c.dropped:,} of {c.rows:,} rows dropped")]
    if not c.dropped:
        return [("ok", f"nothing to drop: {c.rows:,} rows")]
    return [("ok", f"dropped {c.dropped:,} of {c.rows:,} rows")]
