"""The simulated gateway's bytes, against fixtures written by hand from the protocol's published layouts."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from sim_support import RawClient, sim_of
from tieout.sim import SimOptions, run_in_thread

UNSET = "1.7976931348623157E308"
SCENARIO = """
accounts: [DU1, DU2]
next_order_id: 40
contracts:
  ES: {con_id: 5, symbol: ES, sec_type: FUT, exchange: CME, expiry: "20260320", multiplier: "50",
       local_symbol: ESH6, trading_class: ES}
live_orders:
  - {contract: ES, account: DU1, perm_id: 901, client_id: 7, order_id: 11, order_ref: r1, side: BUY, quantity: 2,
     order_type: LMT, limit_price: 6550.50, tif: GTC, filled: 1, average_price: 6550.5}
completed_orders:
  - {contract: ES, account: DU1, perm_id: 902, client_id: 7, order_id: 10, side: SELL, quantity: 3, order_type: STP,
     stop_price: 6400.25, status: Filled, filled: 3, ended_at: "2026-03-04T11:30:00Z"}
executions:
  - {contract: ES, account: DU1, exec_id: 0001.02.03.01, perm_id: 902, client_id: 7, order_id: 10, side: SELL,
     quantity: 3, price: 6400.25, executed_at: "2026-03-04T11:29:59Z", commission: 6.15}
positions:
  - {contract: ES, account: DU1, quantity: 1, average_cost: 315114.75}
