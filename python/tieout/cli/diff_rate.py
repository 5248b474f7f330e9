"""The column of a progress bar that says how many rows are done, and how many a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.progress import ProgressColumn
from rich.table import Column
from rich.text import Text

if TYPE_CHECKING:
    from rich.progress import Task

_UNITS: Final = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


class RateColumn(ProgressColumn):
    """`1.2M of 4.0M rows, 600k/s`."""

    def __init__(self) -> None:
        super().__init__(table_column=Column(no_wrap=True))

    def render(self, task: Task) -> Text:
        """The text for a task."""
        if not task.completed:
            return Text("")
        whole = "" if task.total is None else f" of {short(task.total)}"
        rate = "" if task.speed is None else f", {short(task.speed)}/s"
        return Text(f"{short(task.completed)}{whole} rows{rate}")


def short(number: float) -> str:
    """A number of three or four characters: 950, 1.2k, 47k, 3.1M."""
    for size, unit in _UNITS:
        if number >= size:
            share = number / size
            return f"{share:.1f}{unit}" if share < 10 else f"{share:.0f}{unit}"
    return f"{number:.0f}"
