"""`tieout resolve`: the operator's choice in an ambiguous match, with who and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tieout.cli.surroundings import LockTimeout, desk_of
from tieout.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tieout.cli.console import Console
    from tieout.staging.resolve import Match

Line = tuple[str, str | None]
"""A line of text and its style."""

_WIDTH = 16
_SHOWN_MAX = 40
"""Candidates that are put side by side."""


def register(app: typer.Typer, *, epilog: str) -> None:
    """Add the command."""
    app.command("resolve", epilog=epilog)(resolve)


def resolve(
    ctx: typer.Context,
    match: Annotated[
        str, typer.Argument(help="The match's id, or its first 6 digits or more; `tieout show` lists it.")
    ],
    pair: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--pair",
            metavar="LEFT RIGHT",
            help="They are the same: the broker's perm_id (exec_id) and the book's row; or #N by position.",
        ),
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="None of them is any of the other side's.")] = False,
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides.")] = "",
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")] = "",
    lock_timeout: LockTimeout = 0.0,
) -> int:
    """
    Decide an ambiguous match: shows the candidates side by side, and keeps the choice for the next stage.

    Nothing in the book changes. The choice holds while both records are, field by field, what is shown here. Without
    --pair or --none it only shows them, and answers 2.
    """
    from tieout import locks
    from tieout.staging import resolve as resolving

    console: Console = ctx.obj
    with desk_of(console, sim=None) as desk:
        found = resolving.find_match(desk.workspace.ambiguous_file, match)
        for text, style in match_lines(found):
            console.say(text, style=style)
        if (pair is None) == (not none):
            wrong = "both --pair and --none were given" if none else "neither --pair nor --none was given"
            raise UsageError(f"{wrong}; nothing was decided", hint=_hint(found))
        chosen = None if pair is None else resolving.pair_of(found, *pair)
        with locks.hold(desk.workspace.reconcile_lock, what="resolve", now_ns=desk.now(), wait_s=lock_timeout):
            done = resolving.resolve(desk, found, chosen, by=by, reason=reason)
    console.say("")
    told = "the two are one" if pair else "no record is any of the other side's"
    console.say(f"kept: {told}, says {done.resolution.by}: {done.resolution.reason}", style="ok")
    if done.replaced:
        console.say(f"{done.replaced} earlier choice(s) about these records gave way")
    console.say("nothing was changed in the book; next: tieout stage")
    console.result({**done.resolution.to_json(), "replaced": done.replaced})
    return 0


def match_lines(match: Match) -> Iterator[Line]:
    """The match, each candidate as two columns: `=` agrees, `!` differs, `.` is not known on a side."""
    yield f"{match.entity} match {match.match_id}: {match.why}", "head"
    paired: set[tuple[str, int]] = set()
    for number, one in enumerate(match.candidates, 1):
        left, right = one["broker"], one["book"]
        paired |= {("broker", left), ("book", right)}
        if number <= _SHOWN_MAX:
            yield "", None
            yield f"candidate {number} of {match.possible:,}: broker #{left}, book #{right}", "head"
            yield from _side_by_side(match.broker[left], match.book[right], one["differs"])
    if match.possible > _SHOWN_MAX:
        yield f"... of {match.possible:,}; {len(match.candidates):,} are in logs/ambiguous_matches.json", "dim"
    if match.possible > len(match.candidates):
        return
    for side, records in (("broker", match.broker), ("book", match.book)):
        for position, record in enumerate(records):
            if (side, position) not in paired:
                told = ", ".join(f"{name} {value}" for name, value in record.items() if value is not None)
                yield f"without a candidate: {side} #{position}: {told}", None


def _side_by_side(broker: Mapping[str, Any], book: Mapping[str, Any], differs: Mapping[str, Any]) -> Iterator[Line]:
    names = [name for name in {**book, **broker} if broker.get(name) is not None or book.get(name) is not None]
    width = max([_WIDTH, *(len(_shown(broker.get(name))) for name in names)])
    yield f"      {'':{_WIDTH}} {'broker':{width}} book", "dim"
    for name in names:
        left, right = broker.get(name), book.get(name)
        mark = "." if left is None or right is None else "!" if name in differs else "="
        line = f"    {mark} {name:{_WIDTH}} {_shown(left):{width}} {_shown(right)}"
        yield line, {"!": "!", ".": "dim"}.get(mark)


def _shown(value: object) -> str:
    return "(unknown)" if value is None else str(value)


def _hint(match: Match) -> str:
    who = "--by NAME --reason TEXT"
    none = f"tieout resolve {match.match_id} --none {who}"
    if not match.candidates:
        return none
    first = match.candidates[0]
    key = "exec_id" if match.entity == "execution" else "perm_id"
    left = match.broker[first["broker"]].get(key)
    left = f"'#{first['broker']}'" if left is None else left
    return f"tieout resolve {match.match_id} --pair {left} {match.book[first['book']]['row']} {who}, or {none}"
