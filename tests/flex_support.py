"""Flex statements made from what the simulated gateway did, and a service on loopback that gives them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import quoteattr
from zoneinfo import ZoneInfo

from tieout.clock import NS_PER_S, now_ns
from tieout.sim.scenario import load_scenario
from tieout.sim.world import Execution

NEW_YORK = ZoneInfo("America/New_York")
TOKEN = "1234567890secret"


def local(ns: int) -> datetime:
    """The time in New York."""
    return datetime.fromtimestamp(ns // NS_PER_S, UTC).astimezone(NEW_YORK)


def days_ago(days: int, now: int | None = None) -> date:
    """The day in New York so many days before now."""
    return local(now_ns() if now is None else now).date() - timedelta(days=days)


def order_id_of(execution: Execution) -> str:
    """The report's id of an order: of another number space than the permId, equal for one order's executions."""
    return str(7_000_000 + execution.perm_id % 1_000_000)


def trade(execution: Execution, *, confirms: bool = False, **changes: str | None) -> dict[str, str]:
    """One row as IB writes it: quantities signed, commissions negative, local symbols, New York time."""
    contract, sold = execution.contract, execution.side == "SELL"
    derived = contract.sec_type in {"FUT", "OPT", "FOP"}
    row: dict[str, str | None] = {
        "accountId": execution.account,
        "currency": contract.currency,
        "assetCategory": contract.sec_type,
        "symbol": contract.local_symbol if derived else contract.symbol,
        "underlyingSymbol": contract.symbol if derived else "",
        "conid": str(contract.con_id),
        "multiplier": contract.multiplier or "1",
        "expiry": contract.expiry,
        "strike": "",
        "putCall": contract.right,
        "dateTime": f"{local(execution.executed_ns):%Y%m%d;%H%M%S}",
        "transactionType": "ExchTrade",
        "exchange": contract.exchange,
        "buySell": execution.side,
        "quantity": str(-execution.quantity if sold else execution.quantity),
        "orderReference": execution.order_ref,
        "orderTime": f"{local(execution.executed_ns - 60 * NS_PER_S):%Y%m%d;%H%M%S}",
        "orderType": "LMT",
        "levelOfDetail": "EXECUTION",
        "price" if confirms else "tradePrice": str(execution.price),
        "commission" if confirms else "ibCommission": str(-(execution.commission or 0)),
        "commissionCurrency" if confirms else "ibCommissionCurrency": execution.commission_currency,
        "execID" if confirms else "ibExecID": execution.exec_id,
        "orderID" if confirms else "ibOrderID": order_id_of(execution),
    }
    return {name: value for name, value in (row | changes).items() if value is not None}


def statement(
    executions: Iterable[Execution | dict[str, str]],
    *,
    first: date,
    last: date,
    account: str = "DU1234567",
    generated: str | None = None,
    kind: str = "AF",
    extra: str = "",
) -> bytes:
    """The XML of a statement with these trades; generated now, unless said otherwise."""
    confirms = kind == "TCF"
    section, tag = ("TradeConfirms", "TradeConfirm") if confirms else ("Trades", "Trade")
    rows = [one if isinstance(one, dict) else trade(one, confirms=confirms) for one in executions]
    lines = [f"<{tag} " + " ".join(f"{n}={quoteattr(v)}" for n, v in row.items()) + " />" for row in rows]
    stamp = generated or f"{local(now_ns()):%Y%m%d;%H%M%S}"
    return "\n".join(
        [
            f'<FlexQueryResponse queryName="tieout" type="{kind}">',
            '<FlexStatements count="1">',
            f'<FlexStatement accountId="{account}" fromDate="{first:%Y%m%d}" toDate="{last:%Y%m%d}" '
            f'period="Custom" whenGenerated="{stamp}">',
            f"<{section}>",
            *lines,
            f"</{section}>",
            extra,
            "</FlexStatement>",
            "</FlexStatements>",
            "</FlexQueryResponse>",
        ]
    ).encode()


def executions_of(scenario: str, folder: Path, *, now: int | None = None) -> list[Execution]:
    """What the simulated broker executed, whatever the day."""
    path = folder / "truth.yml"
    path.write_text(scenario, encoding="utf-8")
    return list(load_scenario(path, now_ns=now_ns() if now is None else now).world.executions)


@dataclass
class Service:
    """
    The Flex Web Service. `answers` are taken one after another: a code, an HTTP status (below 1000), or a
    statement; the last one stays.
    """

    send: list[int | bytes] = field(default_factory=lambda: [b"ok"])
    get: list[int | bytes] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    """The call, its words and the User-Agent."""
    port: int = 0

    @property
    def base_url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/FlexWebService"


TEXTS = {
    1003: "Statement is not available.",
    1012: "Token has expired.",
    1015: "Token is invalid.",
    1018: "Too many requests have been made from this token. Please try again shortly.",
    1019: "Statement generation in progress. Please try again shortly.",
}


def refusal(code: int) -> bytes:
    """The service's own word, as it writes it."""
    status = "Warn" if code in {1018, 1019} else "Fail"
    return (
        f"<FlexStatementResponse timestamp='22 November, 2026 04:30 PM EST'><Status>{status}</Status>"
        f"<ErrorCode>{code}</ErrorCode><ErrorMessage>{TEXTS.get(code, 'no')}</ErrorMessage></FlexStatementResponse>"
    ).encode()


ACCEPTED = (
    b"<FlexStatementResponse timestamp='22 November, 2026 04:30 PM EST'><Status>Success</Status>"
    b"<ReferenceCode>987654321</ReferenceCode><Url>http://127.0.0.1:1/elsewhere</Url></FlexStatementResponse>"
)


@contextmanager
def flex_service(service: Service) -> Iterator[Service]:
    """The service, answering."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            call = parts.path.rpartition("/")[2]
            words = {name: values[0] for name, values in parse_qs(parts.query).items()}
            service.asked.append((call, words, self.headers["User-Agent"]))
            answers = service.send if call == "SendRequest" else service.get
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            status, body = 200, b""
            if isinstance(answer, bytes):
                body = ACCEPTED if call == "SendRequest" else answer
            elif answer < 1000:
                status = answer
            else:
                body = refusal(answer)
            self.send_response(status)
            if status in {301, 302}:
                self.send_header("Location", f"{service.base_url}/stolen")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        service.port = server.server_port
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()
