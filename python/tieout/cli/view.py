"""A plan as a person reads a change, and what happens next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tieout.clock import NS_PER_S, from_iso, to_iso

if TYPE_CHECKING:
    from tieout.reconcile.actions import Action
    from tieout.staging.desk import Desk
    from tieout.staging.stage import Staged
    from tieout.store.state import StagedPlan

Line = tuple[str, str | None]
"""A line of text and its style."""

_MARK = {"insert": "+", "update": "~", "soft_delete": "-", "hard_delete": "-"}
_SHOWN_MAX = 40
_FINDINGS_SHOWN = 10


def summary_line(summary: Mapping[str, int], actions: Iterable[Action]) -> str:
    """N add, N change, N delete, N review; hard deletes are named as such."""
    kinds = Counter(action.kind for action in actions)
    return _summary(summary, hard=kinds["hard_delete"])


def next_step(desk: Desk, staged: Staged) -> Iterator[str]:
    """What the operator does next, given flags, latch and plan."""
    if staged.outdated is not None:
        yield f"the plan that waits ({staged.outdated[:12]}) is outdated: run `tieout stage` to replace it"
    if not staged.snapshot.complete:
        for part in staged.snapshot.missing():
            yield f"incomplete: {part.name}: {part.why}"
        yield "nothing is concluded from absence; stage again when the gateway answers in full"
    if staged.plan.undecided:
        yield f"review {desk.workspace.ambiguous_file}: while a match is ambiguous, nothing executes"
    if not staged.plan.waits:
        return
    yield "nothing was changed. Review it: tieout show"
    yield from _confirm_hint(desk, staged.plan_id, ambiguous=bool(staged.plan.undecided))


def _confirm_hint(desk: Desk, plan_id: str, *, ambiguous: bool) -> Iterator[str]:
    why = desk.permissions().reasons.get("confirm")
    sim = " --sim" if desk.simulated else ""
    if why:
        yield f"it cannot be executed now: {why}"
    elif not ambiguous:
        yield f"execute it: tieout confirm {plan_id[:12]}{sim}"


def plan_lines(content: Mapping[str, Any], journal: StagedPlan | None, *, now_ns: int, full: bool) -> Iterator[Line]:
    """The staged file as a change list: added, changed, deleted, undecided, held."""
    plan = content["plan"]
    yield from _header(content, journal, now_ns)
    for title, entries in (
        ("added", plan["to_insert"]),
        ("changed", plan["to_update"]),
        ("deleted", plan["to_delete"]),
    ):
        if entries:
            yield "", None
            yield f"{title}:", "head"
        shown = entries if full else entries[:_SHOWN_MAX]
        for entry in shown:
            yield from action_lines(entry, full=full)
        if len(shown) < len(entries):
            yield f"  ... and {len(entries) - len(shown)} more (tieout show --full)", "dim"
    if plan["ambiguous_matches"]:
        yield "", None
        yield "cannot be decided (nothing executes while one is here):", "head"
    for entry in plan["ambiguous_matches"]:
        yield from _undecided(entry)
    if plan["spy_futures_actions"]:
        yield "", None
        yield "positions held (told, not changed):", "head"
    for entry in plan["spy_futures_actions"]:
        yield from position_lines(entry, full=full)
    yield from finding_lines(content.get("findings", []), full=full)
    for note in content["notes"]:
        yield f"note: {note}", "dim"
    yield "", None
    hard = sum(entry["kind"] == "hard_delete" for entry in plan["to_delete"])
    yield _summary(content["summary"], hard=hard), "head"


def position_lines(entry: Mapping[str, Any], *, full: bool) -> Iterator[Line]:
    """One position: as it was found, or what is recommended about it, by which quote, and why."""
    name = entry.get("local_symbol") or entry["symbol"]
    price = entry.get("average_price") or "unknown"
    yield f"  = {name} {entry['quantity']} at average price {price} ({entry['kind']})", None
    if entry["kind"] == "initial_state":
        if entry.get("not_recommended"):
            yield f"      nothing can be recommended: {entry['not_recommended']}", "dim"
        return
    order, quote = entry["order"], entry["quote"]
    yield f"      why: {entry['reason']}; quoted {quote['bid']} to {quote['ask']} at {quote['at']}", "dim"
    since = entry["held_since"] or f"unknown ({entry['held_since_unknown']})"
    yield f"      gain {entry['gain_pct']} %, held since {since}", "dim"
    yield f"      would send: {order['side']} {order['quantity']} {order['order_type']} {order['limit_price']}", None
    if entry["blocked"]:
        yield f"      blocked: {entry['blocked']}", "!"
    if full:
        yield f"      action {entry['action_id']}: tieout confirm PLAN --approve {entry['action_id'][:6]}", "dim"


def finding_lines(findings: Sequence[Mapping[str, Any]], *, full: bool) -> Iterator[Line]:
    """What does not add up and nothing repairs."""
    if not findings:
        return
    yield "", None
    yield "findings (nothing repairs them; look into them):", "head"
    shown = findings if full else findings[:_FINDINGS_SHOWN]
    for finding in shown:
        yield f"  ! {finding['text']}", "!"
    if len(shown) < len(findings):
        yield f"  ... and {len(findings) - len(shown)} more (tieout show --full)", "dim"


def _header(content: Mapping[str, Any], journal: StagedPlan | None, now_ns: int) -> Iterator[Line]:
    simulated = "SIMULATED " if content["simulated"] else ""
    yield (
        f"{simulated}plan {content['plan_id'][:12]} for {content['mode']} account {content['account']}",
        "head",
    )
    left_s = (from_iso(content["expires_at"]) - now_ns) // NS_PER_S
    until = f"expires in {left_s // 60} min" if left_s > 0 else "EXPIRED"
    yield f"staged {content['generated_at']}, {until}; backup {content['backup']['id']}", None
    if journal is None:
        yield "this file is not the plan that was staged last: it cannot be confirmed", "!"
    elif journal.state in {"applied", "superseded"}:
        yield f"this plan was {journal.state} already", "!"
    holes = [f"{name}: {part['why']}" for name, part in content["broker"]["parts"].items() if not part["complete"]]
    if holes:
        yield (
            f"the broker's answer is incomplete ({'; '.join(holes)}): nothing was concluded from absence",
            "!",
        )


def action_lines(entry: Mapping[str, Any], *, full: bool) -> Iterator[Line]:
    """One action of the staged file: what it does, field by field, and why; with its id and evidence if `full`."""
    mark = _MARK[entry["kind"]]
    word = {"soft_delete": " (marked orphaned_deleted)", "hard_delete": " (ROW DELETED, audit stays)"}.get(
        entry["kind"], ""
    )
    yield f"  {mark} {_name(entry)}{word}", mark
    if entry["kind"] == "update":
        for field, (before, after) in entry["changes"].items():
            yield f"      {field}: {_shown(before)} -> {_shown(after)}", None
    yield f"      why: {entry['reason']}", "dim"
    if full:
        tier = f", tier {entry['match_tier']}" if entry["match_tier"] else ""
        yield f"      action {entry['action_id']}, evidence {', '.join(entry['evidence'])}{tier}", "dim"


def _name(entry: Mapping[str, Any]) -> str:
    row = entry["after"] or entry["before"] or {}
    if entry["entity"] == "execution":
        trade = f"{row.get('side')} {row.get('quantity')} {entry['symbol']} @ {row.get('price')}"
        told = f"execution {entry['exec_id']}: {trade}"
        fee = row.get("commission")
        return told if fee is None else f"{told}, commission {fee}"
    prices = "".join(
        f" {label} {row[key]}" for key, label in (("limit_price", "@"), ("stop_price", "stop")) if row.get(key)
    )
    keys = ", ".join(f"{key} {entry[key]}" for key in ("order_id", "perm_id") if entry[key] is not None)
    state = f" {row.get('status')}" if entry["kind"] == "insert" else ""
    what = f"{row.get('side')} {row.get('quantity')} {entry['symbol']} {row.get('order_type')}"
    return f"order {what}{prices}{state} ({keys})"


def _undecided(entry: Mapping[str, Any]) -> Iterator[Line]:
    yield f"  ? {entry['entity']} match {entry['match_id']}: {entry['why']}", "?"
    for side in ("book", "broker"):
        for record in entry[side][:_SHOWN_MAX]:
            told = ", ".join(f"{key} {value}" for key, value in record.items() if value is not None)
            yield f"      {side}: {told}", None
        if len(entry[side]) > _SHOWN_MAX:
            yield f"      ... and {len(entry[side]) - _SHOWN_MAX:,} more of the {side}", "dim"
    if (possible := entry.get("possible", 0)) > len(entry["candidates"]):
        yield (
            f"      {possible:,} pairs are possible, {len(entry['candidates']):,} are listed in the files: "
            "look for what sent so many alike",
            "dim",
        )


def _summary(summary: Mapping[str, int], *, hard: int) -> str:
    deletes = f"{summary['to_delete']} delete" + (f" ({hard} for good)" if hard else "")
    return (
        f"{summary['to_insert']} add, {summary['to_update']} change, {deletes}, {summary['ambiguous_matches']} review"
    )


def _shown(value: object) -> str:
    return "(unknown)" if value is None else str(value)


def age(ns: int, now_ns: int) -> str:
    """How long ago, in the largest unit that says it: 3 min, 2 h, 5 d."""
    seconds = max(0, (now_ns - ns) // NS_PER_S)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago ({to_iso(ns)})"
    return f"{seconds} s ago ({to_iso(ns)})"
