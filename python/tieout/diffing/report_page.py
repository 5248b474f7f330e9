"""Looks and search of the HTML report."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
body{font:14px/1.45 system-ui,sans-serif;margin:2rem;color:#1c2430;background:#fff}
h1{font-size:1.3rem}h2{font-size:1.1rem;margin-top:2rem}
pre{background:#f4f6f9;padding:1rem;overflow:auto}
.charts{display:flex;flex-wrap:wrap;gap:1.5rem}
figure{margin:0}figcaption{font-weight:600;margin-bottom:.3rem}
svg rect{fill:#a9c7ee}svg text{font-size:11px;fill:#1c2430}
table{border-collapse:collapse}th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #dde3ea}
th{position:sticky;top:0;background:#fff}
del{color:#a32020;text-decoration:none}ins{color:#176b33;text-decoration:none}
.left_only td:first-child{color:#a32020}.right_only td:first-child{color:#176b33}
input{font:inherit;padding:.3rem .5rem;width:20rem}
"""

SCRIPT: Final = """
const box = document.getElementById("search");
if (box) {
  const rows = [...document.getElementById("rows").rows].map(row => [row, row.textContent.toLowerCase()]);
  const show = () => {
    const words = box.value.toLowerCase().split(/\\s+/).filter(Boolean);
    let count = 0;
    for (const [row, text] of rows) {
      row.hidden = !words.every(word => text.includes(word));
      count += row.hidden ? 0 : 1;
    }
    document.getElementById("found").textContent = count + " of " + rows.length + " rows";
  };
  box.addEventListener("input", show);
  show();
}
"""
