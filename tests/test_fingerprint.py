"""The fingerprint covers every field of an order, and no two orders share an encoding."""

from __future__ import annotations

from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from tieout import _core
from tieout.broker import ContractSpec, OrderSpec
from tieout.errors import OrderInvalid
from tieout.gate.fingerprint import WISH, check, print_of, prints_of, row_of

WORD = st.text("ab\0", max_size=3) | st.text("ab", min_size=11, max_size=14)
SIZE = st.integers(-(10**12), 10**12).map(lambda e8: Decimal(e8).scaleb(-8))
TEXT = st.none() | WORD
NUMBER = st.none() | SIZE
ID = st.none() | st.integers(-(2**40), 2**40)
CONTRACT = {
    "con_id": ID, "symbol": TEXT, "sec_type": TEXT, "exchange": TEXT, "currency": TEXT, "expiry": TEXT,
    "strike": NUMBER, "right": TEXT, "multiplier": NUMBER, "local_symbol": TEXT, "trading_class": TEXT,
}  # fmt: skip
ORDER = {
    "side": st.sampled_from(["BUY", "SELL"]), "quantity": SIZE,
    "order_type": WORD, "limit_price": NUMBER, "stop_price": NUMBER,
    "tif": WORD, "order_ref": TEXT, "parent_id": ID, "oca_group": TEXT,
    "outside_rth": st.booleans(), "transmit": st.booleans(),
}  # fmt: skip
contracts = st.builds(ContractSpec, **CONTRACT)
orders = st.builds(OrderSpec, **ORDER)
TEXTS = [name for name, kind in WISH.items() if kind == pl.String]

BUY = OrderSpec(side="BUY", quantity=Decimal(1), order_type="LMT", limit_price=Decimal("10.5"))
ES = ContractSpec(con_id=1, symbol="ES")


def test_every_field_of_both_specs_is_in_it() -> None:
    assert set(CONTRACT) == {one.name for one in fields(ContractSpec)}
    assert set(ORDER) == {one.name for one in fields(OrderSpec)}
    named = {name.removesuffix("_e8") for name in WISH}
    assert named == {"account", *CONTRACT, *ORDER}
    assert set(row_of("A", ES, BUY)) == set(WISH)


@given(contracts, orders, st.data())
def test_two_orders_that_differ_in_one_field_differ(contract: ContractSpec, order: OrderSpec, data: Any) -> None:
    name = data.draw(st.sampled_from([*CONTRACT, *ORDER]))
    spec, kinds = (contract, CONTRACT) if name in CONTRACT else (order, ORDER)
    value = data.draw(kinds[name].filter(lambda v: v != getattr(spec, name)))
    changed = replace(spec, **{name: value})
    left = print_of("A", contract, order)
    right = print_of("A", changed, order) if name in CONTRACT else print_of("A", contract, changed)
    assert left.encoding != right.encoding
    assert left.fingerprint != right.fingerprint


@given(st.text("ab", max_size=30), st.data())
def test_texts_that_concatenate_alike_differ(text: str, data: Any) -> None:
    """The same letters, cut at two different places between neighbouring fields."""
    at = data.draw(st.integers(0, len(TEXTS) - 2))
    cut, other = data.draw(st.tuples(*[st.integers(0, len(text))] * 2).filter(lambda t: t[0] != t[1]) if text else
                           st.just((0, 0)))  # fmt: skip
    if cut == other:
        return

    def encoded(place: int) -> bytes:
        texts: list[str | None] = [None] * len(TEXTS)
        texts[at], texts[at + 1] = text[:place], text[place:]
        return _core.order_fingerprint(texts, [None] * 7, [False, True])[1]

    assert encoded(cut) != encoded(other)


def test_null_is_not_empty_and_numbers_do_not_run_together() -> None:
    def encoded(**changes: Any) -> bytes:
        return print_of("A", replace(ES, **changes), BUY).encoding

    changes: list[dict[str, Any]] = [
        {"expiry": None}, {"expiry": ""}, {"right": "1"}, {"expiry": "1"}, {"strike": Decimal(1)},
        {"multiplier": Decimal(1)}, {"con_id": None}, {"con_id": 0},
    ]  # fmt: skip
    seen = {encoded(**change) for change in changes}
    assert len(seen) == 8


def test_the_same_number_written_otherwise_is_the_same_order() -> None:
    other = replace(BUY, quantity=Decimal("1.000"), limit_price=Decimal("1.05E+1"))
    assert print_of("A", ES, BUY) == print_of("A", ES, other)


@given(st.lists(st.tuples(st.sampled_from(["A", "DU1234567"]), contracts, orders), max_size=8))
def test_a_batch_is_each_order_alone(batch: list[tuple[str, ContractSpec, OrderSpec]]) -> None:
    frame = pl.DataFrame([row_of(*one) for one in batch], schema=WISH)
    assert prints_of(frame).to_list() == [print_of(*one).fingerprint for one in batch]


@given(contracts, orders)
def test_the_fingerprint_is_xxh3_of_the_encoding(contract: ContractSpec, order: OrderSpec) -> None:
    print_ = print_of("A", contract, order)
    assert print_.fingerprint == xxhash.xxh3_128_digest(print_.encoding)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"quantity": Decimal("NaN")}, "quantity is NaN"),
        ({"quantity": Decimal(0)}, "the quantity is 0"),
        ({"limit_price": Decimal("1.7976931348623157e308")}, "limit_price is 1.7976931348623157E+308"),
        ({"limit_price": Decimal("0.000000001")}, "limit_price is 1E-9"),
        ({"side": "SSHORT"}, "the side is 'SSHORT'"),
        ({"order_ref": "mine"}, "the order brings the order_ref 'mine'"),
        ({"oca_group": "a\0b"}, "oca_group is 'a\\x00b'"),
        ({"tif": ""}, "the order has no order_type or no tif"),
    ],
)
def test_an_order_that_cannot_be_sent_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(OrderInvalid) as caught:
        check(ES, replace(BUY, **changes))
    assert caught.value.message.startswith(says)


def test_a_frame_with_a_null_boolean_or_without_a_column_is_refused() -> None:
    frame = pl.DataFrame([row_of("A", ES, BUY)], schema=WISH)
    with pytest.raises(TypeError, match="column transmit is Boolean, not Boolean without nulls"):
        prints_of(frame.with_columns(transmit=pl.lit(None, pl.Boolean)))
    with pytest.raises(ValueError, match="there is no column tif"):
        _core.order_fingerprints(frame.drop("tif"))
    with pytest.raises(ValueError, match="6 ints, expected 7"):
        _core.order_fingerprint([None] * 14, [None] * 6, [False, True])
