"""The summary as a person reads it in a terminal."""

from __future__ import annotations

from typing import Final

from tieout.diffing.result import DiffResult
from tieout.diffing.summary import EXAMPLES_DEFAULT, FieldFigure, Summary, summarize

BAR_WIDTH: Final = 20
LISTED_MAX: Final = 12
"""Fields and names of a line; the rest is counted."""
VALUE_WIDTH_MAX: Final = 48


def as_text(result: DiffResult, *, examples: int = EXAMPLES_DEFAULT) -> str:
    """The whole summary."""
    return "\n".join(line for _, line in lines(result, summarize(result, examples)))


def lines(result: DiffResult, summary: Summary) -> list[tuple[str | None, str]]:
    """Each line of the summary with its sign (+ ~ - ? ok head dim), which a terminal may colour."""
    found = _head(result) + _counts(result)
    found += _fields(summary, result.counts.changed)
    found += _only(result, summary) + _when(summary) + _groups(summary)
    found += [("dim", f"note: {note}") for note in _notes(result)]
    return [*found, *_verdict(result)]


def _head(result: DiffResult) -> list[tuple[str | None, str]]:
    c = result.counts
    width = max(map(len, result.names))
    rows = max(len(f"{c.rows_left:,}"), len(f"{c.rows_right:,}"))
    found: list[tuple[str | None, str]] = [
        (None, f"left    {result.names[0]:<{width}}  {c.rows_left:>{rows},} rows"),
        (None, f"right   {result.names[1]:<{width}}  {c.rows_right:>{rows},} rows"),
        (None, f"key     {', '.join(result.plan.keys)}"),
        (None, f"fields  {_listing(result.plan.fields) or 'none'}"),
    ]
    if result.sample is not None:
        s = result.sample
        told = f"one key of {s.one_in:,}, of {s.rows_left:,} and {s.rows_right:,} rows; the figures are the sample's"
        found.append(("?", f"sample  {told}"))
    return [*found, (None, "")]


def _counts(result: DiffResult) -> list[tuple[str | None, str]]:
    c = result.counts
    keys = c.equal + c.different
    rows = [
        ("ok", " ", "equal", c.equal),
        ("~", "~", "changed", c.changed),
        ("-", "-", "left only", c.left_only),
        ("+", "+", "right only", c.right_only),
        ("?", "?", "duplicate keys", c.duplicate_keys),
        ("?", "?", "rows without a key", c.null_keys),
    ]
    width = len(f"{max(count for *_, count in rows):,}")
    shown = [row for row in rows if row[3] or row[2] not in {"duplicate keys", "rows without a key"}]
    return [
        (style if count else None, f"{mark} {name:<18} {count:>{width},}  {share(count, keys):>8}")
        for style, mark, name, count in shown
    ]


def _fields(summary: Summary, changed: int) -> list[tuple[str | None, str]]:
    if not summary.fields:
        return []
    shown = summary.fields[:LISTED_MAX]
    name_width = max(len(one.name) for one in shown)
    count_width = len(f"{shown[0].count:,}")
    found: list[tuple[str | None, str]] = [(None, ""), ("head", "fields that differ most")]
    for one in shown:
        bar = "█" * max(1, round(BAR_WIDTH * one.count / shown[0].count))
        told = f"  {one.name:<{name_width}}  {one.count:>{count_width},}  {share(one.count, changed):>8}  {bar}"
        found.append((None, told))
        found += _examples(one)
    if len(summary.fields) > len(shown):
        found.append(("dim", f"  and {len(summary.fields) - len(shown)} more"))
    return found


def _examples(one: FieldFigure) -> list[tuple[str | None, str]]:
    width = max((len(_cut(example.key)) for example in one.examples), default=0)
    return [("dim", f"      {_cut(e.key):<{width}}  {_cut(e.left)} -> {_cut(e.right)}") for e in one.examples]


def _only(result: DiffResult, summary: Summary) -> list[tuple[str | None, str]]:
    words = {"left_only": "left only", "right_only": "right only", "duplicate_keys": "duplicate"}
    named = [(words[name], keys) for name, keys in summary.only.items() if keys]
    told = [f"  {word:<10}  {'; '.join(map(_cut, keys))}" for word, keys in named]
    found: list[tuple[str | None, str]] = [("dim", line) for line in told]
    if result.counts.duplicate_keys:
        rows = f"{result.counts.duplicate_rows:,} rows with a duplicate key were not compared"
        found.append(("?", f"  {rows}: choose a key that is unique"))
    return [(None, ""), ("head", "for example"), *found] if found else []


def _when(summary: Summary) -> list[tuple[str | None, str]]:
    if summary.oldest is None or summary.newest is None:
        return []
    return [
        (None, ""),
        (None, f"oldest difference  {summary.oldest.at}  {summary.oldest.kind}, {_cut(summary.oldest.key)}"),
        (None, f"newest difference  {summary.newest.at}  {summary.newest.kind}, {_cut(summary.newest.key)}"),
    ]


def _groups(summary: Summary) -> list[tuple[str | None, str]]:
    found: list[tuple[str | None, str]] = []
    for name, (top, values) in summary.groups.items():
        more = f", and {values - len(top)} more" if values > len(top) else ""
        found.append((None, f"{'by ' + name:<17}  {', '.join(f'{_cut(v)} {n:,}' for v, n in top)}{more}"))
    return found


def _notes(result: DiffResult) -> list[str]:
    c, found = result.counts, list(result.plan.notes)
    if c.rows_left and c.rows_right and not c.equal + c.changed and c.left_only and c.right_only:
        found.append("no key is on both sides: is it the right column, and written the same way?")
    return found


def _verdict(result: DiffResult) -> list[tuple[str | None, str]]:
    c = result.counts
    if not c.rows_left and not c.rows_right:
        return [(None, ""), ("ok", "equal: both sides are empty")]
    if result.same:
        return [(None, ""), ("ok", f"equal: all {c.equal:,} rows{' of the sample' if result.sample else ''}")]
    return [(None, ""), ("~", f"different: {c.different:,} of {c.equal + c.different:,} keys")]


def share(part: int, whole: int) -> str:
    """A share in percent; what is not nothing is never shown as 0, nor what is not all as 100."""
    if not whole:
        return ""
    percent = f"{100 * part / whole:.2f} %"
    if part and percent == "0.00 %":
        return "< 0.01 %"
    return "> 99.99 %" if part != whole and percent == "100.00 %" else percent


def _listing(names: tuple[str, ...]) -> str:
    more = f", and {len(names) - LISTED_MAX} more" if len(names) > LISTED_MAX else ""
    return ", ".join(names[:LISTED_MAX]) + more


def _cut(text: str) -> str:
    return cut(text, VALUE_WIDTH_MAX)


def cut(text: str, width_max: int) -> str:
    """One line, without control characters, of bounded width: values are data, never terminal commands."""
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return clean if len(clean) <= width_max else clean[: width_max - 1] + "…"
