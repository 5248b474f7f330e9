"""The column of a progress bar that says how many rows are done, and how many a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.progress import ProgressColumn
from rich.text import Text

if TYPE_CHECKING:
    from rich.progress import Task


class RateColumn(ProgressColumn):
    """`1,200,000 of about 4,000,000 rows, 600,000/s`."""

    def render(self, task: Task) -> Text:
        """The text for a task."""
        if not task.completed:
            return Text("")
        whole = "" if task.total is None else f" of about {task.total:,.0f}"
        rate = "" if task.speed is None else f", {task.speed:,.0f}/s"
        return Text(f"{task.completed:,.0f}{whole} rows{rate}")
