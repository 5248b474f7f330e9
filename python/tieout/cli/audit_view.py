"""An audit row as a person reads it: when, what, before -> after, why, who, plan, backup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tieout.store.audit_read import image

if TYPE_CHECKING:
    from tieout.store.audit import Row

_STYLES: Final = {
    "insert": "+",
    "update": "~",
    "soft_delete": "-",
    "hard_delete": "-",
    "restored": "!",
    "accepted": "!",
}
_QUIET: Final = frozenset({"updated_at", "created_at", "id"})
"""Columns that say nothing about what was meant."""
_TELLING: Final = ("symbol", "side", "quantity", "order_type", "limit_price", "stop_price", "price", "status")
_WIDTH_MAX: Final = 60


def row_lines(row: Row) -> list[tuple[str, str | None]]:
    """The lines of one row, each with its style."""
    before, after = image(row["before"]), image(row["after"])
    which = f"{row['entity']} {row['row']}" if row["row"] is not None else row["entity"]
    named = _names(after or before)
    head = f"#{row['position']} {row['at']} {row['kind']} {which}{f' ({named})' if named else ''} by {row['approver']}"
    lines: list[tuple[str, str | None]] = [(head, _STYLES.get(row["kind"], "head"))]
    lines += [(f"    {text}", None) for text in _changes(before, after)]
    if row["reason"]:
        lines.append((f"    why: {row['reason']}", None))
    rests = [f"plan {row['plan_id'][:12]}"] if row["plan_id"] else []
    rests += [f"action {row['action_id'][:12]}"] if row["action_id"] else []
    rests += [f"backup {row['backup_id']}"] if row["backup_id"] else []
    if rests:
        lines.append((f"    {', '.join(rests)}", "dim"))
    return lines


def row_as_json(row: Row) -> dict[str, object]:
    """The row with `before` and `after` as objects, null where there was or is none."""
    sides = {side: None if row[side] is None else image(row[side]) for side in ("before", "after")}
    return {**row, **sides}


def _names(values: dict[str, object]) -> str:
    keys = (("perm_id", "perm"), ("order_id", "order"), ("exec_id", "exec"))
    told = [f"{word} {values[key]}" for key, word in keys if values.get(key) is not None]
    return ", ".join([*([str(values["symbol"])] if values.get("symbol") else []), *told])


def _changes(before: dict[str, object], after: dict[str, object]) -> list[str]:
    if before and after:
        names = [name for name in {**before, **after} if name not in _QUIET and before.get(name) != after.get(name)]
        return [f"{name}: {_shown(before.get(name))} -> {_shown(after.get(name))}" for name in names]
    values = after or before
    telling = [name for name in _TELLING if values.get(name) is not None]
    names = telling or [name for name in values if name not in _QUIET]
    text = ", ".join(f"{name} {_shown(values[name])}" for name in names)
    return [text] if text else []


def _shown(value: object) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= _WIDTH_MAX else text[: _WIDTH_MAX - 3] + "..."
