"""Reading a statement: what IB writes today and may write tomorrow, and everything that is not one."""

from __future__ import annotations

import warnings
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flex_support import executions_of, statement, trade
from tieout.broker.flex import Reading, read_statement
from tieout.broker.flex.keep import statement_of, turn_ns
from tieout.broker.flex.times import REPORT_ZONE, split_zone
from tieout.clock import NS_PER_S, from_iso, to_iso
from tieout.errors import StatementUnusable
from tieout.schema import FLEX_EXECUTION

ROW = {
    "assetCategory": "FUT", "symbol": "ESZ6", "underlyingSymbol": "ES", "conid": "637533641", "currency": "USD",
    "multiplier": "50", "expiry": "20261218", "dateTime": "20260706;101500", "transactionType": "ExchTrade",
    "buySell": "SELL", "quantity": "-2", "tradePrice": "6,612.75", "ibCommission": "-4.1", "orderType": "STPLMT",
    "ibCommissionCurrency": "USD", "ibExecID": "0000e1a7.68a1b2c3.01.01", "ibOrderID": "720", "tradeID": "31",
    "orderReference": "bot-1", "orderTime": "20260706;101400", "levelOfDetail": "EXECUTION",
}  # fmt: skip
GENERATED = "20260710;070000"
FIRST, LAST = date(2026, 7, 6), date(2026, 7, 9)


def xml(*rows: dict[str, str], generated: str = GENERATED, kind: str = "AF", extra: str = "") -> bytes:
    return statement(rows, first=FIRST, last=LAST, account="DU1", generated=generated, kind=kind, extra=extra)


def only(data: bytes) -> dict[str, object]:
    """The one execution of the statement."""
    found = statement_of(read_statement(data, Reading()), zone=REPORT_ZONE).executions
    assert found.height == 1
    return found.row(0, named=True)


def refused(data: bytes, *accounts: str) -> StatementUnusable:
    with pytest.raises(StatementUnusable) as caught:
        read_statement(data, Reading(frozenset(accounts)))
    assert caught.value.hint.endswith("nothing was kept")
    assert caught.value.exit_code == 1
    return caught.value


def test_an_execution_is_the_apis_with_signs_turned_and_times_in_utc() -> None:
    told = {name: value for name, value in only(xml(ROW)).items() if value is not None}
    assert told == {
        "account": "DU1",
        "exec_id": "0000e1a7.68a1b2c3.01.01",
        "order_ref": "bot-1",
        "con_id": 637533641,
        "symbol": "ES",
        "sec_type": "FUT",
        "expiry": "20261218",
        "multiplier_e8": 50 * 10**8,
        "currency": "USD",
        "local_symbol": "ESZ6",
        "side": "SELL",
        "quantity_e8": 2 * 10**8,
        "price_e8": 661_275_000_000,
        "executed_ns": from_iso("2026-07-06T14:15:00Z"),
        "commission_e8": 410_000_000,
        "commission_currency": "USD",
        "inexact": False,
        "flex_order": "720",
        "flex_order_type": "STP LMT",
        "ordered_ns": from_iso("2026-07-06T14:14:00Z"),
        "statement": read_statement(xml(ROW), Reading()).statement_id,
    }
    assert set(told) < set(FLEX_EXECUTION)


def test_what_ib_adds_changes_nothing() -> None:
    newer = ROW | {"newField": "1", "orderType": "ADAPTIVE", "notes": "XQ;P", "currency": "ZZZ", "subCategory": "?"}
    extra = "<NewSection><NewRow a='1'/></NewSection><Trades2/>"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        told = only(xml(newer, extra=extra))
    assert (told["exec_id"], told["flex_order_type"], told["currency"]) == (ROW["ibExecID"], "ADAPTIVE", "ZZZ")


def test_sums_lots_exercises_and_busts_are_no_executions() -> None:
    busted = ROW | {"ibExecID": "0000e1a7.68a1b2c3.02.01", "tradeID": "32"}
    cancel = busted | {"transactionType": "TradeCancel", "buySell": "SELL (Ca.)", "quantity": "2", "tradeID": "33"}
    exercise = ROW | {"transactionType": "BookTrade", "ibExecID": "", "tradeID": "34"}
    summed = ROW | {"levelOfDetail": "ORDER", "ibExecID": ""}
    document = read_statement(xml(summed, ROW, busted, cancel, exercise), Reading())
    assert document.left_out == 1
    assert statement_of(document, zone=REPORT_ZONE).executions["exec_id"].to_list() == [ROW["ibExecID"]]


