"""
Which of a plan's actions happen: all of them, or those that the operator named, with what they need.

1. An execution needs its order: naming one adds the insert of its order, leaving that out drops the execution.
2. A correction and the row it supersedes go together: without the one, the other would count a fill twice or not
   at all.
3. What was left out has to be staged again: a plan runs once, however little of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from tieout.canonical import digest
from tieout.errors import UsageError
from tieout.reconcile.plan import predicted_fingerprint
from tieout.staging.changes import title

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tieout.reconcile.actions import Action
    from tieout.staging.planfile import StagedFile

PREFIX_DIGITS: Final = 6
"""The fewest digits of an action's or a match's id that name it."""
_SHOW: Final = "`tieout show --full` prints the ids; nothing was changed"


@dataclass(frozen=True, slots=True)
class Wish:
    """
    What the operator named on the command line; nothing named is all of the plan.

    `only` and `exclude` are action ids or prefixes of them, `approve` those of position recommendations.
    """

    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    approve: tuple[str, ...] = ()


ALL: Final = Wish()


@dataclass(frozen=True, slots=True)
class Chosen:
    """
    The actions that happen, in file order, those that are left out, and what the operator should read about it.

    `subset` is the SHA-256 of the chosen ids in sorted order, None where all of the plan was chosen.
    """

    actions: tuple[Action, ...]
    left_out: tuple[Action, ...]
    notes: tuple[str, ...]
    predicted_fingerprint: str
    subset: str | None
    approved: tuple[Mapping[str, Any], ...] = ()
    """The approved entries of `spy_futures_actions`: their orders are for the gate."""


def choose(file: StagedFile, wish: Wish) -> Chosen:
    """
    The actions of the plan that the operator's words come to.

    Raises:
        UsageError: an id names no action of the plan, or several; a position that asks for nothing; nothing is left.
    """
    approved = _approved(file, wish.approve)
    known = {action.action_id: action for action in file.actions}
    wanted = {_named(file, one) for one in wish.only} or set(known)
    unwanted = {_named(file, one) for one in wish.exclude}
    notes: list[str] = []
    needs = _needs(file.actions)
    chosen = _with_what_they_need(wanted - unwanted, needs, unwanted, known=known, notes=notes)
    if not chosen and known and not approved:
        raise UsageError("no action of the plan is left to execute", hint=_SHOW)
    actions = tuple(action for action in file.actions if action.action_id in chosen)
    left_out = tuple(action for action in file.actions if action.action_id not in chosen)
    return Chosen(
        actions=actions,
        left_out=left_out,
        notes=tuple(notes),
        predicted_fingerprint=predicted_fingerprint(actions) if left_out else file.content["predicted_fingerprint"],
        subset=digest([*sorted(chosen)]) if left_out else None,
        approved=approved,
    )


def only_approved(chosen: Chosen) -> Chosen:
    """The same without the book's actions: under DRY_RUN an approval is tried out, the book is not changed."""
    if not chosen.actions:
        return chosen
    told = f"DRY_RUN is true: the {len(chosen.actions)} action(s) of the plan were not executed"
    return Chosen((), (*chosen.actions, *chosen.left_out), (told,), predicted_fingerprint(()), None, chosen.approved)


def named_by(prefix: str, ids: Iterable[str], *, what: str, hint: str) -> str:
    """
    The one id that begins so.

    Raises:
        UsageError: fewer than `PREFIX_DIGITS` digits, no such id (the nearest is named), or several.
    """
    known = list(dict.fromkeys(ids))
    found = [one for one in known if one.startswith(prefix)] if len(prefix) >= PREFIX_DIGITS else []
    if len(found) == 1:
        return found[0]
    if len(prefix) < PREFIX_DIGITS:
        raise UsageError(f"{prefix!r} is too short for {what}; expected at least {PREFIX_DIGITS} digits", hint=hint)
    if found:
        raise UsageError(f"{prefix} is the beginning of {len(found)} ids: {', '.join(found[:5])}", hint=hint)
    near = get_close_matches(prefix, known, n=1, cutoff=0.0)
    raise UsageError(f"there is no {what} {prefix}" + (f"; the nearest is {near[0]}" if near else ""), hint=hint)


