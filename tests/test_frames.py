"""From the book's text to frames: exact or null, whatever stands there."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieout.fixed import to_e8
from tieout.store import engine, migrate
from tieout.store.frames import e8_column
from tieout.store.scan import read_table
from tieout.store.tables import executions, orders

NUMBERS = st.one_of(
    st.from_regex(r"-?[0-9]{0,12}(\.[0-9]{0,10})?", fullmatch=True),
    st.sampled_from([None, "", "+1", "1e3", "abc", "٣", "1\n", " 1", "-0", "NaN", "1.1234567800", "99999999999"]),
)


@given(st.lists(NUMBERS, max_size=8))
def test_a_column_of_numbers_is_each_number_by_itself(texts: list[str | None]) -> None:
    expected = [None if text in (None, "") else to_e8(text) for text in texts]
    assert e8_column(pl.Series(texts, dtype=pl.String)).to_list() == expected


@pytest.mark.parametrize("table", [orders, executions])
def test_columns_that_no_row_uses_are_there_with_their_types(tmp_path: Path, table: object) -> None:
    book = tmp_path / "orders.db"
    migrate.create_book(book, now_ns=1)
    with engine.connect(book) as connection, engine.read(connection):
        frame = read_table(connection, table)  # type: ignore[arg-type] # one of the two tables
    assert frame.columns == [column.name for column in table.columns]  # type: ignore[attr-defined] # the same
    assert frame.height == 0
    assert pl.Null not in frame.dtypes