@pytest.mark.parametrize(
    ("sec_type", "symbol", "underlying", "told"),
    [
        ("STK", "AAPL", "", ("AAPL", "AAPL")),
        ("OPT", "HIIQ  190118P00040000", "HIIQ", ("HIIQ", "HIIQ  190118P00040000")),
        ("CASH", "EUR.USD", "", ("EUR", "EUR.USD")),
        ("FUT", "ESZ6", "", (None, "ESZ6")),
    ],
)
def test_symbols_are_the_apis(sec_type: str, symbol: str, underlying: str, told: tuple[str, str]) -> None:
    row = only(xml(ROW | {"assetCategory": sec_type, "symbol": symbol, "underlyingSymbol": underlying}))
    assert (row["symbol"], row["local_symbol"]) == told


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("20260706;101500", "2026-07-06T14:15:00.000Z"),
        ("2026-07-06;10:15:00", "2026-07-06T14:15:00.000Z"),
        ("2026-07-06, 10:15:00", "2026-07-06T14:15:00.000Z"),
        ("2026-07-06 10:15:00", "2026-07-06T14:15:00.000Z"),
        ("2026-07-06;10:15:00 EDT", "2026-07-06T14:15:00.000Z"),
        ("20260706;101500 UTC", "2026-07-06T10:15:00.000Z"),
        ("2026-07-06T10:15:00-07:00", "2026-07-06T17:15:00.000Z"),
        ("2026-07-06T10:15:00+0900", "2026-07-06T01:15:00.000Z"),
        ("2026-07-06;10:15:00 Europe/Berlin", "2026-07-06T08:15:00.000Z"),
        ("2026-07-06;10:15:00 EST", None),  # nobody's time in July
        ("2026-07-06;10:15:00 CST", None),  # Chicago's, Shanghai's, Havana's
        ("20251102;013000", None),  # twice, as the clocks went back
        ("20260706", None),
        ("", None),
    ],
)
def test_a_time_is_one_moment_or_none(written: str, moment: str | None) -> None:
    executed_ns = only(xml(ROW | {"dateTime": written}))["executed_ns"]
    assert (None if executed_ns is None else to_iso(executed_ns)) == moment  # type: ignore[arg-type]


@given(st.datetimes(min_value=__import__("datetime").datetime(2000, 1, 1)).map(lambda one: one.replace(microsecond=0)))
def test_a_zone_is_cut_off_and_nothing_else(wall: object) -> None:
    for stamp in (f"{wall:%Y%m%d;%H%M%S}", f"{wall:%Y-%m-%d;%H:%M:%S}", f"{wall:%Y-%m-%dT%H:%M:%S}"):
        assert split_zone(stamp) == (stamp, None)
        for zone in ("EST", "-05:00", "+0930", "Z", "America/New_York"):
            gap = " " if zone[0].isalpha() and zone != "Z" else ""
            assert split_zone(stamp + gap + zone) == (stamp, zone)


def test_an_activity_statement_speaks_for_the_days_before_it_was_generated() -> None:
    whole = statement_of(read_statement(xml(ROW), Reading()), zone=REPORT_ZONE)
    assert (whole.first_day, whole.last_whole_day, whole.covers_until_ns) == (FIRST, LAST, None)
    early = statement_of(read_statement(xml(ROW, generated="20260709;200000"), Reading()), zone=REPORT_ZONE)
    assert (early.last_whole_day, early.covers_until_ns) == (date(2026, 7, 8), None)
    # 03:00 UTC on the tenth is still the ninth in New York.
    zoned = statement_of(read_statement(xml(ROW, generated="20260710;030000 UTC"), Reading()), zone=REPORT_ZONE)
    assert zoned.last_whole_day == date(2026, 7, 8)


@pytest.mark.parametrize(
    ("generated", "until"),
    [
        ("20260709;140000", from_iso("2026-07-09T17:00:00Z")),  # an hour before
        ("20260709;200000", turn_ns(date(2026, 7, 9))),  # not beyond the turn of the trade date
        ("20260710;070000", None),  # all its days are whole
    ],
)
def test_trade_confirmations_speak_for_the_day_itself(generated: str, until: int | None) -> None:
    names = {"tradePrice": "price", "ibCommission": "commission", "ibExecID": "execID", "ibOrderID": "orderID"}
    names["ibCommissionCurrency"] = "commissionCurrency"
    row = {names.get(name, name): value for name, value in ROW.items()}
    told = statement_of(read_statement(xml(row, kind="TCF", generated=generated), Reading()), zone=REPORT_ZONE)
    assert (told.kind, told.covers_until_ns) == ("confirms", until)
    assert told.executions.row(0, named=True)["commission_e8"] == 410_000_000


