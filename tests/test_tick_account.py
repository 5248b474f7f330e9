"""The account of ticks handed over: whatever the stream loses or repeats, every tick is where the account says."""

from __future__ import annotations

from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tick_file_support import batch, instruments
from tieout.errors import InputUnusable
from tieout.ticks.remote.account import Account
from tieout.ticks.remote.client import shown, without_secrets
from tieout.ticks.remote.message import SENT, Head, decoded, encoded, named


def heads(rows: list[int], *, lost: int = 0, dropped: int = 0) -> list[Head]:
    """The messages of a feed: one of so many rows each, then the last one."""
    published, made = 0, []
    for number, count in enumerate([*rows, 0], start=1):
        published += count
        made.append(
            Head(
                feed="f", number=number, rows=count, published=published, first_sequence=0, last_sequence=0,
                taken=published + lost, lost=lost, produced=published + lost + dropped, dropped=dropped, conflated=0,
                end=number > len(rows),
            )
        )  # fmt: skip
    return made


@given(
    st.lists(st.integers(1, 50), max_size=12),
    st.data(),
    st.integers(0, 9),
    st.integers(0, 9),
)
def test_rules_1_and_2_every_tick_is_before_received_or_missed(
    rows: list[int], data: st.DataObject, lost: int, dropped: int
) -> None:
    sent = heads(rows, lost=lost, dropped=dropped)
    kept = [head for head in sent if data.draw(st.booleans())]
    arrived = [head for head in kept for _ in range(data.draw(st.integers(1, 3)))]
    account = Account("f")
    fresh = []
    for head in arrived:
        if account.take(head):
            fresh.append(head)
        assert account.balances
    assert fresh == kept
    assert account.copies == len(arrived) - len(kept)
    assert account.received == sum(head.rows for head in kept)
    if kept:
        assert account.before == sum(head.rows for head in sent if head.number < kept[0].number)
        gaps = [range(a.number + 1, b.number) for a, b in pairwise(kept)]
        assert account.missed == sum(sent[number - 1].rows for gap in gaps for number in gap)
    assert account.ended == bool(kept and kept[-1].end)
    assert "f" in str(account)


def test_an_end_that_does_not_add_up_does_not_balance() -> None:
    *_, end = heads([5], dropped=3)
    wrong = Head(**{name: getattr(end, name) for name in Head.__slots__} | {"dropped": 2})
    assert not _told(wrong).balances
    assert _told(end).balances


def _told(end: Head) -> Account:
    account = Account("f")
    for head in (heads([5], dropped=3)[0], end):
        account.take(head)
    return account


def test_a_head_comes_back_from_its_headers() -> None:
    for head in heads([3, 4], lost=2, dropped=1):
        assert Head.of(head.headers()) == head
    apart = Head(**{name: getattr(heads([1])[0], name) for name in Head.__slots__} | {"produced": None})
    assert Head.of(apart.headers()) == apart


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        (None, "no message of tieout's; expected version 1"),
        ({"Tieout-Version": "2"}, "a message of version 2; expected version 1"),
        ({"Tieout-Version": "1"}, "a message's head cannot be read: 'Tieout-Produced'|'Tieout-"),
    ],
)
def test_a_head_that_is_not_ours_is_named(headers: dict[str, str] | None, message: str) -> None:
    with pytest.raises(InputUnusable, match=message):
        Head.of(headers)


def test_a_batch_comes_back_with_its_names_and_bytes_that_are_none_are_named() -> None:
    ticks = named(batch(1_000), instruments())
    data = encoded(ticks)
    assert decoded(data).equals(ticks)
    assert decoded(data).schema == pl.Schema(SENT)
    with pytest.raises(InputUnusable, match="is no Arrow IPC stream"):
        decoded(data[: len(data) // 2])
    with pytest.raises(InputUnusable, match="a message has the columns price; expected name"):
        decoded(encoded(ticks.select("price")))


def test_an_address_is_told_without_its_secrets() -> None:
    address = "nats://bot:hidden@example.org:4222"
    assert shown(address) == "nats://example.org:4222"
    assert shown("tls://token@example.org") == "tls://example.org"
    assert without_secrets("bot:hidden is wrong, hidden too", address) == "*** is wrong, *** too"
