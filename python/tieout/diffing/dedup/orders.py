"""Orders by what they ask for: every field of the gate's fingerprint that the input has."""

from __future__ import annotations

from typing import Final

import polars as pl

from tieout.diffing.casting import exactly
from tieout.diffing.dedup.roles import ORDER_NEEDED, order_columns
from tieout.diffing.kernel import ORDER_FIELDS, order_prints
from tieout.errors import InputUnusable, SchemaMismatch

PRINT: Final = "fingerprint"
_E8: Final = pl.Decimal(38, 8)


def check_columns(schema: dict[str, pl.DataType]) -> dict[str, str]:
    """
    Order field -> the column that has it.

    Raises:
        SchemaMismatch: too few of them to call two orders the same.
    """
    found = order_columns(schema)
    missing = [name.removesuffix("_e8") for name in ORDER_NEEDED if name not in found]
    missing += [] if {"symbol", "con_id"} & set(found) else ["symbol or con_id"]
    if missing:
        raise SchemaMismatch(
            f"there is no column {PRINT}, and none for {', '.join(missing)}, to make it from",
            hint="--key fingerprint is for orders; name the columns that tell these rows apart instead",
        )
    return found


def printed(
    frame: pl.DataFrame, columns: dict[str, str], *, places: pl.Series | None = None, first: int = 0
) -> pl.DataFrame:
    """
    The fingerprint of each row, in the column `PRINT`, and the fields that it is of.

    Args:
        frame: has the columns that `columns` names, by order field.
        columns: the others are unknown.
        places: its rows' numbers in the whole, for messages; without, they are counted from `first`.
        first: the number of its first row.

    Raises:
        InputUnusable: a value that the field cannot hold exactly.
    """
    values = []
    for field, dtype in ORDER_FIELDS.items():
        name = columns.get(field)
        if name is None:
            values.append(pl.lit(None, dtype=dtype).alias(field))
            continue
        column = pl.col(name)
        if field.endswith("_e8") and name != field:
            column = exactly(column, frame.schema[name], _E8).to_physical().cast(dtype, strict=False)
        else:
            column = exactly(column, frame.schema[name], dtype)
        values.append(column.alias(field))
    fields = frame.select(values)
    for field, name in columns.items():
        if fields[field].null_count() > frame[name].null_count():
            row = (fields[field].is_null() & frame[name].is_not_null()).arg_max() or 0
            number = first + row if places is None else places[row]
            raise InputUnusable(
                f"column {name}, row {number + 1:,}: {frame[name][row]!r} is not exactly what an order's"
                f" {field.removesuffix('_e8')} may be ({'8 decimals' if field.endswith('_e8') else dtype_of(field)})",
                hint="correct the value, or choose another key",
            )
    bools = [name for name, dtype in ORDER_FIELDS.items() if dtype == pl.Boolean()]
    fields = fields.with_columns(pl.col(bools).fill_null(value=False))
    return fields.insert_column(0, order_prints(fields).alias(PRINT))


def dtype_of(field: str) -> str:
    """What a field is, in a message."""
    return str(ORDER_FIELDS[field])
