"""What adopting found, and what it doubts: grouped, so that a long book gives a short report."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Final

EXAMPLES_MAX: Final = 10
"""How many cases of one doubt the report names; `count` tells how many there are."""

MESSAGES: Final[dict[str, str]] = {
    "time_naive": "times name no time zone: kept as text, not used to match; --timezone makes them usable",
    "time_ambiguous": "local times that the clock change made ambiguous or impossible: kept as text",
    "time_unreadable": "times that cannot be read: kept as text",
    "times_mixed": "times without a time zone beside times with one: their order is taken as they read",
    "superseded_unknown": "orders that cannot be live any more, but whose end is not on record",
    "live_after_end": "a live status comes after Filled or Cancelled in one order's log",
    "fills_do_not_add_up": "the filled quantity is not what the executions or the status say",
    "status_disagrees": "the order's row and its log end in different words: the row's is kept",
    "row_not_of_newest_placed": "the order's row does not look like the newest PLACED event of its id",
    "row_without_placed": "orders without a PLACED event: their row is taken as one order",
    "placed_without_row": "orders with a PLACED event but without a row: taken from the log",
    "not_on_record": "orders of which the old book does not tell everything: what is missing stays empty",
    "inexact_number": "numbers that are not exact to 1e-8: kept as they stand, they equal nothing",
    "unknown_word": "words that are no status or side we know: kept as they stand",
    "execution_without_order": "executions for which no order was alive at their time: kept, tied to none",
    "event_without_order_id": "events without an order id: kept, tied to no order",
    "log_out_of_order": "events that are older than the one logged before them on the same id",
    "text_undecodable": "texts that are not UTF-8: shown with escapes, their bytes are in the legacy table",
    "table_set_aside": "further tables that point at the old ones: kept under a legacy_ name",
    "schema_object_removed": "views and triggers on the old tables: removed, their text is in book_meta",
}
"""Every kind of doubt, in the order in which a report tells them."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """One kind of doubt: how often, in plain words, and up to `EXAMPLES_MAX` cases."""

    kind: str
    count: int
    message: str
    examples: tuple[str, ...] = ()


class Doubts:
    """Collects cases by kind."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._examples: dict[str, list[str]] = {}

    def add(self, kind: str, example: str) -> None:
        """One more case of a kind of `MESSAGES`; another kind is a KeyError: nobody would read it."""
        if kind not in MESSAGES:
            raise KeyError(kind)
        self._counts[kind] = self._counts.get(kind, 0) + 1
        examples = self._examples.setdefault(kind, [])
        if len(examples) < EXAMPLES_MAX:
            examples.append(example)

    def listed(self) -> tuple[Doubt, ...]:
        """All kinds that occurred, in the order of `MESSAGES`."""
        return tuple(
            Doubt(kind, self._counts[kind], message, tuple(self._examples[kind]))
            for kind, message in MESSAGES.items()
            if kind in self._counts
        )


@dataclass(frozen=True, slots=True)
class AdoptReport:
    """
    What an adoption found. `orders` = `placed` + `from_events_only` + `before_first_placed` + `row_only`.

    `already_current` says that the book needed nothing and that nothing was written: the numbers are then
    those of its own adoption.
    """

    orders: int
    order_events: int
    executions: int
    placed: int
    from_events_only: int
    before_first_placed: int
    row_only: int
    live: int
    account: str | None = None
    client_id: int | None = None
    timezone: str | None = None
    adopted_from: str | None = None
    already_current: bool = False
    doubts: tuple[Doubt, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """The report as `--json` prints it and `book_meta.adopt_report` keeps it."""
        return json.loads(json.dumps(asdict(self)))  # type: ignore[no-any-return]

    @classmethod
    def from_json(cls, data: dict[str, Any], *, already_current: bool) -> AdoptReport:
        """The report of an earlier adoption, as `to_json` wrote it."""
        doubts = tuple(Doubt(**{**each, "examples": tuple(each["examples"])}) for each in data["doubts"])
        return cls(**{**data, "doubts": doubts, "already_current": already_current})