"""
CONTRACT = "5|ES|FUT|20260320|0|?|50|CME|USD|ESH6|ES"
# One line per group of the published layouts, so that a field can be counted by eye.
OPEN_HEAD = (
    "5|11",
    CONTRACT,
    "BUY|2|LMT|6550.5|0.0|GTC||DU1||0|r1|7|901",
    "0|0|0||",  # outsideRth, hidden, discretionaryAmt, goodAfterTime, sharesAllocation
    "||",  # faGroup, faMethod, faPercentage
)
OPEN_TAIL = (
    "||||",  # modelCode, goodTillDate, rule80A, percentOffset, settlingFirm
    "0||-1",  # shortSaleSlot, designatedLocation, exemptCode
    "0|||||",  # auctionStrategy, startingPrice, stockRefPrice, delta, stockRangeLower, stockRangeUpper
    "2147483647|0|0|0||3|0|0|",  # displaySize ... nbboPriceCap
    "0|0||0",  # parentId, triggerMethod, volatility, volatilityType
    "None||0||||?|0|0|",  # deltaNeutralOrderType, its price, and its eight fields
    "0|0||||",  # continuousUpdate, referencePriceType, trailStopPrice, trailingPercent, basisPoints, its type
    "|0|0|0",  # combo legs text, then three empty lists
    "2147483647|2147483647||",  # scale sizes and increment, hedgeType
    "0||IB|0|0||0",  # optOutSmartRouting ... algoStrategy, solicited
    "0|Submitted",
    "|".join([UNSET] * 9),
    "||||",  # commission, its bounds and currency, warning
    "0|0|0|None",  # randomizeSize, randomizePrice, conditions, adjustedOrderType
    "|".join([UNSET] * 6),  # triggerPrice ... adjustedTrailingAmount
    "0|||",  # adjustableTrailingUnit and the soft dollar tier
    "0|1|0|0|0",  # cashQty ... usePriceMgmtAlgo
)
COMPLETED_HEAD = (
    "101",
    CONTRACT,
    "SELL|0|STP|0.0|6400.25|DAY||DU1||0||902",
    "0|0|0|",  # outsideRth, hidden, discretionaryAmt, goodAfterTime
    "||",
)
COMPLETED_TAIL = (
    "||||",
    "0||-1",
    "||||",  # startingPrice, stockRefPrice, delta, stockRangeLower, stockRangeUpper
    "2147483647|0|0||3|0||0",  # displaySize, sweepToFill, allOrNone, minQty, ocaType, triggerMethod, volatility...
    "None||0|0|0|",  # deltaNeutralOrderType, its price, and its four fields
    "0|0||",  # continuousUpdate, referencePriceType, trailStopPrice, trailingPercent
    "|0|0|0",
    "2147483647|2147483647||",
    "|IB|0|0||0",  # clearingAccount ... algoStrategy, solicited
    "Filled|0|0|0",  # status, randomizeSize, randomizePrice, conditions
    f"{UNSET}|{UNSET}|0|1|0|",  # trailStopPrice, lmtPriceOffset, cashQty, ..., isOmsContainer, autoCancelDate
    "3|2147483647|0",  # filledQuantity, refFuturesConId, autoCancelParent
    "Not an insider or substantial shareholder|0|0|9223372036854775807",
    "20260304 11:30:00 UTC|Filled Size: 3",
)
EXECUTION = (
    "11|31|10|5|ES|FUT|20260320|0||50|CME|USD|ESH6|ES|0001.02.03.01|20260304 11:29:59 UTC|DU1|CME|SLD|3|6400.25|902|7"
    "|0|3|6400.25|||||1"
)


def open_order(version: int) -> str:
    """The whole openOrder message; the profile field went in 177, others came in 158, 160, 162 and 170."""
    profile = [""] if version < 177 else []
    tail = ["2147483647"] * ((version >= 158) + (version >= 160)) + ["0"] * (version >= 162)
    return "|".join([*OPEN_HEAD, *profile, *OPEN_TAIL, *tail, *[""] * 5 * (version >= 170)])


def completed_order(version: int) -> str:
    """The whole completedOrder message."""
    profile = [""] if version < 177 else []
    return "|".join([*COMPLETED_HEAD, *profile, *COMPLETED_TAIL, *[""] * 5 * (version >= 170)])


@pytest.mark.parametrize("version", [157, 158, 159, 160, 162, 169, 170, 176, 177, 178])
def test_order_messages_have_the_layout_of_the_server_version(version: int, tmp_path: Path) -> None:
    with sim_of(SCENARIO, tmp_path) as sim, RawClient(sim.port) as client:
        client.start(7, f"v157..{version}")
        opened = ["|".join(message) for message in client.ask(16, 1, until="53")]
        completed = ["|".join(message) for message in client.ask(99, 0, until="102")]
    assert opened == [open_order(version), "3|11|Submitted|1|1|6550.5|901|0|6550.5|7||0", "53|1"]
    assert completed == [completed_order(version), "102"]


@pytest.mark.parametrize(("version", "tail"), [(157, ""), (177, ""), (178, "|0")])
def test_executions_end_before_their_commissions(version: int, tail: str, tmp_path: Path) -> None:
    with sim_of(SCENARIO, tmp_path, version=version) as sim, RawClient(sim.port) as client:
        client.start(3)
        said = client.ask(7, 3, 31, 0, "", "", "", "", "", "", until="59")
    expected = [EXECUTION + tail, "55|1|31", f"59|1|0001.02.03.01|6.15|USD|{UNSET}||"]
    assert ["|".join(message) for message in said] == expected


def test_a_position_in_a_future_has_no_exchange(tmp_path: Path) -> None:
    with sim_of(SCENARIO, tmp_path) as sim, RawClient(sim.port) as client:
        client.start(3)
        said = client.ask(61, 1, until="62")
    assert ["|".join(m) for m in said] == ["61|3|DU1|5|ES|FUT|20260320|0||50||USD|ESH6|ES|1|315114.75", "62|1"]


def test_the_start_says_accounts_next_id_and_farms_as_exact_bytes(tmp_path: Path) -> None:
    with sim_of(SCENARIO, tmp_path, version=165) as sim, RawClient(sim.port) as client:
        client.send_bytes(b"API\0\0\0\0\tv157..178")
        assert client.read_bytes(30) == b"\0\0\0\x1a165\x0020260304 12:00:00 UTC\0"
        client.send_bytes(b"\0\0\0\x0871\x002\x003\0\0")
        assert client.read_body() == b"15\x001\0DU1,DU2\0"
        assert client.read_body() == b"9\x001\x0040\0"
        assert client.read_body() == b"4\x002\0-1\x002104\0Market data farm connection is OK:usfarm\0"


def test_an_error_has_its_reject_field_since_166(tmp_path: Path) -> None:
    with sim_of(SCENARIO, tmp_path, version=166) as sim, RawClient(sim.port) as client:
        notices = client.start(3)[2:]
    assert [len(notice) for notice in notices] == [6, 6, 6]


def test_a_client_knows_its_own_last_order_id(tmp_path: Path) -> None:
    scenario = SCENARIO.replace("next_order_id: 40", "next_order_id: 5")
    with sim_of(scenario, tmp_path) as sim, RawClient(sim.port) as old, RawClient(sim.port) as new:
        assert old.start(7)[1] == ["9", "1", "12"]
        assert new.start(8)[1] == ["9", "1", "5"]


@pytest.mark.parametrize("chunk", [1, 3, 7])
def test_messages_may_come_in_any_pieces(chunk: int, tmp_path: Path) -> None:
    with sim_of(SCENARIO, tmp_path) as sim, RawClient(sim.port, chunk=chunk) as client:
        client.start(7)
        assert client.ask(49, 1, until="49") == [["49", "1", "1772625600"]]


def test_two_requests_in_one_piece_are_both_answered(tmp_path: Path) -> None:
    with sim_of(SCENARIO, tmp_path) as sim, RawClient(sim.port) as client:
        client.start(7)
        client.send_bytes(b"\0\0\0\x0549\x001\0\0\0\0\x0517\x001\0")
        assert [client.read()[0], client.read()] == ["49", ["15", "1", "DU1,DU2"]]


@pytest.mark.parametrize("offer", ["v100..156", "v179..200"])
def test_no_common_version_ends_the_connection(offer: str, tmp_path: Path) -> None:
    with sim_of(SCENARIO, tmp_path) as sim, RawClient(sim.port) as client:
        assert client.shake_hands(offer) == []


@pytest.mark.parametrize(
    "garbage",
    [b"GET / HTTP/1.1\r\n\r\n", b"API\0\0\0\0\x05hello", b"API\0" + struct.pack(">I", 1 << 31), b"API\0\0\0\0\0"],
)
def test_what_is_not_the_protocol_is_cut_off_alone(garbage: bytes, tmp_path: Path) -> None:
    with sim_of(SCENARIO, tmp_path) as sim, RawClient(sim.port) as good, RawClient(sim.port) as bad:
        good.start(7)
        bad.send_bytes(garbage)
        assert bad.read() == []
        assert good.ask(49, 1, until="49")[0][0] == "49"


@pytest.mark.parametrize("fields", [(3, "x"), (3, 1, 2), (7, 3, "eleven"), (4, 1)])
def test_a_request_with_wrong_fields_cuts_its_client_off_alone(fields: tuple[object, ...], tmp_path: Path) -> None:
    with sim_of(SCENARIO, tmp_path) as sim, RawClient(sim.port) as good, RawClient(sim.port) as bad:
        good.start(7)
        bad.start(8)
        bad.send(*fields)
        assert bad.read() == []
        assert good.ask(49, 1, until="49")[0][0] == "49"


def test_unknown_requests_are_passed_over(tmp_path: Path) -> None:
    with sim_of(SCENARIO, tmp_path) as sim, RawClient(sim.port) as client:
        client.start(7)
        client.send(999, 1, "what")
        client.send("", "")
        assert client.ask(49, 1, until="49")[0][0] == "49"


def test_a_client_id_in_use_gets_326_and_the_end(tmp_path: Path) -> None:
    with sim_of(SCENARIO, tmp_path) as sim, RawClient(sim.port) as first, RawClient(sim.port) as second:
        first.start(7)
        second.shake_hands()
        second.send(71, 2, 7, "")
        assert second.read()[:4] == ["4", "2", "-1", "326"]
        assert second.read() == []
        assert first.ask(49, 1, until="49")[0][0] == "49"


def test_a_client_id_is_free_again_once_its_client_left(tmp_path: Path) -> None:
    with sim_of(SCENARIO, tmp_path) as sim:
        for _ in range(3):
            with RawClient(sim.port) as client:
                assert client.start(7)[0] == ["15", "1", "DU1,DU2"]
                client.send_bytes(b"\0\0\0\0")
                assert client.read() == []


def test_yesterdays_orders_and_fills_are_gone(tmp_path: Path) -> None:
    scenario = SCENARIO.replace("2026-03-04T11:", "2026-03-03T23:")
    with sim_of(scenario, tmp_path) as sim, RawClient(sim.port) as client:
        client.start(7)
        assert client.ask(99, 0, until="102") == [["102"]]
        assert client.ask(7, 3, 1, 0, "", "", "", "", "", "", until="55") == [["55", "1", "1"]]


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ((7, "", "", "", "", "", ""), 1),
        ((8, "", "", "", "", "", ""), 0),
        ((0, "DU2", "", "", "", "", ""), 0),
        ((0, "DU1", "20260304-11:29:59", "ES", "FUT", "CME", "SELL"), 1),
        ((0, "", "20260304 11:30:00", "", "", "", ""), 0),
        ((0, "", "", "NQ", "", "", ""), 0),
        ((0, "", "", "", "STK", "", ""), 0),
        ((0, "", "", "", "", "NYSE", ""), 0),
        ((0, "", "", "", "", "", "BUY"), 0),
    ],
)
def test_executions_pass_the_filter(words: tuple[object, ...], count: int, tmp_path: Path) -> None:
    with sim_of(SCENARIO, tmp_path) as sim, RawClient(sim.port) as client:
        client.start(3)
        said = client.ask(7, 3, 31, *words, until="55")
    assert [message[0] for message in said] == ["11"] * count + ["55"]


def test_a_filter_time_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with sim_of(SCENARIO, tmp_path) as sim, RawClient(sim.port) as client:
        client.start(3)
        said = client.ask(7, 3, 31, 0, "", "noon", "", "", "", "", until="4")
    assert said[0][:4] == ["4", "2", "31", "321"]


def test_the_port_is_free_again_after_the_gateway(tmp_path: Path) -> None:
    with sim_of(SCENARIO, tmp_path) as sim, RawClient(sim.port) as client:
        client.start(3)
        port = sim.port
    with run_in_thread(SimOptions(port=port)) as again, RawClient(again.port) as client:
        assert again.port == port
        assert client.shake_hands()[0] == "178"
