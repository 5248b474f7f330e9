"""What the tests of the simulated gateway share: a raw client, and small order books."""

from __future__ import annotations

import socket
import sqlite3
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tieout.clock import from_iso
from tieout.sim import RunningSim, SimOptions, run_in_thread

NOON = "2026-03-04T12:00:00Z"
NOON_NS = from_iso(NOON)
TIMEOUT_S = 20.0
FARM_NOTICES = 3


def noon() -> int:
    """A clock that stands at noon, so that "today" holds still."""
    return NOON_NS


class RawClient:
    """Speaks the wire protocol byte by byte, and knows nothing about the gateway's code."""

    def __init__(self, port: int, *, chunk: int | None = None) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._chunk = chunk

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send_bytes(self, data: bytes) -> None:
        """Send as is, in pieces where the client was made so."""
        step = self._chunk or len(data)
        for start in range(0, len(data), step):
            self._socket.sendall(data[start : start + step])

    def end(self) -> None:
        """Send nothing more; what the gateway still says can be read."""
        self._socket.shutdown(socket.SHUT_WR)

    def send(self, *fields: object) -> None:
        """Send one message."""
        body = "".join(f"{field}\0" for field in fields).encode()
        self.send_bytes(struct.pack(">I", len(body)) + body)

    def read_bytes(self, count: int) -> bytes:
        """Exactly that many bytes, or fewer where the gateway closed before."""
        data = b""
        while len(data) < count:
            more = self._socket.recv(count - len(data))
            if not more:
                break
            data += more
        return data

    def read_body(self) -> bytes:
        """The next message's body; empty once the gateway has closed."""
        prefix = self.read_bytes(4)
        return self.read_bytes(struct.unpack(">I", prefix)[0]) if len(prefix) == 4 else b""

    def read(self) -> list[str]:
        """The next message's fields; empty once the gateway has closed."""
        return self.read_body().decode().split("\0")[:-1]

    def read_until(self, message_id: str) -> list[list[str]]:
        """All messages up to and with the first of that id."""
        found: list[list[str]] = []
        while not found or found[-1][0] != message_id:
            message = self.read()
            assert message, f"closed before message {message_id}: {found}"
            found.append(message)
        return found

    def shake_hands(self, versions: str = "v157..178") -> list[str]:
        """The handshake; answers server version and connection time, nothing where the gateway closed."""
        body = versions.encode()
        self.send_bytes(b"API\0" + struct.pack(">I", len(body)) + body)
        return self.read()

    def start(self, client_id: int, versions: str = "v157..178") -> list[list[str]]:
        """Handshake and START_API; answers what the gateway says then, its farm notices included."""
        assert self.shake_hands(versions)
        self.send(71, 2, client_id, "")
        return [self.read() for _ in range(2 + FARM_NOTICES)]

    def ask(self, *fields: object, until: str) -> list[list[str]]:
        """Send a request and read up to its End."""
        self.send(*fields)
        return self.read_until(until)


@contextmanager
def sim_of(
    scenario: str, folder: Path, *, now_ns: Callable[[], int] = noon, version: int = 178
) -> Iterator[RunningSim]:
    """A gateway that serves this scenario text."""
    path = folder / "scenario.yml"
    path.write_text(scenario, encoding="utf-8")
    with run_in_thread(SimOptions(scenario=path, server_version_max=version, now_ns=now_ns)) as sim:
        yield sim


def order_row(number: int, **columns: Any) -> dict[str, Any]:
    """A live limit order of a book: perm_id 5000 + number, order_id number, price 6000 + number."""
    row = {
        "account": "DU1",
        "perm_id": 5000 + number,
        "client_id": 7,
        "order_id": number,
        "symbol": "ES",
        "side": "BUY",
        "quantity": "4",
        "order_type": "LMT",
        "limit_price": str(6000 + number),
        "tif": "DAY",
        "status": "Submitted",
        "filled_quantity": "0",
    }
    return row | columns


def make_book(path: Path, orders: Sequence[dict[str, Any]], executions: Sequence[dict[str, Any]] = ()) -> Path:
    """A book in the current layout with these rows."""
    from tieout.store.migrate import create_book  # the client libraries' own environments have no store

    create_book(path, now_ns=NOON_NS)
    with closing(sqlite3.connect(path)) as connection, connection:
        for table, rows in (("orders", orders), ("executions", executions)):
            for row in rows:
                names, marks = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
                connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))
    return path
