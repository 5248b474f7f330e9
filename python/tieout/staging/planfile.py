"""
`staged_actions.json`: the plan as a file, and the way back from bytes to actions.

The guide's keys first (`generated_at`, `config`, `plan` with its five lists), then what the plan rests on. The
file never changes after it was staged; what became of the plan is in the journal.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from tieout.canonical import digest
from tieout.clock import to_iso
from tieout.errors import PlanTampered
from tieout.files import pretty_json
from tieout.reconcile.actions import LIST_OF, LISTS, Action
from tieout.reconcile.plan import Plan, predicted_fingerprint
from tieout.staging import statements

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tieout.backup import Backup
    from tieout.canonical import Json
    from tieout.model import Snapshot
    from tieout.store.reader import Identity

FORMAT: Final = "1.2"
_MAJOR: Final = FORMAT.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Bound:
    """What a plan is bound to beside its actions."""

    plan_id: str
    config: Mapping[str, Json]
    identity: Identity
    snapshot: Snapshot
    backup: Backup
    generated_ns: int
    expires_ns: int
    simulated: bool


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A plan's file as it was read once: its bytes' SHA-256, its content, its actions in file order."""

    sha256: str
    content: dict[str, Any]
    actions: tuple[Action, ...]

    @property
    def plan_id(self) -> str:
        """The plan id that the file claims."""
        return str(self.content["plan_id"])


def render(plan: Plan, bound: Bound) -> bytes:
    """The file's bytes."""
    lists: dict[str, list[Json]] = {name: [] for name in LISTS}
    for action in plan.actions:
        lists[LIST_OF[action.kind]].append(action.to_json())
    lists["ambiguous_matches"] = [one.to_json() for one in plan.undecided]
    lists["spy_futures_actions"] = [one.to_json() for one in plan.positions]
    snapshot, gateway = bound.snapshot, bound.snapshot.gateway
    content: dict[str, Any] = {
        "generated_at": to_iso(bound.generated_ns),
        "config": dict(bound.config),
        "plan": lists,
        "format_version": FORMAT,
        "plan_id": bound.plan_id,
        "config_sha256": digest(dict(bound.config)),
        "simulated": bound.simulated,
        "summary": plan.summary(),
        "notes": list(plan.notes),
        "findings": [one.to_json() for one in plan.findings],
        "resolutions": [one.to_json() for one in plan.resolutions],
        "expires_at": to_iso(bound.expires_ns),
        "account": gateway.account,
        "mode": "paper" if gateway.paper else "live",
        "gateway": {
            "host": gateway.host,
            "port": gateway.port,
            "client_id": gateway.client_id,
            "client": gateway.client,
            "server_version": gateway.server_version,
        },
        "db": {
            "lineage": bound.identity.lineage,
            "restore_epoch": bound.identity.restore_epoch,
            "schema": bound.identity.schema,
            "schema_sha256": bound.identity.schema_sha256,
            "rows": {name: list(ids) for name, ids in plan.rows.items()},
            "fingerprint": plan.fingerprint,
            "held": {entity: {str(row): sha for row, sha in rows.items()} for entity, rows in plan.held.items()},
        },
        "broker": {
            "as_of": to_iso(snapshot.taken_at_ns),
            "server_time": to_iso(snapshot.server_time_ns),
            "complete": snapshot.complete,
            "read_twice": snapshot.read_twice,
            "parts": parts_of(snapshot),
            "flex": statements.told(snapshot),
            "snapshot_sha256": snapshot_sha256(snapshot),
        },
        "backup": {"id": bound.backup.id, "sha256": bound.backup.sha256},
        "predicted_fingerprint": predicted_fingerprint(plan.actions),
    }
    return pretty_json(content)


def parts_of(snapshot: Snapshot) -> dict[str, dict[str, Json]]:
    """Each part of the broker's answer: how complete, when, and from when on it speaks."""
    return {
        name: {
            "complete": part.complete,
            "why": part.why,
            "rows": part.rows,
            "asked_at": to_iso(part.asked_at_ns),
            "answered_at": None if part.answered_at_ns is None else to_iso(part.answered_at_ns),
            "covers_from": None if part.covers_from_ns is None else to_iso(part.covers_from_ns),
            "covers_to": None if name == "flex" else to_iso(part.asked_at_ns),
            "ended": part.ended,
            "server_time": None if part.server_time_ns is None else to_iso(part.server_time_ns),
            "said": list(part.said),
            "reads": part.reads,
        }
        for name, part in snapshot.parts.items()
    }


def snapshot_sha256(snapshot: Snapshot) -> str:
    """SHA-256 over every row of every part, whatever their order: what the broker said, not when."""
    total = hashlib.sha256()
    frames = (snapshot.open_orders, snapshot.completed_orders, snapshot.executions, snapshot.positions)
    for statement in snapshot.statements:
        total.update(statement.statement_id.encode())
    for frame in frames:
        total.update(json.dumps(frame.columns).encode())
        for row in sorted(frame.write_ndjson().splitlines()):
            total.update(f"{row}\n".encode())
    return total.hexdigest()


def parse(data: bytes) -> StagedFile:
    """
    The plan in those bytes.

    Raises:
        PlanTampered: not JSON, a key twice, of another format, or not what the schema says.
    """
    try:
        content = json.loads(data, object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise PlanTampered(f"the staged plan is not JSON as tieout writes it: {error}", hint=_RESTAGE) from error
    version = content.get("format_version") if isinstance(content, dict) else None
    if not isinstance(version, str) or version.partition(".")[0] != _MAJOR:
        raise PlanTampered(
            f"the staged plan's format_version is {version!r}, this tieout reads {_MAJOR}.x", hint=_RESTAGE
        )
    problem = _first_problem(content)
    if problem:
        raise PlanTampered(f"the staged plan is not what its schema says: {problem}", hint=_RESTAGE)
    lists = content["plan"]
    actions = tuple(_action(entry) for name in ("to_insert", "to_update", "to_delete") for entry in lists[name])
    return StagedFile(sha256=hashlib.sha256(data).hexdigest(), content=content, actions=actions)


_RESTAGE: Final = "it is not what was staged: run `tieout stage` and review the new plan; nothing was changed"


@cache
def schema() -> dict[str, Any]:
    """The plan's JSON Schema (2020-12), as shipped."""
    text = resources.files("tieout.staging").joinpath("plan.schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _first_problem(content: object) -> str | None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    error = best_match(Draft202012Validator(schema()).iter_errors(content))
    return None if error is None else f"{error.json_path}: {error.message[:200]}"


def _action(entry: Mapping[str, Any]) -> Action:
    depends = entry["depends_on"]
    return Action(
        entity=entry["entity"],
        kind=entry["kind"],
        account=entry["account"],
        symbol=entry["symbol"],
        reason=entry["reason"],
        evidence=tuple(entry["evidence"]),
        perm_id=entry["perm_id"],
        client_id=entry["client_id"],
        order_id=entry["order_id"],
        exec_id=entry["exec_id"],
        row=entry["row"],
        order_row=entry["order_row"],
        order_action=depends[0] if depends else None,
        tier=entry["match_tier"],
        before=entry["before"],
        after=entry["after"],
    )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is not a JSON number")
