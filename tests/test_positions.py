"""What is said of positions: quotes, multipliers, limits and times; the numbers are those of tieout.reconcile."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plan_support import NOON, snapshot
from tieout.broker.port import ContractSpec, Quote
from tieout.clock import NS_PER_S, to_iso
from tieout.config.blocks import SpyFutures
from tieout.fixed import SCALE
from tieout.reconcile.holding import Fill, holding_of, opened_ns
from tieout.reconcile.marking import QUOTE_AGE_MAX_S, Mark, mark_of, why_not_fresh
from tieout.reconcile.positions import Market, PositionNote, Recommendation, judge_positions
from tieout.reconcile.predicted import LEDGER
from tieout.schema import POSITION, empty

CON_ID = 5
HOUR_NS = 3600 * NS_PER_S
RECORDED: dict[str, Any] = {
    "account": "DU1", "con_id": CON_ID, "symbol": "ES", "sec_type": "FUT", "expiry": "20260320",
    "multiplier_e8": 50 * SCALE, "currency": "USD", "local_symbol": "ESH6", "quantity_e8": SCALE,
    "average_cost_e8": 31_511_475_000_000,
}  # fmt: skip
"""The recorded session's position: one ES at 6302.295 x 50."""


def held(**columns: Any) -> dict[str, Any]:
    row = RECORDED | columns
    return {name: row.get(name) for name in POSITION}


def quoted(bid: str | None = "6300", ask: str | None = "6300.25", **changes: Any) -> Quote:
    prices = {
        name: None if price is None else int(Decimal(price) * SCALE)
        for name, price in (("bid_e8", bid), ("ask_e8", ask))
    }
    values: dict[str, Any] = {
        "contract": ContractSpec(con_id=CON_ID), "at_ns": NOON, "exchange": "CME", "kind": "live", **prices,
    } | changes  # fmt: skip
    return Quote(**values)


def ledger(*fills: tuple[str, int, int | None], **columns: Any) -> pl.DataFrame:
    """Fills of the contract: side, how many, when."""
    rows = [
        {"account": "DU1", "con_id": CON_ID, "symbol": "ES", "side": side, "quantity_e8": count * SCALE,
         "executed_ns": at, "active": True, "adopted": False, "combo": False} | columns
        for side, count, at in fills
    ]  # fmt: skip
    return pl.DataFrame([{name: row.get(name) for name in LEDGER} for row in rows], schema=LEDGER)


def judged(
    row: dict[str, Any], quote: Quote | None, fills: pl.DataFrame | None = None, **said: Any
) -> tuple[list[PositionNote | Recommendation], list[str]]:
    market = Market(() if quote is None else (quote,), SpyFutures(), NOON)
    found = snapshot(positions=pl.DataFrame([row], schema=POSITION), **said)
    return judge_positions(found, empty(LEDGER) if fills is None else fills, symbols=("ES",), market=market)


def test_the_recorded_position_is_priced_through_its_multiplier() -> None:
    mark = mark_of(held(), quoted("6302.295", "6302.3"), now_ns=NOON)
    assert mark == Mark(630_229_500_000, Decimal(0), 630_229_500_000)


def test_a_price_in_cents_is_divided_by_the_magnifier() -> None:
    cattle = held(multiplier_e8=500 * SCALE, average_cost_e8=149_000_000_000)
    """298 cents x 500 / 100 = 1490 dollars."""
    mark = mark_of(cattle, quoted("301", "301.5", price_magnifier=100), now_ns=NOON)
    assert isinstance(mark, Mark)
    assert (mark.average_price_e8, round(mark.gain_pct, 6)) == (298 * SCALE, round(Decimal(300) / 298, 6))


def test_a_stock_needs_no_multiplier_and_a_future_does() -> None:
    stock = held(sec_type="STK", multiplier_e8=None, average_cost_e8=500 * SCALE)
    assert isinstance(mark_of(stock, quoted("505", "505.1"), now_ns=NOON), Mark)
    assert mark_of(held(multiplier_e8=None), quoted(), now_ns=NOON) == "the multiplier of this FUT was not told"
    assert mark_of(held(average_cost_e8=None), quoted(), now_ns=NOON) == "its average cost was not told"


