"""What changed since a plan was staged, line by line: on the book's side and on the broker's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tieout.canonical import digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tieout.reconcile.actions import Action
    from tieout.store.reader import Image

_LINES_MAX: Final = 20


def title(action: Action) -> str:
    """An action in half a line: what is done to what."""
    if action.entity == "execution":
        return f"{action.kind} execution {action.exec_id or f'row {action.row}'} {action.symbol or ''}".rstrip()
    keys = (("row", action.row), ("perm_id", action.perm_id), ("order_id", action.order_id))
    told = ", ".join(f"{name} {value}" for name, value in keys if value is not None)
    return f"{action.kind} order {action.symbol or ''} ({told})"


def book_changes(
    actions: Iterable[Action], held: Mapping[str, Mapping[str, str]], now: Mapping[str, Mapping[int, Image]]
) -> Iterator[str]:
    """
    The rows that are no longer what the plan rests on.

    Args:
        actions: the plan's, each with the row as it was.
        held: per entity, the hash of every row that the plan rests on without changing it, by id.
        now: per entity, those rows as the book holds them, by id; one that is gone is missing.
    """
    for action in actions:
        if action.row is None or action.before is None:
            continue
        found = now[action.entity].get(action.row)
        if found != action.before:
            yield f"{action.entity} row {action.row}: " + _fields(action.before, found, gone="gone from the book")
    for entity, hashes in held.items():
        for row, before in hashes.items():
            image = now[entity].get(int(row))
            if image is None:
                yield f"{entity} row {row}: gone from the book"
            elif digest(dict(image)) != before:
                yield f"{entity} row {row}: changed, and the plan rests on it without changing it"


def broker_changes(gone: Iterable[Action], fresh: Iterable[Action]) -> Iterator[str]:
    """The actions that no longer follow from what the broker says, each with what would follow now, if anything."""
    again: dict[tuple[object, ...], Action] = {}
    for action in fresh:
        again.setdefault(_target(action), action)
    for action in gone:
        name = title(action)
        now = again.get(_target(action))
        if now is None:
            yield f"{name}: no longer follows from what the broker says"
        elif now.kind != action.kind:
            yield f"{name}: would now be {now.kind}"
        else:
            yield f"{name}: would now be {_fields(action.after, now.after, gone='without values')}"


def coverage_changes(staged: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """The parts of the broker's answer that are complete both times and speak for another day than at staging."""
    for name, part in now.items():
        before = staged.get(name)
        if before is None or not (before["complete"] and part["complete"]):
            continue
        if before["covers_from"] != part["covers_from"]:
            yield f"{name}: covered the time from {before['covers_from']}, now from {part['covers_from']}"


def as_table(lines: Iterable[str]) -> str:
    """The lines, indented under a message; the first twenty of them, and how many more there are."""
    told = list(lines)
    shown = told[:_LINES_MAX]
    more = [f"... and {len(told) - len(shown)} more"] if len(told) > len(shown) else []
    return "".join(f"\n  {line}" for line in [*shown, *more])


def _target(action: Action) -> tuple[object, ...]:
    """What the action is about, whatever it would make of it."""
    if action.row is not None:
        return action.entity, action.row
    return action.entity, action.account, action.exec_id or action.perm_id or (action.client_id, action.order_id)


def _fields(before: Image | None, now: Image | None, *, gone: str) -> str:
    if now is None or before is None:
        return gone
    return ", ".join(
        f"{name} {before.get(name)} -> {value}" for name, value in now.items() if before.get(name) != value
    )
