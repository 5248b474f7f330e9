"""Names of tables and columns in SQL text that no library writes."""

from __future__ import annotations


def quoted(name: str) -> str:
    """A name as an SQL identifier, whatever characters are in it."""
    return '"' + name.replace('"', '""') + '"'