@pytest.mark.parametrize(
    ("quote", "why"),
    [
        (None, "no quote was asked for"),
        (quoted(why="IB error 354: not subscribed"), "IB error 354: not subscribed"),
        (quoted(kind="frozen"), "the gateway gives frozen prices, those of the last close"),
        (quoted(kind="delayed"), "the gateway gives delayed prices, 15 to 20 minutes old"),
        (quoted(kind="delayed_frozen"), "the gateway gives delayed prices of the last close"),
        (quoted(kind=None), "the gateway did not say whether its prices are live"),
        (quoted(at_ns=NOON - 61 * NS_PER_S), "the quote is 61 s old, at most 60 s are taken"),
        (quoted(at_ns=NOON + NS_PER_S), "the quote is -1 s old, at most 60 s are taken"),
        (quoted(None), "there is no bid now; the market may be closed"),
        (quoted(None, None), "there is no bid and no ask now; the market may be closed"),
        (quoted("6301", "6300"), "the quote is crossed: 6301 bid, 6300 asked"),
        (quoted("6200", "6300"), "the quote is too wide: 6200 bid, 6300 asked"),
        (quoted(at_ns=NOON - QUOTE_AGE_MAX_S * NS_PER_S), None),
    ],
)
def test_only_a_fresh_live_quote_is_judged_by(quote: Quote | None, why: str | None) -> None:
    assert why_not_fresh(quote, now_ns=NOON) == why
    if why is not None:
        (note,), _ = judged(held(), quote)
        assert isinstance(note, PositionNote)
        assert note.not_recommended == why


@pytest.mark.parametrize(
    ("bid", "ask", "size", "kind"),
    [
        ("6176.2491", "6177", 1, None),  # 2 % of 6302.295 is 126.0459: exactly at the limit is not beyond it
        ("6176.249", "6177", 1, "close_recommendation"),
        ("6396.829425", "6397", 1, None),  # 1.5 %
        ("6396.82943", "6397", 1, "take_profit"),
        ("6427", "6428.35", -1, "close_recommendation"),
        ("6200", "6207.75", -1, "take_profit"),
        ("6300", "6300.25", -1, None),
    ],
)
def test_limits_are_compared_exactly_and_by_the_side_that_closes(
    bid: str, ask: str, size: int, kind: str | None
) -> None:
    entries, notes = judged(held(quantity_e8=size * SCALE), quoted(bid, ask))
    found = [one for one in entries if isinstance(one, Recommendation)]
    assert ([one.kind for one in found], notes) == ([] if kind is None else [kind], [])
    if found:
        side, price = ("SELL", bid) if size > 0 else ("BUY", ask)
        assert (found[0].order["side"], found[0].order["limit_price"]) == (side, price)


def test_too_long_held_is_closed_even_at_a_gain() -> None:
    opened = NOON - 25 * HOUR_NS
    entries, _ = judged(held(), quoted("6400", "6401"), ledger(("BUY", 1, opened)))
    (one,) = entries
    assert isinstance(one, Recommendation)
    assert (one.kind, one.reason, one.held_since) == (
        "close_recommendation", "it is held for 25 h, longer than 24 h", to_iso(opened),
    )  # fmt: skip


def test_an_unknown_time_recommends_nothing_and_is_said() -> None:
    (note,), _ = judged(held(), quoted())
    assert isinstance(note, PositionNote)
    entries, _ = judged(held(), quoted("6100", "6101"), ledger(("BUY", 1, None)))
    (one,) = entries
    assert isinstance(one, Recommendation)
    assert (one.held_since, one.held_since_unknown) == (None, "an execution of it has no time")


def test_a_position_that_the_ledger_explains_is_no_initial_state() -> None:
    assert judged(held(), quoted(), ledger(("BUY", 1, NOON))) == ([], [])
    says = "ESH6: nothing can be recommended: there is no bid now; the market may be closed"
    assert judged(held(), quoted(None), ledger(("BUY", 1, NOON))) == ([], [says])


