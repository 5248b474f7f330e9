"""The HTML report: one file that needs nothing else, with a chart per field and a table that can be searched."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, Final

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
CHART_WIDTH: Final = 360
BAR_HEIGHT: Final = 18


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


def _bars(result: DiffResult, names: Sequence[str]) -> dict[str, list[tuple[str, int]]]:
    """The most frequent pairs of values of each field, with how often they occur."""
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
        counted = pl.concat(found).lazy().group_by("left", "right").agg(pl.col("pairs").sum())
        ordered = counted.sort(["pairs", "left", "right"], descending=[True, False, False], nulls_last=True)
        top = ordered.head(TOP).collect()
        bars[name] = [(f"{value_text(a)} → {value_text(b)}", int(count)) for a, b, count in top.iter_rows()]
    return bars


def _svg(bars: list[tuple[str, int]]) -> str:
    most = max((count for _, count in bars), default=1)
    height = BAR_HEIGHT * len(bars)
    found = [f'<svg role="img" width="{CHART_WIDTH}" height="{height}" viewBox="0 0 {CHART_WIDTH} {height}">']
    for at, (name, count) in enumerate(bars):
        width = max(2, CHART_WIDTH * count // most)
        y = at * BAR_HEIGHT
        label = escape(name if len(name) <= 44 else name[:43] + "…")
        found.append(
            f'<rect x="0" y="{y}" width="{width}" height="{BAR_HEIGHT - 3}"><title>{escape(name)}: {count:,}</title>'
            f'</rect><text x="4" y="{y + 12}">{label} ({count:,})</text>'
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
            f"<b>{escape(name)}</b> <del>{escape(value_text(row[name + left]))}</del> "
            f"<ins>{escape(value_text(row[name + right]))}</ins>"
            for name in row[differs]
        ]
    else:
        rest = [name for name in row if name not in result.plan.keys]
        told = [f"<b>{escape(name)}</b> {escape(value_text(row[name]))}" for name in rest]
    return f'<tr class="{kind}"><td>{kind.replace("_", " ")}</td>{keys}<td>{"; ".join(told)}</td></tr>'
