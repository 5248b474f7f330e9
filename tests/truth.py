"""Holds a staged plan against the truth that the simulated gateway wrote, list by list, and nothing else."""

from __future__ import annotations

from typing import Any


def assert_plan_is_truth(plan: dict[str, Any], truth: dict[str, Any]) -> None:
    """Every entry of the truth is in the plan, with the same values, and the plan holds nothing more."""
    for name, told in (("to_update", _update), ("to_insert", _insert), ("to_delete", _delete)):
        assert sorted(map(told, plan[name])) == sorted(map(told, truth[name])), name
    assert sorted(map(_plan_match, plan["ambiguous_matches"])) == sorted(map(_true_match, truth["ambiguous_matches"]))
    assert plan["spy_futures_actions"] == truth["spy_futures_actions"]


def _update(entry: dict[str, Any]) -> tuple[str, ...]:
    changes = {field: value[1] if isinstance(value, list) else value for field, value in entry["changes"].items()}
    return entry["entity"], entry["account"], _text(entry["perm_id"]), repr(sorted(changes.items()))


def _insert(entry: dict[str, Any]) -> tuple[str, ...]:
    order = ("symbol", "side", "order_type", "limit_price", "stop_price", "tif", "status", "filled_quantity")
    execution = ("side", "quantity", "price", "commission")
    fields = order if entry["entity"] == "order" else execution
    values = {field: entry["after"][field] for field in fields}
    if entry["entity"] == "order" and entry["after"].get("quantity") is not None:
        values["quantity"] = entry["after"]["quantity"]
    named = _text(entry.get("exec_id"))
    return entry["entity"], entry["account"], _text(entry["perm_id"]), named, repr(sorted(values.items()))


def _delete(entry: dict[str, Any]) -> tuple[str, ...]:
    return entry["entity"], entry["account"], *(_text(entry[key]) for key in ("perm_id", "client_id", "order_id"))


def _plan_match(entry: dict[str, Any]) -> tuple[str, ...]:
    (book,) = entry["book"]
    return _match(book, entry["broker"])


def _true_match(entry: dict[str, Any]) -> tuple[str, ...]:
    return _match(entry["book"], entry["broker"])


def _match(book: dict[str, Any], broker: list[dict[str, Any]]) -> tuple[str, ...]:
    ours = tuple(_text(book[key]) for key in ("perm_id", "client_id", "order_id"))
    return (*ours, *sorted(_text(record["perm_id"]) for record in broker))


def _text(value: object) -> str:
    return "" if value is None else str(value)
