"""
SQL literals for the values that SQLite's own quote() does not carry through a file.

quote() stops at a NUL and leaves line breaks raw (the `sqlite3` program drops a carriage return before one);
it writes an infinity as a word, and on a machine without wide doubles its digits may read back as a
neighbour.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from tieout.backup.tables import Kind, Table
from tieout.store.identifier import quoted

if TYPE_CHECKING:
    import sqlite3

    from tieout.backup.fingerprint import TableContent

_ESCAPED: Final = (("\n", "char(10)"), ("\r", "char(13)"), ("\0", "char(0)"))
_ARGUMENTS: Final = 80
"""Columns per printf(): a function may have 127 arguments, older versions 100."""
_MANTISSA_BITS: Final = 53
_STEP_BITS: Final = 62
"""Powers of two up to 2**62 are exact in every reader's 64-bit arithmetic."""


def install(raw: sqlite3.Connection, encoding: str) -> None:
    """Give the connection `tieout_text(blob)` and `tieout_real(real)`, which answer literals."""
    codec = encoding.lower().replace("-", "_")
    raw.create_function("tieout_text", 1, lambda blob: text_literal(blob, codec), deterministic=True)
    raw.create_function("tieout_real", 1, real_literal, deterministic=True)


def text_literal(raw: bytes, codec: str = "utf_8") -> str:
    """An SQL expression on one line for a text of any characters, or of bytes that are not characters."""
    try:
        text = raw.decode(codec)
        text.encode("utf-8")
    except UnicodeError:
        return f"CAST(X'{raw.hex().upper()}' AS TEXT)"
    open_calls, close_calls = "", ""
    for character, sql in _ESCAPED:
        if character in text:
            token = _token(text, ord(character))
            text = text.replace(character, token)
            open_calls += "replace("
            close_calls += f", '{token}', {sql})"
    return f"{open_calls}'{text.replace(chr(39), chr(39) * 2)}'{close_calls}"


def real_literal(value: float) -> str:
    """An SQL expression that every SQLite reads as exactly this double."""
    if math.isinf(value):
        return "9e999" if value > 0 else "-9e999"
    mantissa, exponent = math.frexp(value)
    whole, exponent = int(mantissa * 2**_MANTISSA_BITS), exponent - _MANTISSA_BITS
    sign = "*" if exponent > 0 else "/"
    steps, rest = divmod(abs(exponent), _STEP_BITS)
    return f"({whole} * 1.0{f' {sign} {2**_STEP_BITS}.0' * steps} {sign} {2**rest}.0)"


def row_expression(table: Table, content: TableContent, columns: tuple[str, ...]) -> str:
    """SQL that makes a row's `(literal, literal, ...)` of these columns."""
    kinds = dict(zip(table.columns, content.kinds, strict=True))
    parts = [_part(quoted(column), kinds[column], content) for column in columns]
    groups = [parts[start : start + _ARGUMENTS] for start in range(0, len(parts), _ARGUMENTS)]
    return "'(' || " + " || ', ' || ".join(_printf(group) for group in groups) + " || ')'"


def _printf(parts: list[tuple[str, str]]) -> str:
    return f"printf('{', '.join(form for form, _ in parts)}', {', '.join(value for _, value in parts)})"


def _part(column: str, kind: Kind, content: TableContent) -> tuple[str, str]:
    """How printf is to write a column, and the value it is given."""
    if kind == "integer":
        return "%s", f"ifnull({column}, 'NULL')"
    plain = not content.escapes and not content.broken_text
    if kind == "text":
        return ("%Q", column) if plain else ("%s", _text_case(column, content))
    text = f"quote({column})" if plain else _text_case(column, content)
    exact = f"CAST(quote({column}) AS REAL) = {column}"
    real = f"CASE WHEN {exact} THEN quote({column}) ELSE tieout_real({column}) END"
    cases = f"WHEN 'text' THEN {text} WHEN 'real' THEN {real} ELSE quote({column})"
    return "%s", f"CASE typeof({column}) {cases} END"


def _text_case(column: str, content: TableContent) -> str:
    careful = f"tieout_text(CAST({column} AS BLOB))"
    if content.broken_text:
        return f"CASE WHEN {column} IS NULL THEN 'NULL' ELSE {careful} END"
    odd = " OR ".join(f"instr({column}, {sql}) > 0" for _, sql in _ESCAPED)
    return f"CASE WHEN {odd} THEN {careful} ELSE quote({column}) END"


def _token(text: str, code: int) -> str:
    """A mark that does not occur in the text and cannot overlap with itself."""
    number = 0
    while (token := f"<{code}:{number}>") in text:
        number += 1
    return token
