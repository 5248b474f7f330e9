"""The HTML report: one file that needs nothing else, with a chart per field and a table that can be searched."""

from __future__ import annotations

from html import escape
from typing import Any, Final

import polars as pl

from tieout.diffing.report_page import SCRIPT, STYLE
from tieout.diffing.result import DiffResult
from tieout.diffing.summary import EXAMPLES_DEFAULT, Summary, summarize, value_text
from tieout.diffing.tables import endings, pieces, plain
from tieout.diffing.text import lines, share

TOP: Final = 8
"""Pairs of values that a field's chart names."""
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
    told = "\n".join(escape(line) for _, line in lines(result))
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
    left, right, differs = endings(result.plan)
    found = ["<h2>Fields that differ</h2>", '<div class="charts">']
    for one in summary.fields:
        pairs = (
            result.changed.lazy()
            .filter(pl.col(differs).list.contains(one.name))
            .group_by(pl.col(one.name + left).alias("left"), pl.col(one.name + right).alias("right"))
            .len("pairs")
            .sort(["pairs", "left", "right"], descending=[True, False, False], nulls_last=True)
            .head(TOP)
            .collect()
        )
        bars = [(f"{value_text(a)} → {value_text(b)}", int(count)) for a, b, count in pairs.iter_rows()]
        title = f"{escape(one.name)}: {one.count:,} ({escape(share(one.count, result.counts.changed))} of the changed)"
        found += [f"<figure><figcaption>{title}</figcaption>", _svg(bars), "</figure>"]
    return [*found, "</div>"]


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
    left_out = 0
    for kind, frame in pieces(result.tables):
        left_out += max(0, frame.height - examples)
        rows += [_row(result, kind, row) for row in plain(frame.head(examples)).iter_rows(named=True)]
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
