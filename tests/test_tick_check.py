"""`ticks check`: what it finds, and what it says of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tick_file_support import NAMES, NOON, batch, tieout_ticks, write_recording
from tieout.clock import NS_PER_S
from tieout.ticks.sources.checking import check
from tieout.ticks.sources.mapped import Columns


def only(root: Path, **options: Any) -> dict[str, Any]:
    """What the check of a recording says, without what is 0 and without what every recording has."""
    told = check([root], **options).to_json()
    return {
        "findings": told["findings"],
        **{f"{one['instrument']}.{key}": value for one in told["instruments"] for key, value in one.items()
           if key in {"duplicates", "backwards", "no_price", "silent"} and value},
        **{key: value for session in told["sessions"] for key, value in session.items()
           if key in {"gaps", "lost", "connections"} and value != (key == "connections")},
        **{key: told[key] for key in ("unreadable", "left_over", "numbers_unknown") if told[key]},
    }  # fmt: skip


def test_a_sound_recording_has_no_findings(tmp_path: Path) -> None:
    write_recording(tmp_path / "ticks", batch(3000), every=700)
    assert only(tmp_path / "ticks") == {"findings": 0}
    assert check([tmp_path / "ticks"]).rows == 3000


def test_numbers_that_are_missing_are_losses(tmp_path: Path) -> None:
    ticks = batch(300).filter(~pl.col("sequence").is_in([10, 11, 12, 200]))
    write_recording(tmp_path / "ticks", ticks)
    assert only(tmp_path / "ticks") == {"findings": 2, "gaps": 2, "lost": 4}
    assert check([tmp_path / "ticks"]).sessions[0].examples == [(NOON + 13_000_000, 3), (NOON + 201_000_000, 1)]


def test_a_new_connection_begins_to_count_again_and_is_no_loss(tmp_path: Path) -> None:
    write_recording(tmp_path / "ticks", pl.concat([batch(30), batch(60, at_ns=NOON + NS_PER_S)]))
    assert only(tmp_path / "ticks") == {"findings": 0, "connections": 2}


def test_some_of_the_instruments_say_nothing_of_missing_numbers(tmp_path: Path) -> None:
    write_recording(tmp_path / "ticks", batch(30))
    found = only(tmp_path / "ticks" / "date=2026-03-02" / "instrument=ES")
    assert found == {
        "findings": 0,
        "numbers_unknown": "only some files of a recording were named; name its folder, or one day's",
    }
    assert only(tmp_path / "ticks" / "date=2026-03-02") == {"findings": 0}


def test_a_file_that_is_there_twice_is_seen(tmp_path: Path) -> None:
    root = tmp_path / "ticks"
    write_recording(root, batch(30))
    part = next((root / "date=2026-03-02/instrument=ES").iterdir())
    shutil.copy(part, part.with_name("part-2-copy.parquet"))
    found = only(root)
    assert found == {
        "findings": 11,
        "ES.duplicates": 10,
        "ES.backwards": 1,
        "numbers_unknown": "ticks are there twice; take the copies away first",
    }


def test_time_that_runs_backwards_and_trades_without_price(tmp_path: Path) -> None:
    ticks = batch(6, received_ns=[NOON, NOON + 1, NOON + 2, NOON - NS_PER_S, NOON + 4, NOON + 5],
                  price=[1, None, 1, 1, 1, 0x7FF8 << 48], flags=[3, 3, 3, 3, 3, 11])  # fmt: skip
    write_recording(tmp_path / "ticks", ticks)
    found = only(tmp_path / "ticks")
    assert (found["ES.backwards"], found["EUR/USD.no_price"], found[f"{NAMES[2]}.no_price"]) == (1, 1, 1)
    assert check([tmp_path / "ticks"]).instruments["ES"].backwards_ns == NS_PER_S


def test_a_quote_without_a_price_is_none_of_the_findings(tmp_path: Path) -> None:
    write_recording(tmp_path / "ticks", batch(3, field=3, price=None))
    assert only(tmp_path / "ticks") == {"findings": 0}


def test_silence_is_a_finding_where_it_is_asked_for(tmp_path: Path) -> None:
    ticks = pl.concat([batch(30), batch(30, first=30, at_ns=NOON + 60 * NS_PER_S)])
    write_recording(tmp_path / "ticks", ticks, every=40)
    assert only(tmp_path / "ticks") == {"findings": 0}
    found = check([tmp_path / "ticks"], gap_seconds=50)
    assert [one.silent for one in found.instruments.values()] == [1, 1, 1]
    assert found.instruments["ES"].silences == [(NOON + 27_000_000, 60 * NS_PER_S + 3_000_000)]


def test_an_unreadable_file_is_a_finding_and_the_rest_is_looked_at(tmp_path: Path) -> None:
    root = tmp_path / "ticks"
    write_recording(root, batch(30))
    part = next((root / "date=2026-03-02/instrument=ES").iterdir())
    part.write_bytes(part.read_bytes()[:-20])
    found = check([root])
    assert (found.findings, found.rows, found.numbers_unknown) == (1, 20, "a file could not be read")
    assert found.unreadable == {str(part): f"{part} is not a whole Parquet file: its end is missing"}


def test_rows_of_other_programs_that_are_there_twice(tmp_path: Path) -> None:
    path = tmp_path / "day.csv"
    path.write_text("symbol,ts,last\nA,1772452800000,1\nA,1772452800000,1\nB,1772452800000,1\nA,1772452801000,nan\n")
    found = check([path], columns=Columns(time_unit="ms")).instruments
    assert [(name, one.rows, one.duplicates, one.no_price) for name, one in found.items()] == [
        ("A", 3, 1, 1), ("B", 1, 0, 0),
    ]  # fmt: skip


def test_the_command_ends_with_3_when_something_is_wrong(tmp_path: Path) -> None:
    root = tmp_path / "ticks"
    write_recording(root, batch(30))
    assert (tieout_ticks("check", str(root)).code, tieout_ticks("check", str(root), "--json").code) == (0, 0)
    write_recording(root, batch(3, first=500, at_ns=NOON + 1).filter(pl.col("sequence") != 501))
    done = tieout_ticks("check", str(root), "--json")
    assert (done.code, done.told["findings"] > 0, done.told["rows"]) == (3, True, 32)


@pytest.mark.parametrize(
    ("options", "code", "expected"),
    [
        (["--column", "time"], 2, "--column time: expected WHAT=NAME"),
        (["--timezone", "Mars/Base"], 2, "there is no such time zone"),
        (["--price-scale", "0"], 2, "expected a number above 0"),
        (["missing/"], 1, "there is no such file or folder"),
    ],
)
def test_a_wrong_option_is_told(tmp_path: Path, options: list[str], code: int, expected: str) -> None:
    write_recording(tmp_path / "ticks", batch(3))
    done = tieout_ticks("check", str(tmp_path / "ticks"), *options)
    assert (done.code, expected in done.err) == (code, True), done.err