def test_a_statement_without_trades_is_one() -> None:
    told = read_statement(xml(), Reading(frozenset({"DU1", "DU2"})))
    assert (told.account, told.trades, told.lacks) == ("DU1", (), ())


GOOD = xml(ROW)
ACCOUNT_TWICE = GOOD.replace(b'count="1"', b'count="2"').replace(
    b"</FlexStatements>", b'<FlexStatement accountId="DU2"/></FlexStatements>'
)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is not XML"),
        (b"ClientAccountID,Symbol\nDU1,ES\n", "is not XML"),
        (b"\x89PNG\r\n", "is not XML"),
        (GOOD[: len(GOOD) // 2], "breaks off"),
        (GOOD[:-3], "breaks off"),
        (b"<html><body>Log in</body></html>", "outermost element is <html>"),
        (b"<FlexStatementResponse><ErrorCode>1019</ErrorCode></FlexStatementResponse>", "error 1019"),
        (GOOD.replace(b'type="AF"', b'type="LTCF"'), "of type 'LTCF'"),
        (GOOD.replace(b'count="1"', b'count="2"'), "holds 1"),
        (GOOD.replace(b"Trades>", b"CashTransactions>"), "no section Trades"),
        (GOOD.replace(b"EXECUTION", b"ORDER"), "holds ORDER and no executions"),
        (GOOD.replace(b"whenGenerated=", b"when="), "does not say its whenGenerated"),
        (GOOD.replace(b'toDate="20260709"', b'toDate="20260701"'), "that is no period"),
        (GOOD.replace(GENERATED.encode(), b"20260701;120000"), "that is no period"),
        (GOOD.replace(b'fromDate="20260706"', b'fromDate="06/07/2026"'), "may be two different days"),
        (GOOD.replace(b'dateTime="20260706', b'dateTime="06/07/2026'), "may be two different days"),
        (GOOD.replace(b'quantity="-2"', b'quantity="two"'), "cannot be read"),
        (ACCOUNT_TWICE, "about DU1, DU2; expected one account only"),
    ],
)
def test_what_is_no_statement_is_refused(data: bytes, said: str) -> None:
    assert said in refused(data).message


def test_another_accounts_statement_is_refused() -> None:
    assert refused(GOOD, "DU9").message == "the file is about DU1; expected DU9"


@pytest.mark.parametrize(
    ("field", "label"), [("ibExecID", "IB Execution ID"), ("conid", "Conid"), ("ibCommission", "IB Commission")]
)
def test_a_field_that_was_not_ticked_is_named_as_client_portal_names_it(field: str, label: str) -> None:
    error = refused(xml({name: value for name, value in ROW.items() if name != field}))
    assert error.message == f"the section Trades lacks {field}"
    assert f"section Trades: tick {label};" in error.hint


def test_a_field_that_would_help_is_named() -> None:
    row = {name: value for name, value in ROW.items() if name not in {"orderReference", "orderTime"}}
    assert read_statement(xml(row), Reading()).lacks == ("Order Reference", "Order Time")


def test_the_generator_writes_what_the_gateway_did(tmp_path: pytest.TempPathFactory) -> None:
    now = from_iso("2026-07-10T15:00:00Z")
    world = executions_of(
        "accounts: [DU1]\ncontracts:\n  AAPL: {con_id: 9, symbol: AAPL, sec_type: STK, local_symbol: AAPL}\n"
        "executions:\n  - {contract: AAPL, exec_id: a.b.01.01, perm_id: 5, side: SELL, quantity: 3, price: 201.5,\n"
        "     executed_at: -2d, commission: 1.05}\n",
        tmp_path,  # type: ignore[arg-type]
        now=now,
    )
    row = only(statement([trade(one) for one in world], first=FIRST, last=LAST, account="DU1", generated=GENERATED))
    assert (row["exec_id"], row["side"], row["quantity_e8"], row["price_e8"], row["commission_e8"]) == (
        "a.b.01.01", "SELL", 3 * 10**8, 20_150_000_000, 105_000_000,
    )  # fmt: skip
    assert row["executed_ns"] == now - 2 * 86_400 * NS_PER_S
