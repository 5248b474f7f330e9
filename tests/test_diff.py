"""Differences of matched orders through the production wrapper."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from match_model import orders
from tieout.reconcile.diff import COLUMNS, FIELDS, differing_fields, names
from tieout.reconcile.match import match_orders

Row = dict[str, Any]


def paired(*pairs: tuple[int, int]) -> pl.DataFrame:
    rows = pl.Schema({"broker": pl.UInt32(), "book": pl.UInt32()})
    return pl.DataFrame(list(pairs), schema=rows, orient="row")


def differs(broker: Row, book: Row) -> list[str]:
    mask = differing_fields(orders(broker), orders(book), paired((0, 0)))
    return names(mask[0])


VALUES: dict[str, tuple[Any, Any]] = {
    "status": ("Filled", "Submitted"),
    "quantity": (1, 2),
    "order_type": ("a type longer than twelve", "a type longer than twelvf"),
    "limit_price": (-1, 1),
    "stop_price": (0, 1),
    "tif": ("GTC", "DAY"),
    "filled_quantity": (2**63 - 1, -(2**63)),
    "perm_id": (5, 0),
}


def test_the_fields_are_those_of_the_design_in_bit_order() -> None:
    assert FIELDS == tuple(VALUES) == tuple(COLUMNS)


@pytest.mark.parametrize("field", FIELDS)
def test_each_field_has_its_own_bit(field: str) -> None:
    column, (a, b) = COLUMNS[field], VALUES[field]
    assert differs({column: a}, {column: b}) == [field]
    assert differs({column: a}, {column: a}) == []


@pytest.mark.parametrize("field", FIELDS)
def test_what_the_broker_does_not_report_never_differs(field: str) -> None:
    column, (a, _) = COLUMNS[field], VALUES[field]
    assert differs({column: None}, {column: a}) == []
    assert differs({column: None}, {column: None}) == []


@pytest.mark.parametrize("field", FIELDS)
def test_what_the_book_does_not_know_is_learnt(field: str) -> None:
    column, (a, _) = COLUMNS[field], VALUES[field]
    assert differs({column: a}, {column: None}) == [field]


def test_a_price_that_does_not_fit_differs() -> None:
    assert differs({}, {"limit_price_e8": None, "inexact": True}) == ["limit_price"]


def test_a_broker_perm_id_of_0_is_not_reported() -> None:
    assert differs({"perm_id": 0}, {"perm_id": 7}) == []


def test_masks_come_in_the_order_of_the_pairs() -> None:
    broker, book = orders({"tif": "DAY"}, {"tif": "GTC"}), orders({"tif": "DAY"})
    masks = differing_fields(broker, book, paired((1, 0), (0, 0), (1, 0)))
    assert (masks.name, masks.dtype) == ("mask", pl.UInt16)
    assert [names(mask) for mask in masks] == [["tif"], [], ["tif"]]


def test_no_pairs_give_no_masks() -> None:
    assert differing_fields(orders(), orders(), paired()).to_list() == []


def test_pairs_of_a_matching_are_taken_as_they_are() -> None:
    broker, book = orders({"perm_id": 5, "status": "Filled"}), orders({}, {"perm_id": 5})
    matching = match_orders(broker, book, window_s=300)
    assert differing_fields(broker, book, matching.pairs).to_list() == [1]


def test_a_row_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match="a pair names book row 1, and the book has 1 rows"):
        differing_fields(orders({}), orders({}), paired((0, 1)))


def test_pairs_of_another_type_are_an_error() -> None:
    wrong = pl.DataFrame({"broker": [0], "book": [0]})
    with pytest.raises(ValueError, match=r"pairs: .*broker is Int64, not UInt32"):
        differing_fields(orders({}), orders({}), wrong)
    with pytest.raises(ValueError, match=r"pairs: missing \['book'\]"):
        differing_fields(orders({}), orders({}), paired().drop("book"))


@pytest.mark.parametrize("mask", [-1, 1 << len(FIELDS)])
def test_a_mask_with_a_bit_for_no_field_is_an_error(mask: int) -> None:
    with pytest.raises(ValueError, match="is no mask of 8 fields"):
        names(mask)


CELLS = st.fixed_dictionaries(
    {COLUMNS[field]: st.sampled_from([None, *VALUES[field]]) for field in FIELDS if field != "perm_id"}
)


@settings(deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=20))
def test_the_masks_agree_with_the_rule_cell_by_cell(rows: list[tuple[Row, Row]]) -> None:
    broker, book = orders(*(row[0] for row in rows)), orders(*(row[1] for row in rows))
    masks = differing_fields(broker, book, paired(*((n, n) for n in range(len(rows)))))
    expected = [
        [f for f in FIELDS if left.get(COLUMNS[f]) is not None and left.get(COLUMNS[f]) != right.get(COLUMNS[f])]
        for left, right in rows
    ]
    assert [names(mask) for mask in masks] == expected
