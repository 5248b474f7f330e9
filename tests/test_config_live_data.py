"""`LIVE_DATA`: what is subscribed to, and every wrong value with its line."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from config_support import FLAGS, load, refusal
from tieout.config import Subscription

if TYPE_CHECKING:
    from pathlib import Path

ES = '{symbol: ES, sec_type: FUT, exchange: CME, currency: USD, expiry: "202612", ticks: quotes_and_trades}'


def live(*lines: str) -> str:
    return FLAGS + "LIVE_DATA:\n" + "".join(f"  {line}\n" for line in lines)


def test_subscriptions_are_read_as_written(tmp_path: Path) -> None:
    settings = load(tmp_path, live("subscriptions:", f"  - {ES}", "  - con_id: 756733", "    multiplier: 50.0"))
    assert settings.live_data.subscriptions == (
        Subscription(symbol="ES", sec_type="FUT", exchange="CME", currency="USD", expiry="202612",
                     ticks="quotes_and_trades"),
        Subscription(con_id=756733, multiplier=Decimal("50.0"), ticks="quotes"),
    )  # fmt: skip


def test_the_defaults_ask_for_nothing(tmp_path: Path) -> None:
    found = load(tmp_path, FLAGS).live_data
    assert (found.enable_tick_subscriptions, found.subscriptions) == (False, ())
    assert (found.fast_lane, found.client_id, found.market_data_lines, found.stale_after_seconds) == (True, 13, 100, 60)
    assert load(tmp_path, live("stale_after_seconds: null")).live_data.stale_after_seconds is None


def test_settings_that_never_asked_for_ticks_may_use_the_id_13(tmp_path: Path) -> None:
    assert load(tmp_path, FLAGS + "BROKER: {client_id: 13}").broker.client_id == 13


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["client_id: 0"], "6: LIVE_DATA.client_id is 0; expected 1 or more (a connection with client id 0 binds "
         "manual orders, that is, changes them)"),
        (["client_id: 11"], " LIVE_DATA.client_id and BROKER.client_id are both 11; expected an id of its own for the "
         "data connection"),
        (["client_id: 12"], " LIVE_DATA.client_id and BROKER.cli_client_id are both 12; expected an id of its own for "
         "the data connection"),
        (["enable_tick_subscriptions: true"], "5: LIVE_DATA: enable_tick_subscriptions is true and subscriptions is "
         "empty; expected one or more"),
        (["fast_lane: on"], '6: LIVE_DATA.fast_lane is the text "on"; expected true or false'),
        (["market_data_lines: 1", f"subscriptions: [{ES}, {{con_id: 1}}]"],
         "5: LIVE_DATA: 2 subscriptions; expected at most market_data_lines (1)"),
        (["market_data_type: late"],
         '6: LIVE_DATA.market_data_type is the text "late"; expected live, frozen, delayed or delayed_frozen'),
        (["market_data_lines: 0"], "6: LIVE_DATA.market_data_lines is 0; expected at least 1"),
        (["stale_after_seconds: 0"], "6: LIVE_DATA.stale_after_seconds is 0; expected at least 1"),
        (["subscriptions: ES"], '6: LIVE_DATA.subscriptions is the text "ES"; expected a list'),
        (["subscriptions: [ES]"], '6: LIVE_DATA.subscriptions[0] is the text "ES"; expected a block of keys'),
        ([f"subscriptions: [{ES}, {ES}]"],
         "5: LIVE_DATA: subscriptions[1] is the same as subscriptions[0]; expected once"),
        (["subscriptions:", "  - symbol: ES", "    sectype: FUT"],
         "8: LIVE_DATA.subscriptions[0].sectype is not a key; did you mean sec_type?"),
        (["subscriptions: [{sec_type: STK}]"],
         "6: LIVE_DATA.subscriptions[0]: names no instrument; expected con_id, or sec_type with symbol or "
         "local_symbol"),
        (["subscriptions: [{con_id: 0}]"], "6: LIVE_DATA.subscriptions[0].con_id is 0; expected at least 1"),
        (["subscriptions: [{con_id: 1, expiry: 202612}]"],
         "6: LIVE_DATA.subscriptions[0].expiry is 202612; expected text (put it in quotes)"),
        (['subscriptions: [{con_id: 1, expiry: "2026-12"}]'],
         '6: LIVE_DATA.subscriptions[0].expiry is the text "2026-12"; expected a month as YYYYMM or a day as YYYYMMDD'),
        (["subscriptions: [{con_id: 1, currency: usd}]"],
         '6: LIVE_DATA.subscriptions[0].currency is the text "usd"; expected a currency of three capitals, for example '
         "USD"),
        (["subscriptions: [{con_id: 1, ticks: trades}]"],
         '6: LIVE_DATA.subscriptions[0].ticks is the text "trades"; expected quotes, quotes_and_trades, last, '
         "all_last, bid_ask or midpoint"),
        (["subscriptions: [{con_id: 1, strike: -5}]"],
         "6: LIVE_DATA.subscriptions[0].strike is -5; expected more than 0"),
        (['subscriptions: [{con_id: 1, symbol: "E\\0S"}]'],
         '6: LIVE_DATA.subscriptions[0].symbol is the text "E\0S"; expected text without control characters'),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_with_its_line(tmp_path: Path, lines: list[str], expected: str) -> None:
    assert refusal(tmp_path, live(*lines)) == expected