def _named(file: StagedFile, prefix: str) -> str:
    if prefix and any(str(entry["action_id"]).startswith(prefix) for entry in _positions(file)):
        raise UsageError(f"{prefix} is a position, told and not changed; it cannot be chosen here", hint=_SHOW)
    matches = file.content["plan"]["ambiguous_matches"]
    if prefix and any(str(entry["match_id"]).startswith(prefix) for entry in matches):
        raise UsageError(
            f"{prefix} is an ambiguous match, not an action",
            hint=f"settle it with `tieout resolve {prefix} ...`, then stage again; nothing was changed",
        )
    return named_by(prefix, (action.action_id for action in file.actions), what="action", hint=_SHOW)


def _approved(file: StagedFile, approve: Iterable[str]) -> tuple[Mapping[str, Any], ...]:
    """
    The entries that were approved, each once.

    Raises:
        UsageError: there is no such entry, or it recommends nothing.
    """
    entries = {str(entry["action_id"]): entry for entry in _positions(file)}
    found: dict[str, Mapping[str, Any]] = {}
    for one in approve:
        entry = entries[named_by(one, entries, what="position recommendation", hint=_SHOW)]
        told = f"{entry['symbol']} {entry['quantity']}"
        if entry["kind"] == "initial_state":
            raise UsageError(
                f"{one} ({told}) is initial_state: seen at the start and told, it recommends nothing to approve",
                hint="leave --approve out; nothing was changed",
            )
        found[str(entry["action_id"])] = entry
    return tuple(found.values())


def _positions(file: StagedFile) -> list[Mapping[str, Any]]:
    entries: list[Mapping[str, Any]] = file.content["plan"]["spy_futures_actions"]
    return entries


def _needs(actions: tuple[Action, ...]) -> dict[str, set[str]]:
    """Which actions each one needs beside it."""
    needs = {action.action_id: set[str]() for action in actions}
    for action in actions:
        if action.order_action is not None:
            needs[action.action_id].add(action.order_action)
    for left, right in _corrections(actions):
        needs[left].add(right)
        needs[right].add(left)
    return needs


def _corrections(actions: tuple[Action, ...]) -> Iterator[tuple[str, str]]:
    """Pairs of an inserted correction and the update that takes the superseded row out of the count."""
    fills = [action for action in actions if action.entity == "execution" and action.exec_id]
    ended = [a for a in fills if a.kind == "update" and a.changes.get("active") == [True, False]]
    inserted: dict[tuple[str, str], list[str]] = {}
    for action in fills if ended else ():
        if action.kind == "insert" and action.after is not None and action.after["active"]:
            inserted.setdefault((action.account, _base(action)), []).append(action.action_id)
    for action in ended:
        for one in inserted.get((action.account, _base(action)), ()):
            yield one, action.action_id


def _base(action: Action) -> str:
    return str(action.exec_id).rpartition(".")[0] or str(action.exec_id)


def _with_what_they_need(
    wanted: set[str],
    needs: Mapping[str, set[str]],
    unwanted: set[str],
    *,
    known: Mapping[str, Action],
    notes: list[str],
) -> set[str]:
    """The wanted actions closed over what they need; those that need an unwanted one are dropped, and it is told."""
    chosen = set(wanted)
    closure = {one: _closure(one, needs) for one in sorted(wanted)}
    for one in sorted(wanted):
        blocked = sorted(closure[one] & unwanted)
        if blocked:
            chosen.discard(one)
            notes.append(f"left out as well: {title(known[one])}: it needs {title(known[blocked[0]])}")
    for one in sorted(chosen):
        for other in sorted(closure[one] - chosen):
            chosen.add(other)
            notes.append(f"added: {title(known[other])}: {title(known[one])} needs it")
    return chosen


def _closure(one: str, needs: Mapping[str, set[str]]) -> set[str]:
    found, waiting = {one}, [one]
    while waiting:
        more = needs.get(waiting.pop(), set()) - found
        found |= more
        waiting.extend(more)
    return found