def test_without_complete_positions_nothing_is_recommended() -> None:
    (note,), _ = judged(held(), quoted("6100", "6101"), failed=("positions",))
    assert isinstance(note, PositionNote)
    assert note.not_recommended == "the positions were not answered in full"


def test_without_complete_open_orders_a_recommendation_is_blocked() -> None:
    entries, _ = judged(held(), quoted("6100", "6101"), failed=("open_orders",))
    assert isinstance(entries[1], Recommendation)
    assert str(entries[1].blocked).startswith("the open orders were not answered in full")


def test_an_inactive_order_against_the_position_blocks_too() -> None:
    other = {"con_id": 6, "perm_id": 8}
    for status, against, blocked in (("Inactive", {}, True), ("Submitted", other, False), ("Cancelled", {}, False)):
        order = {"con_id": CON_ID, "symbol": "ES", "perm_id": 7, "side": "SELL", "status": status} | against
        entries, _ = judged(held(), quoted("6100", "6101"), live=(order,))
        assert isinstance(entries[1], Recommendation)
        assert (entries[1].blocked is not None) is blocked


def test_every_quote_gives_an_entry_its_own_hash_and_the_state_none() -> None:
    ids = [[one.to_json()["action_id"] for one in judged(held(), quoted(bid, "6101"))[0]] for bid in ("6099", "6100")]
    assert ids[0][0] == ids[1][0]
    assert ids[0][1] != ids[1][1]


def test_fills_that_may_be_of_another_contract_say_nothing() -> None:
    unclear = ledger(("BUY", 1, NOON), con_id=None)
    assert holding_of(held(), unclear).why == "1 execution(s) in the book do not say whether they are of ESH6"
    named = ledger(("BUY", 1, NOON), con_id=None, local_symbol="ESH6")
    assert holding_of(held(), named).since_ns == NOON
    other = ledger(("BUY", 1, NOON), con_id=None, local_symbol="ESM6")
    assert holding_of(held(), other).quantity_e8 == 0
    stock = held(sec_type="STK", local_symbol=None, expiry=None)
    assert holding_of(stock, ledger(("BUY", 1, NOON), con_id=None, sec_type="STK")).since_ns == NOON


def test_a_combinations_own_fill_moves_no_position() -> None:
    both = pl.concat(
        [ledger(("BUY", 1, NOON)), ledger(("BUY", 1, NOON), combo=True), ledger(("BUY", 1, NOON), active=False)]
    )
    assert holding_of(held(), both).quantity_e8 == SCALE


def test_held_since_is_the_fill_that_opened_the_present_position() -> None:
    def since(*moves: tuple[int, int]) -> int | None:
        return opened_ns([Fill(quantity, at) for at, quantity in moves])

    assert since((1, 2), (2, 1), (3, -1)) == 1
    assert since((1, 2), (2, -2), (3, 1)) == 3
    assert since((1, 2), (2, -5)) == 2
    assert since((1, 2), (2, -2)) is None
    assert since((1, 1), (2, -1), (2, 1)) is None, "flat for a moment, or two for a moment: not known"
    assert since((1, 2), (2, -1), (2, 1)) == 1
    assert since((1, 1), (2, -1), (2, 1), (3, -1), (4, 1)) == 4


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(-3, 3).filter(bool)), max_size=12))
def test_held_since_never_guesses(moves: list[tuple[int, int]]) -> None:
    """Whatever the order of fills within one time, the answer is that of every order, or none is given."""
    import itertools

    fills = [Fill(quantity, at) for at, quantity in moves]
    by_time = [[f for f in fills if f.executed_ns == at] for at in sorted({at for at, _ in moves})]
    answers = set()
    choices = [list(itertools.islice(itertools.permutations(group), 24)) for group in by_time]
    for chosen in itertools.islice(itertools.product(*choices), 500):
        quantity, opened = 0, None
        for fill in itertools.chain(*chosen):
            before, quantity = quantity, quantity + fill.quantity_e8
            if quantity == 0:
                opened = None
            elif before == 0 or (before > 0) != (quantity > 0):
                opened = fill.executed_ns
        answers.add(opened)
    found = opened_ns(fills)
    assert found is None or answers == {found}
