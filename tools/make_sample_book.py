"""
Write python/tieout/samples/old_book.sql: an order book in the old layout, the same bytes every time.

A bot trades ES, MES, SPY and AAPL for some weeks; its gateway forgets the last order ids twice, so that ids
are reused and overwrite older orders. The troubles of real books are in it: ids known from events alone, ids
with events before their first PLACED, live statuses after terminal ones, an execution booked twice, a price
with too many digits, columns that nobody else knows.

    python tools/make_sample_book.py
"""

from __future__ import annotations

from pathlib import Path

from sample_bot import Bot
from sample_sql import dump

TARGET = Path(__file__).parent.parent / "python" / "tieout" / "samples" / "old_book.sql"


def sample_sql() -> str:
    """The sample book as SQL text."""
    bot = Bot(seed=20251207)
    bot.trade_history()
    bot.leave_orders_working()
    return dump(bot.book)


if __name__ == "__main__":
    TARGET.write_text(sample_sql(), encoding="utf-8")
