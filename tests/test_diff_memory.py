"""Sizes as a person writes them, and when it is plain that two sides will not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from tieout.diffing import memory
from tieout.diffing.memory import Meter, Outgrown, parse_size, shown
from tieout.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("text", "size"), [
    ("4GiB", 4 << 30), ("4g", 4 << 30), ("500MB", 500_000_000), (" 1.5 kib ", 1536), ("1024", 1024), (1024, 1024),
    ("2T", 2 << 40),
])  # fmt: skip
def test_a_size(text: str | int, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "much", "-1GiB", "4 apples", "0", "0GiB", "1e9", "GiB"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(UsageError, match="is no size"):
        parse_size(text)


@pytest.mark.parametrize(("size", "text"), [(5, "5 bytes"), (1536, "1.5 KiB"), (4 << 30, "4.0 GiB")])
def test_a_size_is_shown(size: int, text: str) -> None:
    assert shown(size) == text


def test_half_of_what_is_free_and_never_too_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_free", lambda: 8 << 30)
    assert memory.half_of_free() == 4 << 30
    monkeypatch.setattr(memory, "_free", lambda: 1 << 20)
    assert memory.available(memory.half_of_free()) > 0


def test_a_container_may_have_less_than_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "max").write_text("1000000\n")
    (tmp_path / "used").write_text("400000\n")
    monkeypatch.setattr(memory, "_GROUPS", ((str(tmp_path / "max"), str(tmp_path / "used")),))
    assert memory._free() == 600_000


def test_the_first_rows_tell_that_the_rest_will_not_fit() -> None:
    """A row of eight bytes takes eighty with the kernel's part; the right side is taken to be like the left."""
    piece = pl.DataFrame({"id": range(10)})
    with pytest.raises(Outgrown) as caught:
        Meter(99_999, (1000, 250)).add("left", 10, piece)
    sizes = [(one.rows, one.size, one.needed) for one in caught.value.sizes]
    assert sizes == [(1000, 8000, 80_000), (250, 2000, 20_000)]
    Meter(100_000, (1000, 250)).add("left", 10, piece)


def test_what_is_read_counts_where_an_estimate_was_too_low() -> None:
    piece = pl.DataFrame({"id": range(10)})
    meter = Meter(2400, (10, None))
    for _ in range(3):
        meter.add("left", 10, piece)
    with pytest.raises(Outgrown):
        meter.add("right", 10, piece)
