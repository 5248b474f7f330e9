"""A recorded gateway session, replayed at the adapter in every size of piece: nothing of it is lost."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import broker_frames as frames
from broker_support import POSITIONS, TIME, ScriptedGateway
from tieout import fixed
from tieout.broker import open_broker
from tieout.clock import NS_PER_S

if TYPE_CHECKING:
    from tieout.model import Snapshot

RECORDED = Path(__file__).parent / "recorded" / "session_173.txt"
VERSION = 173
SUMMARY = 62
HELD = ("AAPL", "ES")


def session() -> dict[int, list[str]]:
    """The messages, by the kind of the request that they answered."""
    found: dict[int, list[str]] = {}
    for line in RECORDED.read_text(encoding="utf-8").splitlines():
        if line.startswith(">"):
            kind = int(line.split()[1])
        elif not line.startswith("#"):
            found.setdefault(kind, []).append(line)
    return found


def replayed(*, chunk: int = 1 << 20, together: bool = False) -> Snapshot:
    """
    One snapshot of that gateway.

    Args:
        chunk: how many bytes the network gets at once.
        together: an answer's messages come in one piece, and the account summary, which was not asked for, with them.
    """
    told = session()
    positions = [frames.text_frame(line) for line in told[POSITIONS]]
    unasked = [frames.text_frame(line) for line in told[SUMMARY]]
    answer = [b"".join([*unasked, *positions])] if together else [*unasked, *positions]
    (accounts,) = told[17]
    logon = [frames.text_frame(accounts), frames.frame(9, 1, 1)]
    with ScriptedGateway(
        {TIME: [[frames.text_frame(line) for line in told[TIME]]], POSITIONS: [answer]},
        version=VERSION, connected_at="20250715 19:05:13 UTC",
        logons=[[b"".join(logon)] if together else logon], chunk=chunk,
    ) as gateway, open_broker(gateway.settings()) as broker:  # fmt: skip
        return broker.snapshot()


@pytest.mark.parametrize(
    "pieces", [{}, {"chunk": 1}, {"chunk": 7}, {"together": True}, {"together": True, "chunk": 1}], ids=str
)
def test_every_field_that_was_sent_is_read(pieces: dict[str, int]) -> None:
    got = replayed(**pieces)

    told = session()
    assert got.complete
    assert got.gateway.account == told[17][0].split("|")[2] == "ACCOUNT_ID"
    assert got.gateway.server_version == VERSION
    assert got.server_time_ns == int(told[TIME][0].split("|")[2]) * NS_PER_S
    rows = got.positions.rows(named=True)
    assert len(rows) == 2
    for row, line in zip(rows, told[POSITIONS], strict=False):
        sent = line.split("|")
        assert list(row.values()) == [
            sent[2], int(sent[3]), sent[4], sent[5], sent[6] or None, e8(sent[7]) or None, sent[8] or None,
            e8(sent[9]), sent[11], sent[12], sent[13], sent[10] or None, e8(sent[14]), e8(sent[15]),
        ]  # fmt: skip


def test_the_futures_average_cost_holds_the_multiplier() -> None:
    es = dict(zip(HELD, replayed().positions.rows(named=True), strict=True))["ES"]
    price = Decimal(es["average_cost_e8"]) / es["multiplier_e8"]
    assert price == Decimal("6302.295")


def e8(text: str) -> int | None:
    """The number in counts of 1e-8; None for no number."""
    return fixed.to_e8(Decimal(text)) if text else None
