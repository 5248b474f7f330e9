"""Quotes through the port: by the real client from the simulated gateway, and from a socket that says what we write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import broker_frames as frames
from broker_support import CLIENT, VERSIONS, ScriptedGateway, silence
from position_support import ES, scenario
from tieout.broker import BrokerSettings, ContractSpec, open_broker
from tieout.sim import SimOptions, run_in_thread

if TYPE_CHECKING:
    from pathlib import Path

    from tieout.broker.port import Broker, Quote

E8 = 100_000_000
FUTURE = ContractSpec(con_id=ES)
DETAILS, MARKET_DATA = 9, 1


def broker_at(port: int, *, timeout_s: float = 20.0) -> Broker:
    settings = BrokerSettings(
        client=CLIENT, host="127.0.0.1", port=port, client_id=12, timeout_s=timeout_s,  # type: ignore[arg-type]
    )  # fmt: skip
    return open_broker(settings)


def told(tmp_path: Path, quote: str | None, *contracts: ContractSpec) -> list[Quote]:
    path = tmp_path / "scenario.yml"
    path.write_text(scenario(quote), encoding="utf-8")
    with run_in_thread(SimOptions(scenario=path)) as sim, broker_at(sim.port) as broker:
        return broker.quotes(contracts or (FUTURE,))


def short(quote: Quote) -> tuple[Any, ...]:
    prices = (None if price is None else price / E8 for price in (quote.bid_e8, quote.ask_e8, quote.last_e8))
    return (quote.kind, *prices, quote.why)


PRICES = "bid: 6170, ask: 6170.25, last: 6170.5"


@pytest.mark.parametrize(
    ("quote", "wanted"),
    [
        (f"{{{PRICES}}}", ("live", 6170, 6170.25, 6170.5, None)),
        (f"{{{PRICES}, kind: frozen}}", ("frozen", 6170, 6170.25, 6170.5, None)),
        (f"{{{PRICES}, kind: delayed}}", ("delayed", 6170, 6170.25, 6170.5, None)),
        (f"{{{PRICES}, kind: delayed_frozen}}", ("delayed_frozen", 6170, 6170.25, 6170.5, None)),
        (f"{{{PRICES}, kind: closed}}", ("live", None, None, 6170.5, None)),
        ("{bid: 6170}", ("live", 6170, None, None, None)),
        (None, (None, None, None, None, "IB error 354: Requested market data is not subscribed.")),
    ],
)
def test_a_quote_says_what_it_is_worth(tmp_path: Path, quote: str | None, wanted: tuple[Any, ...]) -> None:
    (found,) = told(tmp_path, quote)
    assert short(found) == wanted
    assert found.contract == FUTURE


def test_the_last_trades_time_and_the_contracts_details_come_along(tmp_path: Path) -> None:
    (found,) = told(tmp_path, '{bid: 1, ask: 2, last: 1, last_at: "2026-03-04T12:00:00Z"}')
    assert (found.last_ns, found.exchange, found.price_magnifier) == (1_772_625_600_000_000_000, "CME", 1)


def test_each_contract_is_answered_for_itself(tmp_path: Path) -> None:
    found = told(tmp_path, f"{{{PRICES}}}", ContractSpec(con_id=1), FUTURE)
    says = "its contract details did not come: IB error 200: No security definition has been found for the request"
    assert [quote.why for quote in found] == [says, None]


def details(fields: list[str], *, version: int, con_id: int = ES, magnifier: int = 1, times: int = 1) -> list[Any]:
    """contractDetails as TWS writes it at that server version."""
    asked = fields[2]
    head: list[Any] = [10] + ([8] if version < 164 else [])
    head += [asked, "ZC", "FUT", "20261214", 0.0, "", "CBOT", "USD", "ZCZ6", "ZC", "ZC", con_id, 0.25]
    head += [1] if version < 164 else []
    body = [5000, "LMT", "CBOT", magnifier, 0, "Corn", "", "202612", "", "", "", "UTC", "", "", "", 0, 0, 1]
    body += ["ZC", "IND", "26", "20261214", ""]
    sizes = [1] if version == 163 else [1, 1, 100] if version >= 164 else []
    return [frames.frame(*head, *body, *sizes)] * times + [frames.frame(52, 1, asked)]


def answers(version: int, *market: Any, **changes: Any) -> dict[int, list[Any]]:
    def quote(fields: list[str]) -> list[Any]:
        return [frames.frame(*(fields[2] if part == "ID" else part for part in message)) for message in market]

    return {DETAILS: [lambda fields: details(fields, version=version, **changes)], MARKET_DATA: [quote]}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_server_version_is_read(version: int) -> None:
    market = (
        (58, 1, "ID", 1), (81, "ID", 0.25, "a60001", 3), (1, 6, "ID", 1, 450.25, 10, 0), (2, 6, "ID", 0, 10),
        (1, 6, "ID", 2, 450.5, 7, 0), (46, 6, "ID", 45, 1772625600), (57, 1, "ID"),
    )  # fmt: skip
    script = answers(version, *market, magnifier=100)
    with ScriptedGateway(script, version=version) as gateway, broker_at(gateway.port) as broker:
        (found,) = broker.quotes([FUTURE])
    assert short(found) == ("live", 450.25, 450.5, None, None)
    assert (found.price_magnifier, found.exchange, found.last_ns) == (100, "CBOT", 1_772_625_600_000_000_000)


@pytest.mark.parametrize(
    ("market", "wanted"),
    [
        ([(58, 1, "ID", 1), (1, 6, "ID", 66, 450.25, 1, 0), (57, 1, "ID")], ("delayed", 450.25)),
        ([(1, 6, "ID", 1, 450.25, 1, 0), (57, 1, "ID")], (None, 450.25)),
        ([(58, 1, "ID", 1), (1, 6, "ID", 1, -1, 0, 0), (57, 1, "ID")], ("live", None)),
        ([(58, 1, "ID", 1), (1, 6, "ID", 1, 1.7976931348623157e308, 0, 0), (57, 1, "ID")], ("live", None)),
        ([(58, 1, "ID", 9), (1, 6, "ID", 1, 450.25, 0, 0), (57, 1, "ID")], (None, 450.25)),
        ([(58, 1, 7, 1), (1, 6, 7, 1, 450.25, 0, 0), (57, 1, "ID")], (None, None)),
    ],
)
def test_ticks_decide_what_kind_of_price_it_is(market: list[tuple[Any, ...]], wanted: tuple[Any, ...]) -> None:
    with ScriptedGateway(answers(176, *market)) as gateway, broker_at(gateway.port) as broker:
        (found,) = broker.quotes([FUTURE])
    price = None if found.bid_e8 is None else found.bid_e8 / E8
    assert (found.kind, price, found.why) == (*wanted, None)


def test_the_same_contract_on_several_exchanges_is_one() -> None:
    market = ((58, 1, "ID", 1), (57, 1, "ID"))
    with ScriptedGateway(answers(176, *market, times=2)) as gateway, broker_at(gateway.port) as broker:
        (found,) = broker.quotes([FUTURE])
    assert (found.kind, found.why) == ("live", None)


def test_without_an_answer_the_socket_is_dropped_and_the_rest_not_asked() -> None:
    with ScriptedGateway({DETAILS: [silence]}) as gateway, broker_at(gateway.port, timeout_s=0.5) as broker:
        first, second = broker.quotes([FUTURE, FUTURE])
        assert first.why == "its contract details did not come: its end did not come within 0.5 s"
        assert second.why == "not asked: we closed the connection"
        assert broker.connect().account == "DU1", "and the next question has a new one"
