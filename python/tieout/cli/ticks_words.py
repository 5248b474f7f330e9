"""What the commands about ticks share: their sources, how columns are named, and how times and tables are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from tieout.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tieout.ticks.sources.mapped import Columns

Sources = Annotated[
    list[str],
    typer.Argument(metavar="SOURCE", help="A recording's folder, files or globs: Parquet, CSV, Arrow, NDJSON, DBN."),
]
ColumnNames = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="WHAT=NAME", help="Of other programs' files: time, price, size, bid, ask, ..."),
]
TimeUnit = Annotated[Literal["s", "ms", "us", "ns"], typer.Option(help="What times count that are whole numbers.")]
Timezone = Annotated[str | None, typer.Option(metavar="ZONE", help="Where times without an offset are from.")]
PriceScale = Annotated[float, typer.Option(metavar="X", help="What a price counts: 1e-9 for billionths.")]

_EMPTY: Final = "-"


def columns_of(names: Sequence[str] | None, time_unit: str, timezone: str | None, price_scale: float) -> Columns:
    """
    The options that say how another program's files are to be read.

    Raises:
        UsageError: --column is not WHAT=NAME, or there is no such time zone.
    """
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from tieout.ticks.sources.mapped import Columns

    found: dict[str, str] = {}
    for words in names or ():
        what, equals, name = words.partition("=")
        if not (equals and what and name):
            raise UsageError(f"--column {words}: expected WHAT=NAME", hint="for example --column time=ts")
        found[what] = name
    if timezone is not None:
        try:
            ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise UsageError(
                f"--timezone {timezone}: there is no such time zone", hint="for example America/New_York"
            ) from error
    if not price_scale > 0:
        raise UsageError(f"--price-scale {price_scale:g}: expected a number above 0", hint="for example 1e-9")
    return Columns(found, time_unit=time_unit, timezone=timezone, price_scale=price_scale)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table: the first column to the left, numbers to the right."""
    lines = [tuple(head), *(tuple(row) for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    return [
        "  ".join(
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def count(number: int) -> str:
    """1,234; nothing to speak of is a dash."""
    return f"{number:,}" if number else _EMPTY


def long(seconds: float) -> str:
    """A stretch of time as a person says it."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
