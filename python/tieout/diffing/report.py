"""The HTML report: one file that needs nothing else, with a chart per field and a table that can be searched."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, Final, NamedTuple

import polars as pl

from tieout.diffing.report_page import SCRIPT, STYLE
from tieout.diffing.result import DiffResult
from tieout.diffing.summary import EXAMPLES_DEFAULT, Summary, summarize, value_text
from tieout.diffing.tables import KINDS, endings, plain
from tieout.diffing.text import lines, share

TOP: Final = 8
"""Pairs of values that a field's chart names."""
CHARTED_MAX: Final = 1_000_000
"""Changed rows that the charts count."""
CHANGE_PLACES: Final = 9
VALUE_WIDTH_MAX: Final = 22
CHART_WIDTH: Final = 360
BAR_HEIGHT: Final = 18


class Bar(NamedTuple):
    """A bar of a chart: what stands on it, what is told in full where the mouse is, and how long it is."""

    label: str
    title: str
    pairs: int


def as_html(result: DiffResult, *, examples: int) -> str:
    """
    The report as HTML. Every name and value is escaped; it loads nothing from anywhere.

    Args:
        result: what was found.
        examples: at most so many rows of each kind in the table.
    """
    summary = summarize(result, EXAMPLES_DEFAULT)
    told = "\n".join(escape(line) for _, line in lines(result, summary))
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8"><title>tieout diff</title>',
        f"<style>{STYLE}</style></head><body>",
        f"<h1>{escape(result.names[0])} and {escape(result.names[1])}</h1>",
        f"<pre>{told}</pre>",
        *_charts(result, summary),
        *_table(result, examples),
        f"<script>{SCRIPT}</script></body></html>\n",
    ]
    return "\n".join(parts)


def _charts(result: DiffResult, summary: Summary) -> list[str]:
    """For each field that differs, which value became which, most frequent first."""
    if not summary.fields:
        return []
    bars = _bars(result, [one.name for one in summary.fields])
    more = result.counts.changed - CHARTED_MAX
    note = f"<p>Of the first {CHARTED_MAX:,} changed rows; {more:,} more are not counted here.</p>" if more > 0 else ""
    found = ["<h2>Fields that differ</h2>", note, '<div class="charts">']
    for one in summary.fields:
        title = f"{escape(one.name)}: {one.count:,} ({escape(share(one.count, result.counts.changed))} of the changed)"
        found += [f"<figure><figcaption>{title}</figcaption>", _svg(bars[one.name]), "</figure>"]
    return [*found, "</div>"]


def _bars(result: DiffResult, names: Sequence[str]) -> dict[str, list[Bar]]:
    """
    The most frequent pairs of values of each field, with how often they occur.

    Of numbers whose pairs are all different the most frequent changes: +0.25 says more than 103.75 → 104.
    """
    left, right, differs = endings(result.plan)
    pairs: dict[str, list[pl.DataFrame]] = {name: [] for name in names}
    rows = 0
    for whole in result.tables.stream("changed"):
        frame = whole.head(CHARTED_MAX - rows)
        rows += frame.height
        for name, found in pairs.items():
            chosen = frame.lazy().filter(pl.col(differs).list.contains(name))
            both = chosen.group_by(pl.col(name + left).alias("left"), pl.col(name + right).alias("right"))
            found.append(both.len("pairs").collect())
        if rows >= CHARTED_MAX:
            break
    bars = {}
    for name, found in pairs.items():
        counted = pl.concat(found).group_by("left", "right").agg(pl.col("pairs").sum())
        moved = _changes(counted) if counted["pairs"].max() == 1 and counted.height > 1 else []
        ordered = counted.sort(["pairs", "left", "right"], descending=[True, False, False], nulls_last=True)
        bars[name] = moved or [
            Bar(
                f"{_cut(value_text(a))} → {_cut(value_text(b))} ({n:,})",
                f"{value_text(a)} → {value_text(b)}: {n:,}",
                n,
            )
            for a, b, n in ordered.head(TOP).iter_rows()
        ]
    return bars


def _changes(pairs: pl.DataFrame) -> list[Bar]:
    """By how much numbers changed, most frequent first; nothing of other values, or where every change is another."""
    if not all(pairs.schema[side].is_numeric() for side in ("left", "right")):
        return []
    change = (pl.col("right").cast(pl.Float64) - pl.col("left").cast(pl.Float64)).round(CHANGE_PLACES)
    counted = pairs.group_by(change.alias("change")).len("pairs")
    top = counted.sort(["pairs", "change"], descending=[True, False], nulls_last=True).head(TOP)
    if counted["pairs"].max() == 1:
        return []
    named = [("from or to null" if by is None else f"{by:+,.{CHANGE_PLACES}g}", n) for by, n in top.iter_rows()]
    return [Bar(f"{name} ({n:,})", f"{name}: {n:,}", n) for name, n in named]


def _cut(value: str) -> str:
    """A value that leaves room for the other one of its pair."""
    return value if len(value) <= VALUE_WIDTH_MAX else value[: VALUE_WIDTH_MAX - 1] + "…"


def _svg(bars: list[Bar]) -> str:
    most = max((bar.pairs for bar in bars), default=1)
    height = BAR_HEIGHT * len(bars)
    found = [f'<svg role="img" width="{CHART_WIDTH}" height="{height}" viewBox="0 0 {CHART_WIDTH} {height}">']
    for at, bar in enumerate(bars):
        width = max(2, CHART_WIDTH * bar.pairs // most)
        y = at * BAR_HEIGHT
        found.append(
            f'<rect x="0" y="{y}" width="{width}" height="{BAR_HEIGHT - 3}"><title>{escape(bar.title)}</title>'
            f'</rect><text x="4" y="{y + 12}">{escape(bar.label)}</text>'
        )
    return "".join([*found, "</svg>"])


def _table(result: DiffResult, examples: int) -> list[str]:
    """Rows of each kind; a changed row shows only what differs."""
    rows: list[str] = []
    c = result.counts
    for kind in KINDS:
        left = examples
        for frame in result.tables.stream(kind):
            rows += [_row(result, kind, row) for row in plain(frame.head(left)).iter_rows(named=True)]
            left -= min(left, frame.height)
            if not left:
                break
    left_out = c.different - len(rows)
    if not rows:
        return []
    keys = "".join(f"<th>{escape(name)}</th>" for name in result.plan.keys)
    more = f"<p>{left_out:,} more rows are not shown; --out FILE.parquet has all.</p>" if left_out else ""
    return [
        "<h2>Rows</h2>",
        '<p><input id="search" type="search" placeholder="search" autofocus> <span id="found"></span></p>',
        more,
        f'<table><thead><tr><th>kind</th>{keys}<th>what differs</th></tr></thead><tbody id="rows">',
        *rows,
        "</tbody></table>",
    ]


def _row(result: DiffResult, kind: str, row: dict[str, Any]) -> str:
    left, right, differs = endings(result.plan)
    keys = "".join(f"<td>{escape(value_text(row[name]))}</td>" for name in result.plan.keys)
    if kind == "changed":
        told = [
            f"<b>{escape(name)}</b> <del>{escape(value_text(row[name + left]))}</del> → "
            f"<ins>{escape(value_text(row[name + right]))}</ins>"
            for name in row[differs]
        ]
    else:
        rest = [name for name in row if name not in result.plan.keys]
        told = [f"<b>{escape(name)}</b> {escape(value_text(row[name]))}" for name in rest]
    return f'<tr class="{kind}"><td>{kind.replace("_", " ")}</td>{keys}<td>{"; ".join(told)}</td></tr>'
