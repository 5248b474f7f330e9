"""What waits for a strategy: calls before the market, the account of what was lost, the newest quote never among it."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from tieout.bot.backlog import QUOTES, Backlog
from tieout.bot.mailbox import Call, Mailbox, Piece
from tieout.ticks.layout import BY_TICK, PRICE, SIZE, TICK

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = tuple[int, int, int, int]
numbers, prices = st.integers(0, 2), st.integers(1, 9)
rows = st.tuples(numbers, st.just(PRICE), st.sampled_from([1, 2, 4]), prices) | st.tuples(
    numbers, st.sampled_from([SIZE, BY_TICK]), st.sampled_from([0, 1, 3]), prices
)


def frame_of(rows: Sequence[Row], first: int = 0) -> pl.DataFrame:
    """Ticks of (instrument, kind, field, price), numbered from `first` on."""
    columns: dict[str, Any] = {name: [None] * len(rows) for name in TICK}
    for name, at in (("instrument", 0), ("kind", 1), ("field", 2), ("price", 3)):
        columns[name] = [row[at] for row in rows]
    columns |= {"sequence": range(first, first + len(rows)), "flags": [0] * len(rows), "received_ns": [0] * len(rows)}
    return pl.DataFrame(columns, schema=TICK)


def is_quote(row: Row) -> bool:
    return bool(frame_of([row]).filter(QUOTES).height)


@given(st.lists(st.tuples(st.lists(rows, max_size=12), st.booleans())), st.integers(1, 20), st.integers(1, 30))
def test_every_tick_is_given_waits_or_is_accounted_for(
    rounds: list[tuple[list[Row], bool]], rows_max: int, piece_max: int
) -> None:
    backlog = Backlog(rows_max=rows_max, piece_max=piece_max)
    all_rows: list[Row] = []
    given: list[Row] = []
    for batch, take in rounds:
        backlog.put("ticks", frame_of(batch, len(all_rows)))
        all_rows += batch
        if take and backlog:
            given += backlog.pop()[1].select("instrument", "kind", "field", "price").rows()
        counts = backlog.counts()
        assert counts["taken"] == len(all_rows)
        assert counts["taken"] == len(given) + counts["waiting"] + counts["lost"] + counts["conflated"]
        assert counts["waiting"] <= rows_max + 3 * 5
    while backlog:
        given += backlog.pop()[1].select("instrument", "kind", "field", "price").rows()
    lost_by_instrument = Counter(row[0] for row in all_rows if not is_quote(row)) - Counter(
        row[0] for row in given if not is_quote(row)
    )
    assert dict(backlog.lost) == lost_by_instrument
    newest = {row[:3]: row for row in all_rows if is_quote(row)}
    assert {row[:3]: row for row in given if is_quote(row)} == newest


def test_bars_beyond_the_bound_are_lost_oldest_first() -> None:
    backlog = Backlog(bars_max=3)
    for number in range(5):
        backlog.put("bars", pl.DataFrame({"bar": [number]}))
    assert [backlog.pop()[1]["bar"][0] for _ in range(3)] == [2, 3, 4]
    assert (bool(backlog), backlog.counts()["bars_lost"]) == (False, 2)


@given(st.lists(st.integers(0, 9), max_size=9), st.integers(1, 8))
def test_ticks_are_given_together_and_in_order_up_to_the_size_of_a_piece(sizes: list[int], piece_max: int) -> None:
    backlog, first = Backlog(piece_max=piece_max), 0
    for size in sizes:
        backlog.put("ticks", frame_of([(0, PRICE, 1, 1)] * size, first))
        first += size
    pieces = []
    while backlog:
        pieces.append(backlog.pop()[1])
    assert [number for piece in pieces for number in piece["sequence"]] == list(range(first))
    assert [piece.height for piece in pieces[:-1]] == [piece_max] * (len(pieces) - 1)


def test_calls_come_before_the_market_and_nothing_after_the_end() -> None:
    box = Mailbox(Backlog(piece_max=2))
    for number in range(4):
        box.post_market("ticks", frame_of([(0, PRICE, 1, number)] * 2))
    box.post_market("bars", pl.DataFrame({"bar": [1]}))
    call = Call("on_order", lambda: None)
    assert box.post(call)
    assert box.take() == call
    pieces = [box.take() for _ in range(5)]
    assert [(piece.what, piece.frame.height, piece.behind) for piece in pieces if isinstance(piece, Piece)] == [
        ("ticks", 2, True), ("ticks", 2, True), ("ticks", 2, False), ("ticks", 2, False), ("bars", 1, False)
    ]  # fmt: skip
    assert box.take() is None
    box.post_market("bars", pl.DataFrame({"bar": [2]}))
    box.wait()
    assert box.take() is not None
    waiting = threading.Thread(target=box.wait)
    waiting.start()
    box.end()
    waiting.join(20)
    assert (box.ended, box.post(call), box.take()) == (True, True, None)
