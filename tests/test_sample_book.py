"""The sample book is repeatable, and has the troubles that it is there for."""

from __future__ import annotations

import importlib
from importlib.resources import files
from pathlib import Path

import pytest

from adopt_support import Adopted
from tieout.samples import TIMEZONE, write_sample_book

TOOLS = Path(__file__).parent.parent / "tools"


def test_the_script_writes_the_file_that_ships(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(TOOLS)
    script = importlib.import_module("make_sample_book")
    assert files("tieout.samples").joinpath("old_book.sql").read_text(encoding="utf-8") == script.sample_sql()


def test_it_is_never_written_over_another_file(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        write_sample_book(path)
    assert path.read_text() == "mine"


def test_its_troubles_are_all_there(tmp_path: Path) -> None:
    write_sample_book(tmp_path / "book.db")
    adopted = Adopted(tmp_path / "book.db", timezone=TIMEZONE)
    report = adopted.report
    assert (report.orders, report.order_events, report.executions) == (341, 1370, 198)
    assert (report.placed, report.from_events_only, report.before_first_placed) == (335, 3, 3)
    assert report.live == 20
    assert adopted.doubts() == {
        "superseded_unknown": 7,
        "live_after_end": 2,
        "fills_do_not_add_up": 3,
        "not_on_record": 81,
        "inexact_number": 1,
    }
    live = adopted.rows(
        "SELECT DISTINCT symbol, order_type FROM orders WHERE status IN ('Submitted', 'PreSubmitted', 'PendingSubmit')"
    )
    assert {symbol for symbol, _ in live} == {"ES", "MES", "SPY", "AAPL"}
    assert {order_type for _, order_type in live} == {"LMT", "STP", "MKT", "STP LMT"}
    assert adopted.rows("SELECT count(*) FROM order_events WHERE order_row IS NULL") == [(0,)]
    assert adopted.rows("SELECT count(*) FROM executions WHERE order_row IS NULL") == [(0,)]
