"""`tieout intents list / settle`: what was meant to be sent, and what the broker proves of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tieout.cli.surroundings import LockTimeout, SimOption, desk_of, workspace_of

if TYPE_CHECKING:
    from tieout.cli.console import Console
    from tieout.config import Workspace
    from tieout.store.intent import Intent

FILE = "intents.db"


def register(app: typer.Typer, *, epilog: str) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="Intents: orders that were to be sent, and what became of each.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("list", epilog=epilog)(list_intents)
    group.command("settle", epilog=epilog)(settle)
    app.add_typer(group, name="intents")


def list_intents(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
) -> int:
    """List the intents that have not ended: the order, its state, and the broker's last word."""
    console: Console = ctx.obj
    found = intents_of(workspace_of(console), everything=everything)
    for intent in found:
        console.say(_line(intent), style="!" if intent.state == "UNKNOWN" else None)
    if not found:
        console.say("no intents" if everything else "no intent is open")
    console.result({"intents": [_as_json(intent) for intent in found]})
    return 0


def settle(ctx: typer.Context, sim: SimOption = None, lock_timeout: LockTimeout = 0.0) -> int:
    """
    Read the broker once and settle what that proves; nothing is ever sent.

    An order that is there is settled at once. One that is not there needs two complete answers at least 30 s apart: run
    it again. Exit: 0 no fate is unknown, 16 the answer has holes, 17 one is still unknown.
    """
    from tieout import locks
    from tieout.errors import EXIT_INCOMPLETE, EXIT_OK, EXIT_UNKNOWN
    from tieout.gate.settling import settle_all
    from tieout.store.intent import Owner
    from tieout.store.intents import IntentStore

    console: Console = ctx.obj
    with desk_of(console, sim=sim) as desk:
        lock = desk.workspace.reconcile_lock
        with locks.hold(lock, what="intents settle", now_ns=desk.now(), wait_s=lock_timeout), desk.broker() as broker:
            snapshot = broker.snapshot()
        gateway = snapshot.gateway
        realm = "broker" if desk.simulated is None else "sim"
        owner = Owner(realm=realm, account=gateway.account, client_id=gateway.client_id)  # type: ignore[arg-type]
        with IntentStore(desk.workspace.data_dir / FILE) as store:
            before = {one.row for one in store.open_ones(owner) if one.state == "UNKNOWN"}
            left = settle_all(desk, store, owner, snapshot=snapshot)
            settled = [one for one in store.listed(everything=True) if one.row in before - {one.row for one in left}]
    for intent in settled:
        console.say(f"settled: {_line(intent)}", style="ok")
    for intent in left:
        console.say(f"still unknown: {_line(intent)}", style="!")
    if left:
        console.say("look for the order_ref in TWS; run this again in 30 s or more")
    for part in snapshot.missing():
        console.say(f"{part.name} is incomplete: {part.why}", style="!")
    told = {"settled": [_as_json(one) for one in settled], "unknown": [_as_json(one) for one in left]}
    console.result({**told, "complete": snapshot.complete})
    if not left:
        return EXIT_OK
    return EXIT_UNKNOWN if snapshot.complete else EXIT_INCOMPLETE


def intents_of(workspace: Workspace, *, everything: bool) -> list[Intent]:
    """The workspace's intents, oldest first; none where no order was ever sent through the gate."""
    from tieout.store.intents import IntentStore

    path = workspace.data_dir / FILE
    if not path.is_file():
        return []
    with IntentStore(path) as store:
        return store.listed(everything=everything)


def _line(intent: Intent) -> str:
    order, contract = intent.order, intent.contract
    what = f"{order['side']} {order['quantity']} {contract.get('symbol') or contract.get('con_id')}"
    price = "".join(f" {name} {order[key]}" for name, key in (("at", "limit_price"), ("stop", "stop_price"))
                    if key in order)  # fmt: skip
    told = f", {intent.status}" if intent.status else ""
    why = f" ({intent.note})" if intent.note else ""
    realm = "" if intent.owner.realm == "broker" else f" [{intent.owner.realm}]"
    return f"{intent.state}{told}: {intent.kind} {intent.intent_id}{realm}: {what} {order['order_type']}{price}, " \
           f"order {intent.order_id}, order_ref {intent.order_ref}{why}"  # fmt: skip


def _as_json(intent: Intent) -> dict[str, Any]:
    from tieout.clock import to_iso

    owner = intent.owner
    return {
        "intent_id": intent.intent_id,
        "state": intent.state,
        "status": intent.status,
        "kind": intent.kind,
        "realm": owner.realm,
        "account": owner.account,
        "client_id": owner.client_id,
        "order_id": intent.order_id,
        "perm_id": intent.perm_id,
        "order_ref": intent.order_ref,
        "strategy": intent.strategy,
        "contract": intent.contract,
        "order": intent.order,
        "reserved_at": to_iso(intent.reserved_ns),
        "note": intent.note,
    }
